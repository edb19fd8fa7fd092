"""Access control lists, and the mailboxes of others (RFC 4314, RFC 8440, RFC 2342)."""

import os

import pytest

from mailaccess.model.account import QuotaLimit
from tests.session.imap.house import run
from tests.session.imap.sharing import INBOX, KIM, LEE, PARK, WORK, Houses


@pytest.fixture
def house(tmp_path):
    return Houses(tmp_path)


def flags(client):
    """The flags of all messages of the selected mailbox, by number."""
    lines = client.ask("FETCH 1:* FLAGS").of("FETCH")
    told = [line.partition("FLAGS (")[2].partition(")")[0] for line in lines]
    return [set(each.split()) - {"\\Recent"} for each in told]


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


# -- every command ----------------------------------------------------------------------------------


def test_each_flag_needs_its_right(house):
    """RFC 4314 §4: STORE changes what may be changed, and fails only where that is nothing."""
    house.given("INBOX", messages=1)
    house.grant("lrs")
    kim = house.kim()
    answer = kim.ask(f"SELECT {INBOX}")
    assert answer.status == "OK [READ-WRITE] SELECT completed"
    assert "OK [PERMANENTFLAGS (\\Seen)] Flags permitted" in answer.untagged
    assert kim.ask("STORE 1 +FLAGS (\\Seen \\Flagged \\Deleted)").status == "OK STORE completed"
    assert flags(kim) == [{"\\Seen"}]
    assert kim.ask("STORE 1 +FLAGS (\\Flagged)").status.startswith("NO [NOPERM]")
    assert kim.ask("STORE 1 -FLAGS (\\Deleted)").status.startswith("NO [NOPERM]")
    house.session("INBOX").ask("STORE 1 +FLAGS (\\Flagged $Forwarded)")
    kim.ask("STORE 1 FLAGS ()")
    assert flags(kim) == [{"\\Flagged", "$Forwarded"}]
    house.grant("lrt")
    answer = kim.ask("NOOP")
    assert "OK [PERMANENTFLAGS (\\Deleted)] Flags permitted" in answer.untagged
    kim.ask("STORE 1 FLAGS (\\Deleted \\Seen)")
    assert flags(kim) == [{"\\Flagged", "$Forwarded", "\\Deleted"}]
    house.grant("lrw")
    kim.ask("STORE 1 FLAGS (\\Answered Work)")
    assert flags(kim) == [{"\\Answered", "Work", "\\Deleted"}]


def test_replacing_flags_with_few_rights_heeds_unchangedsince(house):
    house.given("INBOX", messages=2)
    house.grant("lrw")
    kim = house.kim(INBOX)
    status = kim.ask(f"STATUS {INBOX} (HIGHESTMODSEQ)").of("STATUS")[0]
    modseq = int(status.rstrip(")").rpartition(" ")[2])
    house.session("INBOX").ask("STORE 1 +FLAGS (\\Seen)")
    answer = kim.ask(f"STORE 1:2 (UNCHANGEDSINCE {modseq}) FLAGS (\\Flagged)")
    assert answer.status.startswith("OK [MODIFIED 1]")
    assert flags(kim) == [{"\\Seen"}, {"\\Flagged"}]


def test_fetching_a_body_sets_seen_only_with_the_right(house):
    house.given("INBOX", messages=2)
    house.grant("lrw")
    kim = house.kim(INBOX)
    assert "\\Seen" not in repr(kim.ask("FETCH 1 BODY[]"))
    assert flags(kim) == [set(), set()]
    house.grant("lrsw")
    kim.ask("FETCH 1 BODY[]")
    assert flags(kim) == [{"\\Seen"}, set()]
    assert flags(house.session("INBOX")) == [{"\\Seen"}, set()]  # one \Seen for all


