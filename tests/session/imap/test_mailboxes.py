"""SELECT to UNSELECT and the commands on names (RFC 3501 §6.3; RFC 3691; RFC 6154; RFC 7162 §3.1.8)."""


def test_select_tells_what_a_client_needs(imap):
    imap.given("INBOX", messages=3, seen=[1])
    imap.session().talk("""
        C: a SELECT inbox
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
        S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted
        S: * 3 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN 2] First unseen
        S: * OK [UIDVALIDITY 1001] UIDs valid
        S: * OK [UIDNEXT 4] Predicted next UID
        S: * OK [HIGHESTMODSEQ 4] Highest
        S: * OK [MAILBOXID (M1)] Id
        S: a OK [READ-WRITE] SELECT completed
    """)


def test_examine_is_read_only_and_claims_nothing(imap):
    imap.given("INBOX", messages=2, claimed=False)
    one = imap.session()
    answer = one.ask("EXAMINE INBOX")
    assert answer.status.startswith("OK [READ-ONLY]") and answer.numbers("RECENT") == [2]
    assert "OK [PERMANENTFLAGS ()] Read-only mailbox" in answer.untagged
    assert one.ask("STORE 1 +FLAGS (\\Seen)").status.startswith("NO [READ-ONLY]")
    assert one.ask("FETCH 1 BODY[]").of("FETCH")[0].startswith("1 FETCH (BODY[] {")
    assert one.ask("FETCH 1 FLAGS").untagged == ["1 FETCH (FLAGS (\\Recent))"]
    assert one.ask("SEARCH RECENT").untagged == ["SEARCH 1 2"]
    assert imap.session().ask("SELECT INBOX").numbers("RECENT") == [2]


def test_recent_belongs_to_the_first_session_that_sees_it(imap):
    imap.given("INBOX", messages=2, claimed=False)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    assert one.ask("FETCH 1:2 FLAGS").untagged == [
        "1 FETCH (FLAGS (\\Recent))",
        "2 FETCH (FLAGS (\\Recent))",
    ]
    assert other.ask("FETCH 1 FLAGS").untagged == ["1 FETCH (FLAGS ())"]
    assert one.ask("SEARCH RECENT").untagged == ["SEARCH 1 2"]
    assert one.ask("SEARCH NEW").untagged == ["SEARCH 1 2"]
    assert other.ask("SEARCH OLD").untagged == ["SEARCH 1 2"]
    imap.deliver("INBOX")
    assert one.ask("NOOP").untagged == ["3 EXISTS", "3 RECENT"]
    assert other.ask("NOOP").untagged == ["3 EXISTS", "0 RECENT"]
    assert one.ask("STORE 3 FLAGS (\\Recent \\Seen)").untagged == ["3 FETCH (FLAGS (\\Seen \\Recent))"]


def test_a_failed_select_leaves_no_mailbox_selected(imap):
    one = imap.session("INBOX")
    answer = one.ask("SELECT nowhere")
    assert answer.status.startswith("NO [NONEXISTENT]")
    assert one.ask("FETCH 1 FLAGS").status == "BAD No mailbox is selected"
    assert imap.account.rooms["INBOX"].handles == []


def test_selecting_another_mailbox_closes_the_first_without_expunging(imap):
    imap.given("INBOX", messages=1, deleted=[1])
    imap.given("Trash")
    one = imap.session("INBOX")
    assert one.ask("SELECT Trash").untagged[0].startswith("OK [CLOSED]")
    assert one.ask("STATUS INBOX (MESSAGES)").untagged == ["STATUS INBOX (MESSAGES 1)"]


