"""Messages put together on the server (CATENATE, RFC 4469; URL-PARTIAL, RFC 5550 §5.7.1)."""

import re

import pytest

from mailaccess.model.account import QuotaLimit
from tests.session.imap.house import MaildirHouse, run

MAIL = (
    b"Subject: trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n"
    b"--xx\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    b"--xx\r\nContent-Type: application/octet-stream\r\n\r\nsecond\r\n--xx--\r\n"
)


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("Drafts", [b"x\r\n", MAIL])
    return house


def octets_of(house, name, number):
    """A message as it stands in its mailbox."""
    said = house.session(examined=name).send(b"z UID FETCH %d BODY.PEEK[]\r\n" % number)
    size = int(re.search(rb"\{(\d+)\}", said).group(1))
    return said[said.index(b"}\r\n") + 3 :][:size]


def validity(house):
    """``UIDVALIDITY=n`` of Drafts."""
    return house.session().ask("STATUS Drafts (UIDVALIDITY)").untagged[0].split("(")[1][:-1].replace(" ", "=")


def test_an_attachment_is_replaced(house):
    """Example 1 of RFC 4469, appendix A."""
    one = house.session()
    drafts = f"/Drafts;{validity(house)}/;UID=2".encode()
    said = one.send(
        b'A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL "%b/;section=HEADER" TEXT {8}\r\n'
        % drafts
    )
    assert said == b"+ OK\r\n"
    said = one.send(
        b'\r\n--xx\r\n URL "%b/;section=1.MIME" URL "%b/;section=1" TEXT {8}\r\n' % (drafts, drafts)
    )
    assert said == b"+ OK\r\n"
    said = one.send(b'\r\n--xx\r\n URL "/Drafts/;UID=1" TEXT {8}\r\n')
    assert said == b"+ OK\r\n"
    assert re.match(rb"A003 OK \[APPENDUID \d+ 3\] ", one.send(b"--xx--\r\n)\r\n"))
    assert octets_of(house, "Drafts", 3) == (
        b"Subject: trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n"
        b"\r\n--xx\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--xx\r\nx\r\n--xx--\r\n"
    )
    assert house.truth("Drafts")[2][1] == {"\\Seen", "\\Draft", "$MDNSent"}
    assert house.truth("Drafts")[1][1] == frozenset()  # no \Seen for what was read


def test_urls_alone_need_no_literal(house):
    one = house.session()
    one.talk("""
        C: a APPEND INBOX CATENATE (URL "/Drafts/;UID=1" URL "/Drafts/;UID=2/;SECTION=2/;PARTIAL=1.3")
        S: a OK ...
        C: b APPEND INBOX CATENATE (URL /Drafts/;UID=2/;PARTIAL=9)
        S: b OK ...
        C: c APPEND INBOX (\\Seen) CATENATE (URL /Drafts/;UID=1) CATENATE (URL /Drafts/;UID=1)
        S: c OK [APPENDUID ...
    """)
    assert octets_of(house, "INBOX", 1) == b"x\r\neco"
    assert octets_of(house, "INBOX", 2) == MAIL[9:]
    assert [flags for _, flags in house.truth("INBOX")[2:]] == [{"\\Seen"}, frozenset()]


def test_the_selected_mailbox_is_the_base(house):
    house.given("INBOX", [b"in the inbox\r\n"])
    one = house.session("Drafts")
    one.talk("""
        C: a APPEND INBOX CATENATE (URL ";UID=2/;SECTION=1" URL "/;UID=1")
        S: a OK ...
    """)
    assert octets_of(house, "INBOX", 2) == b"firstx\r\n"
    assert b"b NO [BADURL ;UID=2] " in house.session().send(b"b APPEND INBOX CATENATE (URL ;UID=2)\r\n")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/Drafts/;UID=9", "/Drafts/;UID=9"),
        ("/Drafts/;UID=2/;SECTION=3", "/Drafts/;UID=2/;SECTION=3"),
        ("/Drafts;UIDVALIDITY=1/;UID=2", "/Drafts;UIDVALIDITY=1/;UID=2"),
        ("/nowhere/;UID=1", "/nowhere/;UID=1"),
        ("imap://other/Drafts/;UID=1", "imap://other/Drafts/;UID=1"),
        ("/Drafts/;UID=1;URLAUTH=anonymous", "/Drafts/;UID=1;URLAUTH=anonymous"),
        ("/]\\\\x", "/%5D%5Cx"),
        ("", ""),
    ],
)
def test_a_url_that_leads_nowhere_is_told_at_once(house, url, told):
    one = house.session()
    said = one.send(f'a APPEND INBOX CATENATE (TEXT {{3+}}\r\nabc URL "{url}" TEXT {{100}}\r\n'.encode())
    assert said.startswith(f"a NO [BADURL {told}] ".encode())
    assert one.ask("NOOP").status.startswith("OK")
    said = one.send(
        f'b APPEND INBOX CATENATE (URL "{url}" TEXT {{3+}}\r\nabc TEXT {{2+}}\r\nab)\r\n'.encode()
    )
    assert said.startswith(b"b NO [BADURL ")
    assert one.ask("NOOP").status.startswith("OK")
    assert house.truth("INBOX") == []


