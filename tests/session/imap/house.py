"""The in-memory house of the IMAP dialogues: engines behind their contracts, a clock moved by hand."""

from mailaccess.config.sections import Imap
from mailaccess.imap.house import House
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from tests.session.driving import Client, Clock, MemoryWire
from tests.session.fakes import FakeAuthenticator, FakeStore


class InMemoryHouse:
    def __init__(self, tmp_path, **settings):
        self.clock, self.log, self.store = Clock(), Recorder(), FakeStore()
        self.authenticator = FakeAuthenticator(tmp_path)
        self.house = House(
            self.authenticator, self.store, Imap(**settings), InlineRunner(), self.log, message_size=4 * 2**20
        )
        self.user = "lee@naver.com"

    @property
    def account(self):
        location = self.authenticator.identity(self.user).location
        opening = self.store.open(location)
        try:
            opening.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError

    def given(self, name, messages=(), *, deleted=(), seen=(), claimed=True):
        """A mailbox with messages: a number of small ones, or their octets.

        deleted, seen: message numbers.
        """
        room = self.account.rooms.get(name) or self.account.make(name)
        if isinstance(messages, int):
            messages = [b"Subject: %d\r\n\r\nbody %d\r\n" % (n, n) for n in range(1, messages + 1)]
        for number, octets in enumerate(messages, 1):
            flags = {"\\Deleted"} if number in deleted else set()
            room.add(octets, flags | ({"\\Seen"} if number in seen else set()))
        if claimed:
            room.unclaimed.clear()
        return room

    def deliver(self, name, octets=b"Subject: new\r\n\r\nnew\r\n"):
        room = self.account.rooms[name]
        uid = room.add(octets)
        room.tell(appended=[uid])
        return uid

    def connect(self, **wire):
        return Client(self.house, MemoryWire(self.clock, **wire))

    def session(self, selected=None, *, examined=None, enable=(), **wire):
        client = self.connect(**wire)
        assert client.ask("LOGIN lee secret").status.startswith("OK")
        for name in enable:
            client.ask(f"ENABLE {name}")
        if selected or examined:
            command = f"SELECT {selected}" if selected else f"EXAMINE {examined}"
            assert client.ask(command).status.startswith("OK")
        return client

    def truth(self, name):
        """(UID, flags) of every message of a mailbox, in order."""
        columns = self.account.rooms[name].columns
        flags = [columns.flag_sets[each] for each in columns.flag_ids]
        return list(zip(columns.uids, flags, strict=True))
