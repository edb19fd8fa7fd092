"""Several processes serve one account as one would: nothing is lost, doubled, or told late, whoever dies."""

import imaplib
import json
import os
import poplib
import pwd
import random
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.test_crash import message_numbers

USER = "lee@naver.com"
OTHER = "kim@daum.net"
MORE = """
[imap]
capabilities = ["+URLAUTH"]

[limits]
connections_per_user = 6

[process]
workers = 2
threads = 2
"""
STEPS = 40


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers, that each test leaves with an empty account; none is left behind."""
    server = Server(tmp_path_factory.mktemp("pair"), more=MORE)
    server.add_user(USER)
    server.add_user(OTHER)
    server.start()
    yield server
    if server.process is not None:
        server.stop()


@pytest.fixture(autouse=True)
def empty(pair: Server) -> Iterator[None]:
    yield
    if pair.process is not None:
        with imaplib.IMAP4("127.0.0.1", pair.ports["imap"], timeout=PATIENCE) as client:
            client.login(USER, PASSWORD)
            client.select("INBOX")
            client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()


def worker_pids(server: Server) -> dict[int, int]:
    """The processes that serve, by their numbers."""
    found = {}
    for line in server.log:
        if match := re.search(r"worker-started: pid=(\d+), worker=(\d+)", line):
            found[int(match[2])] = int(match[1])
    return found


@contextmanager
def only(server: Server, number: int) -> Iterator[None]:
    """Meanwhile all workers but this one sleep, so that it gets whoever comes."""
    others = [pid for each, pid in worker_pids(server).items() if each != number]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def session(server: Server, number: int, user: str = USER) -> imaplib.IMAP4:
    """A session of worker ``number``, logged in."""
    with only(server, number):
        client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
        start = len(server.log)
        client.login(user, PASSWORD)
        assert f"worker={number}" in server.await_log("imap-login", start)
    return client


def told(client: imaplib.IMAP4, text: bytes) -> bytes:
    """The next line that holds ``text``."""
    while text not in (line := client.readline()):
        assert line, f"never told {text!r}"
    return line


def all_told(client: imaplib.IMAP4, *texts: bytes) -> None:
    """Lines that hold each of these, in whatever order."""
    left = set(texts)
    while left:
        line = client.readline()
        assert line, f"never told {left!r}"
        left -= {text for text in left if text in line}


def ask(client: imaplib.IMAP4, command: bytes) -> None:
    """A command of which imaplib knows nothing."""
    client.send(b"q " + command + b"\r\n")
    assert told(client, b"q ").startswith(b"q OK")


class Idler:
    """A session in IDLE; ``until`` reads what it is told."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._client = client
        client.send(b"i IDLE\r\n")
        assert client.readline().startswith(b"+")

    def until(self, text: bytes) -> None:
        told(self._client, text)

    def end(self) -> None:
        self._client.send(b"DONE\r\n")
        self.until(b"i OK")


def state(client: imaplib.IMAP4, mailbox: str) -> dict[int, tuple[bytes, frozenset[bytes]]]:
    """Number and flags by UID, as a session that has it selected knows them after a NOOP."""
    client.noop()
    _, data = client.uid("FETCH", "1:*", "(FLAGS)")
    found = {}
    for item in data:
        if isinstance(item, bytes) and (match := re.match(rb"(\d+) \(UID (\d+) FLAGS \((.*?)\)", item)):
            flags = frozenset(match[3].split()) - {b"\\Recent"}
            found[int(match[2])] = (match[1], flags)
        elif isinstance(item, bytes) and (match := re.match(rb"(\d+) \(FLAGS \((.*?)\) UID (\d+)", item)):
            flags = frozenset(match[2].split()) - {b"\\Recent"}
            found[int(match[3])] = (match[1], flags)
    return found


def test_a_session_hears_at_once_of_what_happens_in_another_worker(pair: Server) -> None:
    one, two = session(pair, 1), session(pair, 2)
    one.select("INBOX")
    two.select("INBOX")
    idler = Idler(one)
    with only(pair, 2), smtplib.LMTP("127.0.0.1", pair.ports["lmtp"], timeout=PATIENCE) as client:
        client.sendmail("kim@daum.net", [USER], messages.PLAIN)
    idler.until(b"1 EXISTS")
    two.noop()
    two.store("1", "+FLAGS", r"(\Flagged later)")
    idler.until(b"\\Flagged")
    two.append("INBOX", "", "", messages.MIXED)
    idler.until(b"2 EXISTS")
    two.store("1", "+FLAGS.SILENT", r"(\Deleted)")
    two.expunge()
    idler.until(b"1 EXPUNGE")
    idler.end()
    assert state(one, "INBOX") == state(two, "INBOX")
    for client_ in (one, two):
        client_.logout()


