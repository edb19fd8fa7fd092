"""Access control lists, and who sees the mailboxes of others (RFC 4314, RFC 8440, RFC 2342)."""

import os

import pytest

from tests.session.imap.house import run
from tests.session.imap.sharing import INBOX, KIM, LEE, PARK, WORK, Houses


@pytest.fixture
def house(tmp_path):
    return Houses(tmp_path)


# -- the commands -----------------------------------------------------------------------------------


def test_lists_are_set_added_to_taken_from_and_deleted(house):
    """After the examples of RFC 4314 §3.1, §3.2, §3.3."""
    house.given("Work")
    house.session().talk(f"""
        C: a GETACL Work
        S: * ACL Work {LEE} lrswipkxteacd
        S: a OK GETACL completed
        C: b SETACL Work {KIM} lrswi
        S: b OK SETACL completed
        C: c SETACL Work {KIM} +cda
        S: c OK SETACL completed
        C: d GETACL Work
        S: * ACL Work {LEE} lrswipkxteacd {KIM} lrswikxteacd
        S: d OK GETACL completed
        C: e SETACL Work {KIM} -d
        S: e OK SETACL completed
        C: f SETACL Work -{KIM} w
        S: f OK SETACL completed
        C: g SETACL Work $sales r
        S: g OK SETACL completed
        C: h GETACL Work
        S: * ACL Work {LEE} lrswipkxteacd $sales r {KIM} lrswikxac -{KIM} w
        S: h OK GETACL completed
        C: i DELETEACL Work {KIM}
        S: i OK DELETEACL completed
        C: j DELETEACL Work $sales
        S: j OK DELETEACL completed
        C: k GETACL Work
        S: * ACL Work {LEE} lrswipkxteacd -{KIM} w
        S: k OK GETACL completed
    """)


def test_what_is_no_right_or_no_identifier_is_refused(house):
    """RFC 4314 §3.1: nothing is passed over in silence; §3: SASLprep."""
    one = house.session()
    assert one.ask(f"SETACL INBOX {KIM} lrQswicda").status.startswith("BAD")
    assert one.ask(f"SETACL INBOX {KIM} lrqswicda").status == "BAD The q right is not supported"
    assert one.ask(f"SETACL INBOX {KIM} lr0").status == "BAD The 0 right is not supported"
    assert one.ask('SETACL INBOX "" lr').status.startswith("BAD")
    assert one.ask('SETACL INBOX "-" lr').status.startswith("BAD")
    assert one.ask("SETACL INBOX $ lr").status.startswith("BAD")
    assert one.send(b"a SETACL INBOX {3+}\r\na\x01b lr\r\n").startswith(b"a BAD")
    assert one.ask("SETACL INBOX " + "k" * 300 + " lr").status.startswith("BAD")
    assert one.ask("GETACL nowhere").status == "NO [NONEXISTENT] There is no such mailbox"
    assert one.ask("GETACL INBOX").untagged == [f"ACL INBOX {LEE} lrswipkxteacd"]


def test_a_name_without_domain_is_that_of_the_first_one(house):
    one = house.session()
    one.ask("SETACL INBOX park lr")
    assert one.ask("GETACL INBOX").untagged == [f"ACL INBOX {LEE} lrswipkxteacd {PARK} lr"]
    assert house.session(user=PARK).ask(f"MYRIGHTS {INBOX}").untagged == [f"MYRIGHTS {INBOX} lr"]


def test_what_can_be_granted_is_told(house):
    house.session().talk(f"""
        C: a LISTRIGHTS INBOX kim
        S: * LISTRIGHTS INBOX kim "" l r s w i p k x t e a c d
        S: a OK LISTRIGHTS completed
        C: b LISTRIGHTS INBOX {LEE}
        S: * LISTRIGHTS INBOX {LEE} la r s w i p k x t e c d
        S: b OK LISTRIGHTS completed
        C: c MYRIGHTS INBOX
        S: * MYRIGHTS INBOX lrswipkxteacd
        S: c OK MYRIGHTS completed
        C: d MYRIGHTS nowhere
        S: d NO [NONEXISTENT] There is no such mailbox
    """)


