"""What tests of several workers need: which process serves, a session of a chosen one, what its client is told."""

import imaplib
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.running import PASSWORD, PATIENCE, Server

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


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
