"""One POP3 session: octets in by ``feed``, replies out through the wire, in the order of the commands.

``work`` answers all that has come in and returns when it needs more; only one ``work`` runs at a time, so
pipelined commands (RFC 2449 §6.6) are answered in order. Replies are gathered and written together.
"""

from typing import Final

from mailaccess.auth.api import Identity, Peer
from mailaccess.model.errors import MailError
from mailaccess.model.flags import SEEN
from mailaccess.net.served import Client
from mailaccess.observe.events import Level
from mailaccess.pop3 import commands, texts
from mailaccess.pop3.house import House
from mailaccess.pop3.login import Login
from mailaccess.pop3.maildrop import Maildrop
from mailaccess.pop3.moving import MOST_AHEAD, Luggage, Wire
from mailaccess.pop3.retrieval import Retrieval
from mailaccess.proto.pop3 import grammar
from mailaccess.proto.pop3.grammar import Lines, LineTooLong
from mailaccess.store.api import FlagOperation

GATHERED: Final = 128 * 1024
"""Octets gathered before they are written, and the client must read, in any case."""

COMMANDS_AT_ONCE: Final = 64
"""Pipelined commands answered before others have their turn: 1 to 2 ms."""

MAX_BAD_BEFORE: Final = 3
"""Wrong commands before login, as Dovecot: what talks HTTP to us goes soon."""

MAX_BAD: Final = 20
"""Wrong commands in a row after login, as Dovecot."""


