"""Frames to commands, a table for each family."""

from datetime import UTC, datetime

import pytest

from mailaccess.model.secret import Secret
from mailaccess.model.sequence import Range, SequenceSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import Command
from mailaccess.proto.imap.commands.append import Append, AppendMessage, MessageLiteral
from mailaccess.proto.imap.commands.authentication import Authenticate, Login
from mailaccess.proto.imap.commands.listing import List, Lsub, ReturnOption, SelectOption, Status, StatusItem
from mailaccess.proto.imap.commands.mailboxes import (
    Check,
    Close,
    Create,
    Delete,
    Namespace,
    QResync,
    Rename,
    Select,
    Subscribe,
    Unselect,
    Unsubscribe,
)
from mailaccess.proto.imap.commands.messages import (
    Copy,
    Expunge,
    Move,
    Search,
    SearchReturn,
    Store,
    StoreOperation,
)
from mailaccess.proto.imap.commands.session import Capability, Enable, Id, Idle, Logout, Noop, StartTls
from mailaccess.proto.imap.framing import AFTER_LOGIN, Frame, Framer, StreamStart
from mailaccess.proto.imap.parse import ParseError, parse, parse_following
from mailaccess.proto.imap.render import render


def numbers(*pairs: tuple[int | None, int | None]) -> SequenceSet:
    return SequenceSet(tuple(Range(*pair) for pair in pairs))


ONE = numbers((1, 1))


def command(octets: bytes, *, utf8: bool = False) -> Command:
    return parse(Frame(b"t " + octets), utf8=utf8).command


def error(octets: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(Frame(octets))
    return caught.value


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"CAPABILITY", Capability()),
        (b"noop", Noop()),
        (b"NOOP ", Noop()),
        (b"LOGOUT", Logout()),
        (b"STARTTLS", StartTls()),
        (b"IDLE", Idle()),
        (b"ENABLE condstore X-Foo CONDSTORE", Enable(("CONDSTORE", "X-FOO"))),
        (b"ID NIL", Id(None)),
        (b"ID", Id(None)),
        (b"ID ()", Id(())),
        (b'ID ("Name" "x" "version" NIL)', Id((("name", "x"), ("version", None)))),
        (b'ID ("name" {3}\r\nabc)', Id((("name", "abc"),))),
        (b"NAMESPACE", Namespace()),
        (b"CHECK", Check()),
        (b"CLOSE", Close()),
        (b"UNSELECT", Unselect()),
        (b"SELECT INBOX", Select("INBOX")),
        (b"EXAMINE inbox", Select("INBOX", examine=True)),
        (b"SELECT INBOX (CONDSTORE)", Select("INBOX", condstore=True)),
        (b"SELECT INBOX (QRESYNC (7 20))", Select("INBOX", qresync=QResync(7, 20))),
        (
            b"SELECT INBOX (QRESYNC (7 20 1:5 (1,2 3,4)) condstore)",
            Select(
                "INBOX",
                condstore=True,
                qresync=QResync(7, 20, numbers((1, 5)), numbers((1, 1), (2, 2)), numbers((3, 3), (4, 4))),
            ),
        ),
        (
            b"SELECT INBOX (QRESYNC (7 20 (1 3)))",
            Select("INBOX", qresync=QResync(7, 20, None, ONE, numbers((3, 3)))),
        ),
        (b"CREATE a/b", Create("a/b")),
        (b"CREATE a/", Create("a")),
        (b"CREATE S (USE (\\sent \\Trash))", Create("S", ("\\Sent", "\\Trash"))),
        (b"CREATE S (USE ())", Create("S")),
        (b"DELETE {3}\r\na b", Delete("a b")),
        (b"DELETE Trash/", Delete("Trash")),  # quirk: Thunderbird
        (b'RENAME a "b c"', Rename("a", "b c")),
        (b"SUBSCRIBE a", Subscribe("a")),
        (b"UNSUBSCRIBE a", Unsubscribe("a")),
        (b'LIST "" *', List("", ("*",))),
        (b'LIST "" "%"', List("", ("%",))),
        (b'LIST a/ ""', List("a/", ("",))),
        (b'LIST "" K&AOQ-*', List("", ("Kä*",))),
        (b'LIST "" (a b*)', List("", ("a", "b*"), extended=True)),
        (b'LIST () "" *', List("", ("*",), extended=True)),
        (
            b'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (CHILDREN)',
            List(
                "",
                ("%",),
                frozenset({SelectOption.SUBSCRIBED, SelectOption.RECURSIVEMATCH}),
                frozenset({ReturnOption.CHILDREN}),
                (),
                True,
            ),
        ),
        (
            b'LIST "" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)',
            List(
                "",
                ("%",),
                frozenset(),
                frozenset({ReturnOption.SPECIAL_USE}),
                (StatusItem.MESSAGES, StatusItem.UNSEEN),
                True,
            ),
        ),
        (b'LIST "" % RETURN ()', List("", ("%",), extended=True)),
        (b'LSUB "" "*"', Lsub("", "*")),
        (
            b"STATUS inbox (messages UIDNEXT messages)",
            Status("INBOX", (StatusItem.MESSAGES, StatusItem.UIDNEXT)),
        ),
        (b"EXPUNGE", Expunge()),
        (b"UID EXPUNGE 1:*", Expunge(numbers((1, None)))),
        (b"uid  expunge 1", Expunge(ONE)),
        (b"COPY 1 x", Copy(ONE, "x")),
        (b"UID COPY 1 x", Copy(ONE, "x", uid=True)),
        (b"MOVE 1 x", Move(ONE, "x")),
        (b"UID MOVE $ x", Move(SequenceSet(saved=True), "x", uid=True)),
        (b"STORE 1 FLAGS ()", Store(ONE, StoreOperation.REPLACE, frozenset())),
        (b"STORE 1 +flags \\Seen", Store(ONE, StoreOperation.ADD, frozenset({"\\Seen"}))),
        (
            b"STORE 1 +FLAGS \\Seen \\Deleted",
            Store(ONE, StoreOperation.ADD, frozenset({"\\Seen", "\\Deleted"})),
        ),
        (
            b"UID STORE 1 -FLAGS.SILENT (x)",
            Store(ONE, StoreOperation.REMOVE, frozenset({"x"}), silent=True, uid=True),
        ),
        (
            b"STORE 1 (UNCHANGEDSINCE 0) FLAGS.SILENT (\\Seen)",
            Store(ONE, StoreOperation.REPLACE, frozenset({"\\Seen"}), silent=True, unchanged_since=0),
        ),
    ],
)
def test_commands(octets: bytes, expected: Command) -> None:
    assert command(octets) == expected


