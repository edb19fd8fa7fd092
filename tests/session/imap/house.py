"""The in-memory house of the IMAP dialogues: engines behind their contracts, a clock moved by hand."""

import shutil
from contextlib import suppress
from dataclasses import replace

from mailaccess.config.sections import Imap, Store
from mailaccess.imap.house import House
from mailaccess.model.errors import MailboxExists
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from mailaccess.store.api import NewMessage
from mailaccess.store.engine import MaildirStore
from tests.session.driving import Client, Clock, MemoryWire
from tests.session.fakeauth import FakeAuthenticator
from tests.session.fakes import FakeStore


def run(coroutine):
    """The outcome of a coroutine that never waits, as with an InlineRunner."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("it waits")


class InMemoryHouse:
    def __init__(self, tmp_path, **settings):
        self.clock, self.log = Clock(), Recorder()
        self.store = self.make_store()
        self.authenticator = FakeAuthenticator(tmp_path)
        self.house = House(
            self.authenticator, self.store, Imap(**settings), InlineRunner(), self.log, message_size=4 * 2**20
        )
        self.user = "lee@naver.com"

    def make_store(self):
        return FakeStore()

    @property
    def account(self):
        return run(self.store.open(self.authenticator.identity(self.user).location))

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

    def session(self, selected=None, *, examined=None, enable=(), user="lee", **wire):
        client = self.connect(**wire)
        assert client.ask(f"LOGIN {user} secret").status.startswith("OK")
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


class MaildirHouse(InMemoryHouse):
    """The same with the real store: files and an index, run inline."""

    def make_store(self):
        return MaildirStore(Store(fsync=False), InlineRunner(), None, self.log, lambda: self.clock.time)

    def given(self, name, messages=(), *, deleted=(), seen=()):
        with suppress(MailboxExists):  # INBOX, Drafts, Sent, … are there from the beginning
            run(self.account.create(name))
        if isinstance(messages, int):
            messages = [b"Subject: %d\r\n\r\nbody %d\r\n" % (n, n) for n in range(1, messages + 1)]
        for number, octets in enumerate(messages, 1):
            flags = {"\\Deleted"} if number in deleted else set()
            self.deliver(name, octets, frozenset(flags | ({"\\Seen"} if number in seen else set())))

    def deliver(self, name, octets=b"Subject: new\r\n\r\nnew\r\n", flags=frozenset()):
        upload = self.account.upload(10**7)
        run(upload.write(octets))
        return run(self.account.append(name, [NewMessage(upload, flags)])).uids[0]

    def truth(self, name):
        mailbox = run(self.account.open_mailbox(name, lambda change: None))
        columns = mailbox.columns
        flags = [columns.flag_sets[each] for each in columns.flag_ids]
        told = list(zip(columns.uids, flags, strict=True))
        run(mailbox.close())
        return told

    def lose_index(self):
        """The server ends, its indexes are deleted, and it begins again."""
        run(self.store.close())
        shutil.rmtree(self.account.location.index)
        self.store = self.make_store()
        self.house = replace(self.house, store=self.store)