def test_an_owner_may_take_rights_from_himself_but_is_never_locked_out(house):
    house.given("Work", messages=1)
    one = house.session()
    one.ask(f'SETACL Work {LEE} ""')
    assert one.ask("MYRIGHTS Work").untagged == ["MYRIGHTS Work la"]
    assert one.ask("SELECT Work").status == "NO [NOPERM] You do not have the right to do that"
    assert one.ask("DELETE Work").status.startswith("NO [NOPERM]")
    assert one.ask("CREATE Work/Sub").status.startswith("NO [NOPERM]")
    assert one.ask("RENAME Work Play").status.startswith("NO [NOPERM]")
    assert one.ask("STATUS Work (MESSAGES)").status.startswith("NO [NOPERM]")
    assert 'LIST (\\HasNoChildren) "/" Work' in one.ask('LIST "" *').untagged
    one.ask(f"DELETEACL Work {LEE}")
    assert one.ask("MYRIGHTS Work").untagged == ["MYRIGHTS Work lrswipkxteacd"]
    assert one.ask("SELECT Work").status.startswith("OK [READ-WRITE]")


# -- who sees what ----------------------------------------------------------------------------------


def test_nothing_of_others_exists_until_it_is_granted(house):
    house.given("Work", messages=2)
    kim = house.kim()
    nobody = '"Other Users/choi@naver.com/INBOX"'
    for name in (INBOX, WORK, nobody, f'"Other Users/{LEE}"', '"Other Users"', '"Other Users/"', "Public/x"):
        for command in ("SELECT", "EXAMINE", "DELETE", "GETACL", "MYRIGHTS", "GETQUOTAROOT"):
            assert kim.ask(f"{command} {name}").status == "NO [NONEXISTENT] There is no such mailbox", name
        assert kim.ask(f"STATUS {name} (MESSAGES)").status.startswith("NO [NONEXISTENT]")
        assert kim.ask(f"SETACL {name} {KIM} lr").status.startswith("NO [NONEXISTENT]")
        assert kim.ask(f"GETMETADATA {name} /shared/comment").status.startswith("NO [NONEXISTENT]")
        assert kim.ask(f"RENAME {name} Mine").status.startswith("NO [NONEXISTENT]")
        assert kim.ask(f"CREATE {name}").status.startswith("NO [NOPERM]")
    assert not [line for line in kim.ask('LIST "" *').untagged if "Other" in line or "Public" in line]
    assert not os.path.exists(house.authenticator.base / "choi@naver.com")


def test_a_shared_mailbox_is_listed_read_and_left_again(house):
    house.given("Work/Reports", messages=2)
    house.given("Secret")
    house.grant("lr", "Work/Reports")
    kim = house.kim()
    kim.talk(f"""
        C: a NAMESPACE
        S: * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Public/" "/"))
        S: a OK NAMESPACE completed
        C: b LIST "" "Other Users/*"
        S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{LEE}"
        S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{LEE}/Work"
        S: * LIST (\\HasNoChildren) "/" "Other Users/{LEE}/Work/Reports"
        S: b OK LIST completed
        C: c LIST "" "Other Users/%"
        S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{LEE}"
        S: c OK LIST completed
        C: d LIST "Other Users/{LEE}/" "W%"
        S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{LEE}/Work"
        S: d OK LIST completed
        C: e STATUS "Other Users/{LEE}/Work/Reports" (MESSAGES)
        S: * STATUS "Other Users/{LEE}/Work/Reports" (MESSAGES 2)
        S: e OK STATUS completed
        C: f LIST "" "Other Users/{LEE}/Work*" RETURN (MYRIGHTS STATUS (MESSAGES))
        S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{LEE}/Work"
        S: * LIST (\\HasNoChildren) "/" "Other Users/{LEE}/Work/Reports"
        S: * MYRIGHTS "Other Users/{LEE}/Work/Reports" lr
        S: * STATUS "Other Users/{LEE}/Work/Reports" (MESSAGES 2)
        S: f OK LIST completed
    """)
    answer = kim.ask(f'SELECT "Other Users/{LEE}/Work/Reports"')
    assert answer.status == "OK [READ-ONLY] SELECT completed"
    assert "OK [PERMANENTFLAGS ()] Read-only mailbox" in answer.untagged
    assert kim.ask("FETCH 1 BODY.PEEK[TEXT]").of("FETCH") == ["1 FETCH (BODY[TEXT] {8}"]
    house.session().ask(f"DELETEACL Work/Reports {KIM}")
    assert not [line for line in house.kim().ask('LIST "" *').untagged if "Other" in line]


