"""Responses to octets."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.render import (
    astring,
    literal8,
    mailbox,
    nstring,
    ordered_set,
    render,
    string,
)
from mailaccess.proto.imap.status import StatusItem


@pytest.mark.parametrize(
    ("response", "octets"),
    [
        (r.Ok("Done"), b"* OK Done"),
        (r.Tagged(b"a1", r.Ok("Done")), b"a1 OK Done"),
        (r.Tagged(b"a1", r.No("Gone", r.NONEXISTENT)), b"a1 NO [NONEXISTENT] Gone"),
        (r.Tagged(b"a1", r.Bad("What?")), b"a1 BAD What?"),
        (r.Bye("So long"), b"* BYE So long"),
        (r.PreAuth("Hello"), b"* PREAUTH Hello"),
        (r.Ok("[ALERT] not a code"), b"* OK  [ALERT] not a code"),
        (r.No("two\r\nlines\0"), b"* NO two lines "),
        (r.Ok(""), b"* OK -"),
        (r.Ok("x", r.CapabilityCode(("IMAP4rev1", "IDLE"))), b"* OK [CAPABILITY IMAP4rev1 IDLE] x"),
        (
            r.Ok("x", r.PermanentFlags(("\\Seen", "$a"), may_create=True)),
            b"* OK [PERMANENTFLAGS (\\Seen $a \\*)] x",
        ),
        (r.Ok("x", r.PermanentFlags(())), b"* OK [PERMANENTFLAGS ()] x"),
        (r.Ok("x", r.UidNext(7)), b"* OK [UIDNEXT 7] x"),
        (r.Ok("x", r.UidValidityCode(7)), b"* OK [UIDVALIDITY 7] x"),
        (r.Ok("x", r.Unseen(7)), b"* OK [UNSEEN 7] x"),
        (r.Ok("x", r.AppendUid(5, [7, 8, 9])), b"* OK [APPENDUID 5 7:9] x"),
        (r.Ok("x", r.CopyUid(5, [3, 1, 2], [7, 8, 10])), b"* OK [COPYUID 5 3,1:2 7:8,10] x"),
        (r.Ok("x", r.HighestModSeq(9)), b"* OK [HIGHESTMODSEQ 9] x"),
        (r.Ok("x", r.NOMODSEQ), b"* OK [NOMODSEQ] x"),
        (r.Ok("x", r.Modified(UidSet.of([7, 9]))), b"* OK [MODIFIED 7,9] x"),
        (r.No("x", r.BadCharset(("UTF-8", "KOI8-R"))), b"* NO [BADCHARSET (UTF-8 KOI8-R)] x"),
        (r.No("x", r.BadCharset()), b"* NO [BADCHARSET] x"),
        (r.Continue(), b"+ OK"),
        (r.Continue("idling"), b"+ idling"),
        (r.Challenge(b"\0x"), b"+ AHg="),
        (r.Challenge(b""), b"+ "),
        (r.Capabilities(("IMAP4rev1", "ID")), b"* CAPABILITY IMAP4rev1 ID"),
        (r.Enabled(("CONDSTORE",)), b"* ENABLED CONDSTORE"),
        (r.Enabled(()), b"* ENABLED"),
        (r.ServerId(None), b"* ID NIL"),
        (r.ServerId((("name", 'a "b"'), ("version", None))), b'* ID ("name" "a \\"b\\"" "version" NIL)'),
        (r.Namespaces((r.NamespaceRoot("", "/"),)), b'* NAMESPACE (("" "/")) NIL NIL'),
        (
            r.Namespaces(
                (r.NamespaceRoot("", "/"),), (r.NamespaceRoot("~ä/", "/"),), (r.NamespaceRoot("x", None),)
            ),
            b'* NAMESPACE (("" "/")) (("~&AOQ-/" "/")) (("x" NIL))',
        ),
        (r.ListEntry("INBOX"), b'* LIST () "/" INBOX'),
        (r.ListEntry("a b", ("\\Noselect", "\\HasChildren")), b'* LIST (\\Noselect \\HasChildren) "/" "a b"'),
        (r.ListEntry("ä&", lsub=True), b'* LSUB () "/" &AOQ-&-'),
        (r.ListEntry("", separator=None), b'* LIST () NIL ""'),
        (r.ListEntry("NIL"), b'* LIST () "/" "NIL"'),
        (r.ListEntry("x", child_info=("SUBSCRIBED",)), b'* LIST () "/" x ("CHILDINFO" ("SUBSCRIBED"))'),
        (r.ListEntry("x", old_name="y"), b'* LIST () "/" x ("OLDNAME" (y))'),
        (
            r.StatusEntry(
                "a b",
                ((StatusItem.MESSAGES, 3), (StatusItem.APPENDLIMIT, None), (StatusItem.MAILBOXID, "F1")),
            ),
            b'* STATUS "a b" (MESSAGES 3 APPENDLIMIT NIL MAILBOXID (F1))',
        ),
        (r.SearchResult([]), b"* SEARCH"),
        (r.SearchResult([2, 4, 400]), b"* SEARCH 2 4 400"),
        (r.SearchResult((7,), modseq=9), b"* SEARCH 7 (MODSEQ 9)"),
        (r.SearchResult([], modseq=9), b"* SEARCH"),
        (r.ESearch(b"A1", True), b'* ESEARCH (TAG "A1") UID'),
        (
            r.ESearch(b"A1", False, 2, 9, UidSet.of([2, 3, 9]), 3, 77),
            b'* ESEARCH (TAG "A1") MIN 2 MAX 9 ALL 2:3,9 COUNT 3 MODSEQ 77',
        ),
        (r.ESearch(b"A1", False, all=UidSet(), count=0), b'* ESEARCH (TAG "A1") COUNT 0'),
        (r.MailboxFlags(("\\Seen", "x")), b"* FLAGS (\\Seen x)"),
        (r.Exists(23), b"* 23 EXISTS"),
        (r.RecentCount(0), b"* 0 RECENT"),
        (r.Expunged(44), b"* 44 EXPUNGE"),
        (r.Vanished(UidSet.of([300, 301])), b"* VANISHED 300:301"),
        (r.Vanished(UidSet.of([5]), earlier=True), b"* VANISHED (EARLIER) 5"),
        (r.Fetched(1, size=100), b"* 1 FETCH (RFC822.SIZE 100)"),
        (r.Fetched(1, flags=("\\Seen",)), b"* 1 FETCH (FLAGS (\\Seen))"),
        (
            r.Fetched(1, 7, (), 9, None, 837593065, (b"ENVELOPE NIL",)),
            b'* 1 FETCH (UID 7 FLAGS () MODSEQ (9) INTERNALDATE "17-Jul-1996 08:44:25 +0000" ENVELOPE NIL)',
        ),
    ],
)
def test_responses(response: r.Response, octets: bytes) -> None:
    assert render(response) == octets + b"\r\n"


def test_with_utf8_names_are_quoted_utf8() -> None:
    assert render(r.ListEntry("ä&"), utf8=True) == '* LIST () "/" "ä&"\r\n'.encode()
    assert render(r.ListEntry("a&"), utf8=True) == b'* LIST () "/" a&\r\n'
    assert render(r.ListEntry("INBOX"), utf8=True) == b'* LIST () "/" INBOX\r\n'


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"abc", b'"abc"'),
        (b"", b'""'),
        (b'a"\\', b'"a\\"\\\\"'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xe4", b"{1}\r\n\xe4"),
        (b"x" * 2000, b"{2000}\r\n" + b"x" * 2000),
    ],
)
def test_strings_are_quoted_where_they_can_be(octets: bytes, shown: bytes) -> None:
    assert string(octets) == nstring(octets) == shown


def test_small_words() -> None:
    assert nstring(None) == b"NIL"
    assert string("ä".encode(), utf8=True) == '"ä"'.encode()
    assert literal8(b"\0") == b"~{1}\r\n\0"
    assert [astring(b"a]b"), astring(b"a b"), astring(b""), astring(b"nil")] == [
        b"a]b",
        b'"a b"',
        b'""',
        b'"nil"',
    ]
    assert mailbox("%") == b'"%"'
    assert ordered_set([]) == b""
    assert ordered_set([5, 6, 7, 3, 2, 1]) == b"5:7,3,2,1"


# --- FETCH ----------------------------------------------------------------------------------------------


def test_a_section_is_a_literal() -> None:
    assert render_fetch.section(b"BODY[]", b"abc") == b"BODY[] {3}\r\nabc"
    assert render_fetch.section(b"BODY[9]", None) == b"BODY[9] NIL"
    assert render_fetch.section(b"BODY[]", b"") == b"BODY[] {0}\r\n"
    pieces = render_fetch.head(3), render_fetch.section_open(b"BODY[]", 3), b"abc", render_fetch.TAIL
    assert b"".join(pieces) == render_fetch.line(3, [render_fetch.section(b"BODY[]", b"abc")])
    assert render_fetch.section_open(b"BINARY[1]", 3, binary=True) == b"BINARY[1] ~{3}\r\n"


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7))),
            "17-Jul-1996 02:44:25 -0700",
        ),
        (
            datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "29-Feb-2024 00:00:00 +0530",
        ),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), "31-Dec-1999 23:59:59 +0000"),
        (datetime(1969, 1, 2, 3, 4, 5, tzinfo=UTC), "02-Jan-1969 03:04:05 +0000"),
        (
            datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            "01-Jan-2024 00:00:00 -0330",
        ),
    ],
)
def test_dates_by_both_ways(when: datetime, text: str) -> None:
    offset = when.utcoffset()
    assert offset is not None
    assert render_fetch.date_text(when) == text
    assert render_fetch.date_text_of(int(when.timestamp()), offset // timedelta(minutes=1)) == text


def test_impossible_dates_do_not_stop_a_fetch() -> None:
    assert render_fetch.date_text_of(10**18).startswith("31-Dec-9999 ")
    assert render_fetch.date_text_of(-(10**18)).startswith("01-Jan-0001 ")


@pytest.mark.parametrize(
    "count", [0, 1, render_fetch.SLICE - 1, render_fetch.SLICE, render_fetch.SLICE + 1, 2000]
)
def test_columns_say_what_lines_say(count: int) -> None:
    seqs = list(range(1, count + 1))
    uids = [seq * 3 for seq in seqs]
    flags = [("", "\\Seen", "\\Seen %d")[seq % 3] for seq in seqs]  # a keyword that looks like a template
    parts = [(render_fetch.UID, uids), (render_fetch.FLAGS, flags), (render_fetch.MODSEQ, seqs)]
    assert render_fetch.columns(seqs, parts) == b"".join(
        render(r.Fetched(seq, uid, flag.split(), seq))
        for seq, uid, flag in zip(seqs, uids, flags, strict=True)
    )


def test_every_response_has_a_rule() -> None:
    """A response class without a way to be written would be found only when it is sent."""
    from mailaccess.proto.imap import render as module
    from mailaccess.proto.imap import responses_more

    known = (*vars(r).values(), *vars(responses_more).values())
    kinds = {kind for kind in known if isinstance(kind, type) and issubclass(kind, r.Response)}
    assert kinds - {r.Response, r.Status} == set(module._RULES)
