"""Access control lists in Dovecot's files, and the index of what was granted."""

import os

import pytest

from tests.session.imap.house import run
from tests.session.imap.sharing import INBOX, KIM, LEE, PARK, WORK, Houses


@pytest.fixture
def house(tmp_path):
    return Houses(tmp_path)


def test_lists_are_kept_in_dovecots_file(house):
    house.given("업무")
    one = house.session()
    for identifier, rights in ((KIM, "lr"), ("anyone", "p"), (f"-{PARK}", "w"), ('"$our team"', "lrs")):
        assert one.ask(f'SETACL "&xcW7NA-" {identifier} {rights}').status.startswith("OK")
    maildir = house.authenticator.identity(LEE).location.maildir
    assert (maildir / ".&xcW7NA-" / "dovecot-acl").read_text() == (
        f'anyone p\n"group=our team" lrs\nuser={KIM} lr\n-user={PARK} w\n'
    )


def test_a_list_that_another_program_changes_counts(house):
    house.given("Work", messages=1)
    maildir = house.authenticator.identity(LEE).location.maildir
    (maildir / ".Work" / "dovecot-acl").write_text(f"owner lrwstipekxa\nuser={KIM} lr :future words\n")
    lee = house.session()
    assert lee.ask("SELECT Work").status.startswith("OK")
    kim = house.kim()
    assert kim.ask(f"SELECT {WORK}").status.startswith("OK")
    lee.ask(f"SETACL Work {KIM} +s")
    assert (maildir / ".Work" / "dovecot-acl").read_text() == (
        f"owner aeiklprstwx\nuser={KIM} lrs :future words\n"
    )
    os.unlink(maildir / ".Work" / "dovecot-acl")
    house.clock.advance(60)
    assert house.kim().ask(f"SELECT {WORK}").status.startswith("NO [NONEXISTENT]")


@pytest.mark.parametrize(
    "octets",
    [
        b"user=kim@daum.net lrq\n",
        b"nobody lr\n",
        b'"user=kim lr\n',
        b"user= lr\n",
        b"\xff\xfe lr\n",
        b"user=kim@daum.net lr\nanyone",
        b"user=kim@daum.net lr\n" * 2000,
        b"x" * 600_000,
    ],
)
def test_a_damaged_list_grants_nothing_but_to_the_owner(house, octets):
    house.given("Work", messages=1)
    house.grant("lr")
    maildir = house.authenticator.identity(LEE).location.maildir
    (maildir / ".Work" / "dovecot-acl").write_bytes(octets)
    house.clock.advance(60)
    lee, kim = house.session(), house.kim()
    assert lee.ask("SELECT Work").status.startswith("OK [READ-WRITE]")
    refused = kim.ask(f"SELECT {WORK}").status.startswith("NO [NONEXISTENT]")
    assert refused or octets.endswith(b"anyone")
    assert lee.ask(f"SETACL Work {KIM} lr").status.startswith("OK")
    assert kim.ask(f"SELECT {WORK}").status.startswith("OK")


def test_a_list_that_is_a_link_is_not_followed(house, tmp_path):
    house.given("Work")
    (tmp_path / "elsewhere").write_text(f"user={KIM} lr\n")
    maildir = house.authenticator.identity(LEE).location.maildir
    os.symlink(tmp_path / "elsewhere", maildir / ".Work" / "dovecot-acl")
    house.grant("lr")
    house.clock.advance(60)
    assert house.kim().ask(f"SELECT {WORK}").status.startswith("NO [NONEXISTENT]")


def test_grants_are_found_again_when_their_index_is_lost(house, tmp_path):
    house.grant("lr")
    assert house.kim().ask(f"SELECT {INBOX}").status.startswith("OK")
    run(house.store.close())
    house.shares.write_bytes(b"this is no database, whatever its name says" * 100)
    after = Houses(tmp_path)
    assert after.kim().ask(f"SELECT {INBOX}").status.startswith("NO [NONEXISTENT]")
    after.session().ask("SELECT INBOX")  # the owner's own lists are read, and found to be news
    assert after.kim().ask(f"SELECT {INBOX}").status.startswith("OK")


def test_ones_own_mail_goes_on_without_the_index_of_grants(house):
    house.shares.mkdir()
    house.given("Work", messages=1)
    one = house.session()
    assert one.ask("SELECT Work").status.startswith("OK")
    assert 'LIST (\\HasNoChildren) "/" Work' in one.ask('LIST "" *').untagged
    assert one.ask(f"SETACL Work {KIM} lr").status.startswith("OK")
    assert house.kim().ask(f"SELECT {WORK}").status.startswith("NO [UNAVAILABLE]")
