"""STORE, COPY and MOVE (RFC 3501 §6.4.6, §6.4.7; RFC 6851; RFC 4315 §3)."""


def test_flags_are_added_removed_and_replaced(imap):
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX")
    one.talk("""
        C: a STORE 2:4 +FLAGS (\\Deleted)
        S: * 2 FETCH (FLAGS (\\Deleted))
        S: * 3 FETCH (FLAGS (\\Deleted))
        S: * 4 FETCH (FLAGS (\\Deleted))
        S: a OK STORE completed
        C: b UID STORE 3 -FLAGS \\Deleted
        S: * 3 FETCH (UID 3 FLAGS ())
        S: b OK STORE completed
        C: c STORE 4 FLAGS (\\Seen $Label1)
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1)
        S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1 \\*)] Flags permitted
        S: * 4 FETCH (FLAGS (\\Seen $Label1))
        S: c OK STORE completed
        C: d STORE 4 +FLAGS.SILENT (\\Answered)
        S: d OK STORE completed
        C: e FETCH 4 FLAGS
        S: * 4 FETCH (FLAGS (\\Answered \\Seen $Label1))
        S: e OK FETCH completed
    """)


def test_a_number_there_is_none_of_is_wrong(imap):
    one = imap.session("INBOX")
    assert one.ask("STORE 1 +FLAGS (\\Seen)").status.startswith("BAD")
    assert one.ask("UID STORE 1 +FLAGS (\\Seen)").status.startswith("OK")


def test_a_message_gone_unnoticed_makes_store_say_no(imap):
    """RFC 2180 §4.2.1."""
    imap.given("INBOX", messages=3, deleted=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("EXPUNGE")
    answer = other.ask("STORE 1:3 +FLAGS (\\Seen)")
    assert answer.untagged == ["1 FETCH (FLAGS (\\Seen))", "3 FETCH (FLAGS (\\Seen))"]
    assert answer.status.startswith("NO [EXPUNGEISSUED]")
    answer = other.ask("UID STORE 1:3 +FLAGS (\\Flagged)")
    assert answer.numbers("EXPUNGE") == [2] and answer.status.startswith("OK")


def test_many_are_answered_in_order(imap):
    imap.given("INBOX", messages=5000)
    assert imap.session("INBOX").ask("STORE 1:* +FLAGS (\\Seen)").numbers("FETCH") == list(range(1, 5001))


def test_copy_tells_the_new_uids(imap):
    imap.given("INBOX", messages=4, seen=[2])
    imap.given("work", messages=1)
    one, other = imap.session("INBOX"), imap.session("work")
    one.talk("""
        C: a COPY 2:3 work
        S: a OK [COPYUID 1002 2:3 2:3] COPY completed
        C: b UID COPY 9 work
        S: b OK No messages copied
        C: c COPY 1 nowhere
        S: c NO [TRYCREATE] There is no such mailbox
        C: d COPY 9 work
        S: d BAD There is no message of that number
    """)
    assert other.ask("NOOP").untagged == ["3 EXISTS", "2 RECENT"]
    assert other.ask("FETCH 2 FLAGS").untagged == ["2 FETCH (FLAGS (\\Seen \\Recent))"]


def test_copy_into_the_selected_mailbox(imap):
    imap.given("INBOX", messages=1)
    answer = imap.session("INBOX").ask("COPY 1 INBOX")
    assert answer.untagged == ["2 EXISTS", "1 RECENT"] and answer.status.startswith("OK [COPYUID 1001 1 2]")


def test_copy_of_a_message_gone_unnoticed_copies_nothing(imap):
    imap.given("INBOX", messages=2, deleted=[2])
    imap.given("work")
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("EXPUNGE")
    assert other.ask("COPY 1:2 work").status.startswith("NO [EXPUNGEISSUED]")
    assert imap.account.rooms["work"].bodies == {}


def test_move_tells_copyuid_before_the_expunges(imap):
    """The example of RFC 6851 §4.3, by UID and by number."""
    imap.given("INBOX", messages=5)
    imap.given("work")
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.talk("""
        C: a UID MOVE 2,4 work
        S: * OK [COPYUID 1002 2,4 1:2] Moved
        S: * 2 EXPUNGE
        S: * 3 EXPUNGE
        S: a OK MOVE completed
        C: b MOVE 1 work
        S: * OK [COPYUID 1002 1 3] Moved
        S: * 1 EXPUNGE
        S: b OK MOVE completed
        C: c MOVE 1 nowhere
        S: c NO [TRYCREATE] There is no such mailbox
    """)
    assert other.ask("NOOP").numbers("EXPUNGE") == [1, 1, 2]
    assert imap.session(examined="INBOX").ask("MOVE 1 work").status.startswith("NO [READ-ONLY]")
