"""The response codes of RFC 5530, each where it belongs."""

import pytest

from mailaccess.model import errors


@pytest.mark.parametrize(
    ("command", "start"),
    [
        ("SELECT nowhere", "NO [NONEXISTENT]"),
        ("STATUS nowhere (MESSAGES)", "NO [NONEXISTENT]"),
        ("DELETE nowhere", "NO [NONEXISTENT]"),
        ("RENAME nowhere there", "NO [NONEXISTENT]"),
        ("CREATE INBOX", "NO [ALREADYEXISTS]"),
        ("RENAME work INBOX", "NO [ALREADYEXISTS]"),
        ("CREATE a//b", "NO [CANNOT]"),
        ("COPY 1 nowhere", "NO [TRYCREATE]"),
        ("COPY 1 a//b", "NO [CANNOT]"),
        ("CREATE x (USE (\\Nonsense))", "NO [USEATTR]"),
        ("SEARCH CHARSET NONSENSE ALL", "NO [BADCHARSET ("),
        ("SEARCH " + "NOT " * 200 + "ALL", "NO [LIMIT]"),
        ("COMPRESS LZW", "NO [CANNOT]"),
        ("LANGUAGE tlh", "NO [CANNOT]"),
        ('SETQUOTA "" ()', "NO [NOPERM]"),
        ('SETMETADATA "" (/shared/comment "x")', "NO [NOPERM]"),
        ("GETQUOTA nonsense", "NO [NONEXISTENT]"),
        ("UID FETCH 1:* UID (CHANGEDSINCE 1 VANISHED)", "BAD [CLIENTBUG]"),
        ("THREAD NONSENSE UTF-8 ALL", "BAD [CANNOT]"),
        ("UIDBATCHES 0", "BAD [CLIENTBUG]"),
        ("STARTTLS", "BAD"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_code(imap, command, start):
    imap.given("INBOX", messages=2)
    imap.given("work")
    assert imap.session("INBOX").ask(command).status.startswith(start)


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (errors.AuthenticationFailed(), "NO [AUTHENTICATIONFAILED]"),
        (errors.AuthorizationFailed(), "NO [AUTHORIZATIONFAILED]"),
        (errors.AuthenticationUnavailable(), "NO [UNAVAILABLE]"),
        (errors.AccountDisabled("Moved to another company"), "NO [CONTACTADMIN] Moved to another company"),
        (errors.InUse(), "NO [INUSE]"),
        (errors.TemporaryFailure(), "NO [UNAVAILABLE]"),
        (ValueError("a bug of ours"), "NO [SERVERBUG]"),
    ],
)
def test_a_login_that_fails_says_of_what_kind_it_is(imap, error, start):
    async def verify(credentials):
        raise error

    imap.authenticator.verify = verify
    assert imap.connect().ask("LOGIN lee secret").status.startswith(start)


def test_a_password_needs_privacy(imap):
    one = imap.connect(encrypted=False, tls=True)
    assert one.ask("LOGIN lee secret").status.startswith("NO [PRIVACYREQUIRED]")
    assert one.ask("AUTHENTICATE PLAIN").status.startswith("NO [PRIVACYREQUIRED]")
    assert one.ask("AUTHENTICATE NONSENSE").status.startswith("NO [CANNOT]")


def test_too_many_connections_of_one_account_are_a_limit(imap):
    assert imap.connect(admits=False).ask("LOGIN lee secret").status.startswith("NO [LIMIT]")


def test_a_search_by_number_says_that_messages_went(imap):
    """The example of RFC 5530 §3."""
    imap.given("INBOX", messages=3, deleted=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    other.ask("EXPUNGE")
    answer = one.ask("SEARCH ALL")
    assert answer.numbers("EXPUNGE") == [] and answer.status == "OK [EXPUNGEISSUED] SEARCH completed"
    assert one.ask("FETCH 2 FLAGS").status.startswith("NO [EXPUNGEISSUED]")
    assert one.ask("UID SEARCH ALL").status == "OK SEARCH completed"
