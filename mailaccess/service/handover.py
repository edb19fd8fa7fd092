"""The sessions of one account are served by one worker, its home: only there what is kept in memory is of use.

The home follows from the account's name and the workers that serve (rendezvous hashing: one that ends or comes moves
only its own accounts). A connection without TLS that another worker has accepted is offered to the home once its client
has logged in: its descriptor, what its session was about to do (the engine's own value, ``imap.moving`` or
``pop3.moving``), and a token. The home takes the token and says so; it answers the client, nobody else does. Where the
home says nothing for ``PATIENCE``, has no room or has ended, the worker that has the connection takes the token back
and serves it: slower, but right. Over TLS a connection stays where it is, as its keys are in OpenSSL's memory.

Offers are pickled, since both ends are the same program (as ``service.brief``), and nobody else can write into a box.
"""

import pickle
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

from mailaccess.net.endpoints import Door
from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.passing import LONGEST, Mail, Token, adopt, close_all, let_go, may_go
from mailaccess.observe.counters import MOVED, Counters
from mailaccess.observe.events import EventLog, Level

PATIENCE: Final = 0.5
"""Seconds for the home to take a connection; its reactor is rarely late by a tenth of this."""

MOST_OFFERED: Final = 64
"""Connections offered at a time, each of which holds descriptors; past them the home is too slow to be of use."""


@dataclass(frozen=True, slots=True)
class Offer:
    """id: the sender's.  service: of ``[listen]``.  address: the client's, as its ``Place`` has it.

    luggage: what the engine's protocol takes as ``resume``.
    """

    id: int
    sender: int
    service: str
    address: str
    luggage: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The offer has been looked at; whether it was taken, the token tells."""

    id: int
    sender: int


class Handover:
    """number: of this worker, from 1.  boxes: the descriptors of all workers' boxes, which are ours from now on."""

    def __init__(self, number: int, boxes: Sequence[tuple[int, int]], reactor: Any) -> None:
        self._number = number
        self._boxes = boxes
        self._reactor = reactor
        self._present: set[int] = set()
        self._silent: set[int] = set()
        self._ids = count(random.getrandbits(48))  # a worker's answers may reach who has taken its place
        self._offered: dict[int, tuple[int, Deferred[None]]] = {}
        self._stopping = False

    def begin(
        self, doors: Mapping[str, Door], limits: ConnectionLimits, log: EventLog, counters: Counters
    ) -> None:
        """Offer and take connections of these doors, by their names in ``[listen]``, from now on."""
        self._doors, self._limits, self._log, self._counters = doors, limits, log, counters
        self._mail = Mail(self._reactor, self._boxes, self._number - 1, self._heard)
        for door in doors.values():
            door.mover = self

    def stop(self) -> None:
        """Offer nothing more, and take nothing."""
        self._stopping = True

    def close(self) -> None:
        """All connections have ended."""
        self._mail.close()

    # The others.

    def joined(self, worker: int) -> None:
        """It serves."""
        self._present.add(worker)
        self._silent.discard(worker)

    def gone(self, worker: int) -> None:
        """It has ended."""
        self._present.discard(worker)
        for home, answer in list(self._offered.values()):
            if home == worker and not answer.called:
                answer.callback(None)

    def home(self, user: str) -> int:
        """The worker that serves the account."""
        return max(self._present | {self._number}, key=lambda each: _weight(user, each))

    # What connections ask: net.moving.Mover.

    def wants(self, transport: Any, user: str) -> bool:
        """Whether a connection of ``user`` had better be served elsewhere, and can be."""
        if self._stopping or not self._present or len(self._offered) >= MOST_OFFERED:
            return False
        home = self.home(user)
        return home != self._number and home not in self._silent and may_go(transport)

    async def move(self, transport: Any, service: str, address: str, user: str, luggage: object) -> bool:
        """Whether another worker serves the connection from now on; here it has ended then.

        Nothing may be read from it meanwhile.
        """
        home = self.home(user)
        id = next(self._ids)
        data = pickle.dumps(Offer(id, self._number, service, address, luggage))
        try:
            token = Token.new()
        except OSError:
            return False
        sent = len(data) <= LONGEST and self._mail.send(
            home - 1, data, (transport.fileno(), token.descriptor)
        )
        if sent:
            answer: Deferred[None] = Deferred()
            self._offered[id] = home, answer
            timer = self._reactor.callLater(PATIENCE, self._give_up, id)
            await answer
            del self._offered[id]
            if timer.active():
                timer.cancel()
        moved = not token.take()
        self._counters.add(MOVED, (service, "moved" if moved else "kept"))
        if moved:
            self._log.log("connection-moved", Level.DEBUG, service=service, user=user, rip=address, to=home)
            let_go(transport)
        return moved

    def _give_up(self, id: int) -> None:
        home, answer = self._offered[id]
        if not answer.called:
            if home not in self._silent:
                self._silent.add(home)
                self._log.log("worker-silent", Level.WARNING, silent=home)
            answer.callback(None)

    # What comes.

    def _heard(self, data: bytes, descriptors: list[int]) -> None:
        try:
            try:
                message = pickle.loads(data)
            except Exception as error:  # cut off; nobody but ourselves writes here
                self._log.log("handover-failed", Level.ERROR, error=repr(error))
                return
            self._silent.discard(message.sender)
            if isinstance(message, Answer):
                offered = self._offered.get(message.id)
                if offered is not None and not offered[1].called:
                    offered[1].callback(None)
            elif isinstance(message, Offer) and len(descriptors) == 2:
                self._offered_us(message, descriptors)
        finally:
            close_all(descriptors)

    def _offered_us(self, offer: Offer, descriptors: list[int]) -> None:
        taken = False
        if not (self._stopping or self._limits.no_room_here):
            taken = Token(descriptors.pop()).take()
        self._mail.send(offer.sender - 1, pickle.dumps(Answer(offer.id, self._number)))
        if not taken:
            return

        def make() -> Protocol:
            protocol: Any = self._doors[offer.service].readmit(offer.address)
            protocol.resume(offer.luggage)
            made: Protocol = protocol
            return made

        try:
            adopt(self._reactor, descriptors[0], make)
        except OSError:  # the client has gone meanwhile
            pass


def _weight(user: str, worker: int) -> bytes:
    return blake2b(f"{worker} {user}".encode(), digest_size=8).digest()