def test_a_session_hears_of_what_is_in_no_index_from_another_worker(pair: Server) -> None:
    """Annotations for who enabled METADATA (RFC 5464 §4.4.2), and a replaced access key (RFC 4467 §7)."""
    one, two = session(pair, 1), session(pair, 2)
    one.select("INBOX")
    ask(one, b"ENABLE METADATA")
    idler = Idler(one)
    ask(two, b'SETMETADATA INBOX (/private/comment "told")')
    idler.until(b"METADATA INBOX /private/comment")
    ask(two, b"RESETKEY INBOX")
    idler.until(b"URLMECH INTERNAL")
    idler.end()
    for client in (one, two):
        client.logout()


def test_notify_tells_of_what_happens_in_another_worker(pair: Server) -> None:
    one, two = session(pair, 1), session(pair, 2)
    ask(two, b"CREATE Watched")
    one.select("INBOX")
    ask(
        one,
        b"NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) "
        b"(PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange MailboxMetadataChange))",
    )
    two.append("INBOX", "", "", messages.PLAIN)
    told(one, b"1 EXISTS")
    two.select("INBOX")
    two.store("1", "+FLAGS", r"(\Flagged)")
    told(one, b"\\Flagged")
    two.copy("1", "Watched")
    told(one, b"STATUS Watched (MESSAGES 1 ")
    ask(two, b"MOVE 1 Watched")
    all_told(one, b"1 EXPUNGE", b"STATUS Watched (MESSAGES 2 ")
    ask(two, b"RENAME Watched Seen")
    told(one, b'Seen ("OLDNAME" (Watched))')
    ask(two, b"SUBSCRIBE Seen")
    told(one, b"\\Subscribed")
    ask(two, b'SETMETADATA Seen (/private/comment "told")')
    told(one, b"METADATA Seen /private/comment")
    ask(two, b"DELETE Seen")
    told(one, b"NonExistent")
    for client in (one, two):
        client.logout()


def test_a_right_given_or_taken_in_one_worker_counts_at_once_in_another(pair: Server) -> None:
    """Whoever has asked a moment ago is not answered from memory."""
    owner, reader = session(pair, 1), session(pair, 2, OTHER)
    ask(owner, b"CREATE Shared")
    shown = f'"Other Users/{USER}/Shared"'.encode()
    reader.select("INBOX")
    ask(reader, b'NOTIFY SET (SUBTREE "Other Users" (MailboxName))')
    for change, may in ((b"lr", True), (b'""', False), (b"lr", True)):
        reader.list('"Other Users/"', "*")
        start = len(pair.log)
        ask(owner, b"SETACL Shared " + OTHER.encode() + b" " + change)
        pair.await_log("imap-acl-changed", start)
        line = told(reader, b"/Shared")
        assert (b"NonExistent" in line or b"NoAccess" in line) is not may, line
        assert reader.status(shown.decode(), "(MESSAGES)")[0] == ("OK" if may else "NO")
    ask(owner, b"DELETE Shared")
    for client in (owner, reader):
        client.logout()


def test_workers_that_change_the_same_mailboxes_at_once_lose_nothing_and_agree(pair: Server) -> None:
    made: list[list[tuple[str, int]]] = [[], []]
    first = session(pair, 1)
    first.create("Other")
    first.logout()

    def work(place: int) -> None:
        chance = random.Random(place)
        client = session_of[place]
        client.select("INBOX")
        for step in range(STEPS):
            what = chance.random()
            uids = [int(each) for each in client.uid("SEARCH", "ALL")[1][0].split()]
            if what < 0.5 or not uids:
                mailbox = chance.choice(["INBOX", "Other"])
                number = place * 1000 + step
                client.append(mailbox, "", "", messages.numbered(number))
                code = client.response("APPENDUID")[1][0] or b""
                made[place].append((mailbox, int(code.split()[1])))
            elif what < 0.9:
                flag = chance.choice(["\\Seen", "\\Flagged", "later", "\\Answered"])
                client.uid(
                    "STORE", f"{chance.choice(uids)}", chance.choice(["+FLAGS", "-FLAGS"]), f"({flag})"
                )
            else:
                client._simple_command("UID", "MOVE", str(chance.choice(uids)), "Other")

    session_of = [session(pair, 1), session(pair, 2)]
    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    one, two = session_of
    appended = made[0] + made[1]
    assert len(set(appended)) == len(appended)
    total = 0
    for mailbox in ("INBOX", "Other"):
        one.select(mailbox)
        two.select(mailbox)
        agreed = state(one, mailbox)
        assert agreed == state(two, mailbox)
        total += len(agreed)
    assert total == len(appended)
    subjects = set()
    for mailbox in ("INBOX", "Other"):
        two.select(mailbox)
        _, data = two.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subjects |= {bytes(item[1]) for item in data if isinstance(item, tuple)}
    assert len(subjects) == total
    one.logout()
    two.logout()
    fsck = pair.mailadm("fsck", USER, check=False)
    assert fsck.returncode == 0, fsck.stdout + fsck.stderr


