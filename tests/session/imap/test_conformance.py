"""What a conformance suite would ask: small rules of RFC 3501, RFC 9051 and their extensions, one by one."""

import pytest

from mailaccess.model.errors import MailboxHasChildren
from tests.session.imap.house import MaildirHouse


def test_an_empty_message_cancels_the_append(imap):
    """RFC 3502 §6.3.11: a zero-length literal is answered NO, and nothing is stored."""
    one = imap.session()
    assert one.send(b"a APPEND INBOX {0}\r\n").startswith(b"a NO ")
    assert one.send(b"b APPEND INBOX {0+}\r\n\r\nc NOOP\r\n").startswith(b"b NO ")
    said = one.send(b"d APPEND INBOX {1+}\r\nx {0+}\r\n\r\ne NOOP\r\n")
    assert said.startswith(b"d NO ") and said.endswith(b"e OK NOOP completed\r\n")
    assert imap.truth("INBOX") == []


@pytest.mark.parametrize("command", ["SEARCH RETURN (SAVE)", "UID SORT RETURN (SAVE) (DATE)"])
def test_a_save_answered_no_leaves_nothing_and_a_bad_one_leaves_all(imap, command):
    """RFC 5182 §2.1."""
    imap.given("INBOX", messages=3)
    one = imap.session("INBOX")
    one.ask("SEARCH RETURN (SAVE) ALL")
    without = command.replace("RETURN (SAVE)", "RETURN (COUNT)")
    charset = "X-NOSUCH" if "SORT" in command else "CHARSET X-NOSUCH"
    assert one.ask(f"{without} {charset} SUBJECT x").status.startswith("NO [BADCHARSET")
    assert one.ask(f"{command} UTF-8 WHAT" if "SORT" in command else f"{command} WHAT").status.startswith(
        "BAD"
    )
    assert len(one.ask("FETCH $ UID").untagged) == 3
    assert one.ask(f"{command} {charset} SUBJECT x").status.startswith("NO [BADCHARSET")
    assert one.ask("FETCH $ UID").untagged == []


def test_a_search_that_cannot_be_changes_nothing_without_a_mailbox(imap):
    one = imap.session()
    assert one.ask("SEARCH RETURN (SAVE) CHARSET X-NOSUCH ALL").status.startswith("BAD")


def test_a_mailbox_that_could_not_be_deleted_stays_selected(imap):
    """RFC 3501 §6.3.4: a DELETE that fails changes nothing."""
    imap.given("a")
    one = imap.session("a")

    async def refuse(name):
        raise MailboxHasChildren

    deleted, imap.account.delete = imap.account.delete, refuse
    answer = one.ask("DELETE a")
    assert answer.status.startswith("NO [HASCHILDREN]") and answer.untagged == []
    assert one.ask("FETCH 1:* FLAGS").status != "BAD No mailbox is selected"
    imap.account.delete = deleted
    answer = one.ask("DELETE a")
    assert answer.status.startswith("OK") and [each[:11] for each in answer.untagged] == ["OK [CLOSED]"]
    assert one.ask("CHECK").status == "BAD No mailbox is selected"


def test_commands_in_the_wrong_state_do_not_end_a_connection_before_login(imap):
    one = imap.connect()
    for command in ("SELECT INBOX", 'LIST "" *', "FETCH 1 FLAGS", "IDLE", "CLOSE", "NAMESPACE"):
        assert one.ask(command).status == "BAD Please log in first"
    assert one.ask("LOGIN lee secret").status.startswith("OK")


def test_no_message_is_recent_once_imap4rev2_is_enabled(imap):
    """RFC 9051 Appendix E, also when a mailbox is selected."""
    imap.given("INBOX", messages=1, claimed=False)
    one = imap.session("INBOX")
    assert one.ask("FETCH 1 FLAGS").untagged == ["1 FETCH (FLAGS (\\Recent))"]
    one.ask("ENABLE IMAP4rev2")
    assert one.ask("FETCH 1 FLAGS").untagged == ["1 FETCH (FLAGS ())"]


