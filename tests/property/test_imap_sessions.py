"""Two sessions and the outside world change one mailbox; what a client is told must add up to the truth.

A client here knows nothing but its untagged answers: EXISTS, EXPUNGE and FETCH (RFC 3501 §5.2, §7.4). After a
NOOP its picture, numbers, UIDs and flags, equals the mailbox. EXPUNGE never comes in answer to FETCH, STORE
or SEARCH (RFC 3501 §7.4.1), and no number told lies outside what was announced.
"""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.session.imap.house import InMemoryHouse, MaildirHouse

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$Work")

_FETCH = re.compile(r"(\d+) FETCH \((.*)", re.DOTALL)


class Picture:
    """A client that believes what it is told."""

    def __init__(self, imap):
        self.client = imap.session("INBOX")
        self.messages = []
        self.idling = False
        self.ask("EXAMINE INBOX")
        self.ask("SELECT INBOX")

    def ask(self, command):
        """One command, out of IDLE if need be."""
        if self.idling:
            self.end_idle()
        if command in ("SELECT INBOX", "EXAMINE INBOX"):
            self.messages = []
        answer = self.client.ask(command)
        verb = command.split()[0]
        self.take_in(answer.untagged, may_expunge=verb not in ("FETCH", "STORE", "SEARCH"))
        self.learn()
        return answer

    def take_in(self, untagged, *, may_expunge=True):
        for line in untagged:
            words = line.split()
            if words[1:2] == ["EXISTS"]:
                count = int(words[0])
                assert count >= len(self.messages)
                self.messages.extend({} for _ in range(count - len(self.messages)))
            elif words[1:2] == ["EXPUNGE"]:
                assert may_expunge
                assert 1 <= int(words[0]) <= len(self.messages)
                del self.messages[int(words[0]) - 1]
            elif found := _FETCH.match(line):
                assert 1 <= int(found[1]) <= len(self.messages)
                message = self.messages[int(found[1]) - 1]
                if uid := re.search(r"\bUID (\d+)", found[2]):
                    assert message.setdefault("uid", int(uid[1])) == int(uid[1])
                if flags := re.search(r"\bFLAGS \(([^)]*)\)", found[2]):
                    message["flags"] = frozenset(flags[1].split()) - {"\\Recent"}

    def learn(self):
        """Ask about messages of which only the number is known, as clients do on EXISTS."""
        unknown = [number for number, message in enumerate(self.messages, 1) if len(message) < 2]
        if unknown and not self.idling:
            answer = self.client.ask(f"FETCH {unknown[0]}:{unknown[-1]} (UID FLAGS)")
            self.take_in(answer.untagged, may_expunge=False)

    def idle(self):
        if not self.idling:
            self.idling = True
            self.hear(self.client.send("i IDLE\r\n"))

    def hear(self, octets):
        self.take_in([line[2:] for line in octets.decode().split("\r\n") if line.startswith("* ")])

    def end_idle(self):
        self.hear(self.client.take())
        self.idling = False
        self.hear(self.client.send("DONE\r\n"))
        self.learn()

    def known(self):
        return [(message.get("uid"), message.get("flags")) for message in self.messages]


def act(imap, picture, what, number, flag):
    count = len(picture.messages)
    chosen = number % count + 1 if count else 0
    uid = picture.messages[chosen - 1].get("uid", 1) if count else number % 30 + 1
    match what:
        case "store" if count:
            picture.ask(f"STORE {chosen} {'+-'[number % 2]}FLAGS ({FLAGS[flag]})")
        case "silent" if count:
            picture.ask(f"STORE {chosen} +FLAGS.SILENT ({FLAGS[flag]})")
            flags = picture.messages[chosen - 1].get("flags")
            if flags is not None:
                picture.messages[chosen - 1]["flags"] = flags | {FLAGS[flag]}
        case "uid-store":
            picture.ask(f"UID STORE {uid}:* FLAGS ({FLAGS[flag]})")
        case "fetch" if count:
            picture.ask(f"FETCH {chosen}:* (UID FLAGS)")
        case "read" if count:
            picture.ask(f"FETCH {chosen} (BODY[TEXT])")
        case "uid-fetch":
            picture.ask(f"UID FETCH {uid}:* (FLAGS)")
        case "search":
            numbers = [
                int(each) for line in picture.ask("SEARCH ALL").of("SEARCH") for each in line.split()[1:]
            ]
            assert all(1 <= each <= len(picture.messages) for each in numbers)
        case "expunge":
            picture.ask("EXPUNGE")
        case "uid-expunge":
            picture.ask(f"UID EXPUNGE 1:{uid}")
        case "copy" if count:
            picture.ask(f"COPY {chosen} INBOX")
        case "move" if count:
            picture.ask(f"MOVE {chosen} other")
        case "idle":
            picture.idle()
        case "select":
            picture.ask("SELECT INBOX")
        case "deliver":
            imap.deliver("INBOX")
        case "noop":
            picture.ask("NOOP")


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(
            [
                "store",
                "silent",
                "uid-store",
                "fetch",
                "read",
                "uid-fetch",
                "search",
                "expunge",
                "uid-expunge",
                "copy",
                "move",
                "idle",
                "select",
                "deliver",
                "noop",
            ]
        ),
        st.integers(0, 99),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
def test_what_clients_are_told_adds_up_to_the_truth(tmp_path_factory, steps):
    check(InMemoryHouse(tmp_path_factory.mktemp("house")), steps)


@given(STEPS)
def test_so_it_does_over_a_maildir(tmp_path_factory, steps):
    check(MaildirHouse(tmp_path_factory.mktemp("house")), steps)


def check(imap, steps):
    """Take the steps, then compare."""
    imap.given("INBOX", messages=5)
    imap.given("other")
    pictures = [Picture(imap), Picture(imap)]
    for who, what, number, flag in steps:
        act(imap, pictures[who], what, number, flag)
        for picture in pictures:
            if picture.idling:
                picture.hear(picture.client.take())
    for picture in pictures:
        picture.ask("NOOP")
        assert picture.known() == imap.truth("INBOX")
