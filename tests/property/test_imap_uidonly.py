"""The same by UID alone: after ENABLE UIDONLY, and after IMAP4rev2 and QRESYNC besides, what is told adds up.

A client here knows EXISTS, VANISHED and UIDFETCH (RFC 9586), or FETCH with UID and EXPUNGE; after a NOOP its
messages are those of the mailbox.
"""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.session.imap.house import InMemoryHouse

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$Work")

_UIDFETCH = re.compile(r"(\d+) UIDFETCH \(.*FLAGS \(([^)]*)\)")


class Picture:
    """A client that believes what it is told and speaks of UIDs only."""

    def __init__(self, imap, enabled):
        self.client = imap.session(enable=[enabled])
        self.messages, self.count = {}, 0
        self.ask("SELECT INBOX")

    def ask(self, command):
        for line in self.client.ask(command).untagged:
            self.hear(line)
        if self.count != len(self.messages):
            last = max(self.messages, default=0)
            for line in self.client.ask(f"UID FETCH {last + 1}:* (FLAGS)").untagged:
                self.hear(line)

    def hear(self, line):
        assert not re.match(r"\d+ (FETCH|EXPUNGE|RECENT) ?", line) or " RECENT" in line
        if found := re.fullmatch(r"(\d+) EXISTS", line):
            self.count = int(found[1])
        elif found := re.fullmatch(r"VANISHED ([\d:,]+)", line):
            for item in found[1].split(","):
                first, _, last = item.partition(":")
                for uid in range(int(first), int(last or first) + 1):
                    if self.messages.pop(uid, None) is not None:
                        self.count -= 1
        elif found := _UIDFETCH.match(line):
            self.messages[int(found[1])] = frozenset(found[2].split()) - {"\\Recent"}


def act(imap, picture, what, uid, flag):
    match what:
        case "store":
            picture.ask(f"UID STORE {uid} {'+-'[uid % 2]}FLAGS ({FLAGS[flag]})")
        case "read":
            picture.ask(f"UID FETCH {uid} (BODY[TEXT])")
        case "search":
            picture.ask("UID SEARCH UNSEEN")
        case "copy":
            picture.ask(f"UID COPY {uid} INBOX")
        case "move":
            picture.ask(f"UID MOVE {uid} Trash")
        case "expunge":
            picture.ask("EXPUNGE")
        case "uid-expunge":
            picture.ask(f"UID EXPUNGE {uid}:*")
        case "deliver":
            imap.deliver("INBOX")
        case "noop":
            picture.ask("NOOP")


DEED = st.tuples(
    st.sampled_from(
        ["store", "store", "read", "search", "copy", "move", "expunge", "uid-expunge", "deliver", "noop"]
    ),
    st.integers(0, 1),
    st.integers(1, 12),
    st.integers(0, len(FLAGS) - 1),
)


DEEDS = st.lists(DEED, max_size=25)


@settings(max_examples=50)
@given(DEEDS)
def test_what_two_clients_without_numbers_are_told_adds_up(tmp_path_factory, deeds):
    check(tmp_path_factory.mktemp("house"), "UIDONLY", deeds)


@settings(max_examples=50)
@given(DEEDS)
def test_so_it_does_in_the_second_revision_with_qresync(tmp_path_factory, deeds):
    check(tmp_path_factory.mktemp("house"), "UIDONLY QRESYNC IMAP4rev2", deeds)


def check(place, enabled, deeds):
    """Do the deeds, then compare."""
    imap = InMemoryHouse(place, capabilities=("+UIDONLY",))
    imap.given("INBOX", messages=4)
    imap.given("Trash")
    clients = [Picture(imap, enabled), Picture(imap, enabled)]
    for what, who, uid, flag in deeds:
        act(imap, clients[who], what, uid, flag)
    for client in clients:
        client.ask("NOOP")
        assert sorted(client.messages.items()) == [(uid, frozenset(f)) for uid, f in imap.truth("INBOX")]