def test_the_name_is_the_key_of_the_dispatch_table() -> None:
    request = parse(Frame(b"A1 uid  fetch 1 flags"))
    assert (request.tag, request.name) == (b"A1", "UID FETCH")


def test_login_hides_the_password() -> None:
    found = command(b'LOGIN kim@example.org "s3 cret"')
    assert isinstance(found, Login)
    assert (found.user, found.password.reveal()) == (b"kim@example.org", b"s3 cret")
    assert "s3" not in repr(found)


@pytest.mark.parametrize(
    ("octets", "mechanism", "initial"),
    [
        (b"AUTHENTICATE plain", "PLAIN", None),
        (b"AUTHENTICATE CRAM-MD5 ", "CRAM-MD5", None),  # mutt
        (b"AUTHENTICATE PLAIN =", "PLAIN", b""),
        (b"AUTHENTICATE PLAIN AGtpbQBzZWNyZXQ=", "PLAIN", b"\0kim\0secret"),
    ],
)
def test_authenticate(octets: bytes, mechanism: str, initial: bytes | None) -> None:
    found = command(octets)
    assert isinstance(found, Authenticate)
    assert found.mechanism == mechanism
    revealed = found.initial_response.reveal() if isinstance(found.initial_response, Secret) else None
    assert revealed == initial


