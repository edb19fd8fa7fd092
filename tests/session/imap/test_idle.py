"""IDLE (RFC 2177) and what others are told."""

from tests.session.driving import Promise


def test_new_mail_is_told_at_once(imap):
    imap.given("INBOX", messages=1, seen=[1])
    one = imap.session("INBOX")
    assert one.send("a IDLE\r\n") == b"+ idling\r\n"
    imap.deliver("INBOX")
    assert one.take() == b"* 2 EXISTS\r\n* 1 RECENT\r\n"
    other = imap.session("INBOX")
    other.ask("STORE 1 +FLAGS (\\Deleted)")
    assert one.take() == b"* 1 FETCH (FLAGS (\\Deleted \\Seen))\r\n"
    other.ask("EXPUNGE")
    assert one.take() == b"* 1 EXPUNGE\r\n"
    assert one.send("DONE\r\n") == b"a OK IDLE completed\r\n"


def test_commands_pipelined_behind_idle_wait_for_done(imap):
    """iOS sends IDLE, DONE and the next command in one packet."""
    one = imap.session("INBOX")
    assert one.send("a IDLE\r\nDONE\r\nb NOOP\r\n") == (
        b"+ idling\r\na OK IDLE completed\r\nb OK NOOP completed\r\n"
    )
    one.send("c IDLE\r\n")
    assert one.send("done\r\nd IDLE\r\n") == b"c OK IDLE completed\r\n+ idling\r\n"


def test_anything_but_done_is_wrong(imap):
    one = imap.session("INBOX")
    one.send("a IDLE\r\n")
    assert one.send("b NOOP\r\n").startswith(b"a BAD")
    assert one.ask("NOOP").status.startswith("OK")


def test_a_quiet_client_is_told_that_the_server_is_still_here(imap):
    one = imap.session("INBOX")
    one.send("a IDLE\r\n")
    imap.clock.advance(119)
    assert one.take() == b""
    imap.clock.advance(2)
    assert one.take() == b"* OK Still here\r\n"
    imap.clock.advance(86400)
    assert one.take() == b"* OK Still here\r\n" * 720
    assert one.send("DONE\r\n") == b"a OK IDLE completed\r\n"


def test_idle_without_a_mailbox_just_waits(imap):
    one = imap.session()
    one.send("a IDLE\r\n")
    imap.deliver("INBOX")
    assert one.send("DONE\r\n") == b"a OK IDLE completed\r\n"


def test_what_others_did_comes_before_the_next_completion(imap):
    imap.given("INBOX", messages=3)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("STORE 2 +FLAGS (\\Flagged $Work)")
    imap.deliver("INBOX")
    other.talk("""
        C: a NOOP
        S: * 4 EXISTS
        S: * 1 RECENT
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)
        S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work \\*)] Flags permitted
        S: * 2 FETCH (FLAGS (\\Flagged $Work))
        S: a OK NOOP completed
    """)


def test_ones_own_silent_store_is_not_told(imap):
    imap.given("INBOX", messages=2)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    assert one.ask("STORE 1 +FLAGS.SILENT (\\Seen)").untagged == []
    assert one.ask("NOOP").untagged == []
    assert other.ask("NOOP").untagged == ["1 FETCH (FLAGS (\\Seen))"]


def test_thousands_of_changes_are_coalesced(imap):
    imap.given("INBOX", messages=3000)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    for operation in ("+", "-", "+"):
        one.ask(f"STORE 1:2500 {operation}FLAGS.SILENT (\\Seen)")
    assert other.ask("NOOP").numbers("FETCH") == list(range(1, 2501))
    assert other.ask("NOOP").untagged == []


def test_a_message_that_came_and_went_is_never_told(imap):
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX")
    uid = imap.deliver("INBOX")
    imap.account.rooms["INBOX"].remove([uid], None)
    assert one.ask("NOOP").untagged == []
    imap.deliver("INBOX")
    assert one.ask("NOOP").untagged == ["3 EXISTS", "1 RECENT"]
    assert one.ask("FETCH 3 UID").untagged == ["3 FETCH (UID 4)"]


def test_new_mail_may_be_told_while_losses_may_not(imap):
    imap.given("INBOX", messages=3, deleted=[1])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("EXPUNGE")
    imap.deliver("INBOX")
    answer = other.ask("FETCH 2 UID")
    assert answer.untagged == ["2 FETCH (UID 2)", "4 EXISTS", "1 RECENT"]
    assert other.ask("FETCH 4 UID").untagged == ["4 FETCH (UID 4)"]
    assert other.ask("NOOP").untagged == ["1 EXPUNGE"]
    assert other.ask("FETCH 1:* UID").untagged == ["1 FETCH (UID 2)", "2 FETCH (UID 3)", "3 FETCH (UID 4)"]


def test_what_happens_while_something_is_told_is_told_too(imap):
    imap.given("INBOX", messages=2)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.send("a IDLE\r\n")
    waiting = imap.account.waits["claim_recent"] = Promise()
    imap.deliver("INBOX")
    assert one.take() == b""
    other.ask("STORE 1 +FLAGS (\\Seen)")
    waiting.keep()
    # The other session was first to claim it.
    assert one.take() == b"* 3 EXISTS\r\n* 0 RECENT\r\n* 1 FETCH (FLAGS (\\Seen))\r\n"
    waiting = imap.account.waits["claim_recent"] = Promise()
    imap.deliver("INBOX")
    imap.account.rooms["INBOX"].remove([2], None)
    waiting.keep()
    assert one.take() == b"* 4 EXISTS\r\n* 1 RECENT\r\n* 2 EXPUNGE\r\n"
