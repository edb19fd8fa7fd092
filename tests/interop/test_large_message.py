"""A message of 100 MB comes in and goes out in pieces: the server never holds a good part of it."""

import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.interop.running import PASSWORD, PATIENCE, Server, running

USER = "lee@naver.com"

MOST = 60 * 2**20
"""Octets by which the process may grow at its peak. Coming in and going out take 2 MB; the search text, of which
10 MB are looked at, is made meanwhile.
"""

HEADER = b"Subject: the film\r\nContent-Type: text/plain\r\n\r\n"
BLOCK = b"".join(
    b".%075d\r\n" % number if number % 7 == 0 else b"%076d\r\n" % number for number in range(900)
)
BLOCKS = 100 * 10**6 // len(BLOCK)
SIZE = len(HEADER) + BLOCKS * len(BLOCK)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("large"), USER) as server:
        yield server


class Client:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file: BinaryIO = self.socket.makefile("rb")

    def say(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")

    def answer(self, start: bytes) -> bytes:
        """The next line that begins so; those before it are passed over."""
        for line in self.file:
            if line.startswith(start):
                return line
        raise AssertionError(f"no {start!r}")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def checksum(pieces: Iterator[bytes]) -> int:
    total = 0
    for piece in pieces:
        total = zlib.crc32(piece, total)
    return total


def original() -> Iterator[bytes]:
    yield HEADER
    for _ in range(BLOCKS):
        yield BLOCK


def peak(server: Server) -> int:
    """Octets of memory the process has had at most, since ``forget_peak``."""
    return _status(server, "VmHWM")


def _status(server: Server, name: str) -> int:
    assert server.process is not None
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def forget_peak(server: Server) -> int:
    """Begin to count anew; what is in use now."""
    assert server.process is not None
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return _status(server, "VmRSS")


def exactly(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(length, 1 << 16))
        assert piece
        length -= len(piece)
        yield piece


def logged_in(server: Server) -> Client:
    client = Client(server.ports["imap"])
    client.say(f'a LOGIN {USER} "{PASSWORD}"')
    client.answer(b"a OK")
    return client


def come_in_by_lmtp(server: Server) -> None:
    client = Client(server.ports["lmtp"])
    client.say(f"LHLO x\r\nMAIL FROM:<kim@daum.net>\r\nRCPT TO:<{USER}>\r\nDATA")
    client.answer(b"354")
    stuffed = BLOCK.replace(b"\r\n.", b"\r\n..")
    client.socket.sendall(HEADER)
    for _ in range(BLOCKS):
        client.socket.sendall(b"." + stuffed)
    client.socket.sendall(b".\r\n")
    client.answer(b"250 2.0.0 OK, stored")
    client.close()


def come_in_by_append(server: Server) -> None:
    client = logged_in(server)
    client.say(f"b APPEND INBOX {{{SIZE}}}")
    client.answer(b"+")
    for piece in original():
        client.socket.sendall(piece)
    client.socket.sendall(b"\r\n")
    client.answer(b"b OK")
    client.close()


def go_out_by_fetch(server: Server) -> None:
    client = logged_in(server)
    client.say("c EXAMINE INBOX\r\nd FETCH 2 BODY[]")
    line = client.answer(b"* 2 FETCH")
    assert line.endswith(b"{%d}\r\n" % SIZE)
    assert checksum(exactly(client.file, SIZE)) == checksum(original())
    client.answer(b"d OK")
    client.close()


def go_out_by_retr(server: Server) -> None:
    client = Client(server.ports["pop3"])
    client.say(f"USER {USER}\r\nPASS {PASSWORD}\r\nRETR 1")
    while not client.file.readline().startswith(b"Subject: "):
        pass
    total = zlib.crc32(HEADER)
    while client.file.readline() != b"\r\n":
        pass
    while (line := client.file.readline()) != b".\r\n":
        total = zlib.crc32(line[1:] if line.startswith(b".") else line, total)
    assert total == checksum(original())
    client.close()


def test_a_message_of_100_mb_comes_in_and_goes_out_in_bounded_memory(house: Server) -> None:
    """By LMTP and APPEND, by FETCH and RETR, with the search text and the structure made in between."""
    logged_in(house).close()
    before = forget_peak(house)
    grown = {}
    for step in (come_in_by_lmtp, come_in_by_append, go_out_by_fetch, go_out_by_retr):
        step(house)
        grown[step.__name__] = peak(house) - before
    assert max(grown.values()) < MOST, grown
