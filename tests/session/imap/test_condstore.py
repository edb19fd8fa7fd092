"""CONDSTORE (RFC 7162 §3.1): mod-sequences asked for, told, and made conditions."""


def test_the_first_enabling_command_tells_highestmodseq(imap):
    imap.given("INBOX", messages=2)
    for command in (
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 0)",
        "SEARCH MODSEQ 1",
        "STORE 1 (UNCHANGEDSINCE 99) +FLAGS.SILENT (\\Seen)",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "ENABLE CONDSTORE",
    ):
        one = imap.session("INBOX")
        assert any(line.startswith("OK [HIGHESTMODSEQ ") for line in one.ask(command).untagged), command
        assert not any(line.startswith("OK [HIGHESTMODSEQ ") for line in one.ask(command).untagged), command


def test_select_condstore_makes_flags_come_with_modseq(imap):
    imap.given("INBOX", messages=2)
    one, other = imap.session(), imap.session("INBOX")
    one.ask("SELECT INBOX (CONDSTORE)")
    assert one.ask("FETCH 1 FLAGS").untagged == ["1 FETCH (FLAGS () MODSEQ (2))"]
    other.ask("STORE 2 +FLAGS (\\Seen)")
    assert one.ask("NOOP").untagged == ["2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (4))"]
    assert one.ask("STORE 1 +FLAGS.SILENT (\\Seen)").untagged == ["1 FETCH (UID 1 MODSEQ (5))"]
    assert other.ask("NOOP").untagged == ["1 FETCH (FLAGS (\\Seen))"]


def test_changed_since_tells_only_the_changed(imap):
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX", enable=["CONDSTORE"])
    one.ask("STORE 3 +FLAGS.SILENT (\\Seen)")
    assert one.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5)").untagged == [
        "3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (6))"
    ]
    assert one.ask("FETCH 1:* (FLAGS) (CHANGEDSINCE 6)").untagged == []
    assert one.ask("FETCH 1:* (UID) (CHANGEDSINCE 0)").numbers("FETCH") == [1, 2, 3, 4]
    assert one.ask("FETCH 1:* (ENVELOPE) (CHANGEDSINCE 5)").numbers("FETCH") == [3]


def test_a_store_fails_for_what_has_changed_and_says_how_it_is_now(imap):
    """Like example 10 of RFC 7162 §3.1.3."""
    imap.given("INBOX", messages=3)
    one, other = imap.session("INBOX", enable=["CONDSTORE"]), imap.session("INBOX")
    other.ask("STORE 2 +FLAGS (\\Flagged)")
    one.talk("""
        C: a STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen)
        S: * 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (5))
        S: * 1 FETCH (UID 1 MODSEQ (6))
        S: * 3 FETCH (UID 3 MODSEQ (6))
        S: a OK [MODIFIED 2] Some messages had changed
        C: b UID STORE 1:3 (UNCHANGEDSINCE 5) +FLAGS (\\Deleted)
        S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (6))
        S: * 2 FETCH (UID 2 FLAGS (\\Flagged \\Deleted) MODSEQ (7))
        S: * 3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (6))
        S: b OK [MODIFIED 1,3] Some messages had changed
    """)


def test_search_by_modseq_tells_the_highest_found(imap):
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX", enable=["CONDSTORE"])
    one.ask("STORE 2 +FLAGS.SILENT (\\Seen)")
    assert one.ask("SEARCH MODSEQ 4").untagged == ["SEARCH 2 3 4 (MODSEQ 6)"]
    assert one.ask("SEARCH MODSEQ 7").untagged == ["SEARCH"]
    assert one.ask("SEARCH RETURN (MIN) MODSEQ 4").untagged[0].endswith("MIN 2 MODSEQ 6")
    assert one.ask("SEARCH RETURN (MAX) MODSEQ 4").untagged[0].endswith("MAX 4 MODSEQ 5")


def test_status_tells_highestmodseq(imap):
    imap.given("work", messages=3)
    assert imap.session().ask("STATUS work (HIGHESTMODSEQ)").untagged == ["STATUS work (HIGHESTMODSEQ 4)"]


def test_reading_a_body_tells_the_new_modseq(imap):
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX", enable=["CONDSTORE"])
    answer = one.ask("FETCH 1 BODY[TEXT]")
    assert answer.untagged[0].startswith("1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (3) BODY[TEXT] {")
