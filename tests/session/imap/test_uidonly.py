"""UIDONLY, where the configuration offers it (RFC 9586)."""

import pytest

ON = {"capabilities": ("+UIDONLY",)}


def test_it_is_offered_only_where_the_configuration_says_so(imap, imap_with):
    one = imap.session()
    assert "UIDONLY" not in one.ask("CAPABILITY").untagged[0]
    assert one.ask("ENABLE UIDONLY").untagged == ["ENABLED"]
    other = imap_with(**ON).session()
    assert " UIDONLY" in other.ask("CAPABILITY").untagged[0]
    assert other.ask("ENABLE UIDONLY").untagged == ["ENABLED UIDONLY"]


def test_messages_are_told_by_their_uids(imap_with):
    imap = imap_with(**ON)
    imap.given("INBOX", messages=4, deleted=[1])
    imap.session("INBOX").ask("EXPUNGE")
    one, other = imap.session(enable=["UIDONLY"]), imap.session("INBOX")
    told = one.ask("SELECT INBOX").untagged
    assert "3 EXISTS" in told and not any("UNSEEN" in line for line in told)
    assert one.ask("UID FETCH 2:3 FLAGS").untagged == [
        "2 UIDFETCH (FLAGS ())",
        "3 UIDFETCH (FLAGS ())",
    ]
    assert one.ask("UID FETCH 4 BODY.PEEK[TEXT]").untagged[0] == "4 UIDFETCH (BODY[TEXT] {8}"
    assert one.ask("UID STORE 3 +FLAGS (\\Deleted)").untagged[0].startswith("3 UIDFETCH (")
    other.ask("UID STORE 4 +FLAGS (\\Flagged)")
    assert one.ask("NOOP").untagged[0].startswith("4 UIDFETCH (")
    assert one.ask("UID SEARCH ALL").untagged == ["SEARCH 2 3 4"]
    assert other.ask("EXPUNGE").numbers("EXPUNGE") == [2]
    assert one.ask("NOOP").untagged == ["VANISHED 3"]
    imap.deliver("INBOX")
    assert one.ask("NOOP").untagged == ["3 EXISTS", "1 RECENT"]


def test_a_uid_is_told_twice_only_to_who_asks_for_it(imap_with):
    imap = imap_with(**ON)
    imap.given("INBOX", messages=3)
    one = imap.session("INBOX", enable=["UIDONLY"])
    assert one.ask("UID FETCH 1 (FLAGS UID)").untagged == ["1 UIDFETCH (UID 1 FLAGS ())"]
    assert one.ask("UID FETCH 2 UID").untagged == ["2 UIDFETCH (UID 2)"]
    assert one.ask("UID FETCH 3 BODY[]").untagged[0] == "3 UIDFETCH (FLAGS (\\Seen) BODY[] {22}"
    assert one.ask("UID FETCH 1 FAST").untagged[0].startswith("1 UIDFETCH (FLAGS () INTERNALDATE ")
    assert (
        one.ask("UID FETCH 3 FLAGS (CHANGEDSINCE 1)")
        .of("UIDFETCH")[0]
        .startswith("3 UIDFETCH (FLAGS (\\Seen) MODSEQ (")
    )
    assert (
        one.ask("UID STORE 1 +FLAGS (\\Flagged)")
        .untagged[0]
        .startswith("1 UIDFETCH (FLAGS (\\Flagged) MODSEQ (")
    )


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 FLAGS",
        "FETCH $ FLAGS",
        "STORE 1 +FLAGS (\\Seen)",
        "COPY 1 INBOX",
        "MOVE 1 INBOX",
        "SEARCH ALL",
        "UID SEARCH 1:2",
        "UID SEARCH NOT (OR SEEN 1)",
        "SORT (DATE) UTF-8 ALL",
        "UID SORT (DATE) UTF-8 1",
        "THREAD REFS UTF-8 ALL",
    ],
)
def test_numbers_are_refused(imap_with, command):
    imap = imap_with(**ON)
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX", enable=["UIDONLY"])
    assert one.ask(command).status.startswith("BAD [UIDREQUIRED]")


def test_replace_and_the_pairs_of_qresync_go_by_uid(imap_with):
    imap = imap_with(**ON)
    imap.given("INBOX", messages=2)
    one = imap.session("INBOX", enable=["UIDONLY QRESYNC"])
    said = one.send(b"a REPLACE 1 INBOX {3+}\r\nabc\r\nb NOOP\r\n").decode()
    assert said.startswith("a BAD [UIDREQUIRED]") and said.endswith("b OK NOOP completed\r\n")
    assert one.ask("SELECT INBOX (QRESYNC (1001 1 1:2 (1 1)))").status.startswith("BAD [UIDREQUIRED]")
    assert one.ask("SELECT INBOX (QRESYNC (1001 1 1:2))").of("UIDFETCH")
