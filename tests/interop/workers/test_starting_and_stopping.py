"""The supervisor starts, reloads and stops all workers, and gives up root for none but them."""

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PATIENCE, Server, eventually
from tests.interop.workers.company import MORE, USER, alive, session, worker_pids


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
