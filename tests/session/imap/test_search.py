"""SEARCH and UID SEARCH (RFC 3501 §6.4.4; RFC 4731; RFC 5182)."""

from tests.session.imap.house import MaildirHouse


def test_found_are_numbers_or_uids(imap):
    imap.given("INBOX", messages=6, deleted=[1, 2], seen=[4])
    one = imap.session("INBOX")
    one.ask("EXPUNGE")
    one.talk("""
        C: a SEARCH SEEN
        S: * SEARCH 2
        S: a OK SEARCH completed
        C: b UID SEARCH UNSEEN
        S: * SEARCH 3 5 6
        S: b OK SEARCH completed
        C: c UID SEARCH 2:3
        S: * SEARCH 4 5
        S: c OK SEARCH completed
        C: d SEARCH UID 5:9 NOT 4
        S: * SEARCH 3
        S: d OK SEARCH completed
        C: e SEARCH OR 1 UID 6 NOT DELETED
        S: * SEARCH 1 4
        S: e OK SEARCH completed
        C: f SEARCH 7:900 SUBJECT nothing
        S: * SEARCH
        S: f OK SEARCH completed
    """)


def test_an_empty_mailbox_has_nothing(imap):
    one = imap.session("INBOX")
    assert one.ask("SEARCH ALL").untagged == ["SEARCH"]
    assert one.ask("SEARCH 1:*").untagged == ["SEARCH"]
    assert one.ask("UID SEARCH UID 1:*").untagged == ["SEARCH"]


def test_messages_not_told_are_not_found(imap):
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX")
    imap.deliver("INBOX")
    assert one.ask("SEARCH ALL").untagged == ["SEARCH 1 2", "3 EXISTS", "1 RECENT"]
    assert one.ask("SEARCH ALL").untagged == ["SEARCH 1 2 3"]


def test_an_unknown_charset_names_the_known_ones(imap):
    one = imap.session("INBOX")
    assert one.ask("SEARCH CHARSET KLINGON ALL").status.startswith("NO [BADCHARSET (")
    assert one.ask("SEARCH CHARSET UTF-8 ALL").status.startswith("OK")


def test_esearch_returns_what_is_asked(imap):
    imap.given("INBOX", messages=9, seen=[2, 3, 4, 8])
    one = imap.session("INBOX")
    one.talk("""
        C: a SEARCH RETURN (MIN MAX COUNT) SEEN
        S: * ESEARCH (TAG "a") MIN 2 MAX 8 COUNT 4
        S: a OK SEARCH completed
        C: b UID SEARCH RETURN () SEEN
        S: * ESEARCH (TAG "b") UID ALL 2:4,8
        S: b OK SEARCH completed
        C: c SEARCH RETURN (COUNT MIN ALL) ANSWERED
        S: * ESEARCH (TAG "c") COUNT 0
        S: c OK SEARCH completed
    """)


def test_a_saved_result_is_named_by_a_dollar(imap):
    imap.given("INBOX", messages=5, seen=[2, 4])
    one = imap.session("INBOX")
    assert one.ask("SEARCH RETURN (SAVE) SEEN").untagged == []
    assert one.ask("FETCH $ UID").numbers("FETCH") == [2, 4]
    assert one.ask("SEARCH RETURN (SAVE MIN) $").untagged[0].endswith("MIN 2")
    assert one.ask("UID STORE $ +FLAGS (\\Flagged)").numbers("FETCH") == [2]


def test_ages_are_counted_from_the_search(tmp_path):
    """WITHIN, RFC 5032 §2: by internal date, in seconds; what is just as old as asked is found by both."""
    house = MaildirHouse(tmp_path)
    house.clock.time = 1_800_000_000.0  # 15 January 2027, 08:00 UTC
    one = house.session("INBOX")
    for time in ("07:49", "07:50", "07:51"):
        one.ask(f'APPEND INBOX "15-Jan-2027 {time}:00 +0000" {{1+}}\r\nx')
    assert one.ask("SEARCH OLDER 600").untagged[0] == "SEARCH 1 2"
    assert one.ask("SEARCH YOUNGER 600").untagged[0] == "SEARCH 2 3"
    assert one.ask("SEARCH YOUNGER 660 NOT OLDER 600").untagged[0] == "SEARCH 3"
