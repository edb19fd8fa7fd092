"""A worker among others: its end of the line to the supervisor, and what the workers tell each other.

Limits on connections, failures to log in, and what accounts have sent count for all workers together: each tells the
others what happens at its doors, and believes what it hears. It takes the others some hundredths of a second to hear.
Everybody keeps all of it in memory, so that a worker's end loses nothing; a new one is told everything by the others.
So are changes of annotations, access keys and rights, for the sessions that want to hear of them.

The queue of outgoing mail has one owner. Any worker may put messages into it, and says so; the owner takes them up.
When the owner has ended, the first of the others to notice that the lock is free becomes it (``QueueShare``).
"""

import socket
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from mailaccess.delivery.caps import Caps
from mailaccess.imap.announcing import Announcement, News
from mailaccess.net.limits import ConnectionLimits
from mailaccess.observe.combined import Figures, Teller, told
from mailaccess.observe.counters import Counters
from mailaccess.service.brief import Brief
from mailaccess.service.channel import Channel, Message

if TYPE_CHECKING:
    from mailaccess.service.handover import Handover

TELL_SECONDS: Final = 0.03
"""Between a change of the counts and its telling: what changes meanwhile is told together."""

AT_ONCE: Final = 1000
"""Accounts, or counts, in one message to a worker that has just come."""

GATHER_SECONDS: Final = 3.0
"""For the figures of all workers; the supervisor waits a second less."""


class FailedLogins(Protocol):
    """``auth.throttle.Throttle``, as far as it matters here."""

    shared: Callable[[Sequence[str], bytes, bytes], None] | None

    def heard(self, networks: Sequence[str], name: bytes, attempt: bytes) -> None: ...


