"""Who is offered what: the configuration, the account, and the profile of the mail program."""

from dataclasses import replace

import pytest

from mailaccess.config import clients
from mailaccess.config.clients import ClientProfile
from mailaccess.imap import dispatch
from mailaccess.proto.imap.capabilities import TABLE

UNKNOWN = "BAD That is not offered here"

BASE = """CAPABILITY NOOP LOGOUT LOGIN AUTHENTICATE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB
STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY STARTTLS"""


def offered(client):
    return client.ask("CAPABILITY").untagged[0].split()[1:]


def test_what_the_configuration_withholds_is_neither_told_nor_done(imap_with):
    imap = imap_with(capabilities=("-MOVE", "-quota", "-QRESYNC", "-IDLE", "-REPLACE"))
    imap.given("INBOX", messages=2)
    one = imap.connect()
    assert " IDLE" not in one.greeting
    one.ask("LOGIN lee secret")
    one.ask("SELECT INBOX")
    assert not {"MOVE", "QUOTA", "QUOTA=RES-STORAGE", "QRESYNC", "IDLE"} & set(offered(one))
    for command in ("MOVE 1 INBOX", "UID MOVE 1 INBOX", 'GETQUOTA ""', "IDLE"):
        assert one.ask(command).status == UNKNOWN
    assert one.ask("ENABLE QRESYNC CONDSTORE").untagged[0] == "ENABLED CONDSTORE"
    assert one.ask("UID COPY 1 INBOX").status.startswith("OK")
    said = one.send(b"a REPLACE 1 INBOX {3}\r\nb NOOP\r\n").decode()
    assert said.startswith(f"a {UNKNOWN}\r\n") and said.endswith("b OK NOOP completed\r\n")


def test_asking_for_what_is_withheld_never_ends_the_connection(imap_with):
    one = imap_with(capabilities=("-ENABLE", "-ID")).session()
    for _ in range(30):
        assert one.ask("ENABLE CONDSTORE").status == UNKNOWN


def test_an_account_is_offered_less_or_more_than_others(imap_with):
    imap = imap_with(capabilities=("-SORT",))
    imap.authenticator.extra["lee@naver.com"] = {"imap_capability": "+SORT,-THREAD,-nonsense"}
    lee, kim = imap.session("INBOX"), imap.connect()
    kim.ask("LOGIN kim@daum.net secret")
    assert {"SORT", "SORT=DISPLAY"} <= set(offered(lee))
    assert not any(name.startswith("THREAD") for name in offered(lee))
    assert "SORT" not in offered(kim) and "THREAD=REFS" in offered(kim)
    assert lee.ask("THREAD REFS UTF-8 ALL").status == UNKNOWN
    lee.ask("UNAUTHENTICATE")
    lee.ask("LOGIN kim@daum.net secret")
    assert "SORT" not in offered(lee) and "THREAD=REFS" in offered(lee)


@pytest.fixture
def profiled(imap):
    profile = ClientProfile("Example", (("name", "example mail*"), ("version", "3.*")), ("-MOVE",))
    slow = ClientProfile("Slow", (("name", "slow"),), (), frozenset({"delay-newmail"}))
    imap.house = replace(imap.house, profiles=(profile, slow))
    return imap


def test_a_mail_program_that_says_who_it_is_before_login_is_offered_what_its_profile_says(profiled):
    one = profiled.connect()
    assert one.ask('ID ("NAME" "Example Mail" "version" "3.2.1")').untagged[0].startswith("ID (")
    assert " MOVE" not in one.ask("LOGIN lee secret").status


def test_after_login_the_new_capabilities_are_told_at_once(profiled):
    one = profiled.session()
    answer = one.ask('ID ("version" "3.0" "name" "EXAMPLE MAIL for phones")')
    assert answer.untagged[0].startswith("CAPABILITY IMAP4rev1") and " MOVE" not in answer.untagged[0]
    assert [line.split()[0] for line in one.ask('ID ("name" "Example Mail" "version" "4")').untagged] == [
        "CAPABILITY",
        "ID",
    ]
    assert len(one.ask("ID NIL").untagged) == 1


def test_new_messages_wait_for_noop_where_a_program_needs_that(profiled):
    profiled.given("INBOX", messages=1)
    one = profiled.session("INBOX")
    one.ask('ID ("name" "slow")')
    profiled.deliver("INBOX")
    assert one.ask("FETCH 1 UID").untagged == ["1 FETCH (UID 1)"]
    assert one.ask("CAPABILITY").numbers("EXISTS") == []
    assert one.ask("NOOP").untagged == ["2 EXISTS", "1 RECENT"]
    profiled.deliver("INBOX")
    assert "3 EXISTS" in one.send(b"a IDLE\r\nDONE\r\n").decode()


def test_the_shipped_profiles_keep_uidonly_from_microsofts_servers():
    told = {"name": "Microsoft Office 365", "version": "15.20"}
    profile = next(each for each in clients.shipped() if each.matches(told))
    assert "-UIDONLY" in profile.capabilities
    assert not any(each.matches({"name": "Thunderbird", "version": "128"}) for each in clients.shipped())


def test_every_command_that_is_not_in_the_base_protocol_belongs_to_an_extension():
    of_extensions = {command for row in TABLE for command in row.commands}
    base = set(BASE.split())
    base |= {f"UID {name}" for name in ("FETCH", "STORE", "COPY", "SEARCH")}
    assert set(dispatch.TABLE) - base == of_extensions
