"""What each command asks of the rights to the mailboxes of others (RFC 4314 §4)."""

import pytest

from mailaccess.model.account import QuotaLimit
from mailaccess.store.reading import FileBody
from tests.session.imap.sharing import INBOX, KIM, LEE, PARK, WORK, Houses

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 70_000
"""More than the store hands out as octets."""


@pytest.fixture
def house(tmp_path):
    return Houses(tmp_path)


def flags(client):
    """The flags of all messages of the selected mailbox, by number."""
    lines = client.ask("FETCH 1:* FLAGS").of("FETCH")
    told = [line.partition("FLAGS (")[2].partition(")")[0] for line in lines]
    return [set(each.split()) - {"\\Recent"} for each in told]


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
    house.given("INBOX", [LARGE, b"Subject: small\r\n\r\nx\r\n"])
    house.grant("lr")
    kim = house.kim(INBOX)
    assert kim.ask("COPY 1:2 Archive").status.endswith(" 1:2 1:2] COPY completed")
    kim.ask("SELECT Archive")
    assert LARGE in kim.ask("FETCH 1 BODY.PEEK[]").octets


@pytest.mark.parametrize("there", [len(LARGE), 300_000])
def test_a_large_message_moves_whole_or_not_at_all(house, monkeypatch, there):
    """Pieces that came short were copied as if they were whole, and the original was removed then."""
    read = FileBody.read

    async def short(self, offset, length):
        return await read(self, offset, min(length, 100_000, max(0, there - offset)))

    house.given("INBOX", [LARGE])
    house.grant("lrswite")
    kim = house.kim(INBOX)
    with monkeypatch.context() as patched:
        patched.setattr(FileBody, "read", short)
        moved = kim.ask("MOVE 1 Archive").status.startswith("OK")
    assert moved is (there == len(LARGE)) and len(house.truth("INBOX")) == (not moved)
    kim.ask("SELECT Archive" if moved else f"SELECT {INBOX}")
    assert LARGE in kim.ask("FETCH 1 BODY.PEEK[]").octets


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