class Company:
    """brief: as the supervisor wrote it.  ended: called when it tells us to stop, or is gone itself."""

    def __init__(self, brief: Brief, reactor: Any, *, stop: Callable[[], None]) -> None:
        self.brief = brief
        self._reactor = reactor
        self._stop = stop
        self._channel = Channel(self._heard, self._left)
        self._gathering: dict[int, Deferred[Message]] = {}
        self._asked = 0
        self._limits: ConnectionLimits | None = None
        self._throttle: FailedLogins | None = None
        self._caps: Caps | None = None
        self._teller: Teller | None = None
        self._told_to_stop = False
        self.handover: Handover | None = None
        """Of connections to other workers, where there is any."""
        self.reload: Callable[[], object] = lambda: None
        self.lost: Callable[[], object] = lambda: None
        """Told that the supervisor is gone without a word."""
        self.queued: Callable[[list[str]], object] = lambda ids: None
        """Told of messages that others have put into the queue."""
        self.announced: Callable[[Announcement], object] = lambda announcement: None
        """Told of what sessions of others did."""

    def connect(self) -> None:
        """Begin to listen to the supervisor; the descriptor is ours from now on."""
        factory = Factory.forProtocol(lambda: self._channel)
        factory.noisy = False
        with socket.socket(fileno=self.brief.control) as line:
            line.setblocking(False)
            self._reactor.adoptStreamConnection(line.fileno(), socket.AF_UNIX, factory)

    def share(
        self, limits: ConnectionLimits, throttle: FailedLogins, caps: Caps | None, counters: Counters
    ) -> None:
        """Count together with the others from now on."""
        self._limits, self._throttle, self._caps = limits, throttle, caps
        self._teller = Teller(counters)
        if (shares := self.brief.shares) is not None:
            shares.set(self.brief.number, limits.open)
            limits.changed = partial(shares.set, self.brief.number)
        limits.tally.changed = lambda: self._reactor.callLater(TELL_SECONDS, self._tell_counts)
        throttle.shared = self._tell_login
        if caps is not None:
            caps.counted = self._tell_sent

    def is_our_turn(self) -> bool:
        """Whether the next connection is ours, and not another worker's."""
        shares = self.brief.shares
        return shares is None or shares.is_turn_of(self.brief.number)

    def leave(self) -> None:
        """From now on all connections are for the others."""
        if self._limits is not None:
            self._limits.changed = None
        if (shares := self.brief.shares) is not None:
            shares.leave(self.brief.number)

    def serving(self) -> None:
        """We have started."""
        self._channel.send({"kind": "serving"})

    def tell_queued(self, id: str) -> None:
        """We have put a message into the queue that another owns."""
        self._channel.send({"kind": "queued", "ids": [id]})

    def tell_announcement(self, announcement: Announcement) -> None:
        """A session of ours did something that sessions of others hear of."""
        self._channel.send(
            {
                "kind": "announced",
                "news": announcement.news.value,
                "account": announcement.account,
                "mailbox": announcement.mailbox,
                "entries": list(announcement.entries),
            }
        )

    def gather(self) -> "Deferred[Message]":
        """The figures of all: ``sums``, ``processes`` (by number, as text), ``serving``, ``wanted``.

        Fails with TimeoutError where the supervisor does not answer.
        """
        self._asked += 1
        number = self._asked
        answer: Deferred[Message] = Deferred()
        self._gathering[number] = answer
        answer.addTimeout(GATHER_SECONDS, self._reactor)
        answer.addBoth(self._gathered, number)
        self._channel.send({"kind": "gather", "id": number})
        return answer

    def _gathered(self, result: Any, number: int) -> Any:
        self._gathering.pop(number, None)
        return result

    # What happens here is told.

    def _tell_counts(self) -> None:
        assert self._limits is not None
        if changes := self._limits.tally.changes():
            self._channel.send({"kind": "counts", "counts": changes})

    def _tell_login(self, networks: Sequence[str], name: bytes, attempt: bytes) -> None:
        self._channel.send(
            {
                "kind": "login",
                "networks": list(networks),
                "name": name.hex(),
                "attempt": attempt.hex(),
            }
        )

    def _tell_sent(self, name: str, step: int, messages: int, recipients: int) -> None:
        self._channel.send({"kind": "sent", "name": name, "what": [step, messages, recipients]})

    def _tell_all(self, newcomer: int) -> None:
        if self._limits is not None:
            for counts in _parts(self._limits.tally.snapshot()):
                self._channel.send({"kind": "counts", "to": newcomer, "counts": counts})
        if self._caps is not None:
            changed = self._caps.changed
            for accounts in _parts(self._caps.snapshot()):
                self._channel.send({"kind": "accounts", "to": newcomer, "accounts": accounts})
            self._caps.changed = changed

    # What others tell is heard.

    def _heard(self, message: Message) -> None:
        match message["kind"]:
            case "counts" if self._limits is not None:
                self._limits.tally.heard(message["from"], message["counts"])
            case "gone":
                if self._limits is not None:
                    self._limits.tally.gone(message["worker"])
                if self.handover is not None:
                    self.handover.gone(message["worker"])
            case "login" if self._throttle is not None:
                self._throttle.heard(
                    message["networks"], bytes.fromhex(message["name"]), bytes.fromhex(message["attempt"])
                )
            case "sent" if self._caps is not None:
                self._caps.hear(message["name"], *message["what"])
            case "accounts" if self._caps is not None:
                self._caps.merge(message["accounts"])
            case "queued":
                self.queued(message["ids"])
            case "announced":
                news, entries = News(message["news"]), tuple(message["entries"])
                self.announced(Announcement(news, message["account"], message["mailbox"], entries))
            case "joined" | "present":
                if message["kind"] == "joined":
                    self._tell_all(message["worker"])
                if self.handover is not None:
                    self.handover.joined(message["worker"])
            case "figures?":
                figures = self._teller.figures() if self._teller is not None else Figures()
                self._channel.send({"kind": "figures", "id": message["id"], **told(figures)})
            case "gathered":
                waiting = self._gathering.get(message["id"])
                if waiting is not None:
                    waiting.callback(message)
            case "reload":
                self.reload()
            case "stop":
                self._told_to_stop = True
                self._stop()

    def _left(self) -> None:
        """Without a supervisor nobody replaces us, or tells us to stop."""
        if not self._told_to_stop:
            self.lost()
        self._stop()


def _parts(whole: dict[str, Any]) -> list[dict[str, Any]]:
    items = iter(whole.items())
    parts = []
    while part := dict(islice(items, AT_ONCE)):
        parts.append(part)
    return parts