def test_expunging_needs_its_right(house):
    house.given("INBOX", messages=3, deleted=[1, 2])
    house.grant("lrt")
    kim = house.kim(INBOX)
    assert kim.ask("EXPUNGE").status.startswith("NO [NOPERM]")
    assert kim.ask("UID EXPUNGE 1").status.startswith("NO [NOPERM]")
    assert kim.ask("CLOSE").status == "OK CLOSE completed"  # RFC 4314 §4: it is closed all the same
    assert len(house.truth("INBOX")) == 3
    house.grant("lre")
    kim.ask(f"SELECT {INBOX}")
    assert kim.ask("EXPUNGE").numbers("EXPUNGE") == [1, 1]
    assert kim.ask("MOVE 1 Trash").status.startswith("NO [NOPERM]")
    house.grant("lret")
    assert kim.ask("MOVE 1 Trash").numbers("EXPUNGE") == [1]


def test_appending_needs_its_right_and_keeps_the_flags_one_may_set(house):
    """The example of RFC 4314 §4."""
    house.grant("lr")
    kim = house.kim()
    said = kim.send(f"a APPEND {INBOX} (\\Seen) {{5}}\r\n".encode())
    assert said == b"a NO [NOPERM] You do not have the right to do that\r\n"
    house.grant("lrwis")
    appended = kim.send(
        f"b APPEND {INBOX} (\\Seen \\Deleted \\Draft $Forwarded) {{5+}}\r\nA: b\n\r\n".encode()
    )
    assert b"OK [APPENDUID" in appended
    assert house.truth("INBOX")[0][1] == {"\\Seen", "\\Draft", "$Forwarded"}
    house.grant("i")  # a letter box: nothing can be seen in it, but put into
    assert b"OK [APPENDUID" in kim.send(f"c APPEND {INBOX} (\\Draft) {{5+}}\r\nA: b\n\r\n".encode())
    assert house.truth("INBOX")[1][1] == frozenset()
    assert kim.ask(f"SELECT {INBOX}").status.startswith("NO [NONEXISTENT]")
    assert kim.ask(f"MYRIGHTS {INBOX}").untagged == [f"MYRIGHTS {INBOX} i"]


def test_copies_keep_the_flags_one_may_set(house):
    """The example of RFC 4314 §4, once between accounts and once within the other's."""
    house.given("Work", messages=3)
    lee = house.session("Work")
    lee.ask("STORE 1 FLAGS (\\Draft \\Deleted)")
    lee.ask("STORE 2 FLAGS (\\Answered)")
    lee.ask("STORE 3 FLAGS ($Forwarded \\Seen)")
    house.grant("lr", "Work")
    kim = house.kim(WORK)
    assert kim.ask("COPY 1:3 Archive").status.startswith("OK [COPYUID")
    assert kim.ask(f"COPY 1:3 {INBOX}").status == "NO [NONEXISTENT] There is no such mailbox"
    house.grant("lrwis")
    assert kim.ask(f"COPY 1:3 {INBOX}").status.startswith("OK [COPYUID")
    house.grant("lrsti")
    assert kim.ask(f"COPY 1:3 {INBOX}").status.startswith("OK [COPYUID")
    assert [each for _, each in house.truth("INBOX")] == [
        {"\\Draft"},
        {"\\Answered"},
        {"$Forwarded", "\\Seen"},
        {"\\Deleted"},
        frozenset(),
        {"\\Seen"},
    ]
    kim.ask("SELECT Archive")
    assert flags(kim) == [{"\\Draft", "\\Deleted"}, {"\\Answered"}, {"$Forwarded", "\\Seen"}]
    house.grant("lri")
    kim.ask(f"COPY 1:3 {INBOX}")
    assert [each for _, each in house.truth("INBOX")][6:] == [frozenset()] * 3


def test_messages_move_between_accounts_with_dates_and_sizes(house):
    house.given("INBOX", [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(150)])
    house.grant("lrswite")
    kim = house.kim(INBOX)
    before = kim.ask("FETCH 1:* (INTERNALDATE RFC822.SIZE)").of("FETCH")
    answer = kim.ask("MOVE 1:* Archive")
    assert answer.status == "OK MOVE completed"
    assert answer.of("OK")[0].startswith("OK [COPYUID ") and answer.of("OK")[0].endswith(
        " 1:150 1:150] Moved"
    )
    assert len(answer.numbers("EXPUNGE")) == 150
    assert house.truth("INBOX") == []
    kim.ask("SELECT Archive")
    assert kim.ask("FETCH 1:* (INTERNALDATE RFC822.SIZE)").of("FETCH") == before
    assert kim.ask(f"UID MOVE 3:5 {INBOX}").status == "OK MOVE completed"
    assert len(house.truth("INBOX")) == 3


