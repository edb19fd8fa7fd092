"""The copies of a message that go to other domains: one message in the queue for all of them.

They count as delivered when the queue has the message on disk. Their Received field names no recipient, as they
share it (RFC 5321 §7.2: nobody is to learn of another recipient from it).
"""

from collections.abc import Sequence

from mailaccess.delivery.api import Delivered, Drop, Envelope, Onward
from mailaccess.model.errors import MailError
from mailaccess.observe.events import EventLog
from mailaccess.spool.envelope import DELIVERED, Recipient
from mailaccess.spool.spool import Incoming, Spool


class Outgoing:
    """One message on its way into the queue. ``write`` its octets, then ``commit``; or ``discard`` at any time.

    drops: those that may be in it; one at least.
    """

    def __init__(self, spool: Spool, drops: Sequence[Drop], envelope: Envelope, log: EventLog) -> None:
        self._spool = spool
        self._drops = tuple(drops)
        self._envelope = envelope
        self._log = log
        self._incoming: Incoming | None = None
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Raises TemporaryFailure."""
        if self._incoming is None:
            self._incoming = self._spool.begin()
            data = self._drops[0].trace + data
        self._size += len(data)
        await self._incoming.write(data)

    async def commit(self, drops: Sequence[Drop], delivered: Sequence[Drop], message_id: str) -> Delivered:
        """Queue it for these of the drops. Raises TemporaryFailure.

        delivered: in a mailbox already; the sender is told so.
        """
        if self._incoming is None:
            await self.write(b"")
        incoming, self._incoming = self._incoming, None
        assert incoming is not None
        recipients = {
            address(drop): Recipient(address(drop), notify=drop.notify, orcpt=drop.orcpt) for drop in drops
        }
        for drop in delivered:
            done = Recipient(drop.recipient, DELIVERED, "2.1.5", notify=drop.notify, orcpt=drop.orcpt)
            recipients.setdefault(drop.recipient, done)
        envelope = self._envelope
        try:
            queued = await incoming.commit(
                envelope.return_path or "",
                tuple(recipients.values()),
                owner=envelope.owner,
                smtputf8=envelope.smtputf8,
                ret=envelope.ret,
                envid=envelope.envid,
            )
        except MailError:
            await incoming.discard()
            raise
        self._log.log(
            "queued",
            queue_id=queued.id,
            user=envelope.owner or None,
            sender=envelope.return_path,
            recipients=len(recipients),
            size=queued.size,
            message_id=message_id or None,
            service=envelope.service,
            session=envelope.session or None,
            rip=envelope.rip or None,
        )
        return Delivered("", "", 0, queued.size, queued=queued.id)

    async def discard(self) -> None:
        """Forget it; harmless after ``commit``."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            await incoming.discard()


def address(drop: Drop) -> str:
    """Where the copy goes."""
    assert isinstance(drop.target, Onward)
    return str(drop.target.address)
