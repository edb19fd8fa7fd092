"""The grammar and the responses of extensions that have no handlers yet."""

from typing import Any

import pytest

from mailaccess.model import criteria as c
from mailaccess.model.sequence import Range, SequenceSet
from mailaccess.proto.imap import fetch, fetch_binary, fetch_facts
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap import responses_more as m
from mailaccess.proto.imap.commands import (
    RULES,
    Command,
    acl,
    compress,
    metadata,
    notify,
    quota,
    replace,
    sorting,
    unauthenticate,
)
from mailaccess.proto.imap.commands.acl import DeleteAcl, GetAcl, ListRights, MyRights, RightsChange, SetAcl
from mailaccess.proto.imap.commands.compress import Compress
from mailaccess.proto.imap.commands.messages import SearchReturn
from mailaccess.proto.imap.commands.metadata import GetMetadata, SetMetadata
from mailaccess.proto.imap.commands.notify import EventGroup, EventName, MailboxFilter, Notify
from mailaccess.proto.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailaccess.proto.imap.commands.replace import Replace
from mailaccess.proto.imap.commands.sorting import Sort, SortCriterion, SortKey, Thread
from mailaccess.proto.imap.commands.unauthenticate import Unauthenticate
from mailaccess.proto.imap.framing import AFTER_LOGIN, Frame, Framer, StreamStart
from mailaccess.proto.imap.parse import ParseError, parse
from mailaccess.proto.imap.render import render
from mailaccess.proto.imap.tokens import ImapCursor

FAMILIES: Any = (acl, compress, metadata, notify, quota, replace, sorting, unauthenticate)
ALL = {**RULES, **{name: rule for family in FAMILIES for name, rule in family.RULES.items()}}


def command(octets: bytes) -> Command:
    return parse(Frame(b"t " + octets), rules=ALL).command