@pytest.mark.parametrize(
    "octets",
    [
        b"LOGIN kim",
        b"LOGIN kim ",
        b"LOGIN (kim) x",
        b"LOGIN kim pw extra",
        b"AUTHENTICATE",
        b"AUTHENTICATE PLAIN A",
        b"AUTHENTICATE PLAIN A=B=",
        b"AUTHENTICATE PLAIN AAAA BBBB",
        b"NOOP x",
        b"ENABLE",
        b"ENABLE " + b" ".join(b"X%d" % n for n in range(60)),
        b"ID x",
        b'ID ("a")',
        b'ID ("a" "b" "c")',
        b"ID (" + b" ".join([b'"x" "y"'] * 31) + b")",
        b'ID ("' + b"x" * 31 + b'" "y")',
        b'ID ("x" "' + b"y" * 1025 + b'")',
        b"SELECT",
        b"SELECT a b",
        b"SELECT a ()",
        b"SELECT a (FOO)",
        b"SELECT a (CONDSTORE CONDSTORE)",
        b"SELECT a (QRESYNC)",
        b"SELECT a (QRESYNC (0 1))",
        b"SELECT a (QRESYNC (1 0))",
        b"SELECT a (QRESYNC (1 1 1:*))",
        b"SELECT a (QRESYNC (1 1 (1)))",
        b"SELECT a\0b",
        b"CREATE a (FOO)",
        b"CREATE a (USE \\Sent)",
        b"RENAME a",
        b'LIST ""',
        b'LIST "" ()',
        b'LIST (FOO) "" *',
        b'LIST (RECURSIVEMATCH) "" *',
        b'LIST "" * RETURN',
        b'LIST "" * RETURN (FOO)',
        b'LIST "" * RETURN (STATUS)',
        b'LIST "" (' + b"a " * 150 + b"b)",
        b"STATUS a",
        b"STATUS a ()",
        b"STATUS a (FOO)",
        b"STATUS a MESSAGES",
        b"UID EXPUNGE",
        b"EXPUNGE 1",
        b"COPY 1",
        b"COPY x y",
        b"STORE 1",
        b"STORE 1 FLAGS",
        b"STORE 1 FLAG (x)",
        b"STORE 1 ++FLAGS (x)",
        b"STORE 1 FLAGS (\\Foo)",
        b"STORE 1 (UNCHANGEDSINCE) FLAGS (x)",
        b"STORE 1 (FOO 1) FLAGS (x)",
        b"UID",
        b"UID NOOP",
        b"UID FETCH",
        b"FETCHX 1 FLAGS",
        b"APPEND x {3}\r\nabc",  # a literal that was not streamed
        b"APPEND x",
    ],
)
def test_what_is_no_command_is_answered_by_bad_under_its_tag(octets: bytes) -> None:
    found = error(b"t " + octets)
    assert render(found.response).startswith(b"t BAD ")


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"", b"* BAD Expected a tag and a command\r\n"),
        (b"\xff\xfe", b"* BAD Expected a tag and a command\r\n"),
        (b"GET / HTTP/1.1", b"GET BAD There is no such command\r\n"),
        (b"+ NOOP", b"* BAD Expected a tag and a command\r\n"),
        (b"a", b"a BAD Expected a command behind the tag\r\n"),
        (b"a FOO", b"a BAD There is no such command\r\n"),
        (b"a FETCH 1 FOO", b"a BAD Error in FETCH: expected a known FETCH item at octet 11\r\n"),
        (b"a CREATE R&D", b"a NO [CANNOT] The mailbox name is not valid modified UTF-7\r\n"),
        (b"a CREATE \xff", b"a NO [CANNOT] The mailbox name is not valid UTF-8\r\n"),
        (b"a CREATE x (USE (\\Foo))", b"a NO [USEATTR] There is no such special use here\r\n"),
    ],
)
def test_errors_say_what_was_expected_and_where(octets: bytes, answer: bytes) -> None:
    assert render(error(octets).response) == answer


def test_an_error_does_not_repeat_what_was_sent() -> None:
    assert "s3cret" not in str(error(b"a LOGIN kim s3cret s3cret"))


def test_an_unknown_charset_is_answered_by_those_that_are_known() -> None:
    found = error(b"a SEARCH CHARSET X-KLINGON ALL")
    assert isinstance(found.status, r.No)
    assert isinstance(found.status.code, r.BadCharset)
    assert "UTF-8" in found.status.code.charsets


# --- APPEND ---------------------------------------------------------------------------------------------


def announced(stream: bytes) -> list[StreamStart]:
    framer = Framer(AFTER_LOGIN)
    framer.feed(stream)
    found = []
    while (event := framer.next()) is not None:
        if isinstance(event, StreamStart):
            found.append(event)
            framer.accept()
        if isinstance(event, Frame):
            parse(event)
    return found