def test_a_large_message_is_copied_in_pieces(house):
    letter = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 60_000
    house.given("INBOX", [letter, b"Subject: small\r\n\r\nx\r\n"])
    house.grant("lr")
    kim = house.kim(INBOX)
    assert kim.ask("COPY 1:2 Archive").status.endswith(" 1:2 1:2] COPY completed")
    kim.ask("SELECT Archive")
    assert letter in kim.ask("FETCH 1 BODY.PEEK[]").octets


def test_a_copy_that_does_not_fit_copies_nothing(house):
    house.given("INBOX", messages=5)
    house.grant("lr")
    account = house.account_of(KIM)
    account._limit = account.vault.limit = QuotaLimit(messages=4)
    kim = house.kim(INBOX)
    assert kim.ask("COPY 1:5 Archive").status.startswith("NO [OVERQUOTA]")
    house.grant("lre")
    kim.ask(f"SELECT {INBOX}")
    assert kim.ask("MOVE 1:5 Archive").status.startswith("NO [NOPERM]")
    house.grant("lrte")
    assert kim.ask("MOVE 1:5 Archive").status.startswith("NO [OVERQUOTA]")
    assert kim.ask("STATUS Archive (MESSAGES)").untagged == ["STATUS Archive (MESSAGES 0)"]
    assert len(house.truth("INBOX")) == 5


def test_a_failure_in_the_middle_takes_back_what_was_copied(house, monkeypatch):
    house.given("INBOX", messages=150)
    house.grant("lr")
    account = house.account_of(KIM)
    real, calls = account.append, []

    async def append(name, messages):
        calls.append(len(messages))
        if len(calls) == 3:
            account.vault.limit = account._limit = QuotaLimit(messages=1)
        return await real(name, messages)

    monkeypatch.setattr(account, "append", append)
    assert house.kim(INBOX).ask("COPY 1:* Archive").status.startswith("NO [OVERQUOTA]")
    assert calls == [64, 64, 22]
    assert house.kim().ask("STATUS Archive (MESSAGES)").untagged == ["STATUS Archive (MESSAGES 0)"]


def test_the_owners_quota_counts(house):
    house.grant("lrsi")
    account = house.account
    account._limit = account.vault.limit = QuotaLimit(storage=10 * 1024, messages=1, mailboxes=50)
    kim = house.kim()
    kim.send(f"a APPEND {INBOX} {{5+}}\r\nA: b\n\r\n".encode())
    assert kim.send(f"b APPEND {INBOX} {{5}}\r\n".encode()).startswith(b"b NO [OVERQUOTA]")
    root = f'"Other Users/{LEE}"'
    kim.talk(f"""
        C: a GETQUOTAROOT {INBOX}
        S: * QUOTAROOT {INBOX} {root}
        S: * QUOTA {root} (STORAGE 1 10 MESSAGE 1 1 MAILBOX 6 50)
        S: a OK GETQUOTAROOT completed
        C: b GETQUOTA {root}
        S: * QUOTA {root} (STORAGE 1 10 MESSAGE 1 1 MAILBOX 6 50)
        S: b OK GETQUOTA completed
        C: c GETQUOTA "Other Users/{PARK}"
        S: c NO [NONEXISTENT] There is no such quota root
    """)
    house.grant("li")
    assert kim.ask(f"GETQUOTAROOT {INBOX}").status.startswith("NO [NOPERM]")
    assert kim.ask(f"GETQUOTA {root}").status.startswith("NO [NONEXISTENT]")


def test_the_number_of_mailboxes_is_limited(house):
    """RFC 9208 §5.3."""
    account = house.account
    account._limit = account.vault.limit = QuotaLimit(mailboxes=7)
    one = house.session()
    assert one.ask("CREATE a/b/c").status.startswith("OK")  # \Noselect names above it do not count
    assert one.ask("CREATE d").status == "NO [OVERQUOTA] The account may not have more mailboxes"
    assert one.ask("RENAME INBOX e").status.startswith("NO [OVERQUOTA]")
    assert one.ask("RENAME a z").status.startswith("OK")
    assert one.ask('GETQUOTA ""').untagged == ['QUOTA "" (MAILBOX 7 7)']
    assert one.ask("DELETE z/b/c").status.startswith("OK")
    assert one.ask("RENAME INBOX e").status.startswith("OK")


