"""GETMETADATA and SETMETADATA (RFC 5464), and annotations in a LIST (RFC 9590)."""

import shutil

import pytest

from mailaccess.store.api import MAX_METADATA, MAX_METADATA_VALUE
from tests.session.imap.house import MaildirHouse, run


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def test_annotations_are_set_and_told(house):
    """After the examples of RFC 5464 §4.2, §4.3."""
    house.session().talk("""
        C: a SETMETADATA INBOX (/private/comment "My new comment" /shared/comment "s")
        S: a OK SETMETADATA completed
        C: b GETMETADATA "INBOX" /PRIVATE/comment
        S: * METADATA INBOX (/private/comment "My new comment")
        S: b OK GETMETADATA completed
        C: c GETMETADATA "INBOX" (/shared/comment /private/comment /private/other)
        S: * METADATA INBOX (/shared/comment "s" /private/comment "My new comment" /private/other NIL)
        S: c OK GETMETADATA completed
        C: d GETMETADATA (MAXSIZE 5) INBOX (/shared/comment /private/comment)
        S: * METADATA INBOX (/shared/comment "s")
        S: d OK [METADATA LONGENTRIES 14] GETMETADATA completed
        C: e SETMETADATA INBOX (/private/comment NIL)
        S: e OK SETMETADATA completed
        C: f GETMETADATA INBOX /private/comment
        S: * METADATA INBOX (/private/comment NIL)
        S: f OK GETMETADATA completed
        C: g GETMETADATA nowhere /private/comment
        S: g NO [NONEXISTENT] There is no such mailbox
    """)


def test_entries_below_are_told_as_deep_as_asked(house):
    one = house.session()
    values = (("small", "a"), ("boss", "b"), ("boss/x", "c"))
    pairs = " ".join(f'/private/f/values/{name} "{value}"' for name, value in values)
    one.ask(f"SETMETADATA INBOX ({pairs})")
    one.talk("""
        C: a GETMETADATA (DEPTH 1) INBOX (/private/f/values)
        S: * METADATA INBOX (/private/f/values/boss "b" /private/f/values/small "a")
        S: a OK GETMETADATA completed
        C: b GETMETADATA INBOX (DEPTH infinity) /private/f
        S: * METADATA INBOX (/private/f/values/boss "b" /private/f/values/boss/x "c" /private/f/values/small "a")
        S: b OK GETMETADATA completed
    """)


def test_the_server_has_entries_of_the_account(house):
    house.session().talk("""
        C: a SETMETADATA "" (/private/vendor/acme/x "1")
        S: a OK SETMETADATA completed
        C: b GETMETADATA "" (/private/vendor/acme/x /shared/admin)
        S: * METADATA "" (/private/vendor/acme/x "1" /shared/admin NIL)
        S: b OK GETMETADATA completed
        C: c SETMETADATA "" (/shared/comment "for all")
        S: c NO [NOPERM] What all accounts see is the administrator's
        C: d SETMETADATA "" (/private/vendor/acme "1")
        S: d BAD [CLIENTBUG] An annotation of a vendor has four levels at least
        C: e SETMETADATA INBOX (/public/comment "1")
        S: e BAD [CLIENTBUG] Annotations are called /private/... or /shared/...
        C: f SETMETADATA INBOX (/private//comment "1")
        S: f BAD ...
    """)


def test_octets_of_any_kind_are_kept(house):
    one = house.session()
    assert one.send(b"a SETMETADATA INBOX (/private/x ~{4+}\r\n\0\r\n\xff)\r\n").startswith(b"a OK")
    said = one.send(b"b GETMETADATA INBOX /private/x\r\n")
    assert said.startswith(b"* METADATA INBOX (/private/x ~{4}\r\n\0\r\n\xff)\r\n")