@pytest.mark.parametrize(
    ("octets", "flags", "date"),
    [
        (b"", set(), None),
        (b"(\\Seen $x) ", {"\\Seen", "$x"}, None),
        (b"() ", set(), None),
        (b'"17-Jul-1996 02:44:25 +0000" ', set(), datetime(1996, 7, 17, 2, 44, 25, tzinfo=UTC)),
        (
            b'(\\Draft) "17-Jul-1996 02:44:25 +0000" ',
            {"\\Draft"},
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=UTC),
        ),
    ],
)
def test_append(octets: bytes, flags: set[str], date: datetime | None) -> None:
    (start,) = announced(b"a APPEND Sent " + octets + b"{3+}\r\nabc\r\n")
    assert parse(start.frame).command == Append(
        "Sent", (AppendMessage(frozenset(flags), date, MessageLiteral(3)),)
    )


def test_each_message_of_an_append_is_read_once() -> None:
    first, second, third = announced(b"a APPEND x {1+}\r\na (\\Seen) ~{2+}\r\nbc {3+}\r\ndef\r\n")
    assert parse(first.frame).command == Append("x", (AppendMessage(frozenset(), None, MessageLiteral(1)),))
    assert parse_following(second, catenating=False).messages == (
        AppendMessage(frozenset({"\\Seen"}), None, MessageLiteral(2, binary=True, number=1)),
    )
    assert parse_following(third, catenating=False).messages == (
        AppendMessage(frozenset(), None, MessageLiteral(3, number=2)),
    )


def test_a_message_in_utf8_comes_in_parentheses() -> None:
    """RFC 6855 §4."""
    first, second = announced(b"a APPEND x UTF8 (~{3+}\r\nabc) (\\Seen) {1+}\r\nx\r\n")
    assert parse(first.frame).command == Append(
        "x", (AppendMessage(frozenset(), None, MessageLiteral(3, binary=True, utf8=True)),)
    )
    (message,) = parse_following(second, catenating=False, in_utf8=True).messages
    assert message.flags == {"\\Seen"}


def test_a_second_message_that_is_wrong_has_its_tag() -> None:
    framer = Framer(AFTER_LOGIN)
    framer.feed(b"a APPEND x {1+}\r\na (\\Foo) {2}\r\n")
    framer.next()
    framer.accept()
    framer.next(), framer.next()
    start = framer.next()
    assert isinstance(start, StreamStart)
    with pytest.raises(ParseError) as caught:
        parse_following(start, catenating=False)
    assert caught.value.tag == b"a"


# --- SEARCH return options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "options"),
    [
        (b"ALL", None),
        (b"RETURN () ALL", {SearchReturn.ALL}),
        (b"return (min MAX) ALL", {SearchReturn.MIN, SearchReturn.MAX}),
        (b"RETURN (COUNT SAVE) ALL", {SearchReturn.COUNT, SearchReturn.SAVE}),
    ],
)
def test_search_return_options(octets: bytes, options: set[SearchReturn] | None) -> None:
    found = command(b"UID SEARCH " + octets)
    assert isinstance(found, Search)
    assert found.uid
    assert found.return_options == options


def test_a_command_in_the_same_words_is_read_once_and_keeps_its_tag_and_its_mistakes() -> None:
    for words in (b"SELECT INBOX", b"status Work (MESSAGES)", b'LIST "" *'):
        first, again = parse(Frame(b"a1 " + words)), parse(Frame(b"a2 " + words))
        assert (first.tag, again.tag) == (b"a1", b"a2")
        assert (first.name, first.command, first.old_names) == (again.name, again.command, again.old_names)
    for tag in (b"a1", b"a2"):
        with pytest.raises(ParseError) as caught:
            parse(Frame(tag + b" SELECT INBOX more"))
        assert caught.value.tag == tag and "SELECT" in caught.value.status.text
    assert parse(Frame(b'a SELECT "&U,BTFw-"')).command == parse(Frame(b'b SELECT "&U,BTFw-"')).command
    assert (
        parse(Frame(b'a SELECT "&U,BTFw-"'), utf8=True).command
        != parse(Frame(b'b SELECT "&U,BTFw-"')).command
    )
