"""Every row of the benchmark with tiny sizes: what came back is what was asked for. No times."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.bench import compare
from tests.bench.house import TINY
from tests.bench.letters import letter, wanted
from tests.bench.measuring import Record, Row, Sample, in_parallel, measured
from tests.bench.servers import Dovecot, Mailaccess, Running
from tests.bench.speaking import Refused, Wrong


def unanswered(record: Record, peer: str) -> dict[str, str]:
    return {row.name: row.reason(peer) for row in record.rows.values() if row.median(peer) is None}


def test_no_row_goes_unanswered(tmp_path: Path) -> None:
    record = compare.run([Mailaccess()], TINY, list(compare.ROWS), 1, tmp_path, lambda line: None)
    assert unanswered(record, "mailaccess") == {}
    assert len(record.rows) >= 38
    log = (tmp_path / "mailaccess" / "log").read_text()
    assert "error" not in log and "reference=" not in log, log


@pytest.mark.dovecot
@pytest.mark.skipif(not Dovecot.installed(), reason="install it with: apt install dovecot-imapd")
def test_dovecot_is_measured_beside_it() -> None:
    rows = ["login", "select", "envelope", "search", "append", "lmtp", "pop3"]
    with tempfile.TemporaryDirectory(prefix="mailaccess-") as folder:
        Path(folder).chmod(0o755)  # Dovecot's users go through it
        record = compare.run([Mailaccess(), Dovecot()], TINY, rows, 1, Path(folder), lambda line: None)
    assert unanswered(record, "dovecot") == {}
    table = compare.table(record, ["mailaccess", "dovecot"])
    assert "mailaccess : dovecot" in table and "n/a" not in table


def test_a_server_that_runs_is_described_by_its_ports(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("u1@naver.com:secret\nu2@naver.com:more:of it\n")
    peer = Running(f"127.0.0.1:1143:-:1024,users={tmp_path}/users,pid=7,imaps=1993,name=ours")
    assert (peer.imap, peer.pop3, peer.lmtp) == (("127.0.0.1", 1143), None, ("127.0.0.1", 1024))
    assert (peer.imaps, peer.pid, peer.name) == (("127.0.0.1", 1993), 7, "ours")
    assert peer.users[1].password == "more:of it"


def test_nothing_but_loopback_is_measured(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only loopback"):
        Running(f"192.0.2.1:143:110:24,users={tmp_path}/users")


def test_a_wrong_answer_makes_the_row_missing_and_not_fast() -> None:
    record = Record()
    for error in (Wrong("3 instead of 4"), Refused("NO such thing"), ConnectionError("gone")):
        with measured(record, "a", None, "row", "ms") as lap:
            lap.time(lambda: None)
            raise error
    assert record.rows["row"].median("a") is None and record.rows["row"].reason("a") == "3 instead of 4"
    assert "n/a: 3 instead of 4" in compare.table(record, ["a"])


def test_ratios_say_how_many_times_better_the_first_is() -> None:
    rate = Row("r", "msg/s", {"a": [Sample(300.0), Sample(100.0), Sample(200.0)], "b": [Sample(50.0)]})
    time = Row("t", "ms", {"a": [Sample(5.0)], "b": [Sample(50.0)]})
    assert (rate.ratio("a", "b"), time.ratio("a", "b")) == (4.0, 10.0)
    assert json.loads(json.dumps(rate.samples["b"][0].value)) == 50.0


def test_what_fails_in_one_of_many_clients_fails_the_row() -> None:
    def refused() -> None:
        raise Refused("NO more")

    with pytest.raises(Refused, match="NO more"):
        in_parallel(0.0, [lambda: lambda: None, lambda: refused])


def test_letters_are_the_same_each_time_and_hold_what_searches_look_for() -> None:
    assert letter(83, 2000) == letter(83, 2000) and 1500 < len(letter(7, 2000)) < 2600
    assert all(b"\r\n* " not in letter(number, 3000) for number in range(50))
    assert all(matches > 0 for _, _, matches in wanted(TINY.messages))
