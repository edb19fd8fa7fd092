"""One SMTP or LMTP session: octets in by ``feed``, replies out through the wire, in the commands' order.

``work`` answers all that has come in and returns when it needs more; only one ``work`` runs at a time, so
a command that waits (a lookup, an fsync) holds up those pipelined behind it, and replies never change
places (RFC 2920 §3.2). Replies are gathered and written once, before the session waits for input.

Modes: commands; the content of a message (``mailing``); a line of an AUTH exchange. STARTTLS forgets what came in
before it and everything the client said (RFC 3207 §4.2).
"""

from typing import Final

from mailaccess.auth.api import Identity, Peer
from mailaccess.net.served import Client
from mailaccess.observe.events import Level
from mailaccess.proto.smtp import commands, replies
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.framing import Framer, LineTooLong
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.authentication import Authentication
from mailaccess.smtp.house import House, Wire
from mailaccess.smtp.mailing import Mailing
from mailaccess.smtp.policy import Policy

GATHERED: Final = 16384
"""Octets of replies gathered before they are written, and the client must read, in any case."""

COMMANDS_AT_ONCE: Final = 64
"""Pipelined commands answered before others have their turn: some 1 ms."""


class Session:
    """tls_offered: STARTTLS may be used.  secure: the connection is TLS from its first octet."""

    def __init__(
        self,
        house: House,
        policy: Policy,
        wire: Wire,
        client: Client,
        *,
        tls_offered: bool = False,
        secure: bool = False,
    ) -> None:
        self.house = house
        self.policy = policy
        self.wire = wire
        self.client = client
        self.id = house.make_id()
        self.identity: Identity | None = None
        self.closed = False
        """No more input is read: QUIT, too many errors, or the connection is gone."""
        self.gone = False
        """The connection is gone: replies reach nobody."""
        self.started = house.clock()
        self._tls_offered = tls_offered
        self._tls = secure
        self._framer = Framer()
        self._fed = False
        self._out: list[bytes] = []
        self._out_size = 0
        self.greeting = ""
        """HELO, EHLO or LHLO, once it was said; helo: as what."""
        self.helo = ""
        self._mailing = Mailing(self, self._framer)
        self._authentication: Authentication | None = None
        self._errors = 0
        self.failed_logins = 0

    # What the protocol calls.

    def greet(self) -> None:
        kind = "LMTP" if self.policy.lmtp else "ESMTP"
        self.reply(Reply(220, "", f"{self.house.hostname} {kind} mailaccess ready"))
        self.flush()

    def feed(self, data: bytes) -> None:
        self._fed = True
        self._framer.feed(data)

    @property
    def pending(self) -> int:
        """Octets that wait to be read."""
        return self._framer.pending

    async def work(self) -> None:
        """Answer what has come in."""
        await self.wire.drain()
        turns = 0
        while not self.closed and not self.gone:
            turns += 1
            if turns % COMMANDS_AT_ONCE == 0:
                await self.house.delivery.threads.pause()
            if self._out_size > GATHERED:
                self.flush()
                await self.wire.drain()
            self._fed = False
            if self._mailing.receives:
                more = await self._mailing.receive()
            else:
                more = await self._line()
            if not more and not self._fed:  # what came in while we waited may be the last that comes
                break
        if self.gone:
            await self.end()
        self.flush()

    async def end(self) -> None:
        """The connection is gone: let go of a message that did not arrive."""
        self.closed = True
        await self._mailing.reset()

    def hang_up(self, reply: Reply) -> None:
        """Say why, and close: a time-out, the end of the server, a failure of ours."""
        if not self.closed:
            self.reply(reply)
            self._close()

    # What policies and AUTH use.

    @property
    def peer(self) -> Peer:
        return Peer(
            self.policy.service,
            self.client.address,
            self.client.local_address,
            self._tls or self.house.is_trusted(self.client.address),
        )

    @property
    def may_use_passwords(self) -> bool:
        """Whether a password may cross this connection."""
        return not self.house.tls_required or self.peer.secure

    @property
    def tls(self) -> str:
        """Version and cipher of the connection's TLS; "" without."""
        return self.wire.tls_description() if self._tls else ""

    @property
    def sender(self) -> Address | None:
        """The reverse-path of the message under way; None for the null one."""
        return self._mailing.sender

    @property
    def leaves(self) -> bool:
        """Whether the message under way goes to another domain already."""
        return self._mailing.leaves

    def reply(self, reply: Reply) -> None:
        octets = reply.render()
        self._out.append(octets)
        self._out_size += len(octets)

    def error(self, reply: Reply) -> None:
        """A reply to a mistake; too many of them end the session."""
        self.reply(reply)
        self._errors += 1
        if self._errors >= self.house.settings.errors:
            self.log("too-many-errors", Level.WARNING, errors=self._errors)
            self.hang_up(replies.TOO_MANY_ERRORS)

    def forgive(self) -> None:
        """A message was taken: earlier mistakes count no more."""
        self._errors = 0

    def logged_in(self, identity: Identity, mechanism: str) -> bool:
        """Take up an identity; False if the account has too many connections."""
        if not self.wire.log_in(identity.name):
            return False
        self.identity = identity
        self.log(f"{self.policy.service}-login", user=identity.name, method=mechanism)
        return True

    def log(self, event: str, level: Level = Level.INFO, **fields: str | int | float | None) -> None:
        self.house.log.log(
            event,
            level,
            **fields,
            service=self.policy.service,
            rip=self.client.address or None,
            lip=self.client.local_address or None,
            session=self.id,
        )

    # Output.

    def flush(self) -> None:
        if self._out:
            octets = b"".join(self._out)
            self._out.clear()
            self._out_size = 0
            self.wire.write(octets)

    def _close(self) -> None:
        self.closed = True
        self.flush()
        self.wire.close()

    # Input.

    async def _line(self) -> bool:
        """Answer one command, or one line of an AUTH exchange; False if there is no whole line."""
        try:
            line = self._framer.line()
        except LineTooLong:
            self._authentication = None
            self.error(replies.LINE_TOO_LONG)
            return True
        if line is None:
            return False
        if self._authentication is not None:
            self.flush()  # a password's check takes its time; what was said before is not held back by it
            if await self._authentication.answer(line):
                self._authentication = None
            return True
        try:
            utf8 = self._mailing.utf8
            command = commands.read(line, lenient=self.policy.lenient, utf8=utf8, dsn=self._notifies)
            await self._command(command)
        except Refused as refused:
            self.error(refused.reply)
        return True

    async def _command(self, command: commands.Command) -> None:
        match command:
            case commands.Rcpt():
                await self._mailing.rcpt(command)
            case commands.Mail():
                if not self.greeting:
                    raise Refused(self._greet_first())
                await self._mailing.mail(command)
            case commands.Data():
                self._mailing.data()
            case commands.Bdat():
                self._mailing.bdat(command)
            case commands.Hello():
                await self._hello(command)
            case commands.Auth():
                await self._auth(command)
            case commands.Simple(verb):
                await self._simple(verb)

    async def _simple(self, verb: str) -> None:
        match verb:
            case "RSET":
                await self._mailing.reset()
                self.reply(replies.OK)
            case "NOOP":
                self.reply(replies.OK)
            case "VRFY":
                self.reply(replies.CANNOT_VERIFY)
            case "EXPN":
                self.reply(replies.NO_EXPN)
            case "HELP":
                self.reply(Reply(214, "2.0.0", "RFC 2033" if self.policy.lmtp else "RFC 5321"))
            case "QUIT":
                self.reply(replies.BYE)
                self._close()
            case "STARTTLS":
                await self._starttls()

    async def _hello(self, command: commands.Hello) -> None:
        if self.policy.lmtp is not (command.verb == "LHLO"):
            raise Refused(replies.UNKNOWN_COMMAND)  # RFC 2033 §4.1
        await self._mailing.reset()
        self.greeting, self.helo = command.verb, command.domain
        if command.verb == "HELO":
            self.reply(Reply(250, "", self.house.hostname))
            return
        offered = ["PIPELINING", f"SIZE {self.house.message_size}", "8BITMIME", "SMTPUTF8", "CHUNKING"]
        offered += ["ENHANCEDSTATUSCODES", *(["DSN"] if self._notifies else [])]
        if self._tls_offered and not self._tls:
            offered.append("STARTTLS")
        if self.policy.authenticates and self.identity is None:
            mechanisms = self.house.authenticator.mechanisms(plaintext=self.may_use_passwords)
            offered += ["AUTH " + " ".join(mechanisms)] if mechanisms else []
        self.reply(replies.capabilities(self.house.hostname, offered))

    async def _starttls(self) -> None:
        if self._tls:
            raise Refused(replies.TLS_ACTIVE)
        if not self._tls_offered:
            raise Refused(replies.TLS_UNAVAILABLE)
        await self._mailing.reset()
        self.reply(replies.READY_FOR_TLS)
        self.flush()
        # Whatever lies in the buffer came before the handshake and may be an attacker's. RFC 3207 §6.
        self._framer.discard()
        self.greeting = self.helo = ""
        self.identity = None
        self._tls = True
        self.wire.start_tls()

    async def _auth(self, command: commands.Auth) -> None:
        if not self.policy.authenticates:
            raise Refused(replies.UNKNOWN_COMMAND)
        if self.identity is not None or self._mailing.under_way:
            raise Refused(replies.BAD_SEQUENCE)  # RFC 4954 §4
        if not self.greeting:
            raise Refused(self._greet_first())
        self.flush()
        authentication = Authentication(self, command.mechanism)
        if not await authentication.begin(command.initial):
            self._authentication = authentication

    @property
    def _notifies(self) -> bool:
        """Whether DSN is offered. RFC 3461."""
        return self.policy.notifies and self.house.recipients.relays

    def _greet_first(self) -> Reply:
        verb = "LHLO" if self.policy.lmtp else "EHLO"
        return Reply(503, "5.5.1", f"Send {verb} first")
