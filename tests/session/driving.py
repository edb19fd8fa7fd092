"""Connections without sockets: a wire of two byte strings, a clock moved by hand, and a client that talks
lines.
"""

import heapq
import itertools

from mailaccess.imap.connection import Connection


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.time, self._calls, self._order = 1000.0, [], itertools.count()

    def later(self, seconds, call):
        entry = [self.time + seconds, next(self._order), call]
        heapq.heappush(self._calls, entry)
        return Timer(entry)

    def advance(self, seconds):
        until = self.time + seconds
        while self._calls and self._calls[0][0] <= until:
            self.time, _, call = heapq.heappop(self._calls)
            if call is not None:
                call()
        self.time = until


class Timer:
    def __init__(self, entry):
        self.entry = entry

    def cancel(self):
        self.entry[2] = None


class Promise:
    """Kept once; the coroutine that waits goes on at once."""

    def __init__(self):
        self.kept, self.error, self.then = False, None, None

    def __await__(self):
        if not self.kept:
            yield self
        if self.error is not None:
            raise self.error

    def keep(self, error=None):
        assert not self.kept
        self.kept, self.error = True, error
        if self.then is not None:
            self.then()


class Task:
    """A coroutine driven over promises; awaiting it gives its outcome."""

    def __init__(self, coroutine, awaited=None, then=None):
        self.coroutine, self.then, self.done = coroutine, then, Promise()
        self.result = self.error = None
        if awaited is None:
            self.step()
        else:
            awaited.then = self.step

    def step(self):
        try:
            awaited = self.coroutine.send(None)
        except StopIteration as stop:
            self.result = stop.value
        except Exception as error:
            self.error = error
        else:
            awaited.then = self.step
            return
        self.done.keep()
        if self.then is not None:
            self.then()

    def __await__(self):
        yield from self.done.__await__()
        if self.error is not None:
            raise self.error
        return self.result


class MemoryWire:
    """What was written lies in ``sent``; past ``room`` unread octets the client counts as slow."""

    local_address = "127.0.0.1"

    def __init__(self, clock, *, address="192.0.2.7", encrypted=True, tls=False, room=None, admits=True):
        self.clock, self.address, self.encrypted, self.tls = clock, address, encrypted, tls
        self.sent, self.writes, self.room, self.peak = b"", 0, room, 0
        self.closed = self.aborted = self.held = False
        self.admits, self.admitted = admits, []
        self.waiting = []
        self.tls_started_at = None
        self.elsewhere, self.offered, self.moves = set(), [], False

    tls_available = property(lambda self: self.tls and not self.encrypted)
    full = property(lambda self: self.room is not None and len(self.sent) > self.room)

    def write(self, data):
        if not self.closed:
            self.sent += data
            self.writes += 1
            self.peak = max(self.peak, len(self.sent))

    def write_all(self, parts):
        self.write(b"".join(parts))

    async def drain(self):
        if self.closed:
            raise ConnectionResetError
        if self.full:
            promise = Promise()
            self.waiting.append(promise)
            await promise

    def take(self):
        """Read everything, as the client does; who waits for room goes on."""
        sent, self.sent = self.sent, b""
        waiting, self.waiting = self.waiting, []
        for promise in waiting:
            promise.keep()
        return sent

    def start_tls(self):
        self.encrypted = True
        self.tls_started_at = len(self.sent)

    def hold_input(self):
        self.held = True

    def take_input(self):
        self.held = False

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True
        waiting, self.waiting = self.waiting, []
        for promise in waiting:
            promise.keep(ConnectionResetError())

    def belongs_elsewhere(self, user):
        return user in self.elsewhere

    async def move(self, luggage):
        self.offered.append(luggage)
        if self.moves is None:
            self.asked = Promise()
            await self.asked
        return self.moves

    def admit(self, user):
        self.admitted.append(user)
        return self.admits

    def dismiss(self):
        self.admitted.pop()

    def now(self):
        return self.clock.time

    def later(self, seconds, call):
        return self.clock.later(seconds, call)

    def promise(self):
        return Promise()

    def begin(self, coroutine):
        return Task(coroutine)

    def go_on(self, coroutine, awaited, then):
        Task(coroutine, awaited, then)


class Answer:
    """What came back for one command."""

    def __init__(self, octets):
        self.octets = octets
        self.lines = octets.decode("utf-8", "surrogateescape").split("\r\n")[:-1]

    @property
    def status(self):
        """The tagged line without its tag."""
        return self.lines[-1].partition(" ")[2]

    @property
    def untagged(self):
        return [line[2:] for line in self.lines if line.startswith("* ")]

    def numbers(self, kind):
        """The numbers of ``* n EXPUNGE``, EXISTS, RECENT, FETCH."""
        return [int(line.split()[0]) for line in self.untagged if line.split()[1:2] == [kind]]

    def of(self, kind):
        """The untagged lines that hold ``kind`` as their first or second word."""
        return [line for line in self.untagged if kind in line.replace("(", " ").split()[:2]]

    def __repr__(self):
        return "\n".join(self.lines)


class Client:
    """One connection of an in-memory house."""

    def __init__(self, house, wire):
        self.wire = wire
        self.connection = Connection(house, wire)
        self.connection.begin()
        self.greeting = self.take().decode()
        self._tags = itertools.count(1)

    def take(self):
        return self.wire.take()

    def send(self, octets):
        """Raw octets, exactly as they stand; gives what came back."""
        self.connection.received(octets if isinstance(octets, bytes) else octets.encode())
        return self.take()

    def ask(self, command):
        """One command with a tag of its own."""
        tag = f"t{next(self._tags)}"
        octets = command if isinstance(command, bytes) else command.encode()
        answer = Answer(self.send(tag.encode() + b" " + octets + b"\r\n"))
        assert answer.lines and answer.lines[-1].startswith(tag + " "), answer
        return answer

    def talk(self, dialogue):
        """``C:`` lines are sent, what comes back must be the ``S:`` lines that follow, nothing more or less.

        An expected line that ends with ``...`` is a beginning.
        """
        said, expected = [], []
        for line in [*(line.strip() for line in dialogue.strip().splitlines()), "C:end"]:
            if line.startswith("C:"):
                if expected or said:
                    self._compare(said, expected)
                    said, expected = [], []
                if line != "C:end":
                    said = self.send(line[2:].removeprefix(" ") + "\r\n").decode().split("\r\n")[:-1]
            elif line.startswith("S:"):
                expected.append(line[2:].removeprefix(" "))

    @staticmethod
    def _compare(said, expected):
        same = len(said) == len(expected) and all(
            got.startswith(want[:-3]) if want.endswith("...") else got == want
            for got, want in zip(said, expected, strict=True)
        )
        assert same, "\n  got:\n" + "\n".join(said) + "\n  expected:\n" + "\n".join(expected)

    def lose(self):
        """The client is gone."""
        self.wire.closed = True
        self.connection.lost()
