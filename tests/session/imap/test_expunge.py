"""EXPUNGE and UID EXPUNGE (RFC 3501 §6.4.3; RFC 4315 §2.1)."""


def test_numbers_fall_while_messages_go(imap):
    """The example of RFC 3501 §6.4.3: messages 3, 4, 7 and 11 of 11."""
    imap.given("INBOX", messages=11, deleted=[3, 4, 7, 11])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.talk("""
        C: a EXPUNGE
        S: * 3 EXPUNGE
        S: * 3 EXPUNGE
        S: * 5 EXPUNGE
        S: * 8 EXPUNGE
        S: a OK EXPUNGE completed
    """)
    assert other.ask("FETCH 10 UID").numbers("EXPUNGE") == []  # a FETCH may not tell it, RFC 3501 §7.4.1
    assert other.ask("NOOP").numbers("EXPUNGE") == [3, 3, 5, 8]


def test_uid_expunge_takes_only_what_is_named(imap):
    imap.given("INBOX", messages=5, deleted=[1, 3, 5])
    one = imap.session("INBOX")
    assert one.ask("UID EXPUNGE 3:4").numbers("EXPUNGE") == [3]
    assert one.ask("UID EXPUNGE 2,4").numbers("EXPUNGE") == []
    assert one.ask("EXPUNGE").numbers("EXPUNGE") == [1, 3]


def test_a_number_keeps_its_meaning_until_the_expunge_is_told(imap):
    imap.given("INBOX", messages=4, deleted=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("EXPUNGE")
    answer = other.ask("FETCH 3 UID")
    assert answer.untagged == ["3 FETCH (UID 3)"]
    gone = other.ask("FETCH 1:2 UID")
    assert gone.untagged == ["1 FETCH (UID 1)"]
    assert gone.status.startswith("NO [EXPUNGEISSUED]")
    assert other.ask("SEARCH ALL").untagged == ["SEARCH 1 3 4"]
    assert other.ask("STORE 4 +FLAGS (\\Seen)").numbers("FETCH") == [4]
    assert other.ask("CHECK").numbers("EXPUNGE") == [2]
    assert other.ask("FETCH 3 UID").untagged == ["3 FETCH (UID 4)"]


def test_a_uid_command_may_tell_it(imap):
    imap.given("INBOX", messages=4, deleted=[2])
    one, other = imap.session("INBOX"), imap.session("INBOX")
    one.ask("EXPUNGE")
    other.talk("""
        C: a UID FETCH 1:4 (UID)
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: * 4 FETCH (UID 4)
        S: * 2 EXPUNGE
        S: a OK FETCH completed
    """)


def test_nothing_is_removed_after_examine(imap):
    imap.given("INBOX", messages=2, deleted=[1])
    one = imap.session(examined="INBOX")
    assert one.ask("EXPUNGE").status.startswith("NO [READ-ONLY]")
    assert one.ask("CLOSE").status.startswith("OK")
    assert imap.session().ask("STATUS INBOX (MESSAGES)").untagged == ["STATUS INBOX (MESSAGES 2)"]


def test_many_go_at_once(imap):
    imap.given("INBOX", messages=3000, deleted=range(1, 2901))
    one = imap.session("INBOX")
    assert one.ask("EXPUNGE").numbers("EXPUNGE") == [1] * 2900
    assert one.ask("FETCH * UID").untagged == ["100 FETCH (UID 3000)"]
