"""Hostile mail costs no more work than its size allows.

Work is counted, not timed: lines of our Python that run, and octets that searches pass over.
Twice the input may cost twice the lines and a little, or, past a bound, no more at all.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from mailaccess.message import address, envelope, mime, searchkeys, structure, subject, words
from mailaccess.message.headers import Header
from mailaccess.message.lexical import Lexer
from mailaccess.proto.imap import structure_render


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of mailaccess.message and the renderer run."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "mailaccess" not in frame.f_code.co_filename:
            return None
        if event == "line":
            count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


class Watched(bytes):
    """Octets that count how many of them ``find`` passes over."""

    passed = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start, len(self) if end is None else end)
        Watched.passed += (found if found >= 0 else len(self) if end is None else end) - start
        return found


def everything(wire: bytes) -> None:
    root = structure.parse(wire)
    header = structure.root_header(wire, root)
    structure_render.envelope(envelope.envelope(header))
    structure_render.bodystructure(root)
    structure.load(structure.dump(root))
    header.select([b"from"], inverted=True)


MULTIPART = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n"

MESSAGES: dict[str, Callable[[int], bytes]] = {
    "multiparts in multiparts, never closed": lambda n: b"".join(
        (b"--b%d\r\n" % (i - 1) if i else b"") + MULTIPART % b"b%d" % i for i in range(n)
    ),
    "multiparts beside each other, never closed": lambda n: (
        MULTIPART % b"x" + b"".join(b"--x\r\n" + MULTIPART % (b"y%d" % i) for i in range(n))
    ),
    "one boundary for all levels": lambda n: MULTIPART % b"x" + (b"--x\r\n" + MULTIPART % b"x") * n,
    "boundaries that begin alike": lambda n: (
        b"".join((b"--" + b"b" * i + b"\r\n" if i else b"") + MULTIPART % (b"b" * (i + 1)) for i in range(70))
        + b"--bbbbbx\r\n" * n
    ),
    "messages in messages": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "empty parts": lambda n: MULTIPART % b"x" + b"--x\r\n\r\n" * n,
    "lines of dashes": lambda n: MULTIPART % b"x" + b"--\r\n" * n,
    "semicolons": lambda n: b"Content-Type: text/plain" + b";" * n + b"\r\n\r\n",
    "parameters": lambda n: b"Content-Type: text/plain" + b";a=b" * n + b"\r\n\r\n",
    "sections of a parameter": lambda n: (
        b"Content-Disposition: x"
        + b"".join(b";n*%d*=%%41" % i for i in range(n))
        + b"\r\nMIME-Version: 1.0\r\n\r\n"
    ),
    "quotes in parameters": lambda n: b"Content-Type: text/plain" + b';a="b' * n + b"\r\n\r\n",
    "languages": lambda n: b"MIME-Version: 1.0\r\nContent-Language: " + b"a," * n + b"\r\n\r\n",
    "comments": lambda n: b"From: " + b"(" * n + b"\r\nTo: " + b"()" * n + b"\r\n\r\n",
    "fields": lambda n: b"a:\r\n" * n + b"\r\n",
    "lines of one field": lambda n: b"From: a\r\n" + b" b\r\n" * n + b"\r\n",
    "fields of parts": lambda n: MULTIPART % b"x" + (b"--x\r\n" + b"a:\r\n" * 100 + b"\r\n") * (n // 100),
    "addresses": lambda n: b"To: " + b"a@b.c," * n + b"\r\n\r\n",
    "odd addresses": lambda n: b"To: " + b"a . b @ c . d," * n + b"\r\n\r\n",
    "commas": lambda n: b"To: " + b"," * n + b"\r\n\r\n",
    "groups": lambda n: b"To: " + b"g:a@b;," * n + b"\r\n\r\n",
    "angles": lambda n: b"To: " + b"<" * n + b"\r\n\r\n",
    "quotes": lambda n: b"To: " + b'"a' * n + b"\r\n\r\n",
    "routes": lambda n: b"To: <" + b"@a," * n + b"\r\n\r\n",
    "words of a name": lambda n: b"To: " + b"a " * n + b"\r\n\r\n",
    "dots": lambda n: b"To: " + b"a.(b)" * n + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_twice_the_message_is_at_most_twice_the_work(name: str) -> None:
    make = MESSAGES[name]
    small, large = make(1_500), make(3_000)
    once = lines_run(lambda: everything(small))
    assert lines_run(lambda: everything(large)) <= 2.1 * once + 1_000


@pytest.mark.parametrize("name", MESSAGES)
def test_searches_pass_over_each_octet_a_bounded_number_of_times(name: str) -> None:
    wire = Watched(MESSAGES[name](4_000))
    Watched.passed = 0
    structure.parse(wire)
    # Boundaries, and for each of at most 101 levels a header's end in three spellings.
    assert Watched.passed <= (structure.MAX_PASSES + 8) * (len(wire) + 1024 * 1024)


def test_a_hundred_open_boundaries_over_a_long_body_are_given_up() -> None:
    levels = b"".join((b"--b%03d\r\n" % (i - 1) if i else b"") + MULTIPART % b"b%03d" % i for i in range(99))
    wire = Watched(levels + b"--b\r\n" * 1_500_000)
    Watched.passed = 0
    root = structure.parse(wire)
    assert root.end == len(wire)
    assert Watched.passed <= (structure.MAX_PASSES + 8) * (len(wire) + 1024 * 1024)


VALUES: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "encoded words": (b"=?utf-8?q?a?= ", words.decoded),
    "beginnings of words": (b"=?", words.decoded),
    "words without end": (b"=?x?q?", words.decoded),
    "message identifiers": (b"<a@b>", searchkeys.message_ids),
    "identifiers without end": (b"<", searchkeys.message_ids),
    "quotes in identifiers": (b'<a" ', searchkeys.message_ids),
    "white space in an identifier": (b" ", lambda value: searchkeys.message_ids(b"<" + value)),
    "list tags": (b"[a]", lambda value: subject.base_subject(value.decode() + "x")),
    "wrapped forwards": (b"[fwd:", lambda value: subject.base_subject(value.decode())),
    "replies": (b"re:", lambda value: subject.base_subject(value.decode())),
    "parameters": (b";a(x)=b", lambda value: mime.params(Lexer(value))),
    "addresses": (b'"a" ', address.parse),
}


@pytest.mark.parametrize("name", VALUES)
def test_twice_the_value_is_at_most_twice_the_work(name: str) -> None:
    piece, read = VALUES[name]
    once = lines_run(lambda: read(piece * 5_000))
    assert lines_run(lambda: read(piece * 10_000)) <= 2.1 * once + 100


def test_a_header_of_millions_of_lines_is_not_millions_of_objects() -> None:
    header = Header(b"a\r\n" * 1_000_000 + b"\r\n")
    assert len(header.fields) == 10_000
    assert len(header.rest) == 3 * 990_000
