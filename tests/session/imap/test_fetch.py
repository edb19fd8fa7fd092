"""FETCH and UID FETCH (RFC 3501 §6.4.5, §7.4.2)."""

import pytest

from mailaccess.imap.fetch import lines
from mailaccess.model.errors import TemporaryFailure
from tests.session.driving import Promise
from tests.session.fakes import FakeBody

MAIL = (
    b"From: Lee <lee@naver.com>\r\nSubject: two parts\r\nDate: Wed, 17 Jul 1996 02:23:25 -0700\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
    b"--b\r\nContent-Type: text/plain\r\nX-Part: 1\r\n\r\nfirst\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: kim@daum.net\r\n\r\n"
    b"second\r\n--b--\r\n"
)


def literal(octets):
    return b"{%d}\r\n%b" % (len(octets), octets)


def fetched(one, items, number=1):
    """The octets between the parentheses."""
    octets = one.send(f"x FETCH {number} {items}\r\n")
    start = b"* %d FETCH (" % number
    assert octets.startswith(start) and b")\r\nx OK" in octets, octets
    return octets[len(start) : octets.rindex(b")\r\nx OK")]


@pytest.fixture
def one(imap):
    imap.given("INBOX", [MAIL])
    return imap.session("INBOX")


def test_items_from_columns_and_macros(imap):
    room = imap.given("INBOX", messages=1, seen=[1])
    room.columns.dates[0] = 837595465
    imap.session("INBOX").talk("""
        C: a FETCH 1 FAST
        S: * 1 FETCH (FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 09:24:25 +0000" RFC822.SIZE 22)
        S: a OK FETCH completed
        C: b UID FETCH 1 RFC822.SIZE
        S: * 1 FETCH (UID 1 RFC822.SIZE 22)
        S: b OK FETCH completed
    """)


def test_envelope_and_structure(one):
    answer = fetched(one, "(ENVELOPE BODYSTRUCTURE)")
    assert answer.startswith(b'ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" "two parts" (("Lee" NIL "lee" ')
    assert b' BODYSTRUCTURE (("text" "plain"' in answer
    assert fetched(one, "FULL").startswith(b"FLAGS () INTERNALDATE ")


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        ("", MAIL),
        ("HEADER", MAIL[: MAIL.index(b"preamble")]),
        ("TEXT", MAIL[MAIL.index(b"preamble") :]),
        ("1", b"first"),
        ("1.MIME", b"Content-Type: text/plain\r\nX-Part: 1\r\n\r\n"),
        ("2", b"Subject: inner\r\nFrom: kim@daum.net\r\n\r\nsecond"),
        ("2.HEADER", b"Subject: inner\r\nFrom: kim@daum.net\r\n\r\n"),
        ("2.TEXT", b"second"),
        ("2.1", b"second"),
        ("2.HEADER.FIELDS (FROM)", b"From: kim@daum.net\r\n\r\n"),
        ("2.HEADER.FIELDS.NOT (FROM)", b"Subject: inner\r\n\r\n"),
        ("HEADER.FIELDS (SUBJECT X-None)", b"Subject: two parts\r\n\r\n"),
        ("HEADER.FIELDS.NOT (From Date Content-Type MIME-Version)", b"Subject: two parts\r\n\r\n"),
    ],
)
def test_sections(one, section, octets):
    assert fetched(one, f"BODY.PEEK[{section}]") == f"BODY[{section}] ".encode() + literal(octets)
    part = octets[3:8]
    assert fetched(one, f"BODY.PEEK[{section}]<3.5>") == f"BODY[{section}]<3> ".encode() + literal(part)
    assert fetched(one, f"BODY.PEEK[{section}]<9999.5>") == f"BODY[{section}]<9999> ".encode() + literal(b"")


def test_a_part_that_is_not_there_is_nil(one):
    assert fetched(one, "BODY.PEEK[3]") == b"BODY[3] NIL"
    assert fetched(one, "BODY.PEEK[1.HEADER]") == b"BODY[1.HEADER] NIL"