def test_a_worker_that_is_killed_is_replaced_and_takes_nothing_with_it(pair: Server) -> None:
    survivor, victim = session(pair, 2), session(pair, 1)
    survivor.select("INBOX")
    idler = Idler(survivor)
    acknowledged: set[int] = set()
    news = threading.Condition()
    ended = threading.Event()

    def deliver(place: int) -> None:
        number = place * 10_000
        while not ended.is_set():
            try:
                with smtplib.LMTP("127.0.0.1", pair.ports["lmtp"], timeout=PATIENCE) as client:
                    while not ended.is_set():
                        number += 1
                        client.sendmail("kim@daum.net", [USER], messages.numbered(number))
                        with news:
                            acknowledged.add(number)
                            news.notify_all()
            except (OSError, smtplib.SMTPException):
                number += 1  # it may be there, or not: only what was acknowledged must be

    threads = [threading.Thread(target=deliver, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    start = len(pair.log)
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= 30, PATIENCE)
    os.kill(worker_pids(pair)[1], signal.SIGKILL)
    assert "worker=1" in pair.await_log("worker-ended", start) and "signal=SIGKILL" in pair.await_log(
        "worker-ended", start
    )
    pair.await_log("worker-started", start)
    before = len(acknowledged)
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= before + 30, PATIENCE)
    ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    idler.until(b"EXISTS")
    idler.end()
    survivor.logout()
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        victim.noop()
    found = message_numbers(pair)
    assert not [number for number, count in found.items() if count > 1]
    assert acknowledged <= set(found)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{pair.ports['http']}/metrics").read().decode()
    assert "mailaccess_workers_ended_total 1.0" in metrics and "mailaccess_workers 2.0" in metrics
    assert 'process_resident_memory_bytes{worker="2"}' in metrics


def test_limits_and_locks_hold_over_all_workers(pair: Server) -> None:
    with only(pair, 1):
        popper = poplib.POP3("127.0.0.1", pair.ports["pop3"], timeout=PATIENCE)
        popper.user(USER)
        popper.pass_(PASSWORD)
    with only(pair, 2):
        other = poplib.POP3("127.0.0.1", pair.ports["pop3"], timeout=PATIENCE)
        other.user(USER)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            other.pass_(PASSWORD)
    other.close()
    popper.quit()
    present = [session(pair, number) for number in (1, 2, 1, 2, 1, 2)]
    health = f"http://127.0.0.1:{pair.ports['http']}/health"
    told = json.loads(urllib.request.urlopen(health).read())
    assert (told["workers"], told["workers_serving"]) == (2, 2)

    def is_full() -> bool:
        client = imaplib.IMAP4("127.0.0.1", pair.ports["imap"], timeout=PATIENCE)
        try:
            client.login(USER, PASSWORD)
        except imaplib.IMAP4.error:
            return True
        client.logout()
        return False

    eventually(is_full, "a seventh session is refused")
    for each in present:
        each.logout()
    eventually(lambda: not is_full(), "there is room again")