def test_replacing_needs_the_rights_of_all_its_steps(house):
    """RFC 8508 §4.1."""
    house.given("INBOX", messages=2)
    house.grant("lri")
    kim = house.kim(INBOX)
    literal = "{8+}\r\nA: b\r\n\r\n\r\n"
    assert kim.send(f"a REPLACE 1 {INBOX} {literal}").startswith(b"a NO [NOPERM]")
    house.grant("lrte")
    assert kim.send(f"b REPLACE 1 {INBOX} {literal}").endswith(
        b"b NO [NOPERM] You do not have the right to do that\r\n"
    )
    assert b"b2 OK" in kim.send(f"b2 REPLACE 1 Drafts {literal}")
    house.grant("lrite")
    assert b"c OK" in kim.send(f"c REPLACE 1 {INBOX} {literal}")
    assert [uid for uid, _ in house.truth("INBOX")] == [3]


def test_mailboxes_are_made_renamed_and_deleted_with_the_rights_for_it(house):
    house.given("Work")
    house.grant("lr", "Work")
    kim = house.kim()
    base = f"Other Users/{LEE}"
    assert kim.ask(f'CREATE "{base}/Mine"').status.startswith("NO [NOPERM]")
    assert kim.ask(f'CREATE "{base}/Work/Sub"').status.startswith("NO [NOPERM]")
    assert kim.ask(f'RENAME {WORK} "{base}/Play"').status.startswith("NO [NOPERM]")
    assert kim.ask(f"DELETE {WORK}").status.startswith("NO [NOPERM]")
    house.grant("lrkx", "Work")
    assert kim.ask(f'CREATE "{base}/Work/Sub"').status.startswith("OK")
    assert kim.ask(f'CREATE "{base}/Work/Sub/Deep" (USE (\\Sent))').status.startswith("NO [USEATTR]")
    # The new mailbox has its parent's list: RFC 4314 §4.
    assert kim.ask(f'MYRIGHTS "{base}/Work/Sub"').untagged == [f'MYRIGHTS "{base}/Work/Sub" lrkxc']
    assert kim.ask(f'RENAME "{base}/Work/Sub" "{base}/Work/New"').status.startswith("OK")
    assert kim.ask(f'RENAME "{base}/Work/New" "{base}/New"').status.startswith("NO [NOPERM]")
    assert kim.ask(f'RENAME "{base}/Work/New" New').status.startswith("NO [CANNOT]")
    assert kim.ask(f'RENAME Archive "{base}/Work/Archive"').status.startswith("NO [CANNOT]")
    assert house.session().ask("GETACL Work/New").untagged == [
        f"ACL Work/New {LEE} lrswipkxteacd {KIM} lrkxc"
    ]
    lee = house.session("Work/New")
    assert kim.ask(f'DELETE "{base}/Work/New"').status.startswith("OK")
    assert b"* BYE The selected mailbox was deleted" in lee.send("a NOOP\r\n")
    assert 'LIST (\\HasNoChildren) "/" Work' in house.session().ask('LIST "" Work*').untagged
    house.grant("lrx")
    assert kim.ask(f"DELETE {INBOX}").status.startswith("NO [NOPERM]")
    assert kim.ask(f'RENAME {INBOX} "{base}/Work/Inbox"').status.startswith("NO [NOPERM]")


def test_a_mailbox_deleted_and_made_again_has_no_list(house):
    house.given("Work")
    house.grant("lr", "Work")
    one = house.session()
    one.ask("DELETE Work")
    one.ask("CREATE Work")
    assert one.ask("GETACL Work").untagged == [f"ACL Work {LEE} lrswipkxteacd"]
    assert house.kim().ask(f"SELECT {WORK}").status.startswith("NO [NONEXISTENT]")


