import pytest

from mailaccess.proto.pop3 import grammar
from mailaccess.proto.pop3.grammar import Command, Lines, LineTooLong, parse
from mailaccess.proto.pop3.stuffing import Stuffer, stuffed, stuffed_parts, top


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"STAT", Command("STAT")),
        (b"retr 5", Command("RETR", b"5")),
        (b"PASS  two blanks ", Command("PASS", b" two blanks ")),
        (b"AUTH ", Command("AUTH", b"")),
        (b" NOOP", Command("NOOP")),
        (b"", None),
        (b"A", None),
        (b"\xff\xff\xff", None),
        (b"TOOLONGAVERB", None),
        (b"STAT\x00", None),
    ],
)
def test_commands(line, command):
    assert parse(line) == command


@pytest.mark.parametrize(
    ("argument", "numbers"),
    [
        (b"5", (5, None)),
        (b" 5  7 ", (5, 7)),
        (b"", None),
        (b"5 7 9", None),
        (b"-1", None),
        ("٣".encode(), None),
        (b"12345678901", None),
    ],
)
def test_numbers(argument, numbers):
    assert Command("TOP", argument).numbers() == numbers


def test_replies():
    assert grammar.ok("") == b"+OK\r\n"
    assert grammar.err("no", "SYS/TEMP") == b"-ERR [SYS/TEMP] no\r\n"
    assert grammar.err("a\r\n+OK") == b"-ERR a??+OK\r\n"
    assert grammar.listing("x", ["a", "b"]) == b"+OK x\r\na\r\nb\r\n.\r\n"


def test_lines_end_in_crlf_or_lf_and_may_be_cut_anywhere():
    lines = Lines()
    for octet in b"STAT\r\nNO":
        lines.feed(bytes((octet,)))
    assert lines.line() == b"STAT"
    assert lines.line() is None
    lines.feed(b"OP\n\r\n")
    assert [lines.line(), lines.line(), lines.line()] == [b"NOOP", b"", None]


def test_a_long_line_is_told_once_and_skipped():
    lines = Lines()
    lines.limit = 100
    lines.feed(b"a" * 101)
    with pytest.raises(LineTooLong):
        lines.line()
    for _ in range(5):
        lines.feed(b"a" * 101)
        assert lines.line() is None and lines.pending == 0
    lines.feed(b"a\r\nSTAT\r\n" + b"b" * 101 + b"\nSTAT\n")
    assert lines.line() == b"STAT"
    with pytest.raises(LineTooLong):
        lines.line()
    assert lines.line() == b"STAT"


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n.\r\n..\r\n", b"..\r\n..\r\n...\r\n.\r\n"),
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n"),
        (b"a.\r\n", b"a.\r\n.\r\n"),
    ],
)
def test_dot_stuffing(message, wire):
    assert stuffed(message) == wire
    assert b"".join(stuffed_parts(message)) == wire
    stuffer = Stuffer()
    octets = b"".join(stuffer.piece(message[i : i + 1]) for i in range(len(message)))
    assert octets + stuffer.end() == wire


def test_the_top_of_a_message():
    message = b"A: b\r\n\r\n1\r\n2\r\n"
    assert top(message, 0) == (b"A: b\r\n\r\n", True)
    assert top(message, 1) == (b"A: b\r\n\r\n1\r\n", True)
    assert top(message, 2) == (message, True)
    assert top(message, 3) == (message, False)
    assert top(b"\r\nbody\r\n", 0) == (b"\r\n", True)
