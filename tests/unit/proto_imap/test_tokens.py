"""The small words of the grammar."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from mailaccess.model.flags import SEEN
from mailaccess.model.sequence import Range, SequenceSet
from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.mutf7 import decode_mutf7, encode_mutf7
from mailaccess.proto.imap.tokens import ImapCursor


def read(rule: Any, octets: bytes, **options: Any) -> Any:
    """What ``rule`` reads; it must read all."""
    cur = ImapCursor(octets, **options)
    value = rule(cur)
    assert cur.at_end(), cur.rest()
    return value


def refused(rule: Any, octets: bytes, **options: Any) -> bool:
    cur = ImapCursor(octets, **options)
    try:
        rule(cur)
    except Expected:  # Unsupported is one
        return True
    return not cur.at_end()


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"INBOX", b"INBOX"),
        (b"a]b", b"a]b"),
        (b'""', b""),
        (b'"a b"', b"a b"),
        (b'"a\\"b\\\\c"', b'a"b\\c'),
        (b'"a\\b"', b"ab"),  # a quoted-pair of nothing special
        (b"{5}\r\na\r\nb)", b"a\r\nb)"),
        (b"{0}\r\n", b""),
        (b"{3+}\nabc", b"abc"),
        ('"Zoë"'.encode(), "Zoë".encode()),
        ("Zoë".encode(), "Zoë".encode()),
    ],
)
def test_astrings(octets: bytes, value: bytes) -> None:
    assert read(tokens.astring, octets) == value


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"(",
        b'"',
        b'"abc',
        b'"a\r\nb"',
        b'"a\0b"',
        b'"a\\"',
        b"{3}",
        b"{4}\r\nabc",
        b"{3}\r\na\0b",
        b"~{3}\r\nabc",
        b"a*",
        b"a%",
        b"{-1}\r\n",
    ],
)
def test_no_astrings(octets: bytes) -> None:
    assert refused(tokens.astring, octets)


def test_a_binary_literal_may_hold_nul() -> None:
    assert read(tokens.literal8, b"~{3}\r\na\0b") == b"a\0b"


def test_nil_is_nothing_and_only_where_it_may_be() -> None:
    assert read(tokens.nstring, b"nil") is None
    assert read(tokens.nstring, b'"NIL"') == b"NIL"
    assert refused(tokens.nstring, b"other")


@pytest.mark.parametrize(
    ("octets", "pairs"),
    [
        (b"1", [(1, 1)]),
        (b"4294967295", [(4294967295, 4294967295)]),
        (b"1:*", [(1, None)]),
        (b"*:1", [(None, 1)]),
        (b"*", [(None, None)]),
        (b"*:*", [(None, None)]),
        (b"4:2", [(4, 2)]),
        (b"1,3:5,*", [(1, 1), (3, 5), (None, None)]),
    ],
)
def test_sequence_sets_keep_what_was_written(
    octets: bytes, pairs: list[tuple[int | None, int | None]]
) -> None:
    assert read(tokens.sequence_set, octets) == SequenceSet(tuple(Range(*pair) for pair in pairs))


def test_the_saved_result_is_a_set() -> None:
    assert read(tokens.sequence_set, b"$") == SequenceSet(saved=True)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"01",
        b"1:",
        b":1",
        b"1,,2",
        b"1,",
        b"4294967296",
        b"1:4294967296",
        b"99999999999",
        b"1:2:3",
        b"a",
        b"1 2",
        b"0:*",
        b"-1",
    ],
)
def test_no_sequence_sets(octets: bytes) -> None:
    assert refused(tokens.sequence_set, octets)


def test_a_set_of_a_hundred_thousand_numbers() -> None:
    found = read(tokens.sequence_set, b",".join(b"%d" % number for number in range(1, 200001, 2)))
    assert len(found.ranges) == 100000


@pytest.mark.parametrize(
    ("rule", "octets", "value"),
    [
        (tokens.number, b"0", 0),
        (tokens.number, b"4294967295", 4294967295),
        (tokens.nz_number, b"1", 1),
        (tokens.number64, b"9223372036854775807", 2**63 - 1),
        (tokens.mod_sequence_valzer, b"0", 0),
        (tokens.mod_sequence_value, b"1", 1),
    ],
)
def test_numbers(rule: Any, octets: bytes, value: int) -> None:
    assert read(rule, octets) == value


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        (tokens.number, b"4294967296"),
        (tokens.number, b""),
        (tokens.number, b"-1"),
        (tokens.number, "٣".encode()),
        (tokens.nz_number, b"0"),
        (tokens.number64, b"9223372036854775808"),
        (tokens.number64, b"9" * 5000),
        (tokens.mod_sequence_value, b"0"),
    ],
)
def test_no_numbers(rule: Any, octets: bytes) -> None:
    assert refused(rule, octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"1-Feb-1994", date(1994, 2, 1)),
        (b"01-feb-1994", date(1994, 2, 1)),
        (b'"29-Feb-2024"', date(2024, 2, 29)),
    ],
)
def test_dates(octets: bytes, value: date) -> None:
    assert read(tokens.calendar_date, octets) == value


@pytest.mark.parametrize(
    "octets",
    [b"1-Foo-1994", b"30-Feb-2024", b"0-Jan-2024", b"1-Jan-0000", b'"1-Jan-2024', b"1-Jan-24", b"1 Jan 2024"],
)
def test_no_dates(octets: bytes) -> None:
    assert refused(tokens.calendar_date, octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (
            b'"17-Jul-1996 02:44:25 -0700"',
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7))),
        ),
        (
            b'" 7-Jul-1996 02:44:25 +0530"',
            datetime(1996, 7, 7, 2, 44, 25, tzinfo=timezone(timedelta(hours=5.5))),
        ),
        (b'"7-Jul-1996 02:44:25 +0000"', datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC)),
        (b'"31-Dec-2016 23:59:60 +0000"', datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),  # a leap second
    ],
)
def test_dates_with_time(octets: bytes, value: datetime) -> None:
    found = read(tokens.date_time, octets)
    assert (found, found.utcoffset()) == (value, value.utcoffset())


@pytest.mark.parametrize(
    "octets",
    [
        b'"17-Jul-1996 24:00:00 +0000"',
        b'"17-Jul-1996 02:60:00 +0000"',
        b'"17-Jul-1996 02:00:61 +0000"',
        b'"17-Jul-1996 02:00:00 +0060"',
        b'"17-Jul-1996 02:00:00 +2400"',
        b'"17-Jul-1996 02:00:00"',
        b'"31-Jun-1996 02:00:00 +0000"',
        b'"01-Jan-0001 00:00:00 +1200"',
        b"17-Jul-1996",
    ],
)
def test_no_dates_with_time(octets: bytes) -> None:
    assert refused(tokens.date_time, octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"()", set()),
        (b"(\\sEEN)", {SEEN}),
        (b"(\\Seen $Label1 junk)", {SEEN, "$Label1", "junk"}),
        (b"( \\Seen  $Label1 )", {SEEN, "$Label1"}),
        (b"(\\Recent \\Seen)", {SEEN}),  # clients send back what they fetched
        (b"(Junk junk JUNK)", {"Junk"}),
    ],
)
def test_flag_lists(octets: bytes, value: set[str]) -> None:
    assert read(tokens.flag_list, octets) == value


@pytest.mark.parametrize(
    "octets",
    [
        b"(",
        b"(\\Seen",
        b"(\\Foo)",
        b"(\\*)",
        b"(a(b))",
        b"(\\Seen,\\Deleted)",
        b"(" + b"x" * 5000 + b")",
        b"(" + b" ".join(b"x%d" % number for number in range(1001)) + b")",
        "(ä)".encode(),
        b"(\\)",
    ],
)
def test_no_flag_lists(octets: bytes) -> None:
    assert refused(tokens.flag_list, octets)


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"inbox", "INBOX"),
        (b"INBOX/Foo", "INBOX/Foo"),
        (b"inBOX/Foo", "INBOX/Foo"),
        (b"Inboxes", "Inboxes"),
        (b"K&AOQ-m", "Käm"),
        (b"R&-D", "R&D"),
        (b'"&U,BTFw-/&ZeVnLIqe-"', "台北/日本語"),
        (b"&2D3eAA-", "😀"),
        ("Käm".encode(), "Käm"),  # UTF-8 that nobody enabled
        (b'""', ""),
    ],
)
def test_mailbox_names(octets: bytes, name: str) -> None:
    assert read(tokens.mailbox, octets) == name


@pytest.mark.parametrize("octets", [b"R&D", b"&AOQ", b"&A-", b"&2D0-", b"&====-", b"\xff", b"&AOQ\xff-"])
def test_no_mailbox_names(octets: bytes) -> None:
    assert refused(tokens.mailbox, octets)


def test_with_utf8_enabled_an_ampersand_is_an_ampersand() -> None:
    assert read(tokens.mailbox, b"R&D", utf8=True) == "R&D"
    assert read(tokens.mailbox, '"Käm"'.encode(), utf8=True) == "Käm"
    assert refused(tokens.mailbox, b'"\xe4"', utf8=True)


def test_a_decomposed_name_is_the_composed_one() -> None:
    assert read(tokens.mailbox, '"Ka\u0308m"'.encode(), utf8=True) == "Käm"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "INBOX",
        "a & b",
        "&",
        "&&",
        "ä&ö",
        "Entwürfe",
        "日本語/台北",
        "a\tb",
        "~peter/mail",
        "😀x😀",
        "+-,/=",
        "\x7f",
    ],
)
def test_modified_utf7_reads_back(name: str) -> None:
    assert decode_mutf7(encode_mutf7(name), strict=True) == name


def test_the_examples_of_the_rfc() -> None:
    """RFC 3501 §5.1.3."""
    assert encode_mutf7("~peter/mail/台北/日本語") == b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    with pytest.raises(ValueError):
        decode_mutf7(b"&Jjo!")
    with pytest.raises(ValueError):
        decode_mutf7(b"&U,BTFw-&ZeVnLIqe-", strict=True)
    assert decode_mutf7(b"&U,BTFw-&ZeVnLIqe-") == "台北日本語"


def test_what_does_not_end_is_looked_at_once() -> None:
    """None of these would end in our lifetime if the work grew with the square of the length."""
    with pytest.raises(ValueError):
        decode_mutf7(b"&" * 3_000_000)
    with pytest.raises(ValueError):
        decode_mutf7(b"&AA" * 1_000_000)
    assert refused(tokens.astring, b'"' + b"x" * 3_000_000)
    assert refused(tokens.sequence_set, b"1:2," * 200_000)
    assert refused(tokens.mailbox, b"&-" * 10_000)


def test_an_error_names_the_place_and_no_octets() -> None:
    cur = ImapCursor(b"a LOGIN kim (secret", 12)
    with pytest.raises(Expected) as caught:
        tokens.astring(cur, "a password")
    assert (caught.value.what, caught.value.at) == ("a password", 12)
    assert "secret" not in str(caught.value)