@pytest.mark.parametrize(
    ("identifier", "sees"),
    [
        ("anyone", {KIM, PARK}),
        ("authenticated", {KIM, PARK}),
        ("$sales", {KIM}),
        ("$staff", {KIM, PARK}),
        ("$!sales", {KIM}),
        ("park", {PARK}),
    ],
)
def test_users_groups_and_everybody_are_granted_rights(house, identifier, sees):
    house.grant("lr", identifier=identifier)
    for user in (KIM, PARK):
        listed = house.session(user=user).ask('LIST "" "Other Users/*"').untagged
        assert bool(listed) == (user in sees)


def test_the_more_specific_entry_counts_and_negative_ones_take_away(house):
    one, kim = house.session(), house.kim()

    def told():
        answer = kim.ask(f"MYRIGHTS {INBOX}")
        return answer.untagged[0].rpartition(" ")[2] if answer.untagged else ""

    one.ask("SETACL INBOX anyone lrs")
    assert told() == "lrs"
    one.ask("SETACL INBOX $staff lw")
    one.ask("SETACL INBOX $sales li")
    assert told() == "lwi"  # groups are added up
    one.ask(f"SETACL INBOX {KIM} lrp")
    assert told() == "lrp"
    one.ask("SETACL INBOX $!sales le")
    assert told() == "led"
    one.ask("SETACL INBOX -$staff e")
    assert told() == "l"
    one.ask("SETACL INBOX -anyone l")
    assert told() == ""
    assert kim.ask(f"SELECT {INBOX}").status.startswith("NO [NONEXISTENT]")


def test_rights_for_everybody_may_be_switched_off(tmp_path):
    one = Houses(tmp_path, anyone=False).session()
    assert one.ask("SETACL INBOX anyone lr").status.startswith("NO [NOPERM]")
    assert one.ask("SETACL INBOX authenticated lr").status.startswith("NO [NOPERM]")
    assert one.ask("SETACL INBOX -anyone lr").status.startswith("OK")


def test_without_other_users_nothing_is_shared(tmp_path):
    house = Houses(tmp_path, other_users="")
    house.grant("lr")
    kim = house.kim()
    assert kim.ask("NAMESPACE").untagged == ['NAMESPACE (("" "/")) NIL (("Public/" "/"))']
    assert kim.ask(f"SELECT {INBOX}").status.startswith("NO [NONEXISTENT]")
    assert not [line for line in kim.ask('LIST "" *').untagged if LEE in line]


def test_special_uses_of_others_are_not_told(house):
    house.grant("lr", "Sent")
    kim = house.kim()
    assert kim.ask('LIST "" "Other Users/*/Sent"').untagged == [
        f'LIST (\\HasNoChildren) "/" "Other Users/{LEE}/Sent"'
    ]
    assert kim.ask('LIST "" Sent').untagged == ['LIST (\\HasNoChildren \\Sent) "/" Sent']


def test_subscriptions_to_others_mailboxes_are_the_subscribers_own(house):
    house.grant("lr")
    kim = house.kim()
    kim.ask(f"SUBSCRIBE {INBOX}")
    kim.ask(f"SUBSCRIBE {WORK}")
    assert kim.ask('LSUB "" "Other Users/*"').untagged == [
        f'LSUB (\\HasNoChildren) "/" {INBOX}',
        f'LSUB (\\Noselect) "/" {WORK}',
    ]
    assert kim.ask('LIST (SUBSCRIBED) "" "Other*" RETURN (MYRIGHTS)').untagged == [
        f'LIST (\\Subscribed \\HasNoChildren) "/" {INBOX}',
        f"MYRIGHTS {INBOX} lr",
        f'LIST (\\Subscribed \\NonExistent) "/" {WORK}',
    ]
    assert "Other" not in repr(house.session().ask('LSUB "" *'))
    house.session().ask(f"DELETEACL INBOX {KIM}")
    assert f'LSUB (\\Noselect) "/" {INBOX}' in kim.ask('LSUB "" "Other Users/*"').untagged