def test_the_messages_of_one_append_do_not_gather_in_memory(imap):
    """RFC 3502: all or none of a thousand; past a bound the whole ones wait on disk, under one date."""
    one = imap.session()
    body = b"Subject: x\r\n\r\n" + b"y" * 400_000
    piece = b" {%d+}\r\n%b" % (len(body), body)
    dated = b' "17-Jul-1996 02:44:25 -0700"' + piece
    said = one.send(b"a APPEND INBOX" + dated + piece * 5 + b"\r\n")
    assert said.startswith(b"a OK [APPENDUID ")
    settled = [upload.settled for upload in imap.account.uploads]
    assert settled[0] == 837596665 and None not in settled[:3] and settled[-1] is None
    assert len(imap.truth("INBOX")) == 6
    dates = imap.account.rooms["INBOX"].columns.dates
    assert dates[1] == settled[1]


GLOBAL = b"""\
Subject: outer\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=xx\r
\r
--xx\r
Content-Type: message/global\r
\r
From: lee@naver.com\r
Subject: \xed\x95\x9c\r
\r
text\r
--xx\r
Content-Type: message/global\r
Content-Transfer-Encoding: base64\r
\r
U3ViamVjdDogeA0KDQp4\r
--xx--\r
"""


def test_message_global_is_a_message_once_imap4rev2_is_enabled(tmp_path):
    """RFC 9051 §7.5.2, §9 media-message: envelope and body; its parts have numbers. Encoded ones stay as they are."""
    maildir = MaildirHouse(tmp_path)
    maildir.given("INBOX", [GLOBAL])
    one, two = maildir.session("INBOX"), maildir.session("INBOX", enable=["IMAP4rev2"])
    old = one.ask("FETCH 1 BODYSTRUCTURE").untagged[0]
    assert '("message" "global" NIL NIL NIL "7bit" 41 NIL NIL NIL NIL)' in old
    new = two.send(b"a FETCH 1 (BODY UID BODYSTRUCTURE)\r\n")
    inner = (
        b'(NIL {3}\r\n\xed\x95\x9c ((NIL NIL "lee" "naver.com")) ((NIL NIL "lee" "naver.com"))'
        b' ((NIL NIL "lee" "naver.com")) NIL NIL NIL NIL NIL)'
    )
    part = (
        b'("message" "global" NIL NIL NIL "7bit" 41 ' + inner + b' ("text" "plain" ("charset" "us-ascii") NIL'
    )
    assert new.count(part) == 2 and new.count(b'"base64"') == 2
    assert b'BODYSTRUCTURE (("message" "global"' in new
    assert two.send(b"c FETCH 1 BODY.PEEK[1.TEXT]\r\n").startswith(b"* 1 FETCH (BODY[1.TEXT] {4}\r\ntext)")
    assert two.send(b"b FETCH 1 BODY.PEEK[1.HEADER.FIELDS (From)]\r\n").startswith(
        b"* 1 FETCH (BODY[1.HEADER.FIELDS (From)] {23}\r\nFrom: lee@naver.com\r\n\r\n)"
    )
    assert two.ask("FETCH 1 BODY.PEEK[2.TEXT]").untagged == ["1 FETCH (BODY[2.TEXT] NIL)"]
    assert one.ask("FETCH 1 BODY.PEEK[1.TEXT]").untagged == ["1 FETCH (BODY[1.TEXT] NIL)"]


def test_a_keyword_with_a_bracket_does_not_end_the_response_code(imap):
    """RFC 9051 §9 atom-specials: "]" is taken in a keyword, and told where it cannot be misread."""
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    flags, permanent, fetched = one.ask("STORE 1 +FLAGS ([work] plain)").untagged
    assert flags.endswith("[work] plain)") and fetched == "1 FETCH (FLAGS ([work] plain))"
    assert (
        permanent.startswith("OK [PERMANENTFLAGS (")
        and " plain \\*)]" in permanent
        and "work" not in permanent
    )