NEW, GONE, FLAGS = EventName.MESSAGE_NEW, EventName.MESSAGE_EXPUNGE, EventName.FLAG_CHANGE


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"SORT (SUBJECT) UTF-8 ALL", Sort((SortCriterion(SortKey.SUBJECT),), c.All(), "UTF-8")),
        (
            b"UID SORT RETURN (COUNT) (reverse size DISPLAYFROM) us-ascii SEEN",
            Sort(
                (SortCriterion(SortKey.SIZE, reverse=True), SortCriterion(SortKey.DISPLAYFROM)),
                c.HasFlag("\\Seen"),
                "US-ASCII",
                uid=True,
                return_options=frozenset({SearchReturn.COUNT}),
            ),
        ),
        (b"UID THREAD references US-ASCII ALL", Thread("REFERENCES", c.All(), "US-ASCII", uid=True)),
        (b"COMPRESS deflate", Compress("DEFLATE")),
        (b"UNAUTHENTICATE", Unauthenticate()),
        (b'GETQUOTA ""', GetQuota("")),
        (b"GETQUOTAROOT inbox", GetQuotaRoot("INBOX")),
        (b'SETQUOTA "" (STORAGE 512 message 10)', SetQuota("", (("STORAGE", 512), ("MESSAGE", 10)))),
        (b'SETQUOTA "" ()', SetQuota("", ())),
        (b"SETACL INBOX kim +lr", SetAcl("INBOX", "kim", RightsChange.ADD, frozenset("lr"))),
        (b'SETACL INBOX kim ""', SetAcl("INBOX", "kim", RightsChange.REPLACE, frozenset())),
        (b"DELETEACL INBOX kim", DeleteAcl("INBOX", "kim")),
        (b"GETACL INBOX", GetAcl("INBOX")),
        (b"LISTRIGHTS INBOX kim", ListRights("INBOX", "kim")),
        (b"MYRIGHTS INBOX", MyRights("INBOX")),
        (b'GETMETADATA "" /shared/Comment', GetMetadata(None, ("/shared/comment",))),
        (
            b'GETMETADATA (MAXSIZE 1024 DEPTH infinity) "INBOX" (/shared/comment /private/comment)',
            GetMetadata("INBOX", ("/shared/comment", "/private/comment"), 1024, None),
        ),
        (
            b'GETMETADATA "INBOX" (DEPTH 1) (/private/filters)',
            GetMetadata("INBOX", ("/private/filters",), None, 1),
        ),
        (
            b'SETMETADATA INBOX (/private/comment "x" /shared/comment NIL /private/b ~{2}\r\n\0y)',
            SetMetadata(
                "INBOX", (("/private/comment", b"x"), ("/shared/comment", None), ("/private/b", b"\0y"))
            ),
        ),
        (b"NOTIFY NONE", Notify(())),
        (
            (
                b"NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) "
                b"(subtree (a b) (MailboxName)) (mailboxes INBOX NONE)"
            ),
            Notify(
                (
                    EventGroup(
                        MailboxFilter.SELECTED,
                        (),
                        frozenset({NEW, GONE, FLAGS}),
                        (fetch.Uid(), fetch.Flags()),
                    ),
                    EventGroup(MailboxFilter.SUBTREE, ("a", "b"), frozenset({EventName.MAILBOX_NAME})),
                    EventGroup(MailboxFilter.MAILBOXES, ("INBOX",), frozenset()),
                ),
                status=True,
            ),
        ),
    ],
)
def test_commands(octets: bytes, expected: Command) -> None:
    assert command(octets) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"SORT () UTF-8 ALL",
        b"SORT (FOO) UTF-8 ALL",
        b"SORT (REVERSE) UTF-8 ALL",
        b"SORT (SUBJECT) UTF-8",
        b"SORT (" + b"SIZE " * 30 + b"SIZE) UTF-8 ALL",
        b"THREAD REFERENCES UTF-8",
        b"COMPRESS",
        b"SETQUOTA x (STORAGE)",
        b"SETACL INBOX kim LR",
        b"SETACL INBOX kim",
        b"GETMETADATA INBOX comment",
        b"GETMETADATA INBOX /a//b",
        b"GETMETADATA INBOX /a/",
        b'GETMETADATA INBOX "/a*"',
        b"GETMETADATA (DEPTH 2) INBOX /a",
        b"SETMETADATA INBOX ()",
        b"SETMETADATA INBOX (/a)",
        b"NOTIFY",
        b"NOTIFY SET",
        b"NOTIFY SET (foo NONE)",
        b"NOTIFY SET (selected (MessageNew))",
        b"NOTIFY SET (selected (FlagChange))",
        b"NOTIFY SET (selected (MailboxName))",
        b"NOTIFY SET (inboxes (MessageNew (UID) MessageExpunge))",
        b"NOTIFY SET (selected NONE) (selected-delayed NONE)",
        b"REPLACE 1:2 Drafts {3}",
    ],
)
def test_no_commands(octets: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        command(octets)
    assert render(caught.value.response).startswith(b"t BAD ")


def test_an_unknown_event_is_told_those_that_are() -> None:
    with pytest.raises(ParseError) as caught:
        command(b"NOTIFY SET (personal (FooBar))")
    assert render(caught.value.response).startswith(b"t NO [BADEVENT (MessageNew ")


def test_the_message_of_replace_is_streamed() -> None:
    framer = Framer(AFTER_LOGIN)
    framer.feed(b"a UID REPLACE 5 {6+}\r\nDrafts (\\Draft) {3+}\r\nabc\r\n")
    start = framer.next()
    assert isinstance(start, StreamStart) and start.size == 3
    found = parse(start.frame, rules=ALL).command
    assert isinstance(found, Replace)
    assert (found.number, found.mailbox, found.uid) == (SequenceSet((Range(5, 5),)), "Drafts", True)
    assert found.message.flags == {"\\Draft"}


@pytest.mark.parametrize(
    ("table", "octets", "item"),
    [
        (fetch_binary, b"BINARY[]", fetch_binary.Binary(())),
        (fetch_binary, b"BINARY.PEEK[1.2]<0.5>", fetch_binary.Binary((1, 2), True, (0, 5))),
        (fetch_binary, b"BINARY.SIZE[3]", fetch_binary.BinarySize((3,))),
        (fetch_facts, b"PREVIEW", fetch_facts.Preview()),
        (fetch_facts, b"PREVIEW (LAZY)", fetch_facts.Preview(lazy=True)),
    ],
)
def test_fetch_items(table: Any, octets: bytes, item: fetch.FetchAtt) -> None:
    name = octets.split(b"[")[0].split(b" ")[0]
    cur = ImapCursor(octets, len(name))
    assert table.WITH_ARGUMENTS[name](cur) == item
    assert cur.at_end()


def test_a_preview_leaves_the_modifiers_of_the_command_alone() -> None:
    cur = ImapCursor(b"PREVIEW (CHANGEDSINCE 5)", 7)
    assert fetch_facts.WITH_ARGUMENTS[b"PREVIEW"](cur) == fetch_facts.Preview()
    assert cur.rest() == b" (CHANGEDSINCE 5)"


@pytest.mark.parametrize(
    ("response", "octets"),
    [
        (m.SortResult([5, 3, 4]), b"* SORT 5 3 4"),
        (m.SortResult([]), b"* SORT"),
        (m.SortResult([5], modseq=7), b"* SORT 5 (MODSEQ 7)"),
        (m.Threads([]), b"* THREAD"),
        # The examples of RFC 5256 §4.
        (
            m.Threads([[2], [3, 6, [4, 23], [44, 7, 96]]]),
            b"* THREAD (2)(3 6 (4 23)(44 7 96))",
        ),
        (m.Threads([[[3], [5]]]), b"* THREAD ((3)(5))"),
        (m.QuotaEntry("", (("STORAGE", 10, 512),)), b'* QUOTA "" (STORAGE 10 512)'),
        (m.QuotaRoots("INBOX", ("", "x y")), b'* QUOTAROOT INBOX "" "x y"'),
        (m.Acl("INBOX", (("kim", "lrs"), ("ä", ""))), '* ACL INBOX kim lrs {2}\r\nä ""'.encode()),
        (m.RightsList("INBOX", "kim", "la", ("r", "s")), b"* LISTRIGHTS INBOX kim la r s"),
        (m.OwnRights("INBOX", "lrs"), b"* MYRIGHTS INBOX lrs"),
        (
            m.MetadataValues("", (("/shared/a", b"x"), ("/shared/b", None), ("/shared/c", b"\0"))),
            b'* METADATA "" (/shared/a "x" /shared/b NIL /shared/c ~{1}\r\n\0)',
        ),
        (m.MetadataChanged("INBOX", ("/shared/a", "/shared/b")), b"* METADATA INBOX /shared/a /shared/b"),
        (r.Ok("x", m.MetadataCode("LONGENTRIES", 2199)), b"* OK [METADATA LONGENTRIES 2199] x"),
        (r.No("x", m.MetadataCode("NOPRIVATE")), b"* NO [METADATA NOPRIVATE] x"),
        (r.Ok("x", m.MailboxId("F1")), b"* OK [MAILBOXID (F1)] x"),
    ],
)
def test_responses(response: r.Response, octets: bytes) -> None:
    assert render(response) == octets + b"\r\n"


def test_a_thread_as_long_as_a_mailbox() -> None:
    tree: list[object] = [1]
    for number in range(2, 20001):
        tree = [number, tree, [0]]
    assert render(m.Threads([tree])).startswith(b"* THREAD (20000 (19999 ")
    assert render(m.Threads([list(range(1, 20001))])).endswith(b" 19999 20000)\r\n")