def test_close_expunges_silently_and_unselect_does_not(imap):
    imap.given("INBOX", messages=3, deleted=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    assert one.ask("UNSELECT").untagged == []
    one.ask("SELECT INBOX")
    assert one.ask("CLOSE").untagged == []
    assert one.ask("CLOSE").status.startswith("BAD")
    assert other.ask("NOOP").untagged == ["2 EXPUNGE"]


def test_names_are_made_renamed_and_removed(imap):
    one = imap.session()
    assert one.ask("CREATE a/b/c").status.startswith("OK")
    assert one.ask("CREATE a/b/c").status.startswith("NO [ALREADYEXISTS]")
    assert one.ask("CREATE INBOX").status.startswith("NO [ALREADYEXISTS]")
    assert one.ask("CREATE a//b").status.startswith("NO [CANNOT]")
    assert one.ask("RENAME a z").status.startswith("OK")
    assert one.ask("RENAME a y").status.startswith("NO [NONEXISTENT]")
    assert one.ask("DELETE z").status.startswith("NO [HASCHILDREN]")
    assert one.ask("SELECT z").status.startswith("NO [CANNOT]")
    assert one.ask("DELETE z/b/c").status.startswith("OK")
    assert one.ask("DELETE nowhere").status.startswith("NO [NONEXISTENT]")
    assert one.ask("DELETE INBOX").status.startswith("NO [CANNOT]")


def test_names_travel_in_modified_utf7(imap):
    """The name of RFC 3501 §5.1.3."""
    one = imap.session()
    assert one.ask('CREATE "~peter/mail/&U,BTFw-/&ZeVnLIqe-"').status.startswith("OK")
    assert "~peter/mail/台北/日本語" in imap.account.rooms
    assert 'LIST (\\HasNoChildren) "/" ~peter/mail/&U,BTFw-/&ZeVnLIqe-' in one.ask('LIST "" "*"').untagged


def test_renaming_inbox_moves_its_messages(imap):
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX")
    answer = one.ask("RENAME INBOX old")
    assert answer.numbers("EXPUNGE") == [1, 1]
    assert one.ask("STATUS old (MESSAGES)").untagged == ["STATUS old (MESSAGES 2)"]


def test_a_renamed_mailbox_stays_selected(imap):
    imap.given("work", messages=1)
    one, other = imap.session("work"), imap.session()
    other.ask("RENAME work play")
    assert one.ask("FETCH 1 UID").untagged == ["1 FETCH (UID 1)"]


def test_deleting_ones_own_selected_mailbox_leaves_it(imap):
    imap.given("work", messages=1)
    one = imap.session("work")
    assert one.ask("DELETE work").untagged == ["OK [CLOSED] Selected mailbox closed"]
    assert one.ask("NOOP").status.startswith("OK")
    assert one.ask("FETCH 1 UID").status == "BAD No mailbox is selected"


def test_a_mailbox_deleted_by_another_session_ends_this_one(imap):
    """RFC 2180 §3.3: there is nothing else that every client understands."""
    imap.given("work", messages=1)
    one, idle, other = imap.session("work"), imap.session("work"), imap.session()
    idle.send("i IDLE\r\n")
    assert other.ask("DELETE work").status.startswith("OK")
    assert b"* BYE" in idle.take() and idle.wire.closed
    assert "* BYE The selected mailbox was deleted" in one.send("a NOOP\r\n").decode()
    assert one.wire.closed and not other.wire.closed


def test_create_takes_a_special_use(imap):
    one = imap.session()
    assert one.ask("CREATE Gesendet (USE (\\Sent))").status.startswith("OK")
    assert 'LIST (\\HasNoChildren \\Sent) "/" Gesendet' in one.ask('LIST "" %').untagged


def test_status_tells_what_is_asked_in_its_order(imap):
    """SIZE: RFC 8438 §3."""
    imap.given("work", messages=3, seen=[2])
    one = imap.session()
    one.talk("""
        C: a STATUS work (UIDNEXT MESSAGES UNSEEN RECENT UIDVALIDITY SIZE)
        S: * STATUS work (UIDNEXT 4 MESSAGES 3 UNSEEN 2 RECENT 0 UIDVALIDITY 1002 SIZE 66)
        S: a OK STATUS completed
        C: b STATUS nowhere (MESSAGES)
        S: b NO [NONEXISTENT] There is no such mailbox
    """)


def test_the_personal_namespace_has_no_prefix(imap):
    told = imap.session().ask("NAMESPACE").untagged
    assert told == ['NAMESPACE (("" "/")) (("Other Users/" "/")) NIL']


def test_enable_names_what_came_on(imap):
    one = imap.session("INBOX")
    answer = one.ask("ENABLE CONDSTORE X-NONE")
    assert answer.untagged[0] == "ENABLED CONDSTORE"
    assert answer.untagged[1].startswith("OK [HIGHESTMODSEQ ")
    assert one.ask("ENABLE CONDSTORE").untagged == ["ENABLED"]
