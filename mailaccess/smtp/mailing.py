"""The mail transactions of one session: MAIL, RCPT, then the content by DATA or BDAT, and what became of it.

RFC 5321 §3.3, RFC 3030 §2. The session hands over the commands, and while ``receives`` says so the octets that come in.
A command that cannot be is refused by ``Refused``, which the session counts as the client's mistake.
"""

from typing import TYPE_CHECKING, Final

from mailaccess.delivery.api import Onward
from mailaccess.model.errors import MailError, OverQuota
from mailaccess.observe.events import Level
from mailaccess.proto.smtp import commands, replies
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.framing import Framer
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.accepting import intake
from mailaccess.smtp.answers import combined, reply_to, reply_to_recipient
from mailaccess.smtp.receiving import Intake
from mailaccess.smtp.transaction import Recipient, Transaction

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session

MAX_CHUNKS: Final = 100_000
"""BDAT chunks of one message: a client that sends it octet by octet costs more than the message is worth."""


class Mailing:
    """framer: the session's, which holds what has come in."""

    def __init__(self, session: "Session", framer: Framer) -> None:
        self._session = session
        self._framer = framer
        self._transaction: Transaction | None = None
        self._in_data = False
        self._chunk: tuple[int, bool] | None = None  # octets of a BDAT chunk still to come; is it LAST?

    @property
    def under_way(self) -> bool:
        """MAIL was said, and the message has not come yet."""
        return self._transaction is not None

    @property
    def receives(self) -> bool:
        """What comes in is content, not commands."""
        return self._in_data or self._chunk is not None

    @property
    def utf8(self) -> bool:
        """Whether addresses may be in UTF-8. RFC 6531 §3.4."""
        return self._transaction is not None and self._transaction.mail.parameters.smtputf8

    @property
    def sender(self) -> Address | None:
        """The reverse-path of the message under way; None for the null one."""
        return None if self._transaction is None else self._transaction.mail.sender

    @property
    def leaves(self) -> bool:
        """Whether the message under way goes to another domain already."""
        recipients = () if self._transaction is None else self._transaction.recipients
        return any(isinstance(target, Onward) for each in recipients for target in each.targets)

    async def reset(self) -> None:
        """Let go of the transaction, and of what has come of its message."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None and transaction.intake is not None:
            await transaction.intake.abort()

    async def receive(self) -> bool:
        """Take in content that has come; False if more is needed."""
        return await (self._content() if self._in_data else self._chunk_content())

    async def mail(self, command: commands.Mail) -> None:
        """RFC 5321 §4.1.1.2; also a refused sender is answered here."""
        session = self._session
        if self._transaction is not None:
            raise Refused(replies.NESTED_MAIL)
        size = command.parameters.size
        if size is not None and size > session.house.message_size:
            self._refuse(replies.TOO_BIG, sender=command.sender)
            return
        try:
            await session.policy.check_sender(session, command)
        except Refused as refused:
            self._refuse(refused.reply, sender=command.sender)
            return
        except MailError as error:
            self._refuse(reply_to_recipient(error), sender=command.sender)
            return
        self._transaction = Transaction(command, session.house.make_id())
        session.reply(Reply(250, "2.1.0", "Sender OK"))

    async def rcpt(self, command: commands.Rcpt) -> None:
        """RFC 5321 §4.1.1.3."""
        session = self._session
        transaction = self._transaction
        if transaction is None or transaction.intake is not None:
            raise Refused(replies.NO_MAIL if transaction is None else replies.BAD_SEQUENCE)
        if len(transaction.recipients) >= session.house.settings.recipients:
            session.reply(replies.TOO_MANY_RECIPIENTS)
            return
        sender, recipient = transaction.mail.sender, command.recipient
        try:
            targets = tuple(await session.policy.targets(session, recipient))
            await session.house.delivery.check_quota(targets, transaction.mail.parameters.size or 0)
        except Refused as refused:
            self._refuse(refused.reply, sender=sender, recipient=recipient)
        except MailError as error:
            if not isinstance(error, OverQuota) and error.detail:
                session.log("recipient-problem", Level.ERROR, recipient=str(recipient), error=error.detail)
            self._refuse(reply_to_recipient(error), sender=sender, recipient=recipient)
        else:
            transaction.recipients.append(Recipient(recipient, targets, command.notify, command.orcpt))
            session.wire.vouch()
            session.reply(Reply(250, "2.1.5", "Recipient OK"))

    def _refuse(self, reply: Reply, *, sender: Address | None, recipient: Address | None = None) -> None:
        """Tell and log that an address or a message is not taken."""
        session = self._session
        self._log_refused(
            reply, sender=str(sender or ""), recipient=None if recipient is None else str(recipient)
        )
        if reply.code >= 500 and session.policy.counts_unknown:
            session.error(reply)
        else:
            session.reply(reply)

    def data(self) -> None:
        """RFC 5321 §4.1.1.4: the content follows."""
        transaction = self._ready_for_message()
        if transaction.intake is not None:
            raise Refused(replies.BAD_SEQUENCE)  # DATA after BDAT, RFC 3030 §3
        transaction.intake = intake(self._session, transaction)
        self._session.reply(replies.START_MAIL)
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
        self._session.flush()
        content, ended = self._framer.data()
        transaction = self._transaction
        assert transaction is not None and transaction.intake is not None
        if content:
            await transaction.intake.write(content)
        if ended:
            self._in_data = False
            await self._store(transaction, transaction.intake)
        return ended

    def bdat(self, command: commands.Bdat) -> None:
        """RFC 3030 §2: the octets follow at once, so they are read even where the command is refused."""
        self._chunk = (command.size, command.last)
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            return
        if transaction.intake is None:
            transaction.intake = intake(self._session, transaction)
        transaction.chunks += 1

    async def _chunk_content(self) -> bool:
        session = self._session
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
            session.error(replies.NO_MAIL if transaction is None else replies.NO_RECIPIENTS)
        elif last:
            await self._store(transaction, intake)
        elif intake.failure is not None or transaction.chunks > MAX_CHUNKS:
            await self.reset()
            session.error(reply_to(intake.failure) if intake.failure else replies.TOO_BIG)
        else:
            session.reply(Reply(250, "2.0.0", "Chunk OK"))
        return True

    async def _store(self, transaction: Transaction, intake: Intake) -> None:
        """The message is complete: store it, and answer. RFC 5321 §4.1.1.4, RFC 2033 §4.2."""
        session = self._session
        self._transaction = None
        good = Reply(250, "2.0.0", f"OK, stored as {transaction.id}")
        try:
            outcomes = await intake.finish()
        except (MailError, Refused) as error:
            reply = reply_to(error)
            self._log_refused(reply, sender=transaction.sender, recipients=len(transaction.recipients))
            for _ in transaction.recipients if session.policy.lmtp else (None,):
                session.reply(reply)
            return
        answers = transaction.answers(outcomes, good)
        if not session.policy.lmtp:
            answers = [(combined([answer for answer, _ in answers], good), outcomes)]
        for answer, about in answers:
            if session.gone or not answer.positive:
                intake.not_told(about)
            session.reply(answer)
        session.forgive()

    def _log_refused(self, reply: Reply, **about: str | int | None) -> None:
        session = self._session
        session.log(
            "refused",
            Level.INFO,
            code=reply.code,
            reason=f"{reply.enhanced} {reply.text}",
            user=session.identity.name if session.identity else None,
            **about,
        )