def test_too_much_is_refused_and_nothing_is_set(house):
    one = house.session()
    long = b"x" * (MAX_METADATA_VALUE + 1)
    said = one.send(b"a SETMETADATA INBOX (/private/a {%d+}\r\n%b)\r\n" % (len(long), long))
    assert said.startswith((b"a NO [METADATA MAXSIZE 65536]", b"a NO [TOOBIG]"))
    for number in range(MAX_METADATA):
        assert one.ask(f'SETMETADATA INBOX (/private/n{number} "x")').status.startswith("OK")
    answer = one.ask('SETMETADATA INBOX (/private/n0 "changed" /private/more "x")')
    assert answer.status.startswith("NO [METADATA TOOMANY]")
    assert one.ask("GETMETADATA INBOX /private/n0").untagged == ['METADATA INBOX (/private/n0 "x")']


def test_annotations_follow_their_mailbox(house):
    house.given("old")
    one = house.session()
    one.ask('SETMETADATA old (/private/comment "mine")')
    one.ask('SETMETADATA INBOX (/private/comment "inbox")')
    one.ask("RENAME old new")
    one.ask("RENAME INBOX saved")
    for name, value in (("new", "mine"), ("saved", "inbox"), ("INBOX", "inbox")):
        told = one.ask(f"GETMETADATA {name} /private/comment").untagged
        assert told == [f'METADATA {name} (/private/comment "{value}")']
    one.ask("DELETE new")
    one.ask("CREATE new")
    assert one.ask("GETMETADATA new /private/comment").untagged == ["METADATA new (/private/comment NIL)"]


def test_annotations_outlive_the_index(house):
    house.session().ask('SETMETADATA INBOX (/private/comment "kept")')
    run(house.store.close())
    shutil.rmtree(house.account.location.index)
    told = house.session().ask("GETMETADATA INBOX /private/comment").untagged
    assert told == ['METADATA INBOX (/private/comment "kept")']


def test_a_list_tells_annotations(house):
    """RFC 9590 §3."""
    house.given("a")
    house.given("a/b/c")
    one = house.session()
    one.ask('SETMETADATA a (/shared/comment "of a")')
    assert one.ask('LIST "" (a a/*) RETURN (METADATA (/shared/comment /private/comment))').untagged == [
        'LIST (\\HasChildren) "/" a',
        'METADATA a (/shared/comment "of a" /private/comment NIL)',
        'LIST (\\Noselect \\HasChildren) "/" a/b',
        'LIST (\\HasNoChildren) "/" a/b/c',
        "METADATA a/b/c (/shared/comment NIL /private/comment NIL)",
    ]


def test_other_sessions_that_enabled_it_are_told_which_entries_changed(tmp_path):
    """RFC 5464 §4.4.2."""
    imap = MaildirHouse(tmp_path)
    imap.given("work")
    one, other, deaf = imap.session(), imap.session("work"), imap.session()
    assert one.ask("ENABLE METADATA").untagged == ["ENABLED METADATA"]
    other.ask("ENABLE METADATA")
    assert one.ask('SETMETADATA work (/private/comment "a" /shared/comment "b")').untagged == []
    one.ask('SETMETADATA work (/private/comment "c")')
    one.ask('SETMETADATA "" (/private/x "y")')
    assert other.ask("NOOP").untagged == [
        "METADATA work /private/comment /shared/comment",
        'METADATA "" /private/x',
    ]
    assert other.ask("NOOP").untagged == deaf.ask("NOOP").untagged == []
    deaf.ask("SETMETADATA work (/private/comment NIL)")
    assert one.ask("NOOP").untagged == ["METADATA work /private/comment"]
    assert other.send(b"i IDLE\r\n") == b"+ idling\r\n* METADATA work /private/comment\r\n"
    one.ask('SETMETADATA work (/private/comment "d")')
    assert other.take() == b"* METADATA work /private/comment\r\n"


def test_a_client_that_never_asks_is_not_remembered_for_without_end(tmp_path):
    imap = MaildirHouse(tmp_path)
    one, other = imap.session(enable=["METADATA"]), imap.session()
    for number in range(60):
        entries = " ".join(f'/private/vendor/x/{number}-{each} "y"' for each in range(9))
        other.ask(f"SETMETADATA INBOX ({entries})")
        other.ask(f"SETMETADATA INBOX ({entries.replace(chr(34) + 'y' + chr(34), 'NIL')})")
    (told,) = one.ask("NOOP").untagged
    assert len(told.split()) == 2 + 200