class Session:
    """tls_offered: STLS may be used.  secure: the connection is TLS from its first octet."""

    def __init__(
        self, house: House, wire: Wire, client: Client, *, tls_offered: bool = False, secure: bool = False
    ) -> None:
        self.house = house
        self.wire = wire
        self.client = client
        self.id = house.make_id()
        self.closed = False
        """No more input is read: QUIT, too many errors, or the connection is gone."""
        self.gone = False
        """The connection is gone: replies reach nobody."""
        self.tls_offered = tls_offered
        self.tls = secure
        self._lines = Lines()
        self._out: list[bytes] = []
        self._out_size = 0
        self.language = texts.ENGLISH
        self.utf8 = False
        self.login = Login(self)
        self.drop: Maildrop | None = None
        self.retrieval: Retrieval | None = None
        self._bad = 0
        self._arriving: Luggage | None = None

    # What the protocol calls.

    @property
    def logged_in(self) -> bool:
        return self.drop is not None

    @property
    def pending(self) -> int:
        """Octets that wait to be read."""
        return self._lines.pending

    def greet(self) -> None:
        """No ``<...>`` in it: that would offer APOP (RFC 1939 §7)."""
        self.ok(texts.READY, self.house.hostname)
        self.flush()

    def resume(self, luggage: Luggage) -> None:
        """Go on where another process has left off: the client has logged in, and waits for the answer."""
        self.id, self.language, self.utf8 = luggage.id, luggage.language, luggage.utf8
        self._lines.feed(luggage.ahead)
        self._arriving = luggage

    def feed(self, data: bytes) -> None:
        self._lines.feed(data)

    async def work(self) -> None:
        """Answer what has come in."""
        await self.wire.drain()
        if (arriving := self._arriving) is not None:
            self._arriving = None
            await self.login.enter(arriving.identity, arriving.mechanism)
        turns = 0
        while not self.closed and not self.gone:
            turns += 1
            if turns % COMMANDS_AT_ONCE == 0:
                await self.house.runner.pause()
            await self.breathe()
            try:
                line = self._lines.line()
            except LineTooLong:
                self.login.forget()
                self.bad(texts.TOO_LONG)
                continue
            if line is None:
                break
            if self.drop is None and self.login.waits_for_response:
                self.flush()
                await self.login.response(line)
            else:
                await self._command(line)
        if self.gone:
            await self.end()
        self.flush()

    async def end(self) -> None:
        """The session is over without QUIT: nothing is deleted; what was read is \\Seen. RFC 1939 §6."""
        self.closed = True
        drop, self.drop = self.drop, None
        if drop is not None:
            await self.keep_seen(drop)
            await self.leave(drop, 0)

    def hang_up(self, template: str, *values: object, code: str = "") -> None:
        """Say why, and close."""
        if not self.closed:
            self.err(template, *values, code=code)
            self.close()

    # What the rooms of a session use.

    @property
    def peer(self) -> Peer:
        return Peer(
            "pop3",
            self.client.address,
            self.client.local_address,
            self.tls or self.house.is_trusted(self.client.address),
        )

    @property
    def may_use_passwords(self) -> bool:
        """Whether a password may cross this connection."""
        return not self.house.tls_required or self.peer.secure

    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that may be used on this connection."""
        return self.house.authenticator.mechanisms(plaintext=self.may_use_passwords)

    def say(self, octets: bytes) -> None:
        self._out.append(octets)
        self._out_size += len(octets)

    def ok(self, template: str, *values: object) -> None:
        self.say(grammar.ok(texts.text(self.language, template, *values)))

    def err(self, template: str, *values: object, code: str = "") -> None:
        self.say(grammar.err(texts.text(self.language, template, *values), code))

    def bad(self, template: str, *values: object) -> None:
        """A wrong command; too many of them end the session."""
        self.err(template, *values)
        self._bad += 1
        if self._bad >= (MAX_BAD_BEFORE if self.drop is None else MAX_BAD):
            self.hang_up(texts.TOO_MANY_ERRORS)

    async def moved(self, identity: Identity, mechanism: str) -> bool:
        """Whether another process serves the connection from now on; it has ended here then."""
        wire = self.wire
        if not wire.belongs_elsewhere(identity.name) or self.pending > MOST_AHEAD:
            return False
        if self._out:
            self.flush()
            if not wire.belongs_elsewhere(identity.name):  # the client does not read, and the rest waits here
                return False
        wire.hold_input()
        ahead = self._lines.take()
        if await wire.move(Luggage(identity, mechanism, self.id, self.language, self.utf8, ahead)):
            return True
        self._lines.feed(ahead)
        wire.take_input()
        return False

    def enter(self, drop: Maildrop) -> None:
        """The transaction state begins."""
        self.drop = drop
        self.retrieval = Retrieval(drop)
        self._bad = 0
        self._lines.limit = grammar.MAX_LINE
        self.ok(texts.LOGGED_IN, drop.count, drop.octets)

    def start_tls(self) -> None:
        """Go on over TLS; what came in the clear behind STLS is thrown away. RFC 2595 §4."""
        self.flush()
        self._lines.discard()  # whatever came before the handshake may be an attacker's
        self.login.forget()
        self.tls = True
        self.wire.start_tls()

    def log(self, event: str, level: Level = Level.INFO, **fields: str | int | float | None) -> None:
        self.house.log.log(
            event,
            level,
            **fields,
            service="pop3",
            rip=self.client.address or None,
            lip=self.client.local_address or None,
            session=self.id,
        )

    # Output.

    def flush(self) -> None:
        if self._out:
            parts, self._out = self._out, []
            self._out_size = 0
            self.wire.write_all(parts)

    async def breathe(self) -> None:
        """Write what has gathered, if it is much, and wait for the client to read."""
        if self._out_size > GATHERED:
            self.flush()
            await self.wire.drain()

    def close(self) -> None:
        self.closed = True
        self.flush()
        self.wire.close()

    # Commands (``commands``).

    async def _command(self, line: bytes) -> None:
        command = grammar.parse(line)
        if command is None:
            self.bad(texts.UNKNOWN)
            return
        table = commands.TRANSACTION if self.drop is not None else commands.AUTHORIZATION
        handler = table.get(command.verb)
        if handler is None:
            if self.drop is None and command.verb in commands.TRANSACTION:
                self.err(texts.WRONG_STATE)  # not counted: it shows at least that the peer speaks POP3
            else:
                self.bad(texts.WRONG_STATE if command.verb in commands.AUTHORIZATION else texts.UNKNOWN)
            return
        before = self._bad
        await handler(self, command)
        if self._bad == before and self.drop is not None:
            self._bad = 0

    async def keep_seen(self, drop: Maildrop) -> None:
        """Mark what was retrieved; that it cannot be marked is no reason to fail a session."""
        seen = drop.seen()
        if not seen:
            return
        try:
            await drop.mailbox.set_flags(seen, FlagOperation.ADD, frozenset((SEEN,)))
        except MailError as error:
            self.log("seen-failed", Level.WARNING, user=drop.user, error=error.detail or str(error))

    async def leave(self, drop: Maildrop, removed: int) -> None:
        if self.retrieval is not None:
            self.retrieval.close()
        await drop.close()
        self.log("pop3-logout", user=drop.user, retrieved=len(drop.retrieved), removed=removed)