def test_what_is_wrong_with_the_configuration_is_told_once(tmp_path: Path) -> None:
    server = Server(tmp_path, more=MORE)
    command = [sys.executable, "-m", "mailaccess.service.main", "serve", "--config"]
    (tmp_path / "key.pem").write_text("no key")
    (tmp_path / "users").touch()
    done = subprocess.run(
        [*command, str(server.configuration)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 75 and done.stderr.count("key.pem") == 1, done.stderr
    broken = tmp_path / "broken.toml"
    broken.write_text(server.configuration.read_text() + "nonsense = 1\n")
    done = subprocess.run([*command, str(broken)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 78 and done.stderr.count("nonsense") == 1, done.stderr


def test_the_queue_has_an_owner_whoever_dies(tmp_path: Path) -> None:
    """A message is submitted where the queue is not; then its owner dies, and another submitted to the other."""
    arrived: list[bytes] = []
    sink = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=receive, args=(sink, arrived), daemon=True).start()
    relay = f'\n[relay]\nsmarthost = "127.0.0.1:{sink.getsockname()[1]}"\n'
    server = Server(tmp_path, more=MORE + relay)
    server.add_user(USER)
    server.start()
    try:
        submit(server, 2, 1)
        eventually(lambda: len(arrived) == 1, "the owner sends it")
        start = len(server.log)
        os.kill(worker_pids(server)[1], signal.SIGKILL)
        server.await_log("queue-owned", start)
        server.await_log("worker-started", start)
        for number in (1, 2):
            submit(server, number, number + 1)
        eventually(lambda: len(arrived) == 3, "the new owner sends them")
        assert json.loads(server.mailadm("--json", "queue", "list").stdout) in ([], {"messages": []})
    finally:
        server.stop()
        sink.close()


def submit(server: Server, worker: int, number: int) -> None:
    with only(server, worker):
        client = smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE)
        client.login(USER, PASSWORD)
    client.sendmail(USER, ["someone@hanmail.net"], messages.numbered(number))
    client.quit()


def receive(sink: socket.socket, arrived: list[bytes]) -> None:
    """A server that takes every message."""
    while True:
        try:
            connection = sink.accept()[0]
        except OSError:
            return
        with connection, connection.makefile("rwb") as file:
            file.write(b"220 sink\r\n")
            file.flush()
            while line := file.readline():
                if line.upper().startswith(b"DATA"):
                    file.write(b"354 go on\r\n")
                    file.flush()
                    lines = iter(file.readline, b".\r\n")
                    arrived.append(b"".join(lines))
                file.write(b"250 ok\r\n")
                file.flush()


def test_a_hangup_of_the_supervisor_reaches_every_worker(pair: Server) -> None:
    def hung_up(event: str) -> None:
        start = len(pair.log)
        assert pair.process is not None
        pair.process.send_signal(signal.SIGHUP)
        eventually(
            lambda: all(
                any(event in line and f"worker={number}" in line for line in pair.log[start:])
                for number in (1, 2)
            ),
            f"both workers say {event}",
        )

    pair._make_certificate()
    hung_up("tls-reloaded")
    hung_up("tls-unchanged")


def test_a_worker_that_cannot_take_anothers_place_says_so_in_the_log_and_is_tried_again(
    pair: Server,
) -> None:
    key = pair.folder / "key.pem"
    good, start = key.read_text(), len(pair.log)
    key.write_text("no key")
    os.kill(worker_pids(pair)[2], signal.SIGKILL)
    line = pair.await_log("worker-cannot-start", start)
    assert "key.pem" in line and line.startswith("20") and line.rstrip().endswith("worker=2")
    assert not any(each.startswith("mailaccess: ") for each in pair.log[start:])
    key.write_text(good)
    assert "worker=2" in pair.await_log("worker-started", start)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_workers_give_up_root_and_still_serve_while_the_supervisor_keeps_it() -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to everybody else
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(folder, more=MORE + 'user = "nobody"\n')
        server.add_user(USER)
        for path in (folder, *folder.rglob("*")):
            if path.name != "key.pem":  # root's alone, as it should be
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        (folder / "key.pem").chmod(0o600)
        server.start()
        try:
            assert server.process is not None
            assert user_ids(server.process.pid) == {0}
            assert [user_ids(pid) for pid in worker_pids(server).values()] == [{nobody.pw_uid}] * 2
            for number in (1, 2):
                client = session(server, number)
                client.append("INBOX", None, None, messages.numbered(number))
                assert client.select("INBOX") == ("OK", [str(number).encode()])
                client.logout()
            owners = {path.stat().st_uid for path in server.maildir(USER).rglob("*")}
            assert owners == {nobody.pw_uid}
            start = len(server.log)
            os.kill(worker_pids(server)[2], signal.SIGKILL)
            server.await_log("worker-started", start)  # reads root's key again
            assert user_ids(worker_pids(server)[2]) == {nobody.pw_uid}
        finally:
            server.stop()


def user_ids(pid: int) -> set[int]:
    """Real, effective, saved and file system's."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^Uid:(.*)$", status, re.MULTILINE)
    assert found is not None
    return {int(number) for number in found[1].split()}


def test_the_workers_end_with_their_supervisor_and_a_signal_to_it_stops_all(pair: Server) -> None:
    client = session(pair, 2)
    pids, start = worker_pids(pair), len(pair.log)
    pair.kill()
    assert b"BYE" in client.readline()
    assert sum("supervisor-lost" in line for line in pair.log[start:]) == 2
    eventually(lambda: not any(alive(pid) for pid in pids.values()), "the workers end")
    pair.start()
    one, two = session(pair, 1), session(pair, 2)
    pids = worker_pids(pair)
    start = len(pair.log)
    assert pair.process is not None
    assert pair.stop() == 0
    for each in (one, two):
        assert b"BYE" in each.readline()
    pair.await_log("server-stopped", start)
    assert not any("supervisor-lost" in line for line in pair.log[start:])
    assert not any(alive(pid) for pid in pids.values())
    for service in ("imap", "lmtp"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", pair.ports[service]), 5)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
