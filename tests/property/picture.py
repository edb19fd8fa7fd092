"""A mail client that knows a mailbox only from what it is told: EXISTS, EXPUNGE, VANISHED, FETCH and UIDFETCH.

It holds the server to what every client relies on: no number or UID that was not announced, no EXPUNGE where numbers
are in use (RFC 9051 §7.5.1), no mod-sequence that falls (RFC 7162 §3.1), nothing told in a form that was not asked for.
"""

import re
import zlib
from dataclasses import dataclass

_FETCH = re.compile(r"(\d+) (UID)?FETCH \((.*)", re.DOTALL)
_UID = re.compile(r"\bUID (\d+)")
_FLAGS = re.compile(r"\bFLAGS \(([^)]*)\)")
_HIGHEST = re.compile(r"\[HIGHESTMODSEQ (\d+)\]")
_MODSEQ = re.compile(r"\bMODSEQ \((\d+)\)")


@dataclass(frozen=True)
class Manner:
    """How a client speaks. enable: what it enables after login."""

    name: str
    enable: tuple[str, ...] = ()
    compress: bool = False

    @property
    def by_uid(self):
        return "UIDONLY" in self.enable

    @property
    def qresync(self):
        return "QRESYNC" in self.enable

    @property
    def condstore(self):
        return self.qresync or "CONDSTORE" in self.enable


MANNERS = (
    Manner("plain"),
    Manner("condstore", ("CONDSTORE",)),
    Manner("qresync", ("QRESYNC",)),
    Manner("compress", (), compress=True),
    Manner("uidonly", ("UIDONLY",)),
    Manner("uidonly-qresync", ("UIDONLY", "QRESYNC")),
    Manner("rev2", ("IMAP4rev2",)),
    Manner("rev2-qresync-compress", ("IMAP4rev2", "QRESYNC"), compress=True),
)


def numbers(text):
    """The members of a sequence set without ``*``."""
    for item in text.split(","):
        first, _, last = item.partition(":")
        yield from range(int(first), int(last or first) + 1)


@dataclass
class Message:
    """What the client knows of one; None is not yet told."""

    uid: int | None = None
    flags: frozenset[str] | None = None
    modseq: int | None = None


