"""Octets to commands: lines, literals, their bounds, and what may come in between."""

import pytest

from mailaccess.proto.imap.framing import (
    AFTER_LOGIN,
    BEFORE_LOGIN,
    MAX_STREAMED,
    CommandTooLong,
    Event,
    Frame,
    Framer,
    Limits,
    Line,
    LiteralTooBig,
    NeedContinuation,
    StreamChunk,
    StreamEnd,
    StreamStart,
)


def events(framer: Framer, *pieces: bytes, accept: bool = True) -> list[Event]:
    """All events of ``pieces``, fed one after the other; announced messages are accepted or refused."""
    found: list[Event] = []
    for piece in pieces or (b"",):
        framer.feed(piece)
        while (event := framer.next()) is not None:
            found.append(event)
            if isinstance(event, StreamStart):
                framer.accept() if accept else framer.refuse()
    return found


def frames(framer: Framer, *pieces: bytes, accept: bool = True) -> list[bytes]:
    return [event.octets for event in events(framer, *pieces, accept=accept) if isinstance(event, Frame)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"a NOOP\r\n", [b"a NOOP"]),
        (b"a NOOP\r\nb NOOP\r\n", [b"a NOOP", b"b NOOP"]),
        (b"a NOOP\nb NOOP\n", [b"a NOOP", b"b NOOP"]),  # LF alone
        (b"\r\n\r\na NOOP\r\n\n", [b"a NOOP"]),  # empty lines
        (b"a LOGIN {3+}\r\nkim {2+}\r\npw\r\n", [b"a LOGIN {3+}\r\nkim {2+}\r\npw"]),
        (b"a LOGIN {3+}\nkim {2+}\npw\n", [b"a LOGIN {3+}\r\nkim {2+}\r\npw"]),
        (b"a X {0+}\r\n\r\n", [b"a X {0+}\r\n"]),
        (b"a X {4+}\r\n\r\n\r\n y\r\n", [b"a X {4+}\r\n\r\n\r\n y"]),  # line ends inside a literal
        (b"a X {8+}\r\n}\r\n{4+}\r\r\n", [b"a X {8+}\r\n}\r\n{4+}\r"]),  # nor is there a literal
        (b"a X ~{3+}\r\n\0\0\0\r\n", [b"a X ~{3+}\r\n\0\0\0"]),
        (b"a X {abc}\r\n", [b"a X {abc}"]),  # no announcement: the grammar says what is wrong
        (b'a X "{3}"\r\n', [b'a X "{3}"']),
        (b"a NOOP\rb\r\n", [b"a NOOP\rb"]),
    ],
)
def test_a_stream_becomes_commands(stream: bytes, expected: list[bytes]) -> None:
    assert frames(Framer(AFTER_LOGIN), stream) == expected
    assert frames(Framer(AFTER_LOGIN), *(bytes([octet]) for octet in stream)) == expected


def test_a_command_comes_only_when_it_is_whole() -> None:
    framer = Framer()
    assert events(framer, b"a NO", b"OP\r") == []
    assert events(framer, b"\n") == [Frame(b"a NOOP")]


def test_a_synchronising_literal_asks_to_go_on() -> None:
    framer = Framer()
    assert events(framer, b"a LOGIN {3}\r\n") == [NeedContinuation(3)]
    assert events(framer, b"kim {2}\r\n") == [NeedContinuation(2)]
    assert events(framer, b"pw\r\nb NOOP\r\n") == [Frame(b"a LOGIN {3}\r\nkim {2}\r\npw"), Frame(b"b NOOP")]


# --- streamed messages ----------------------------------------------------------------------------------


def test_an_appended_message_is_announced_and_handed_out_in_pieces() -> None:
    framer = Framer(AFTER_LOGIN)
    start = Frame(b"a APPEND INBOX (\\Seen) {6}\r\n", (28,))
    assert events(framer, b"a APPEND INBOX (\\Seen) {6}\r\n") == [StreamStart(start, 6, True, False, 0)]
    assert events(framer, b"abc", b"def\r\nb NOOP\r\n") == [
        StreamChunk(b"abc"),
        StreamChunk(b"def"),
        StreamEnd(),
        start,
        Frame(b"b NOOP"),
    ]


def test_a_message_is_never_held_whole() -> None:
    framer = Framer(AFTER_LOGIN)
    events(framer, b"a APPEND INBOX {40000000+}\r\n")
    for _ in range(40):
        assert [len(event.octets) for event in events(framer, bytes(1000000))[:1]] == [1000000]  # type: ignore[attr-defined]
        assert framer.pending < 100


def test_the_mailbox_of_an_append_may_be_a_literal() -> None:
    found = events(Framer(AFTER_LOGIN), b"a APPEND {5+}\r\nINBOX {3+}\r\nabc\r\n")
    assert [type(event) for event in found] == [StreamStart, StreamChunk, StreamEnd, Frame]
    assert found[-1] == Frame(b"a APPEND {5+}\r\nINBOX {3+}\r\n", (27,))