def test_rights_are_told_for_what_matches_only(house):
    """The second example of RFC 8440 §4."""
    house.given("foo/bar")
    one = house.session()
    one.ask("UNSUBSCRIBE INBOX")
    one.ask("SUBSCRIBE foo/bar")
    told = one.ask('LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS)').untagged
    assert 'LIST (\\Noselect \\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))' in told
    assert not [line for line in told if line.startswith("MYRIGHTS foo")]


def test_the_second_revision_tells_the_foreign_name(house):
    """RFC 9051 §6.3.2: SELECT tells LIST, with the name under which the client finds the mailbox."""
    house.given("Work", messages=1)
    house.grant("lr", "Work")
    house.grant("lr", "Sent")
    kim = house.kim(enable=["IMAP4rev2"])
    assert kim.ask(f"SELECT {WORK}").of("LIST") == [f'LIST (\\HasNoChildren) "/" {WORK}']
    house.session().ask("RENAME Work Play")
    assert kim.ask("FETCH 1 UID").numbers("FETCH") == [1]


def test_what_is_asked_twice_is_answered_from_memory_until_it_changes(house):
    """LIST keeps its answers; a grant, a new mailbox and a lost right show all the same."""
    house.given("Work")
    kim = house.kim()
    before = kim.ask('LIST "" "*"').untagged
    assert kim.ask('LIST "" "*"').untagged == before
    house.grant("lr", "Work")
    with_work = kim.ask('LIST "" "*"').untagged
    assert f'LIST (\\HasNoChildren) "/" {WORK}' in with_work
    house.session().ask("RENAME Work Play")
    assert f'LIST (\\HasNoChildren) "/" "Other Users/{LEE}/Play"' in kim.ask('LIST "" "*"').untagged
    house.session().ask(f"DELETEACL Play {KIM}")
    assert kim.ask('LIST "" "*"').untagged == before


# -- the namespace of nobody ------------------------------------------------------------------------


def test_public_mailboxes_are_whose_lists_say(house):
    run(house.public.create("News"))
    kim = house.kim()
    assert not [line for line in kim.ask('LIST "" *').untagged if "Public" in line]
    path = house.house.public["Public"].maildir
    (path / ".News" / "dovecot-acl").write_text("anyone lr\ngroup=sales lrwstipekxa\n")
    house.clock.advance(5)
    assert kim.ask('LIST "" "Public*" RETURN (MYRIGHTS)').untagged == [
        'LIST (\\Noselect \\HasChildren) "/" Public',
        'LIST (\\HasNoChildren) "/" Public/News',
        "MYRIGHTS Public/News lrswipkxteacd",
    ]
    park = house.session(user=PARK)
    assert park.ask("SELECT Public/News").status.startswith("OK [READ-ONLY]")
    assert park.ask("GETACL Public/News").status.startswith("NO [NOPERM]")
    assert kim.ask("CREATE Public/News/Old").status.startswith("OK")
    assert kim.ask("GETACL Public/News/Old").untagged == [
        "ACL Public/News/Old anyone lr $sales lrswipkxteacd"
    ]
    assert kim.ask("CREATE Public/Top").status.startswith("NO [NOPERM]")
    (path / "dovecot-acl").write_text("group=sales lk\n")
    house.clock.advance(5)
    assert kim.ask("CREATE Public/Top").status.startswith("OK")
    assert kim.ask("MYRIGHTS Public/Top").untagged == ["MYRIGHTS Public/Top lkc"]
    assert kim.ask("SELECT Public/INBOX").status.startswith("NO [NONEXISTENT]")
    assert kim.ask("DELETE Public/Top").status.startswith("NO [NOPERM]")
    # Nothing is made there by itself.
    assert sorted(each for each in os.listdir(path) if each.startswith(".")) == [".News", ".News.Old", ".Top"]