def test_a_renamed_mailbox_keeps_its_list_and_its_readers(house):
    house.given("Work", messages=2)
    house.grant("lrs", "Work")
    kim = house.kim(WORK)
    house.session().ask("RENAME Work Play")
    assert kim.ask("FETCH 1 FLAGS").status == "OK FETCH completed"
    assert kim.ask(f"SELECT {WORK}").status.startswith("NO [NONEXISTENT]")
    assert kim.ask(f'SELECT "Other Users/{LEE}/Play"').status.startswith("OK")


def test_annotations_of_others_are_shared_ones_only(house):
    """RFC 5464 §3.3, §4.3."""
    one = house.session()
    one.ask('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")')
    house.grant("lr")
    kim = house.kim()
    told = kim.ask(f"GETMETADATA {INBOX} (/private/comment /shared/comment)").untagged
    assert told == [f'METADATA {INBOX} (/private/comment NIL /shared/comment "ours")']
    assert kim.ask(f'SETMETADATA {INBOX} (/shared/comment "all")').status.startswith("OK")
    assert kim.ask(f'SETMETADATA {INBOX} (/private/comment "x")').status.startswith("NO [METADATA NOPRIVATE]")
    assert one.ask("GETMETADATA INBOX /shared/comment").untagged == ['METADATA INBOX (/shared/comment "all")']
    assert kim.ask(f'LIST "" {INBOX} RETURN (METADATA (/shared/comment))').untagged == [
        f'LIST (\\HasNoChildren) "/" {INBOX}',
        f'METADATA {INBOX} (/shared/comment "all")',
    ]
    house.grant("l")
    assert kim.ask(f"GETMETADATA {INBOX} /shared/comment").status.startswith("NO [NOPERM]")


def test_an_owner_is_told_of_annotations_that_another_changed(house):
    """RFC 5464 §4.4.2."""
    house.grant("lr")
    lee = house.session(enable=["METADATA"])
    house.kim().ask(f'SETMETADATA {INBOX} (/shared/comment "all")')
    assert lee.ask("NOOP").untagged == ["METADATA INBOX /shared/comment"]


def test_searches_and_sorts_run_in_anothers_mailbox(house):
    house.given("INBOX", messages=5)
    house.grant("lr")
    kim = house.kim(INBOX)
    assert kim.ask("SEARCH SUBJECT 3").untagged == ["SEARCH 3"]
    assert kim.ask("SORT (REVERSE SUBJECT) UTF-8 ALL").untagged == ["SORT 5 4 3 2 1"]


def test_both_see_each_others_changes_at_once(house):
    house.given("INBOX", messages=2)
    house.grant("lrswit")
    lee, kim = house.session("INBOX"), house.kim(INBOX)
    kim.ask("STORE 1 +FLAGS (\\Answered)")
    assert lee.ask("NOOP").of("FETCH") == ["1 FETCH (FLAGS (\\Answered \\Recent))"]
    house.deliver("INBOX")
    assert kim.ask("NOOP").numbers("EXISTS") == [3]


def test_a_reader_whose_right_is_taken_is_sent_away(house):
    house.given("INBOX", messages=2)
    house.grant("lr")
    kim, idle = house.kim(INBOX), house.kim(INBOX)
    assert idle.send("i IDLE\r\n") == b"+ idling\r\n"
    house.session().ask(f"DELETEACL INBOX {KIM}")
    assert kim.send("a FETCH 1 BODY[]\r\n") == b"* BYE You may no longer read the selected mailbox\r\n"
    assert kim.wire.closed
    house.deliver("INBOX")
    assert idle.take() == b"* BYE You may no longer read the selected mailbox\r\n"


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


# -- the files --------------------------------------------------------------------------------------


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


def test_urls_lead_only_to_what_may_be_read(house):
    """CATENATE (RFC 4469) reads no message that SELECT would not open."""
    house.given("INBOX", messages=1)
    house.grant("li")
    kim = house.kim()
    url = f"/Other%20Users/{LEE}/INBOX/;uid=1"
    catenate = f'APPEND Drafts CATENATE (URL "{url}")'
    assert kim.ask(catenate).status.startswith("NO [BADURL")
    house.grant("lr")
    assert kim.ask(catenate).status.startswith("OK [APPENDUID")
    assert kim.ask('STATUS "Drafts" (MESSAGES)').untagged == ["STATUS Drafts (MESSAGES 1)"]


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