def test_an_empty_message_ends_at_once() -> None:
    found = events(Framer(AFTER_LOGIN), b"a APPEND INBOX {0+}\r\n", b"\r\n")
    assert [type(event) for event in found] == [StreamStart, StreamEnd, Frame]


def test_several_messages_in_one_append() -> None:
    found = events(Framer(AFTER_LOGIN), b"a APPEND INBOX {3+}\r\nabc (\\Seen) ~{2+}\r\nde {1}\r\n")
    assert [event.number for event in found if isinstance(event, StreamStart)] == [0, 1, 2]
    assert [event.binary for event in found if isinstance(event, StreamStart)] == [False, True, False]
    assert [event.octets for event in found if isinstance(event, StreamChunk)] == [b"abc", b"de"]


def test_a_refused_message_of_a_waiting_client_does_not_come() -> None:
    framer = Framer(AFTER_LOGIN)
    assert frames(framer, b"a APPEND none {6}\r\n", b"b NOOP\r\n", accept=False) == [b"b NOOP"]


def test_a_refused_message_that_comes_anyway_is_skipped() -> None:
    framer = Framer(AFTER_LOGIN)
    stream = b"a APPEND none {6+}\r\n" + b"x NOOP {3+}\r\ny\n\r\nb NOOP\r\n"
    assert frames(framer, stream, accept=False) == [b"b NOOP"]


def test_the_second_message_can_be_refused_too() -> None:
    framer = Framer(AFTER_LOGIN)
    framer.feed(b"a APPEND x {2+}\r\nab {2+}\r\ncd {2+}\r\nef\r\nb NOOP\r\n")
    assert isinstance(framer.next(), StreamStart)
    framer.accept()
    assert [framer.next(), framer.next()] == [StreamChunk(b"ab"), StreamEnd()]
    assert isinstance(framer.next(), StreamStart)
    framer.refuse()
    assert framer.next() == Frame(b"b NOOP")


def test_an_announced_message_must_be_decided_first() -> None:
    framer = Framer(AFTER_LOGIN)
    framer.feed(b"a APPEND x {2+}\r\nab\r\n")
    framer.next()
    with pytest.raises(RuntimeError):
        framer.next()


# --- bounds ---------------------------------------------------------------------------------------------


def test_a_long_line_is_dropped_and_the_connection_survives() -> None:
    framer = Framer(Limits(line=100))
    found = events(framer, b"a LOGIN " + b"x" * 200, b"y" * 1000, b"z\r\nb NOOP\r\n")
    assert found == [CommandTooLong(b"a", False, 100), Frame(b"b NOOP")]


def test_literals_count_with_the_line() -> None:
    framer = Framer(Limits(line=100))
    found = events(
        framer,
        b"a SEARCH TEXT {60+}\r\n"
        + b"x" * 60
        + b" TEXT {60+}\r\n"
        + b"a NOOP\r\n" * 7
        + b"abcd\r\nb NOOP\r\n",
    )
    assert isinstance(found[0], LiteralTooBig)
    assert (found[0].tag, found[0].fatal, found[0].size) == (b"a", False, 60)
    assert found[1:] == [Frame(b"b NOOP")]


def test_a_synchronising_literal_that_is_too_big_will_not_come() -> None:
    framer = Framer(Limits(line=100))
    assert events(framer, b"a LOGIN {101}\r\n", b"b NOOP\r\n") == [
        LiteralTooBig(b"a", False, 101, 85),
        Frame(b"b NOOP"),
    ]


def test_what_is_too_much_to_skip_ends_the_connection() -> None:
    (event,) = events(Framer(Limits(line=100, skip=1000)), b"a LOGIN {1001+}\r\n")
    assert isinstance(event, LiteralTooBig) and event.fatal


def test_an_endless_line_ends_the_connection() -> None:
    framer = Framer(Limits(line=100, skip=1000))
    found = events(framer, *[b"a" * 100] * 20)
    assert found[0] == CommandTooLong(None, False, 100)
    assert found[1] == CommandTooLong(None, True, 100)


def test_a_literal_behind_a_line_that_was_too_long_is_skipped_too() -> None:
    framer = Framer(Limits(line=50))
    stream = b"a SEARCH TEXT " + b"x" * 60 + b" {10+}\r\nz NOOP\r\nxx {8}\r\nb NOOP\r\n"
    assert frames(framer, stream) == [b"b NOOP"]
    assert frames(Framer(Limits(line=50)), *(bytes([octet]) for octet in stream)) == [b"b NOOP"]


def test_a_message_past_the_limit_is_refused_by_size() -> None:
    framer = Framer(Limits(line=1000, message=10, skip=100))
    assert events(framer, b"a APPEND x {11}\r\n", b"b NOOP\r\n") == [
        LiteralTooBig(b"a", False, 11, 10),
        Frame(b"b NOOP"),
    ]


def test_before_login_no_message_is_taken() -> None:
    (event,) = events(Framer(BEFORE_LOGIN), b"a APPEND x {11}\r\n")
    assert isinstance(event, LiteralTooBig) and event.limit == 0


