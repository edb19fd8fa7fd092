"""One POP3 session: octets in by ``feed``, replies out through the wire, in the order of the commands.

``work`` answers all that has come in and returns when it needs more; only one ``work`` runs at a time, so
pipelined commands (RFC 2449 §6.6) are answered in order. Replies are gathered and written together.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Final

from mailaccess.auth.api import Peer
from mailaccess.model.errors import MailError
from mailaccess.model.flags import SEEN
from mailaccess.net.served import Client, Wire
from mailaccess.observe.events import Level
from mailaccess.pop3 import texts
from mailaccess.pop3.capa import capabilities
from mailaccess.pop3.house import House
from mailaccess.pop3.login import Login
from mailaccess.pop3.maildrop import Maildrop
from mailaccess.pop3.retrieval import Retrieval
from mailaccess.proto.pop3 import grammar
from mailaccess.proto.pop3.grammar import Command, Lines, LineTooLong
from mailaccess.store.api import FlagOperation

GATHERED: Final = 128 * 1024
"""Octets gathered before they are written, and the client must read, in any case."""

COMMANDS_AT_ONCE: Final = 64
"""Pipelined commands answered before others have their turn: 1 to 2 ms."""

MAX_BAD_BEFORE: Final = 3
"""Wrong commands before login, as Dovecot: what talks HTTP to us goes soon."""

MAX_BAD: Final = 20
"""Wrong commands in a row after login, as Dovecot."""

Handler = Callable[["Session", Command], Awaitable[None]]


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
        self._tls_offered = tls_offered
        self._tls = secure
        self._lines = Lines()
        self._out: list[bytes] = []
        self._out_size = 0
        self._language = texts.ENGLISH
        self._utf8 = False
        self._login = Login(self)
        self._drop: Maildrop | None = None
        self._retrieval: Retrieval | None = None
        self._bad = 0

    # What the protocol calls.

    @property
    def logged_in(self) -> bool:
        return self._drop is not None

    @property
    def pending(self) -> int:
        """Octets that wait to be read."""
        return self._lines.pending

    def greet(self) -> None:
        """No ``<...>`` in it: that would offer APOP (RFC 1939 §7)."""
        self.ok(texts.READY, self.house.hostname)
        self._flush()

    def feed(self, data: bytes) -> None:
        self._lines.feed(data)

    async def work(self) -> None:
        """Answer what has come in."""
        await self.wire.drain()
        turns = 0
        while not self.closed and not self.gone:
            turns += 1
            if turns % COMMANDS_AT_ONCE == 0:
                await self.house.runner.pause()
            await self._breathe()
            try:
                line = self._lines.line()
            except LineTooLong:
                self._login.forget()
                self.bad(texts.TOO_LONG)
                continue
            if line is None:
                break
            if self._drop is None and self._login.waits_for_response:
                self._flush()
                await self._login.response(line)
            else:
                await self._command(line)
        if self.gone:
            await self.end()
        self._flush()

    async def end(self) -> None:
        """The session is over without QUIT: nothing is deleted; what was read is \\Seen. RFC 1939 §6."""
        self.closed = True
        drop, self._drop = self._drop, None
        if drop is not None:
            await self._keep_seen(drop)
            await self._leave(drop, 0)

    def hang_up(self, template: str, *values: object, code: str = "") -> None:
        """Say why, and close."""
        if not self.closed:
            self.err(template, *values, code=code)
            self._close()

    # What the rooms of a session use.

    @property
    def peer(self) -> Peer:
        return Peer(
            "pop3",
            self.client.address,
            self.client.local_address,
            self._tls or self.house.is_trusted(self.client.address),
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
        self.say(grammar.ok(texts.text(self._language, template, *values)))

    def err(self, template: str, *values: object, code: str = "") -> None:
        self.say(grammar.err(texts.text(self._language, template, *values), code))

    def bad(self, template: str, *values: object) -> None:
        """A wrong command; too many of them end the session."""
        self.err(template, *values)
        self._bad += 1
        if self._bad >= (MAX_BAD_BEFORE if self._drop is None else MAX_BAD):
            self.hang_up(texts.TOO_MANY_ERRORS)

    def enter(self, drop: Maildrop) -> None:
        """The transaction state begins."""
        self._drop = drop
        self._retrieval = Retrieval(drop)
        self._bad = 0
        self._lines.limit = grammar.MAX_LINE
        self.ok(texts.LOGGED_IN, drop.count, drop.octets)

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

    def _flush(self) -> None:
        if self._out:
            parts, self._out = self._out, []
            self._out_size = 0
            self.wire.write_all(parts)

    async def _breathe(self) -> None:
        """Write what has gathered, if it is much, and wait for the client to read."""
        if self._out_size > GATHERED:
            self._flush()
            await self.wire.drain()

    def _close(self) -> None:
        self.closed = True
        self._flush()
        self.wire.close()

    # Commands.

    async def _command(self, line: bytes) -> None:
        command = grammar.parse(line)
        if command is None:
            self.bad(texts.UNKNOWN)
            return
        table = _TRANSACTION if self._drop is not None else _AUTHORIZATION
        handler = table.get(command.verb)
        if handler is None:
            if self._drop is None and command.verb in _TRANSACTION:
                self.err(texts.WRONG_STATE)  # not counted: it shows at least that the peer speaks POP3
            else:
                self.bad(texts.WRONG_STATE if command.verb in _AUTHORIZATION else texts.UNKNOWN)
            return
        before = self._bad
        await handler(self, command)
        if self._bad == before and self._drop is not None:
            self._bad = 0

    async def _user(self, command: Command) -> None:
        self._login.user(command.argument)

    async def _pass(self, command: Command) -> None:
        self._flush()  # the check takes its time; what was said before is not held back by it
        await self._login.password(command.argument)

    async def _auth(self, command: Command) -> None:
        if command.bare:
            # RFC 1734's older drafts, and Outlook with a blank behind it: which mechanisms are there?
            lines = list(self.mechanisms())
            self.say(grammar.listing(texts.text(self._language, texts.MECHANISMS), lines))
            return
        words = (command.argument or b"").split()
        if len(words) > 2 or not words[0].isascii():
            self.bad(texts.SYNTAX, "AUTH mechanism [initial-response]")
            return
        self._flush()
        mechanism = words[0].decode("ascii").upper()
        await self._login.auth(mechanism, words[1] if len(words) == 2 else None)

    async def _stls(self, command: Command) -> None:
        if self._tls:
            self.err(texts.TLS_ACTIVE)
        elif not self._tls_offered:
            self.err(texts.NO_TLS)
        elif self._utf8:
            self.err(texts.WRONG_STATE)  # RFC 6856 §2.1
        else:
            self.ok(texts.BEGIN_TLS)
            self._flush()
            self._lines.discard()  # whatever came before the handshake may be an attacker's
            self._login.forget()
            self._tls = True
            self.wire.start_tls()

    async def _capa(self, command: Command) -> None:
        lines = capabilities(
            mechanisms=self.mechanisms(),
            passwords=self.may_use_passwords,
            stls=self._tls_offered and not self._tls,
            logged_in=self._drop is not None,
        )
        self.say(grammar.listing(texts.text(self._language, texts.CAPABILITIES), lines))

    async def _utf8_mode(self, command: Command) -> None:
        self._utf8 = True
        self.ok(texts.UTF8_ON)

    async def _lang(self, command: Command) -> None:
        if command.bare:
            lines = [f"{tag} {name}" for tag, name in texts.LANGUAGES.items()]
            self.say(grammar.listing(texts.text(self._language, texts.LANGUAGES_FOLLOW), lines))
            return
        wanted = (command.argument or b"").strip().decode("ascii", "replace")
        chosen = texts.choose(wanted)
        if chosen is None:
            self.err(texts.NO_LANGUAGE)
            return
        self._language = chosen
        self.say(grammar.ok(f"{chosen} {texts.text(chosen, texts.LANGUAGE_CHANGED)}"))

    async def _noop(self, command: Command) -> None:
        self.ok(texts.OK)

    async def _quit_before(self, command: Command) -> None:
        self.ok(texts.BYE)
        self._close()

    # The transaction state.

    def _open_drop(self) -> Maildrop:
        assert self._drop is not None
        return self._drop

    def _number(self, command: Command, syntax: str) -> int | None:
        """The message an argument names; None after an error was told."""
        found = command.numbers()
        if found is None or found[1] is not None:
            self.bad(texts.SYNTAX, syntax)
            return None
        return found[0] if self._there(found[0]) else None

    def _there(self, number: int) -> bool:
        drop = self._open_drop()
        if not 1 <= number <= len(drop):
            self.err(texts.NO_SUCH_MESSAGE, number)
        elif number in drop.deleted:
            self.err(texts.IS_DELETED, number)
        else:
            return True
        return False

    async def _stat(self, command: Command) -> None:
        drop = self._open_drop()
        self.say(b"+OK %d %d\r\n" % (drop.count, drop.octets))

    async def _list(self, command: Command) -> None:
        drop = self._open_drop()
        if command.bare:
            self.ok(texts.MESSAGES, drop.count, drop.octets)
            await self._long(drop.listing())
            return
        number = self._number(command, "LIST [number]")
        if number is not None:
            self.say(b"+OK %d %d\r\n" % (number, drop.sizes[number - 1]))

    async def _uidl(self, command: Command) -> None:
        drop = self._open_drop()
        if command.bare:
            self.say(b"+OK\r\n")
            await self._long(drop.unique_ids())
            return
        number = self._number(command, "UIDL [number]")
        if number is not None:
            self.say(f"+OK {number} {drop.unique_id(number)}\r\n".encode("ascii"))

    async def _long(self, slices: Iterator[bytes]) -> None:
        """The lines of a listing, and its end; others have their turn in between."""
        first = True
        for octets in slices:
            if not first:
                await self._breathe()
                await self.house.runner.pause()
            first = False
            self.say(octets)
        self.say(b".\r\n")

    async def _retr(self, command: Command) -> None:
        number = self._number(command, "RETR number")
        if number is None:
            return
        drop, retrieval = self._open_drop(), self._retrieval
        assert retrieval is not None
        begun = False
        parts = retrieval.at_hand(number)
        if parts is not None:
            self.ok(texts.OCTETS, drop.sizes[number - 1])
            for part in parts:
                self.say(part)
            await self._breathe()
            drop.retrieved.add(drop.uids[number - 1])
            return
        try:
            async with aclosing(retrieval.message(number)) as pieces:
                async for piece in pieces:
                    if not begun:
                        begun = True
                        self.ok(texts.OCTETS, drop.sizes[number - 1])
                    self.say(piece)
                    await self._breathe()
        except MailError as error:
            self.log("read-failed", Level.ERROR, user=drop.user, error=error.detail or str(error))
            if begun:
                # The client is in the middle of a message: it must not take what it has for the whole.
                self._close()
            else:
                self.err(texts.TEMPORARY, code="SYS/TEMP")
            return
        if begun:
            drop.retrieved.add(drop.uids[number - 1])
        else:
            self.err(texts.IS_GONE, number)

    async def _top(self, command: Command) -> None:
        found = command.numbers()
        if found is None or found[1] is None:
            self.bad(texts.SYNTAX, "TOP number lines")
            return
        if not self._there(found[0]):
            return
        retrieval = self._retrieval
        assert retrieval is not None
        try:
            upper = await retrieval.top(found[0], found[1])
        except MailError as error:
            self.log(
                "read-failed", Level.ERROR, user=self._open_drop().user, error=error.detail or str(error)
            )
            self.err(texts.TEMPORARY, code="SYS/TEMP")
            return
        if upper is None:
            self.err(texts.IS_GONE, found[0])
            return
        self.ok(texts.TOP_FOLLOWS)
        self.say(upper)

    async def _dele(self, command: Command) -> None:
        number = self._number(command, "DELE number")
        if number is not None:
            self._open_drop().mark(number)
            self.ok(texts.MARKED, number)

    async def _rset(self, command: Command) -> None:
        drop = self._open_drop()
        self.ok(texts.UNMARKED, drop.unmark(), drop.count, drop.octets)

    async def _quit(self, command: Command) -> None:
        """The update state. RFC 1939 §6."""
        drop = self._open_drop()
        self._drop = None
        self._flush()
        marked = drop.marked()
        drop.retrieved.difference_update(marked)
        await self._keep_seen(drop)
        try:
            if marked:
                await drop.mailbox.remove(marked)
        except MailError as error:
            self.log("remove-failed", Level.ERROR, user=drop.user, error=error.detail or str(error))
            await self._leave(drop, 0)
            self.err(texts.NOT_REMOVED, code="SYS/TEMP")
        else:
            await self._leave(drop, len(marked))
            if marked:
                self.ok(texts.BYE_REMOVED, len(marked))
            else:
                self.ok(texts.BYE)
        self._close()

    async def _keep_seen(self, drop: Maildrop) -> None:
        """Mark what was retrieved; that it cannot be marked is no reason to fail a session."""
        seen = drop.seen()
        if not seen:
            return
        try:
            await drop.mailbox.set_flags(seen, FlagOperation.ADD, frozenset((SEEN,)))
        except MailError as error:
            self.log("seen-failed", Level.WARNING, user=drop.user, error=error.detail or str(error))

    async def _leave(self, drop: Maildrop, removed: int) -> None:
        if self._retrieval is not None:
            self._retrieval.close()
        await drop.close()
        self.log("pop3-logout", user=drop.user, retrieved=len(drop.retrieved), removed=removed)


_ANYWHERE: Final[dict[str, Handler]] = {"CAPA": Session._capa, "LANG": Session._lang}

_AUTHORIZATION: Final[dict[str, Handler]] = {
    **_ANYWHERE,
    "USER": Session._user,
    "PASS": Session._pass,
    "AUTH": Session._auth,
    "STLS": Session._stls,
    "UTF8": Session._utf8_mode,
    "QUIT": Session._quit_before,
}

_TRANSACTION: Final[dict[str, Handler]] = {
    **_ANYWHERE,
    "STAT": Session._stat,
    "LIST": Session._list,
    "UIDL": Session._uidl,
    "RETR": Session._retr,
    "TOP": Session._top,
    "DELE": Session._dele,
    "RSET": Session._rset,
    "NOOP": Session._noop,
    "QUIT": Session._quit,
}