def test_many_messages_are_stored_or_none(house):
    """With MULTIAPPEND, plain and in UTF-8, in one command."""
    one = house.session()
    said = one.send(
        b"a APPEND INBOX {3+}\r\nabc (\\Seen) CATENATE (TEXT {2+}\r\nde URL /Drafts/;UID=1 TEXT ~{3+}\r\nfxg)"
        b" CATENATE (URL /Drafts/;UID=1) UTF8 (~{2+}\r\nhi) CATENATE (UTF8 (~{1+}\r\nj) URL /Drafts/;UID=1)"
        b" {1+}\r\nk\r\n"
    )
    assert re.match(rb"a OK \[APPENDUID \d+ 1:6\] ", said)
    assert [octets_of(house, "INBOX", number) for number in range(1, 7)] == [
        b"abc", b"dex\r\nfxg", b"x\r\n", b"hi", b"jx\r\n", b"k",
    ]  # fmt: skip
    assert b"b NO [BADURL " in one.send(
        b"b APPEND INBOX {3+}\r\nabc CATENATE (URL /Drafts/;UID=9) {3+}\r\nabc\r\n"
    )
    assert len(house.truth("INBOX")) == 6


@pytest.mark.parametrize(
    "arguments",
    [b"()", b"(URL)", b"(TEXT abc)", b"(URL /x/;UID=1", b"(URL /x/;UID=1 )", b"(FILE /etc/passwd)", b"URL x"],
)
def test_bad_syntax_is_bad(house, arguments):
    one = house.session()
    assert one.send(b"a APPEND INBOX CATENATE " + arguments + b"\r\n").startswith(b"a BAD ")
    assert one.ask("NOOP").status.startswith("OK")


def test_a_message_that_becomes_too_large_is_refused(house):
    house.deliver("Drafts", b"y" * 3_000_000)
    one = house.session()
    said = one.send(b"a APPEND INBOX CATENATE (URL /Drafts/;UID=3 URL /Drafts/;UID=3)\r\n")
    assert said.startswith(b"a NO [TOOBIG] ")
    assert one.send(b"b APPEND INBOX CATENATE (URL /Drafts/;UID=3 TEXT {2000000}\r\n").startswith(
        b"b NO [TOOBIG] "
    )
    assert one.send(b"c APPEND INBOX CATENATE (URL /Drafts/;UID=3 TEXT {10+}\r\n0123456789)\r\n").startswith(
        b"c OK "
    )
    house.account.vault.limit = house.account._limit = QuotaLimit(storage=7_000_000)
    assert one.send(b"d APPEND INBOX CATENATE (URL /Drafts/;UID=3)\r\n").startswith(b"d NO [OVERQUOTA] ")
    many = b" ".join([b"URL /Drafts/;UID=1"] * 1001)
    assert one.send(b"e APPEND INBOX CATENATE (" + many + b")\r\n").startswith(b"e NO [LIMIT] ")
    assert len(house.truth("INBOX")) == 1


def test_a_draft_is_replaced_by_parts_of_itself(house):
    """The example of RFC 8508 §4.2, shorter."""
    one = house.session("Drafts")
    said = one.send(
        b'A011 UID REPLACE 2 Drafts CATENATE (TEXT {16+}\r\nSubject: new\r\n\r\n URL ";UID=2/;SECTION=1")\r\n'
    )
    assert b"\r\nA011 OK " in said and b"* 2 EXPUNGE\r\n" in said
    assert [uid for uid, _ in house.truth("Drafts")] == [1, 3]
    assert octets_of(house, "Drafts", 3) == b"Subject: new\r\n\r\nfirst"
    assert b"b NO [BADURL ;UID=2] " in one.send(b"b REPLACE 2 Drafts CATENATE (URL ;UID=2)\r\n")
    said = one.send(b"c REPLACE 2 Drafts CATENATE (URL ;UID=3) CATENATE (URL ;UID=3)\r\n")
    assert said.startswith(b"c BAD ")
    assert [uid for uid, _ in house.truth("Drafts")] == [1, 3]


def test_it_is_offered(house):
    assert " CATENATE URL-PARTIAL " in house.session().ask("CAPABILITY").untagged[0]
    assert run(house.account.status("INBOX")).messages == 0
