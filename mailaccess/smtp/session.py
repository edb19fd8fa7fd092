"""One SMTP or LMTP session: octets in by ``feed``, replies out through the wire, in the commands' order.

``work`` answers all that has come in and returns when it needs more; only one ``work`` runs at a time, so
a command that waits (a lookup, an fsync) holds up those pipelined behind it, and replies never change
places (RFC 2920 §3.2). Replies are gathered and written once, before the session waits for input.

Modes: commands; the content of DATA; a chunk of BDAT; a line of an AUTH exchange. STARTTLS forgets what
came in before it and everything the client said (RFC 3207 §4.2).
"""

from typing import Final

from mailaccess.auth.api import Identity, Peer
from mailaccess.delivery.api import Onward
from mailaccess.model.errors import MailError, OverQuota
from mailaccess.net.served import Client
from mailaccess.observe.events import Level
from mailaccess.proto.smtp import commands, replies
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.framing import Framer, LineTooLong
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.accepting import intake
from mailaccess.smtp.answers import combined, reply_to, reply_to_recipient
from mailaccess.smtp.authentication import Authentication
from mailaccess.smtp.house import House, Wire
from mailaccess.smtp.policy import Policy
from mailaccess.smtp.receiving import Intake
from mailaccess.smtp.transaction import Recipient, Transaction

GATHERED: Final = 16384
"""Octets of replies gathered before they are written, and the client must read, in any case."""

COMMANDS_AT_ONCE: Final = 64
"""Pipelined commands answered before others have their turn: some 1 ms."""

