"""Header blocks: where they end, which fields they hold, what HEADER.FIELDS takes out of them."""

import pytest

from mailaccess.message.headers import Header, find_end, unfolded

BLOCK = (
    b"Received: from a\r\n\tby b\r\n"
    b"From: Kim <kim@daum.net>\r\n"
    b"Subject: a\r\n \r\n  folded subject\r\n"
    b"to : lee@naver.com\r\n"
    b"no colon here\r\n"
    b"From: twice@daum.net\r\n"
    b"\r\n"
)


@pytest.mark.parametrize(
    ("wire", "end"),
    [
        (b"A: b\r\n\r\nbody", 8),
        (b"A: b\n\nbody", 6),
        (b"A: b\r\n\nbody\r\n\r\n", 7),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: b\r\n \r\n c\r\n\r\n", 15),
        (b"A: b\r\r\n\r\r\nbody", 10),
        (b"A: b\r\n", -1),
        (b"", -1),
        (b"A: b\r\rC: d", -1),
    ],
)
def test_a_block_ends_after_its_first_blank_line(wire: bytes, end: int) -> None:
    assert find_end(wire, 0, len(wire)) == end


def test_fields_keep_their_folds_and_names_are_lower_case() -> None:
    header = Header(BLOCK)
    assert header.names == [b"received", b"from", b"subject", b"to", b"", b"from"]
    assert header.first(b"received") == b" from a\r\n\tby b\r"
    assert header.first(b"from") == b" Kim <kim@daum.net>\r"
    assert header.last(b"from") == b" twice@daum.net\r"
    assert len(header.all(b"from")) == 2
    assert header.first(b"absent") is None and header.last(b"absent") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain\r", b"plain"),
        (b" a\r\n b\r", b"a b"),
        (b" a\r\n\tb", b"a b"),
        (b" a \r\n  b\r\n", b"a   b"),
        (b"\r\n only folded\r\n", b"only folded"),
        (b"", b""),
        (b" a\n b", b"a b"),
    ],
)
def test_unfolding_drops_line_ends_and_outer_white_space(value: bytes, text: bytes) -> None:
    assert unfolded(value) == text


def test_header_fields_returns_the_octets_as_they_stand() -> None:
    """RFC 9051 §6.4.5.1: folds, case and order stay; a blank line ends the section."""
    header = Header(BLOCK)
    assert header.select([b"SUBJECT", b"To"]) == (
        b"Subject: a\r\n \r\n  folded subject\r\nto : lee@naver.com\r\n\r\n"
    )
    assert header.select([b"from"]) == b"From: Kim <kim@daum.net>\r\nFrom: twice@daum.net\r\n\r\n"
    assert header.select([b"absent"]) == b"\r\n"


def test_header_fields_not_returns_all_others() -> None:
    header = Header(BLOCK)
    assert header.select([b"received", b"subject", b"from"], inverted=True) == (
        b"to : lee@naver.com\r\nno colon here\r\n\r\n"
    )
    assert header.select([], inverted=True) == BLOCK


def test_a_header_without_blank_line_gets_one_only_after_whole_fields() -> None:
    header = Header(b"From: a\r\nSubject: cut o")
    assert header.select([b"from"]) == b"From: a\r\n\r\n"
    assert header.select([b"from"], inverted=True) == b"Subject: cut o"
    assert Header(b"From: a\r\n").select([b"from"]) == b"From: a\r\n\r\n"
    assert Header(b"From: a\r\n").select([b"to"], inverted=True) == b"From: a\r\n"


def test_fields_past_the_bound_stay_in_one_piece_and_are_not_lost() -> None:
    block = b"A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n"
    header = Header(block, max_fields=2)
    assert header.names == [b"a", b"b"]
    assert header.rest == b"C: 3\r\nD: 4\r\n"
    assert header.select([b"a"], inverted=True) == b"B: 2\r\nC: 3\r\nD: 4\r\n\r\n"


@pytest.mark.parametrize("block", [b"", b"\r\n", b"\n"])
def test_an_empty_block_has_no_fields(block: bytes) -> None:
    assert Header(block).fields == []
    assert Header(block).select([b"a"], inverted=True) == (b"\r\n" if block else b"")
