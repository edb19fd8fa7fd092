"""search-key to the tree of model.criteria."""

from datetime import date

import pytest

from mailaccess.model import criteria as c
from mailaccess.model.sequence import Range, SequenceSet
from mailaccess.proto.imap import charsets
from mailaccess.proto.imap.commands.messages import Search
from mailaccess.proto.imap.framing import Frame
from mailaccess.proto.imap.parse import ParseError, parse
from mailaccess.proto.imap.render import render


def search(octets: bytes) -> Search:
    command = parse(Frame(b"t SEARCH " + octets)).command
    assert isinstance(command, Search)
    return command


def numbers(first: int | None, last: int | None, *, uid: bool = False) -> c.MessageNumbers:
    return c.MessageNumbers(SequenceSet((Range(first, last),)), uid)


SEEN, FLAGGED = c.HasFlag("\\Seen"), c.HasFlag("\\Flagged")


@pytest.mark.parametrize(
    ("octets", "tree"),
    [
        (b"ALL", c.All()),
        (b"all", c.All()),
        (b"SEEN", SEEN),
        (b"UNSEEN", c.Not(SEEN)),
        (b"ANSWERED", c.HasFlag("\\Answered")),
        (b"UNDELETED", c.Not(c.HasFlag("\\Deleted"))),
        (b"DRAFT", c.HasFlag("\\Draft")),
        (b"NEW", c.And((c.Recent(), c.Not(SEEN)))),
        (b"OLD", c.Not(c.Recent())),
        (b"RECENT", c.Recent()),
        (b"KEYWORD $Label1", c.HasFlag("$Label1")),
        (b"UNKEYWORD Junk", c.Not(c.HasFlag("Junk"))),
        (b"FROM kim", c.Header("FROM", "kim", key=True)),
        (b'SUBJECT "a b"', c.Header("SUBJECT", "a b", key=True)),
        (b"BCC {2}\r\nxy", c.Header("BCC", "xy", key=True)),
        (b'HEADER Message-ID "<x@y>"', c.Header("MESSAGE-ID", "<x@y>")),
        (b'HEADER x-foo ""', c.Header("X-FOO", "")),
        (b"BODY hello", c.Body("hello")),
        (b"TEXT hello", c.Text("hello")),
        (b"BEFORE 1-Feb-1994", c.DateIs(c.DateField.INTERNAL, c.Comparison.BEFORE, date(1994, 2, 1))),
        (b'SENTSINCE "1-Feb-1994"', c.DateIs(c.DateField.SENT, c.Comparison.SINCE, date(1994, 2, 1))),
        (b"SAVEDON 1-Feb-1994", c.DateIs(c.DateField.SAVED, c.Comparison.ON, date(1994, 2, 1))),
        (b"LARGER 0", c.Larger(0)),
        (b"SMALLER 5000000000", c.Smaller(5000000000)),
        (b"OLDER 3600", c.Older(3600)),
        (b"YOUNGER 1", c.Younger(1)),
        (b"1:*", numbers(1, None)),
        (b"*", numbers(None, None)),
        (b"UID 5:3", numbers(5, 3, uid=True)),
        (b"$", c.MessageNumbers(SequenceSet(saved=True), uid=False)),
        (b"NOT NOT SEEN", c.Not(c.Not(SEEN))),
        (b"OR SEEN FLAGGED", c.Or(SEEN, FLAGGED)),
        (b"OR OR SEEN FLAGGED ALL", c.Or(c.Or(SEEN, FLAGGED), c.All())),
        (b"OR NOT SEEN OR SEEN FLAGGED", c.Or(c.Or(c.Not(SEEN), SEEN), FLAGGED)),
        (b"(SEEN)", SEEN),
        (b"(SEEN FLAGGED)", c.And((SEEN, FLAGGED))),
        (b"SEEN  (FLAGGED  ALL )", c.And((SEEN, c.And((FLAGGED, c.All()))))),
        (b"SEEN FLAGGED 1", c.And((SEEN, FLAGGED, numbers(1, 1)))),
        (b"OR (SEEN FLAGGED) ALL", c.Or(c.And((SEEN, FLAGGED)), c.All())),
        (b"MODSEQ 0", c.ModSeqSince(0)),
        (b'MODSEQ "/flags/\\\\draft" all 620162338', c.ModSeqSince(620162338)),
    ],
)
def test_search_keys(octets: bytes, tree: c.Criterion) -> None:
    assert search(octets).criteria == tree


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"FOO",
        b"NOT",
        b"OR SEEN",
        b"OR SEEN ",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"(SEEN))",
        b"FROM",
        b"FROM (x)",
        b"HEADER x",
        b"BEFORE x",
        b"BEFORE 30-Feb-2000",
        b"LARGER x",
        b"LARGER -1",
        b"OLDER 0",
        b"KEYWORD \\Foo",
        b"UID x",
        b"0",
        b"MODSEQ x",
        b'MODSEQ "/flags/x" FOO 1',
        b"CHARSET UTF-8",
        b"RETURN (FOO) ALL",
        b"RETURN (MIN",
        b'BODY "\xe4"',  # not UTF-8, and no charset
        b'CHARSET US-ASCII BODY "\xc3\xa4"',
        b'CHARSET UTF-8 BODY "\xe4"',
    ],
)
def test_no_search_keys(octets: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        search(octets)
    assert render(caught.value.response).startswith(b"t BAD ")


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        (b"UTF-8", "한국어".encode(), "한국어"),
        (b"utf-8", "ä".encode(), "ä"),
        (b"ISO-8859-1", b"\xe4", "ä"),
        (b"ISO-8859-15", b"\xa4", "€"),
        (b"EUC-KR", "한국어".encode("euc_kr"), "한국어"),
        (b"KS_C_5601-1987", "한국어".encode("euc_kr"), "한국어"),
        (b'"ISO-2022-JP"', "日本語".encode("iso2022_jp"), "日本語"),
        (b"Shift_JIS", "日本語".encode("shift_jis"), "日本語"),
        (b"GB18030", "中文".encode("gb18030"), "中文"),
        (b"Big5", "中文".encode("big5"), "中文"),
        (b"KOI8-R", "привет".encode("koi8_r"), "привет"),
        (b"windows-1251", "привет".encode("cp1251"), "привет"),
    ],
)
def test_texts_are_decoded_from_the_charset(charset: bytes, octets: bytes, text: str) -> None:
    found = search(b"CHARSET %b SUBJECT {%d}\r\n%b" % (charset, len(octets), octets))
    assert found.criteria == c.Header("SUBJECT", text, key=True)
    assert found.charset == charset.decode().strip('"').upper()


