"""A window reads of a large file what ``bytes`` would answer, and holds a block of it at most."""

import random

import pytest

from mailaccess.store import window
from mailaccess.store.index import cache, fulltext
from mailaccess.store.window import Window


class File:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.largest = 0

    def read(self, offset: int, length: int) -> bytes:
        self.largest = max(self.largest, length)
        return self.octets[offset : offset + length]


def test_a_window_answers_what_the_octets_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK", 16)
    dice = random.Random(1)
    octets = bytes(dice.choice(b"ab\r\n-") for _ in range(200))
    view = Window(File(octets).read, len(octets))
    assert len(view) == 200
    for _ in range(2000):
        start, end = dice.randrange(0, 210), dice.randrange(0, 210)
        needle = bytes(dice.choice(b"ab\r\n-") for _ in range(dice.randrange(1, 6)))
        assert view[start:end] == octets[start:end]
        assert view.find(needle, start, end) == octets.find(needle, start, end)
        assert view.find(needle, start) == octets.find(needle, start)
        assert view.count(b"\n", start, end) == octets.count(b"\n", start, end)
        assert view.startswith(needle, start) == octets.startswith(needle, start)
        if start < 200:
            assert view[start] == octets[start]
    with pytest.raises(IndexError):
        view[200]


def large() -> bytes:
    attachment = b"QUFB" * 18 + b"\r\n"
    return (
        b"Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsome text\r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + attachment * 40_000
        + b"--b\r\nContent-Type: text/plain\r\n\r\nthe end\r\n--b--\r\n"
    )


def test_a_large_message_is_computed_and_indexed_block_by_block() -> None:
    octets = large()
    file = File(octets)
    view = Window(file.read, len(octets))
    assert cache.compute(view) == cache.compute(octets)
    assert fulltext.extract(view) == fulltext.extract(octets)
    assert file.largest <= window.BLOCK


def test_a_file_cut_short_meanwhile_is_no_error() -> None:
    octets = large()
    view = Window(File(octets[:100_000]).read, len(octets))
    assert cache.compute(view).header == octets[: octets.index(b"--b")]