MAX_CHUNKS: Final = 100_000
"""BDAT chunks of one message: a client that sends it octet by octet costs more than the message is worth."""


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
        self._transaction: Transaction | None = None
        self._in_data = False
        self._chunk: tuple[int, bool] | None = None  # octets of a BDAT chunk still to come; is it LAST?
        self._authentication: Authentication | None = None
        self._errors = 0
        self.failed_logins = 0

    # What the protocol calls.

    def greet(self) -> None:
        kind = "LMTP" if self.policy.lmtp else "ESMTP"
        self.reply(Reply(220, "", f"{self.house.hostname} {kind} mailaccess ready"))
        self._flush()

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
                self._flush()
                await self.wire.drain()
            self._fed = False
            if self._in_data:
                more = await self._content()
            elif self._chunk is not None:
                more = await self._chunk_content()
            else:
                more = await self._line()
            if not more and not self._fed:  # what came in while we waited may be the last that comes
                break
        if self.gone:
            await self.end()
        self._flush()

    async def end(self) -> None:
        """The connection is gone: let go of a message that did not arrive."""
        self.closed = True
        transaction, self._transaction = self._transaction, None
        if transaction is not None and transaction.intake is not None:
            await transaction.intake.abort()

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
        return None if self._transaction is None else self._transaction.mail.sender

    @property
    def leaves(self) -> bool:
        """Whether the message under way goes to another domain already."""
        recipients = () if self._transaction is None else self._transaction.recipients
        return any(isinstance(target, Onward) for each in recipients for target in each.targets)

    def reply(self, reply: Reply) -> None:
        octets = reply.render()
        self._out.append(octets)
        self._out_size += len(octets)

    def error(self, reply: Reply) -> None:
        """A reply to a mistake; too many of them end the session."""
        self.reply(reply)
        self._errors += 1
        if self._errors >= self.house.settings.errors:
            self._log("too-many-errors", Level.WARNING, errors=self._errors)
            self.hang_up(replies.TOO_MANY_ERRORS)

    def logged_in(self, identity: Identity, mechanism: str) -> bool:
        """Take up an identity; False if the account has too many connections."""
        if not self.wire.log_in(identity.name):
            return False
        self.identity = identity
        self._log(f"{self.policy.service}-login", user=identity.name, method=mechanism)
        return True

    def _log(self, event: str, level: Level = Level.INFO, **fields: str | int | float | None) -> None:
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

    def _flush(self) -> None:
        if self._out:
            octets = b"".join(self._out)
            self._out.clear()
            self._out_size = 0
            self.wire.write(octets)

    def _close(self) -> None:
        self.closed = True
        self._flush()
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
            self._flush()  # a password's check takes its time; what was said before is not held back by it
            if await self._authentication.answer(line):
                self._authentication = None
            return True
        try:
            utf8 = self._transaction is not None and self._transaction.mail.parameters.smtputf8
            command = commands.read(line, lenient=self.policy.lenient, utf8=utf8, dsn=self._notifies)
            await self._command(command)
        except Refused as refused:
            self.error(refused.reply)
        return True

    async def _command(self, command: commands.Command) -> None:
        match command:
            case commands.Rcpt():
                await self._rcpt(command)
            case commands.Mail():
                await self._mail(command)
            case commands.Data():
                self._data()
            case commands.Bdat():
                self._bdat(command)
            case commands.Hello():
                await self._hello(command)
            case commands.Auth():
                await self._auth(command)
            case commands.Simple(verb):
                await self._simple(verb)

    async def _simple(self, verb: str) -> None:
        match verb:
            case "RSET":
                await self._reset()
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

    async def _reset(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None and transaction.intake is not None:
            await transaction.intake.abort()

    async def _hello(self, command: commands.Hello) -> None:
        if self.policy.lmtp is not (command.verb == "LHLO"):
            raise Refused(replies.UNKNOWN_COMMAND)  # RFC 2033 §4.1
        await self._reset()
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
        await self._reset()
        self.reply(replies.READY_FOR_TLS)
        self._flush()
        # Whatever lies in the buffer came before the handshake and may be an attacker's. RFC 3207 §6.
        self._framer.discard()
        self.greeting = self.helo = ""
        self.identity = None
        self._tls = True
        self.wire.start_tls()

    async def _auth(self, command: commands.Auth) -> None:
        if not self.policy.authenticates:
            raise Refused(replies.UNKNOWN_COMMAND)
        if self.identity is not None or self._transaction is not None:
            raise Refused(replies.BAD_SEQUENCE)  # RFC 4954 §4
        if not self.greeting:
            raise Refused(self._greet_first())
        self._flush()
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

    # The mail transaction.

    async def _mail(self, command: commands.Mail) -> None:
        if not self.greeting:
            raise Refused(self._greet_first())
        if self._transaction is not None:
            raise Refused(replies.NESTED_MAIL)
        size = command.parameters.size
        if size is not None and size > self.house.message_size:
            self._refuse(replies.TOO_BIG, sender=command.sender)
            return
        try:
            await self.policy.check_sender(self, command)
        except Refused as refused:
            self._refuse(refused.reply, sender=command.sender)
            return
        except MailError as error:
            self._refuse(reply_to_recipient(error), sender=command.sender)
            return
        self._transaction = Transaction(command, self.house.make_id())
        self.reply(Reply(250, "2.1.0", "Sender OK"))

    async def _rcpt(self, command: commands.Rcpt) -> None:
        transaction = self._transaction
        if transaction is None or transaction.intake is not None:
            raise Refused(replies.NO_MAIL if transaction is None else replies.BAD_SEQUENCE)
        if len(transaction.recipients) >= self.house.settings.recipients:
            self.reply(replies.TOO_MANY_RECIPIENTS)
            return
        sender, recipient = transaction.mail.sender, command.recipient
        try:
            targets = tuple(await self.policy.targets(self, recipient))
            await self.house.delivery.check_quota(targets, transaction.mail.parameters.size or 0)
        except Refused as refused:
            self._refuse(refused.reply, sender=sender, recipient=recipient)
        except MailError as error:
            if not isinstance(error, OverQuota) and error.detail:
                self._log("recipient-problem", Level.ERROR, recipient=str(recipient), error=error.detail)
            self._refuse(reply_to_recipient(error), sender=sender, recipient=recipient)
        else:
            transaction.recipients.append(Recipient(recipient, targets, command.notify, command.orcpt))
            self.wire.vouch()
            self.reply(Reply(250, "2.1.5", "Recipient OK"))

    def _refuse(self, reply: Reply, *, sender: Address | None, recipient: Address | None = None) -> None:
        """Tell and log that an address or a message is not taken."""
        self._log_refused(
            reply, sender=str(sender or ""), recipient=None if recipient is None else str(recipient)
        )
        if reply.code >= 500 and self.policy.counts_unknown:
            self.error(reply)
        else:
            self.reply(reply)

    def _data(self) -> None:
        transaction = self._ready_for_message()
        if transaction.intake is not None:
            raise Refused(replies.BAD_SEQUENCE)  # DATA after BDAT, RFC 3030 §3
        transaction.intake = intake(self, transaction)
        self.reply(replies.START_MAIL)
        self._in_data = True
        self._framer.begin_data()

    def _ready_for_message(self) -> Transaction:
        if self._transaction is None:
            raise Refused(replies.NO_MAIL)
        if not self._transaction.recipients:
            raise Refused(replies.NO_RECIPIENTS)  # RFC 2033 §4.2 asks for 503
        return self._transaction

    async def _content(self) -> bool:
        """Pass on what has come of DATA's content; False until its end."""
        self._flush()
        content, ended = self._framer.data()
        transaction = self._transaction
        assert transaction is not None and transaction.intake is not None
        if content:
            await transaction.intake.write(content)
        if ended:
            self._in_data = False
            await self._store(transaction, transaction.intake)
        return ended

    def _bdat(self, command: commands.Bdat) -> None:
        """RFC 3030 §2: the octets follow at once, so they are read even where the command is refused."""
        self._chunk = (command.size, command.last)
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            return
        if transaction.intake is None:
            transaction.intake = intake(self, transaction)
        transaction.chunks += 1

    async def _chunk_content(self) -> bool:
        assert self._chunk is not None
        left, last = self._chunk
        octets = self._framer.chunk(left)
        transaction = self._transaction
        intake = transaction.intake if transaction is not None else None
        if octets and intake is not None:
            await intake.write(octets)
        left -= len(octets)
        if left:
            self._chunk = (left, last)
            return False
        self._chunk = None
        if transaction is None or intake is None:
            self.error(replies.NO_MAIL if transaction is None else replies.NO_RECIPIENTS)
        elif last:
            await self._store(transaction, intake)
        elif intake.failure is not None or transaction.chunks > MAX_CHUNKS:
            await self._reset()
            self.error(reply_to(intake.failure) if intake.failure else replies.TOO_BIG)
        else:
            self.reply(Reply(250, "2.0.0", "Chunk OK"))
        return True

    async def _store(self, transaction: Transaction, intake: Intake) -> None:
        """The message is complete: store it, and answer. RFC 5321 §4.1.1.4, RFC 2033 §4.2."""
        self._transaction = None
        good = Reply(250, "2.0.0", f"OK, stored as {transaction.id}")
        try:
            outcomes = await intake.finish()
        except (MailError, Refused) as error:
            reply = reply_to(error)
            self._log_refused(reply, sender=transaction.sender, recipients=len(transaction.recipients))
            for _ in transaction.recipients if self.policy.lmtp else (None,):
                self.reply(reply)
            return
        answers = transaction.answers(outcomes, good)
        if not self.policy.lmtp:
            answers = [(combined([answer for answer, _ in answers], good), outcomes)]
        for answer, about in answers:
            if self.gone or not answer.positive:
                intake.not_told(about)
            self.reply(answer)
        self._errors = 0

    def _log_refused(self, reply: Reply, **about: str | int | None) -> None:
        self._log(
            "refused",
            Level.INFO,
            code=reply.code,
            reason=f"{reply.enhanced} {reply.text}",
            user=self.identity.name if self.identity else None,
            **about,
        )