def test_several_sections_and_facts_in_one_line(one):
    answer = fetched(one, "(UID BODY.PEEK[1] ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[HEADER])")
    assert answer.startswith(b"UID 1 BODY[1] {5}\r\nfirst ENVELOPE (")
    assert b" BODY[HEADER.FIELDS (Subject)] {22}\r\nSubject: two parts\r\n\r\n BODY[HEADER] {" in answer


def test_the_old_names_answer_as_they_were_asked(one):
    header = MAIL[: MAIL.index(b"preamble")]
    assert fetched(one, "RFC822.HEADER") == b"RFC822.HEADER " + literal(header)
    assert fetched(one, "FLAGS") == b"FLAGS ()"
    assert fetched(one, "RFC822.TEXT") == b"FLAGS (\\Seen) RFC822.TEXT " + literal(MAIL[len(header) :])
    assert fetched(one, "RFC822") == b"RFC822 " + literal(MAIL)


def test_reading_a_body_sets_seen_and_says_so_once(imap):
    imap.given("INBOX", messages=3, seen=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    answer = one.ask("FETCH 1:3 BODY[TEXT]")
    assert [line for line in answer.of("FETCH") if "FLAGS (\\Seen)" in line] == answer.of("FETCH")
    assert "FLAGS" not in str(one.ask("FETCH 1:3 BODY[TEXT]"))
    assert other.ask("NOOP").numbers("FETCH") == [1, 3]
    assert one.ask("NOOP").untagged == []


def test_numbers_beyond_the_last_are_wrong_and_unknown_uids_are_passed_over(imap):
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX")
    assert one.ask("FETCH 3 UID").status.startswith("BAD")
    assert one.ask("FETCH 2:3 UID").status.startswith("BAD")
    assert one.ask("UID FETCH 3,7:9 UID").untagged == []
    assert one.ask("UID FETCH 9:* UID").untagged == ["2 FETCH (UID 2)"]
    assert one.ask("FETCH *:1 UID").numbers("FETCH") == [1, 2]
    empty = imap.session()
    imap.given("empty")
    empty.ask("SELECT empty")
    assert empty.ask("FETCH 1:* FLAGS").status.startswith("BAD")
    assert empty.ask("UID FETCH 1:* FLAGS").status.startswith("OK")


def test_many_messages_come_in_order(imap):
    imap.given("INBOX", messages=9000)
    one = imap.session("INBOX")
    assert one.ask("FETCH 1:* (UID FLAGS)").numbers("FETCH") == list(range(1, 9001))
    assert one.ask("FETCH 2:8999 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").numbers("FETCH") == list(
        range(2, 9000)
    )
    assert one.ask("FETCH 1:200 (BODY.PEEK[])").numbers("FETCH") == list(range(1, 201))
    picked = ",".join(map(str, range(1, 9001, 3)))
    assert one.ask(f"FETCH {picked} UID").numbers("FETCH") == list(range(1, 9001, 3))


def test_a_large_message_is_streamed_to_a_slow_reader_in_bounded_memory(imap):
    big = b"Subject: big\r\n\r\n" + b"0123456789abcdef" * (4 * 65536)
    imap.given("INBOX", [big, b"Subject: small\r\n\r\nx"])
    one = imap.session("INBOX", room=100_000)
    one.connection.received(b"a FETCH 1:2 (UID BODY.PEEK[] BODY.PEEK[TEXT]<5.7>)\r\nb NOOP\r\n")
    got = b""
    while b"b OK" not in got:
        piece = one.take()
        assert piece
        got += piece
    first = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b BODY[TEXT]<5> {7}\r\n56789ab)\r\n" % (len(big), big)
    assert got.startswith(first + b"* 2 FETCH")
    assert one.wire.peak <= 100_000 + lines.STEP + 70_000