class Picture:
    """One client. messages: in the order of their numbers."""

    def __init__(self, house, manner, mailbox="INBOX"):
        self.house, self.manner, self.mailbox = house, manner, mailbox
        self.messages: list[Message] = []
        self.uidvalidity = self.highest = self.learned = 0
        self.writable = self.idling = False
        self.connect()
        self.select()

    def connect(self):
        """A new connection, nothing selected."""
        self.selected = self.idling = False
        self.client = self.house.connect()
        self.packing = None
        assert self.client.ask("LOGIN lee secret").status.startswith("OK")
        if self.manner.compress:
            assert self.client.ask("COMPRESS DEFLATE").status.startswith("OK")
            self._compress()
        if self.manner.enable:
            told = self.client.ask(f"ENABLE {' '.join(self.manner.enable)}")
            assert set(self.manner.enable) <= set(told.untagged[0].split())

    def _compress(self):
        client, pack, unpack = self.client, zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        taken, received = client.take, client.connection.received
        client.take = lambda: unpack.decompress(taken())

        def send(octets):
            octets = octets if isinstance(octets, bytes) else octets.encode()
            received(pack.compress(octets) + pack.flush(zlib.Z_SYNC_FLUSH))
            return client.take()

        client.send = send

    # ---- what it asks

    def ask(self, command):
        """One command, out of IDLE if need be, and what it then has to learn."""
        self.end_idle()
        answer = self.client.ask(command)
        verb = command.split()[0]
        self.take_in(answer.untagged, may_expunge=verb not in ("FETCH", "STORE", "SEARCH"))
        self.reached(answer)
        self.learn()
        return answer

    def reached(self, answer):
        """How far this client has got, by RFC 7162 §6: what is said counts more than what was seen."""
        if self.manner.qresync and self.selected:
            said = _HIGHEST.findall(repr(answer))
            seen = [int(modseq) for modseq in _MODSEQ.findall(repr(answer))]
            self.highest = int(said[-1]) if said else max([self.highest, *seen])

    def select(self, *, examine=False):
        """SELECT or EXAMINE, with what is known if QRESYNC is on."""
        self.end_idle()
        known = [message for message in self.messages if message.uid is not None]
        resync = self.manner.qresync and self.highest and len(known) == len(self.messages)
        extra = f" (QRESYNC ({self.uidvalidity} {self.highest}))" if resync else ""
        answer = self.client.ask(f"{'EXAMINE' if examine else 'SELECT'} {self.mailbox}{extra}")
        assert answer.status.startswith("OK"), answer
        told = [int(found[1]) for found in re.finditer(r"\[UIDVALIDITY (\d+)\]", repr(answer))]
        assert len(told) == 1
        if not resync or told[0] != self.uidvalidity:
            self.messages, self.learned = [], 0
        self.uidvalidity = told[0]
        self.highest = 0
        self.selected, self.writable = True, not examine
        if self.messages or resync:
            self._resynchronize(answer)
        else:
            self.take_in(answer.untagged)
        if found := re.search(r"\[HIGHESTMODSEQ (\d+)\]", repr(answer)):
            self.highest = max(self.highest, int(found[1]))
        self.learn()

    def _resynchronize(self, answer):
        """RFC 7162 §3.2.5: what went, then what is new or changed, and the numbers add up."""
        cached = {message.uid: message for message in self.messages}
        count = None
        for line in answer.untagged:
            if line.startswith("VANISHED (EARLIER) "):
                for uid in numbers(line.split()[2]):
                    cached.pop(uid, None)
            elif found := re.fullmatch(r"(\d+) EXISTS", line):
                count = int(found[1])
            elif found := _FETCH.match(line):
                uid = int(found[1]) if found[2] else int(_UID.search(found[3])[1])
                cached.setdefault(uid, Message(uid))
        self.messages = [cached[uid] for uid in sorted(cached)]
        assert len(self.messages) == count, answer
        fetched = [line for line in answer.untagged if _FETCH.match(line)]
        self.take_in(fetched)

    def learn(self):
        """Ask about messages of which only the number is known, as clients do on EXISTS."""
        if self.idling or not self.selected:
            return
        unknown = [n for n, each in enumerate(self.messages, 1) if each.uid is None or each.flags is None]
        if not unknown:
            self.learned = max((message.uid for message in self.messages), default=self.learned)
            return
        items = "(UID FLAGS MODSEQ)" if self.manner.condstore else "(UID FLAGS)"
        if self.manner.by_uid:
            answer = self.client.ask(f"UID FETCH {self.learned + 1}:* {items}")
            self.take_in(answer.untagged)
            self.reached(answer)
        else:
            answer = self.client.ask(f"FETCH {unknown[0]}:{unknown[-1]} {items}")
            self.take_in(answer.untagged, may_expunge=False)
            self.reached(answer)

    def idle(self):
        if not self.idling:
            self.idling = True
            self.hear(self.client.send("i IDLE\r\n"))

    def overhear(self):
        """What came without being asked for, in IDLE."""
        if self.idling:
            self.hear(self.client.take())

    def end_idle(self):
        if self.idling:
            self.hear(self.client.take())
            self.idling = False
            self.hear(self.client.send("DONE\r\n"))
            self.learn()

    def leave(self, command):
        """CLOSE or UNSELECT."""
        self.end_idle()
        assert self.client.ask(command).status.startswith("OK")
        self.selected = self.writable = False
        if not self.manner.qresync:
            self.messages, self.learned = [], 0

    # ---- what it is told

    def hear(self, octets):
        lines = octets.decode().split("\r\n")
        self.take_in([line[2:] for line in lines if line.startswith("* ")])

    def take_in(self, untagged, *, may_expunge=True):
        for line in untagged:
            words = line.split()
            if words[1:2] == ["EXISTS"]:
                count = int(words[0])
                assert count >= len(self.messages), (line, len(self.messages))
                self.messages.extend(Message() for _ in range(count - len(self.messages)))
            elif words[1:2] == ["RECENT"]:
                assert "IMAP4rev2" not in self.manner.enable
            elif words[1:2] == ["EXPUNGE"]:
                assert may_expunge and not self.manner.qresync and not self.manner.by_uid
                assert 1 <= int(words[0]) <= len(self.messages)
                del self.messages[int(words[0]) - 1]
            elif words[0] == "VANISHED":
                assert may_expunge and (self.manner.qresync or self.manner.by_uid) and words[1] != "(EARLIER)"
                for uid in numbers(words[1]):
                    self.messages.remove(self._by_uid(uid))
            elif found := _FETCH.match(line):
                self._fetched(int(found[1]), found[2], found[3])

    def _by_uid(self, uid):
        """The message of that UID: a known one, or one of those whose UID is not known yet."""
        found = [message for message in self.messages if message.uid == uid]
        found = found or [message for message in self.messages if message.uid is None]
        assert found, f"UID {uid} was never announced"
        return found[0]

    def _fetched(self, number, form, items):
        assert bool(form) is self.manner.by_uid, "told in the wrong form"
        uid = _UID.search(items)
        if self.manner.by_uid:
            message = self._by_uid(number)
            uid = uid and int(uid[1])
            assert uid in (None, number)
            uid = number
        else:
            assert 1 <= number <= len(self.messages), (number, items)
            message = self.messages[number - 1]
            uid = int(uid[1]) if uid else None
        if uid is not None:
            assert message.uid in (None, uid)
            message.uid = uid
            if self.manner.by_uid:
                self.messages.sort(key=lambda each: each.uid or 2**32)
        if flags := _FLAGS.search(items):
            message.flags = frozenset(flags[1].split()) - {"\\Recent"}
        if modseq := _MODSEQ.search(items):
            assert message.modseq is None or message.modseq <= int(modseq[1]), "a mod-sequence fell"
            message.modseq = int(modseq[1])

    def known(self):
        return [(message.uid, message.flags) for message in self.messages]