def test_utf8_without_a_charset_is_utf8_quoted_or_not() -> None:
    """K-9 and scripts send it so."""
    assert search('SUBJECT "häßlich"'.encode()).criteria == c.Header("SUBJECT", "häßlich", key=True)
    assert search("SUBJECT häßlich".encode()).criteria == c.Header("SUBJECT", "häßlich", key=True)


@pytest.mark.parametrize(
    "charset", [b"X-FOO", b"UTF-7", b"IDNA", b"PUNYCODE", b"BASE64", b"ROT13", b"UNICODE_ESCAPE", b"MBCS"]
)
def test_what_is_no_charset_is_told_those_that_are(charset: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        search(b"CHARSET " + charset + b" ALL")
    assert render(caught.value.response).startswith(b"t NO [BADCHARSET (UTF-8 ")


def test_every_charset_told_is_known() -> None:
    assert all(charsets.codec(charset) for charset in charsets.TOLD)


def test_the_modseq_key_is_noticed_wherever_it_stands() -> None:
    assert search(b"OR SEEN NOT (MODSEQ 5)").uses_modseq
    assert not search(b"SEEN").uses_modseq


# --- bounds ---------------------------------------------------------------------------------------------


def depth(node: c.Criterion) -> int:
    match node:
        case c.And(parts):
            return 1 + max(map(depth, parts))
        case c.Or(left, right):
            return 1 + max(depth(left), depth(right))
        case c.Not(part):
            return 1 + depth(part)
        case _:
            return 1


def test_a_filter_over_a_thousand_senders_is_no_nesting() -> None:
    found = search(b"OR FROM x " * 999 + b"FROM y")
    assert depth(found.criteria) < 15


@pytest.mark.parametrize(
    "octets", [b"(" * 101 + b"ALL" + b")" * 101, b"NOT " * 101 + b"ALL", b"OR " * 101 + b"ALL " * 102]
)
def test_nesting_is_bounded(octets: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        search(octets)
    assert render(caught.value.response) == b"t NO [LIMIT] The search is nested too deep\r\n"


def test_an_endless_parenthesis_is_bounded() -> None:
    """As CVE-2026-27857: memory and time for ``(((``."""
    with pytest.raises(ParseError):
        search(b"(" * 60000)


@pytest.mark.parametrize("octets", [b"(" * 99 + b"ALL" + b")" * 99, b"NOT " * 99 + b"ALL"])
def test_deep_searches_are_read(octets: bytes) -> None:
    assert depth(search(octets).criteria) <= 101


def test_the_number_of_keys_is_bounded() -> None:
    with pytest.raises(ParseError) as caught:
        search(b"ALL " * 2500 + b"ALL")
    assert render(caught.value.response) == b"t NO [LIMIT] The search has too many keys\r\n"