def test_sections_of_a_large_message(imap):
    inner = b"x" * 1_500_000
    big = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsmall\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\n"
        b"Subject: in\r\nTo: kim\r\n\r\n" + inner + b"\r\n--b--\r\n"
    )
    imap.given("INBOX", [big])
    one = imap.session("INBOX")
    assert fetched(one, "BODY.PEEK[1]") == b"BODY[1] {5}\r\nsmall"
    assert fetched(one, "BODY.PEEK[2.1]") == b"BODY[2.1] " + literal(inner)
    assert fetched(one, "BODY.PEEK[2.1]<10.20>") == b"BODY[2.1]<10> " + literal(b"x" * 20)
    assert fetched(one, "BODY.PEEK[2.HEADER.FIELDS (TO)]") == b"BODY[2.HEADER.FIELDS (TO)] " + literal(
        b"To: kim\r\n\r\n"
    )
    assert fetched(one, "BODY.PEEK[9]") == b"BODY[9] NIL"


def test_a_message_that_goes_while_it_is_fetched_is_left_out(imap):
    room = imap.given("INBOX", messages=3)
    one = imap.session("INBOX")
    waiting = imap.account.waits["facts"] = Promise()
    assert one.send("a FETCH 1:3 ENVELOPE\r\n") == b""
    room.remove([2], None)
    waiting.keep()
    said = one.take().decode()
    assert [line[:9] for line in said.split("\r\n") if line[:1] == "*"] == ["* 1 FETCH", "* 3 FETCH"]
    assert said.splitlines()[-1].startswith("a NO [EXPUNGEISSUED]")
    assert one.ask("NOOP").untagged == ["2 EXPUNGE"]


def test_a_client_that_leaves_in_the_middle_ends_the_work(imap):
    big = b"Subject: big\r\n\r\n" + b"x" * 3_000_000
    imap.given("INBOX", [big])
    one = imap.session("INBOX", room=10_000)
    one.connection.received(b"a FETCH 1 BODY.PEEK[]\r\n")
    waiting, one.wire.waiting = one.wire.waiting, []
    one.lose()
    for promise in waiting:
        promise.keep(ConnectionResetError())
    assert imap.account.rooms["INBOX"].handles == []


def test_a_client_that_stops_reading_is_dropped_in_the_end(imap):
    imap.given("INBOX", [b"Subject: big\r\n\r\n" + b"x" * 3_000_000])
    one = imap.session("INBOX", room=10_000)
    one.connection.received(b"a FETCH 1 BODY.PEEK[]\r\n")
    imap.clock.advance(1801)
    assert one.wire.aborted


def test_an_error_of_ours_is_told_with_a_reference_and_survived(imap):
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    imap.account.waits["facts"] = ZeroDivisionError("secret path")
    status = one.ask("FETCH 1 ENVELOPE").status
    assert status.startswith("NO [SERVERBUG]") and "secret" not in status
    _, _, fields = next(each for each in imap.log.events if each[0] == "imap-server-bug")
    assert fields["reference"] in status and "ZeroDivisionError" in fields["error"]
    assert one.ask("FETCH 1 UID").status.startswith("OK")


def test_a_failing_question_closes_what_the_others_opened(imap, monkeypatch):
    opened = []

    class Remembered(FakeBody):
        def __init__(self, octets):
            super().__init__(octets)
            opened.append(self)

    monkeypatch.setattr("tests.session.fakes.FakeBody", Remembered)
    imap.given("INBOX", [b"Subject: big\r\n\r\n" + b"x" * 2_000_000])
    one = imap.session("INBOX")
    imap.account.waits["facts"] = TemporaryFailure()
    assert one.ask("FETCH 1 (BODY.PEEK[TEXT])").status.startswith("NO [UNAVAILABLE]")
    assert [body.closed for body in opened] == [True]


def test_a_line_that_is_begun_and_cannot_be_ended_ends_the_connection(imap, monkeypatch):
    """The tagged answer stood in the middle of the line, and the client waited for the rest of it."""
    large = MAIL.replace(b"second", b"second" * 400_000)
    imap.given("INBOX", [large])
    one = imap.session("INBOX")

    async def fails(self, offset, length):
        raise TemporaryFailure(detail="I/O error")

    monkeypatch.setattr(FakeBody, "read", fails)
    said = one.send(b"a FETCH 1 (UID BODY.PEEK[2.HEADER.FIELDS (SUBJECT)])\r\n")
    assert b"a NO" not in said and one.wire.aborted
    assert any(event == "imap-read-failed" for event, *_ in imap.log.events)