def test_literal_minus_bounds_what_comes_unasked() -> None:
    """RFC 7888 §5: 4096 octets at most; larger ones must be synchronising."""
    framer = Framer(Limits(line=10000, non_synchronising=4096))
    assert frames(framer, b"a X {4096+}\r\n" + b"x" * 4096 + b"\r\n") == [b"a X {4096+}\r\n" + b"x" * 4096]
    found = events(framer, b"a X {4097+}\r\n" + b"x" * 4097 + b"\r\nb NOOP\r\n")
    assert found == [LiteralTooBig(b"a", False, 4097, 4096, True), Frame(b"b NOOP")]
    assert events(framer, b"a X {4097}\r\n") == [NeedContinuation(4097)]


def test_the_number_of_messages_in_one_append_is_bounded() -> None:
    stream = b"a APPEND x" + b" {1+}\r\nx" * (MAX_STREAMED + 2) + b"\r\nb NOOP\r\n"
    found = events(Framer(AFTER_LOGIN), stream)
    assert sum(isinstance(event, StreamStart) for event in found) == MAX_STREAMED
    assert found[-2:] == [CommandTooLong(b"a", False, AFTER_LOGIN.line), Frame(b"b NOOP")]


def test_huge_numbers_in_braces_do_no_harm() -> None:
    (event,) = events(Framer(AFTER_LOGIN), b"a X {99999999999999999999+}\r\n")
    assert isinstance(event, LiteralTooBig) and event.fatal
    assert frames(Framer(AFTER_LOGIN), b"a X {" + b"9" * 100 + b"}\r\n") == [b"a X {" + b"9" * 100 + b"}"]


# --- lines in between -----------------------------------------------------------------------------------


def test_a_raw_line_is_read_where_one_is_expected() -> None:
    framer = Framer()
    assert events(framer, b"a IDLE\r\n") == [Frame(b"a IDLE")]
    framer.expect_line(100)
    assert events(framer, b"DO") == []
    assert events(framer, b"NE\r\nb NOOP\r\n") == [Line(b"DONE"), Frame(b"b NOOP")]


def test_what_is_pipelined_behind_idle_is_a_line_too() -> None:
    """Apple Mail sends IDLE and DONE in one packet."""
    framer = Framer()
    framer.feed(b"a IDLE\r\nDONE\r\nb NOOP\r\n")
    assert framer.next() == Frame(b"a IDLE")
    framer.expect_line(100)
    assert [framer.next(), framer.next(), framer.next()] == [Line(b"DONE"), Frame(b"b NOOP"), None]


def test_half_a_line_that_came_with_the_command_is_not_lost() -> None:
    framer = Framer()
    assert events(framer, b"a IDLE\r\nDO") == [Frame(b"a IDLE")]
    framer.expect_line(100)
    assert events(framer, b"NE\r\n") == [Line(b"DONE")]


def test_a_raw_line_has_no_literals() -> None:
    framer = Framer()
    framer.expect_line(100)
    assert events(framer, b"x {3}\r\nb NOOP\r\n") == [Line(b"x {3}"), Frame(b"b NOOP")]


@pytest.mark.parametrize("cut", [False, True])
def test_a_raw_line_is_bounded(cut: bool) -> None:
    framer = Framer()
    framer.expect_line(10)
    stream = b"x" * 11 + b"\r\nb NOOP\r\n"
    pieces = [stream[:12], stream[12:]] if cut else [stream]
    assert events(framer, *pieces) == [CommandTooLong(None, False, 10), Frame(b"b NOOP")]
    framer.expect_line(10)
    assert events(framer, b"x" * 10 + b"\r\n") == [Line(b"x" * 10)]


def test_a_line_can_be_taken_back() -> None:
    framer = Framer()
    framer.expect_line(10)
    framer.expect_command()
    assert events(framer, b"a NOOP\r\n") == [Frame(b"a NOOP")]


def test_what_was_pipelined_behind_starttls_is_thrown_away() -> None:
    framer = Framer()
    framer.feed(b"a STARTTLS\r\nb LOGIN kim evil\r\nc NO")
    framer.feed(b"OP\r\n")
    assert framer.next() == Frame(b"a STARTTLS")
    assert framer.discard() == 26
    assert events(framer, b"d NOOP\r\n") == [Frame(b"d NOOP")]


def test_what_waits_is_counted() -> None:
    framer = Framer()
    for _ in range(5):
        framer.feed(b"a NOOP\r\n")
    assert framer.pending == 40
    framer.next()
    framer.next()
    assert framer.pending == 24
    assert framer.discard() == 24
    assert framer.pending == 0


def test_what_is_not_framed_can_be_taken_out() -> None:
    framer = Framer()
    framer.feed(b"a COMPRESS DEFLATE\r\nxyz")
    framer.next()
    assert framer.next() is None  # part of it was looked at
    framer.feed(b"123")
    assert framer.pending == 6
    assert framer.take() == b"xyz123"
    assert framer.pending == 0
