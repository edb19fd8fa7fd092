"""QRESYNC (RFC 7162 §3.2): quick resynchronization and VANISHED."""

import pytest


@pytest.fixture
def room(imap):
    room = imap.given("INBOX", messages=10)
    for gone in ([4], [6, 7]):
        room.remove(gone, None)
    return room


def test_it_has_to_be_enabled(imap, room):
    one = imap.session("INBOX")
    assert one.ask("SELECT INBOX (QRESYNC (1001 5))").status.startswith("BAD")
    assert one.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5 VANISHED)").status.startswith("BAD")
    assert one.ask("ENABLE QRESYNC").untagged[0] == "ENABLED QRESYNC"
    assert one.ask("FETCH 1:* (FLAGS) (CHANGEDSINCE 5 VANISHED)").status.startswith("BAD")
    assert one.ask("UID FETCH 1:* (FLAGS) (VANISHED)").status.startswith("BAD")


def test_select_tells_what_went_and_what_changed(imap, room):
    """HIGHESTMODSEQ was 11 after ten messages; 4 went at 12, 6 and 7 at 13."""
    imap.session("INBOX").ask("UID STORE 9 +FLAGS (\\Seen)")
    one = imap.session(enable=["QRESYNC"])
    answer = one.ask("SELECT INBOX (QRESYNC (1001 12))")
    assert answer.untagged[-2:] == ["VANISHED (EARLIER) 6:7", "6 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (14))"]
    answer = one.ask("SELECT INBOX (QRESYNC (1001 11 1:6))")
    assert answer.of("VANISHED") == ["VANISHED (EARLIER) 4,6"] and answer.of("FETCH") == []
    answer = one.ask("SELECT INBOX (QRESYNC (999 11))")
    assert answer.of("VANISHED") == answer.of("FETCH") == [] and answer.status.startswith("OK")


def test_pairs_that_match_spare_what_the_client_knows(imap, room):
    """RFC 7162 §3.2.5.2: message 4 has UID 5, so the client knows that 4 is gone; message 5 has UID 8."""
    one = imap.session(enable=["QRESYNC"])
    answer = one.ask("SELECT INBOX (QRESYNC (1001 1 1:10 (1,4,5 1,5,9)))")
    assert answer.of("VANISHED") == ["VANISHED (EARLIER) 6:7"]


def test_an_index_that_forgot_tells_all_that_are_not_there(imap, room, monkeypatch):
    one = imap.session(enable=["QRESYNC"])

    async def forgotten(self, modseq):
        return None

    monkeypatch.setattr("tests.session.fakes.FakeMailbox.expunged_since", forgotten)
    answer = one.ask("SELECT INBOX (QRESYNC (1001 1 3:200))")
    assert answer.of("VANISHED") == ["VANISHED (EARLIER) 4,6:7"]


def test_uid_fetch_vanished(imap, room):
    one = imap.session("INBOX", enable=["QRESYNC"])
    assert one.ask("UID FETCH 1:7 (FLAGS) (CHANGEDSINCE 12 VANISHED)").untagged == ["VANISHED (EARLIER) 6:7"]
    answer = one.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 10 VANISHED)")
    assert answer.untagged == ["VANISHED (EARLIER) 4,6:7", "7 FETCH (UID 10 FLAGS () MODSEQ (11))"]


def test_expunges_are_told_as_vanished(imap, room):
    one, other = imap.session("INBOX", enable=["QRESYNC"]), imap.session("INBOX", enable=["QRESYNC"])
    answer = one.ask("STORE 1,3:4 +FLAGS.SILENT (\\Deleted)")
    assert answer.untagged[0] == "1 FETCH (UID 1 MODSEQ (14))"
    one.talk("""
        C: a EXPUNGE
        S: * VANISHED 1,3,5
        S: a OK [HIGHESTMODSEQ 15] EXPUNGE completed
        C: b UID EXPUNGE 1:*
        S: b OK EXPUNGE completed
    """)
    other.send("i IDLE\r\n")
    assert other.take() == b""
    assert other.send("DONE\r\n").startswith(b"i OK")
    imap.given("work")
    other.talk("""
        C: c UID MOVE 2 work
        S: * OK [COPYUID 1002 2 1] Moved
        S: * VANISHED 2
        S: c OK [HIGHESTMODSEQ 16] MOVE completed
    """)
    assert one.ask("CLOSE").status == "OK CLOSE completed"


def test_what_went_unnoticed_is_not_told_as_earlier(imap, room):
    one = imap.session("INBOX", enable=["QRESYNC"])
    room.remove([1], None)
    answer = one.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
    assert answer.of("VANISHED") == ["VANISHED (EARLIER) 4,6:7", "VANISHED 1"]


def test_a_client_that_breaks_off_before_a_removal_is_told_misses_nothing(imap, room):
    """RFC 7162 §3.2, and the example of its §6: HIGHESTMODSEQ stays below what is held back."""
    one, other = imap.session("INBOX", enable=["QRESYNC"]), imap.session("INBOX")
    other.ask("UID STORE 9 +FLAGS (\\Deleted)")
    other.ask("EXPUNGE")
    answer = one.ask("STORE 1 +FLAGS (\\Seen)")
    assert answer.of("FETCH") == ["1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (16))"]
    assert answer.untagged[-1] == "OK [HIGHESTMODSEQ 14] What came after this is not told yet"
    assert one.ask("FETCH 1 FLAGS").untagged[-1].startswith("OK [HIGHESTMODSEQ 14]")
    assert one.ask("NOOP").untagged == ["VANISHED 9"]
    assert len(one.ask("FETCH 1 FLAGS").untagged) == 1
