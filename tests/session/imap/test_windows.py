"""A mailbox piece by piece: PARTIAL of UID FETCH (RFC 9394 §3.3) and UIDBATCHES (RFC 10022)."""

import pytest

from mailaccess.imap.commands import uidbatches


def test_a_window_of_a_fetch(imap):
    imap.given("INBOX", messages=9, deleted=[2, 5])
    one = imap.session("INBOX")
    one.ask("EXPUNGE")  # UIDs 1 3 4 6 7 8 9
    one.talk("""
        C: a UID FETCH 2:8 (UID) (PARTIAL -1:-2)
        S: * 5 FETCH (UID 7)
        S: * 6 FETCH (UID 8)
        S: a OK FETCH completed
        C: b UID FETCH 1,4:9 (UID) (PARTIAL 3:2)
        S: * 3 FETCH (UID 4)
        S: * 4 FETCH (UID 6)
        S: b OK FETCH completed
        C: c UID FETCH 1:* (UID) (PARTIAL 8:10)
        S: c OK FETCH completed
        C: d FETCH 1:* (UID) (PARTIAL 1:2)
        S: d BAD ...
        C: e UID FETCH 1:* (UID) (PARTIAL 1:-2)
        S: e BAD ...
    """)


def test_a_window_is_chosen_before_what_changed(imap):
    """RFC 9394 §3.4."""
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX")
    one.ask("STORE 1,4 +FLAGS.SILENT (\\Seen)")
    answer = one.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5 PARTIAL -1:-2)")
    assert answer.numbers("FETCH") == [4]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(uidbatches, "SMALLEST", 2)


def test_batches_are_told_newest_first(imap, small):
    imap.given("INBOX", messages=8, deleted=[5])
    one = imap.session("INBOX")
    one.ask("EXPUNGE")  # UIDs 1 2 3 4 6 7 8
    one.talk("""
        C: a UIDBATCHES 3
        S: * UIDBATCHES (TAG "a") 8:6,4:2,1
        S: a OK UIDBATCHES completed
        C: b UIDBATCHES 3 2:3
        S: * UIDBATCHES (TAG "b") 4:2,1
        S: b OK UIDBATCHES completed
        C: c UIDBATCHES 3 4:5
        S: * UIDBATCHES (TAG "c")
        S: c OK UIDBATCHES completed
    """)


def test_batches_that_cannot_be(imap):
    one = imap.session("INBOX")
    one.talk("""
        C: a UIDBATCHES 500
        S: * UIDBATCHES (TAG "a")
        S: a OK UIDBATCHES completed
        C: b UIDBATCHES 99
        S: b NO [TOOSMALL] ...
        C: c UIDBATCHES 0
        S: c BAD [CLIENTBUG] ...
        C: d UIDBATCHES 500 3:2
        S: d BAD [CLIENTBUG] ...
        C: e UIDBATCHES 500 1:4000000000
        S: e NO [LIMIT] ...
    """)
