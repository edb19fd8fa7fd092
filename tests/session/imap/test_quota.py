"""GETQUOTA and GETQUOTAROOT (RFC 9208), and names in UTF-8 (RFC 6855)."""

from mailaccess.model.account import QuotaLimit
from tests.session.imap.house import MaildirHouse


def test_use_and_limit_are_told(imap):
    imap.given("INBOX", [b"x" * 1500, b"y" * 1000])
    imap.account.limit = QuotaLimit(storage=10 * 1024, messages=100)
    imap.session().talk("""
        C: a GETQUOTAROOT INBOX
        S: * QUOTAROOT INBOX ""
        S: * QUOTA "" (STORAGE 3 10 MESSAGE 2 100)
        S: a OK GETQUOTAROOT completed
        C: b GETQUOTA ""
        S: * QUOTA "" (STORAGE 3 10 MESSAGE 2 100)
        S: b OK GETQUOTA completed
        C: c GETQUOTA "other"
        S: c NO [NONEXISTENT] There is no such quota root
        C: d GETQUOTAROOT nowhere
        S: d NO [NONEXISTENT] There is no such mailbox
        C: e SETQUOTA "" (STORAGE 1)
        S: e NO [NOPERM] Quotas are set by the administrator
    """)


def test_without_a_limit_there_is_no_root(imap):
    one = imap.session()
    assert one.ask("GETQUOTAROOT INBOX").untagged == ["QUOTAROOT INBOX"]
    assert one.ask('GETQUOTA ""').status.startswith("NO [NONEXISTENT]")


def test_names_are_utf8_once_it_is_enabled(imap):
    one, other = imap.session(), imap.session()
    assert one.ask("ENABLE UTF8=ACCEPT").untagged == ["ENABLED UTF8=ACCEPT"]
    assert one.ask('CREATE "받은 편지"').status.startswith("OK")
    assert 'LIST (\\HasNoChildren) "/" "받은 편지"' in one.ask('LIST "" *').untagged
    assert 'LIST (\\HasNoChildren) "/" "&vBvHQA- &07jJwA-"' in other.ask('LIST "" *').untagged
    assert one.ask('SELECT "받은 편지"').status.startswith("OK")
    assert one.ask("SEARCH CHARSET UTF-8 ALL").status.startswith("BAD")
    assert one.ask('SEARCH SUBJECT "편지"').status.startswith("OK")


def test_a_message_with_utf8_headers_is_appended(imap):
    """RFC 6855 §4."""
    one = imap.session(enable=["UTF8=ACCEPT"])
    mail = "Subject: 안녕\r\n\r\n".encode()
    said = one.send(b"a APPEND INBOX UTF8 (~{%d+}\r\n%b)\r\n" % (len(mail), mail))
    assert said.startswith(b"a OK [APPENDUID")
    assert imap.account.rooms["INBOX"].bodies[1] == mail


def test_what_an_expunge_would_free_is_told(tmp_path):
    """RFC 9208 §4.1.4."""
    house = MaildirHouse(tmp_path)
    house.given("INBOX", [b"x" * 1500, b"y" * 1000, b"z"], deleted=[1, 3])
    answer = house.session().ask("STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)")
    assert answer.untagged == ["STATUS INBOX (MESSAGES 3 DELETED 2 DELETED-STORAGE 1501)"]
