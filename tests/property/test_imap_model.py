"""Random commands of three clients on one mailbox, two servers over one Maildir and the world outside, against a list.

The model is a plain list of UIDs and flags. Whatever happened, in whatever order: after NOOP a client's picture, made
from untagged answers alone, is that list. Once for each manner of speaking (see ``picture``); ``--long`` goes far.
"""

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailaccess.store.maildir import names
from tests.property.picture import MANNERS, Picture, numbers
from tests.session.imap.house import MaildirHouse, run

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Work", "later")

who = st.integers(0, 2)
flag_sets = st.frozensets(st.sampled_from(FLAGS), max_size=2)
picks = st.lists(st.integers(0, 9), min_size=1, max_size=3)
operations = st.sampled_from(["", "+", "-"])


class Mailbox(RuleBasedStateMachine):
    """INBOX of one account. The third client is at another server process over the same files."""

    manner = MANNERS[0]

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        capabilities = ("+UIDONLY",) if self.manner.by_uid else ()
        self.servers = [MaildirHouse(self.folder, capabilities=capabilities) for _ in range(2)]
        self.model: list[tuple[int, frozenset[str]]] = []
        self.highest, self.dropped = 0, 0
        self.servers[0].given("other")
        for _ in range(4):
            self.deliver(0)
        self.clients = [Picture(self.servers[place // 2], self.manner) for place in range(3)]

    def teardown(self):
        if hasattr(self, "clients"):
            for each in range(3):
                self.look(each)
            for server in self.servers:
                run(server.store.close())
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # ---- the list

    def add(self, uid, flags=frozenset()):
        assert uid > self.highest, "a UID was given twice"
        self.highest = uid
        self.model.append((uid, frozenset(flags)))

    def remove(self, gone):
        self.model = [each for each in self.model if each[0] not in gone]

    @property
    def there(self):
        return {uid for uid, _ in self.model}

    def chosen(self, client, picks, *, written=True):
        """(``UID `` or nothing, the set as it is written, the UIDs meant); None if there is nothing to choose."""
        client.end_idle()
        if not client.selected or not client.messages or (written and not client.writable):
            return None
        places = sorted({pick % len(client.messages) for pick in picks})
        uids = [client.messages[place].uid for place in places]
        if client.manner.by_uid or picks[0] % 2:
            return "UID ", ",".join(map(str, uids)), uids
        return "", ",".join(str(place + 1) for place in places), uids

    # ---- what clients do

    @rule(who=who, picks=picks, flags=flag_sets, operation=operations, silent=st.booleans())
    def store(self, who, picks, flags, operation, silent):
        client = self.clients[who]
        if (chosen := self.chosen(client, picks)) is None:
            return
        form, written, uids = chosen
        known = {message.uid: message for message in client.messages}
        word = f"{operation}FLAGS{'.SILENT' if silent else ''} ({' '.join(sorted(flags))})"
        answer = client.ask(f"{form}STORE {written} {word}")
        if not answer.status.startswith("OK"):
            assert not set(uids) <= self.there, answer
        self.flagged(set(uids), flags, operation)
        if silent:
            for uid in uids:
                message = known[uid]
                if message.flags is not None and not self.told(answer, client, message):
                    message.flags = _flagged(message.flags, flags, operation)

    @staticmethod
    def told(answer, client, message):
        """Whether FETCH told the flags even though that was not asked for, since others had changed them too."""
        if message not in client.messages:
            return True
        number = message.uid if client.manner.by_uid else client.messages.index(message) + 1
        return any(re.match(rf"{number} (UID)?FETCH \(.*FLAGS", line) for line in answer.untagged)

    def flagged(self, uids, flags, operation):
        self.model = [
            (uid, _flagged(had, flags, operation) if uid in uids else had) for uid, had in self.model
        ]

    @precondition(lambda self: self.manner.condstore)
    @rule(who=who, pick=st.integers(0, 9), flags=flag_sets, operation=operations)
    def store_unless_changed(self, who, pick, flags, operation):
        client = self.clients[who]
        if (chosen := self.chosen(client, [pick])) is None:
            return
        form, written, (uid,) = chosen
        message = next(each for each in client.messages if each.uid == uid)
        if message.modseq is None:
            return
        current, known = dict(self.model).get(uid), message.flags
        word = f"(UNCHANGEDSINCE {message.modseq}) {operation}FLAGS ({' '.join(sorted(flags))})"
        answer = client.ask(f"{form}STORE {written} {word}")
        if "[MODIFIED" in answer.status or not answer.status.startswith("OK"):
            return
        assert current is None or current == known, "what others changed was overwritten"
        self.flagged({uid}, flags, operation)

    @rule(who=who, picks=picks, some=st.booleans())
    def expunge(self, who, picks, some):
        client = self.clients[who]
        if (chosen := self.chosen(client, picks)) is None:
            return
        among = set(chosen[2]) if some else self.there
        answer = client.ask(f"UID EXPUNGE {','.join(map(str, chosen[2]))}" if some else "EXPUNGE")
        assert answer.status.startswith("OK"), answer
        self.remove({uid for uid, flags in self.model if "\\Deleted" in flags and uid in among})

    @rule(who=who, picks=picks, move=st.booleans(), away=st.booleans())
    def copy_or_move(self, who, picks, move, away):
        client = self.clients[who]
        if (chosen := self.chosen(client, picks, written=move)) is None:
            return
        form, written, uids = chosen
        answer = client.ask(f"{form}{'MOVE' if move else 'COPY'} {written} {'other' if away else 'INBOX'}")
        found = re.search(r"\[COPYUID \d+ ([\d:,]+) ([\d:,]+)\]", repr(answer))
        if found is None:
            assert not set(uids) <= self.there, answer
            return
        had = dict(self.model)
        sources, targets = list(numbers(found[1])), list(numbers(found[2]))
        assert set(sources) == set(uids) & self.there and len(sources) == len(targets)
        if move:
            self.remove(set(sources))
        if not away:
            for source, target in zip(sources, targets, strict=True):
                self.add(target, had[source])

    @rule(who=who, count=st.integers(1, 3), flags=flag_sets)
    def append(self, who, count, flags):
        message = f" ({' '.join(sorted(flags))}) {{1+}}\r\nx"
        answer = self.clients[who].ask(f"APPEND INBOX{message * count}")
        for uid in numbers(re.search(r"\[APPENDUID \d+ ([\d:]+)\]", answer.status)[1]):
            self.add(uid, flags)

    @rule(who=who, picks=picks)
    def replace(self, who, picks):
        client = self.clients[who]
        if (chosen := self.chosen(client, picks[:1])) is None:
            return
        form, written, uids = chosen
        answer = client.ask(f"{form}REPLACE {written} INBOX (\\Draft) {{1+}}\r\ny")
        found = re.search(r"\[APPENDUID \d+ (\d+)\]", repr(answer))
        if found is None:
            assert not set(uids) <= self.there, answer
            return
        self.remove(set(uids))
        self.add(int(found[1]), {"\\Draft"})

    @rule(who=who, picks=picks, body=st.booleans())
    def fetch(self, who, picks, body):
        client = self.clients[who]
        if (chosen := self.chosen(client, picks, written=False)) is None:
            return
        form, written, uids = chosen
        answer = client.ask(f"{form}FETCH {written} {'BODY[TEXT]' if body else '(UID FLAGS)'}")
        if not answer.status.startswith("OK"):
            assert not set(uids) <= self.there, answer
        if body and client.writable:
            self.flagged(set(uids), {"\\Seen"}, "+")

    @rule(who=who)
    def search(self, who):
        client = self.clients[who]
        client.end_idle()
        if not client.selected:
            return
        known = {message.uid for message in client.messages}
        answer = client.ask("UID SEARCH ALL")
        words = answer.untagged[0].split()
        if words[0] == "SEARCH":
            found = set(map(int, words[1:]))
        else:
            found = set(numbers(words[-1])) if "ALL" in words else set()
        assert found - known <= {uid for uid, _ in client.known()}

    @rule(who=who, examine=st.booleans())
    def select(self, who, examine):
        self.clients[who].select(examine=examine)

    @rule(who=who, close=st.booleans())
    def leave(self, who, close):
        client = self.clients[who]
        client.end_idle()
        if not client.selected:
            return
        if close and client.writable:
            self.remove({uid for uid, flags in self.model if "\\Deleted" in flags})
        client.leave("CLOSE" if close else "UNSELECT")

    @rule(who=who)
    def idle(self, who):
        if self.clients[who].selected:
            self.clients[who].idle()

    @rule(who=who)
    def lose(self, who):
        """The connection breaks, and the client comes back with what it knows, if it speaks QRESYNC."""
        client = self.clients[who]
        client.client.lose()
        client.connect()
        client.select()

    # ---- what others do

    @rule(server=st.integers(0, 1))
    def deliver(self, server):
        self.add(self.servers[server].deliver("INBOX"))

    def file_of(self, uid):
        for path in (self.folder / "lee@naver.com" / "Maildir").glob("[cn][ue][rw]/*"):
            if names.parse(path.name.encode()).uid == uid:
                return path
        return None

    @rule(pick=st.integers(0, 9), delete=st.booleans())
    def another_program_flags_or_deletes(self, pick, delete):
        if not self.model:
            return
        uid, _ = self.model[pick % len(self.model)]
        path = self.file_of(uid)
        if path is None:
            return
        if delete:
            path.unlink()
            self.remove({uid})
        else:
            base, _, info = path.name.partition(":2,")
            if "F" not in info:
                path.rename(path.parent.parent / "cur" / f"{base}:2,{''.join(sorted(info + 'F'))}")
                self.flagged({uid}, {"\\Flagged"}, "+")
        self.servers[0].truth("INBOX")

    @rule()
    def another_program_delivers(self):
        self.dropped += 1
        new = self.folder / "lee@naver.com" / "Maildir" / "new"
        (new / f"{1_700_000_000 + self.dropped}.P1.host").write_bytes(b"A: b\n\nc\n")
        fresh = [uid for uid, _ in self.servers[0].truth("INBOX") if uid > self.highest]
        assert len(fresh) == 1
        self.add(fresh[0])

    # ---- what must hold

    @rule(who=who)
    def look(self, who):
        client = self.clients[who]
        client.end_idle()
        if not client.selected:
            return
        client.ask("NOOP")
        assert client.known() == self.model
        if client.manner.condstore:
            known = [(message.uid, message.modseq) for message in client.messages]
            client.ask("UID FETCH 1:* (MODSEQ)")
            assert [(message.uid, message.modseq) for message in client.messages] == known


def _flagged(had, flags, operation):
    flags = frozenset(flags)
    return {"": flags, "+": had | flags, "-": had - flags}[operation]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_what_a_client_is_told_adds_up_to_the_truth(manner, request):
    machine = type("Machine", (Mailbox,), {"manner": manner})
    long = request.config.getoption("--long")
    bounds = (
        {"max_examples": 400, "stateful_step_count": 100}
        if long
        else {"max_examples": 10, "stateful_step_count": 40}
    )
    run_state_machine_as_test(machine, settings=settings(settings.default, **bounds))
