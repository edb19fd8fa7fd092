"""Ports 587 and 465: mail from our accounts' own clients (RFC 6409).

AUTH is demanded before MAIL, the sender address must be the account's, Date and Message-ID are added
where they are missing, and Bcc is taken out. Mail for other domains goes into the queue, or is refused without a relay.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mailaccess.auth.api import Identity
from mailaccess.delivery.api import (
    AliasProblem,
    Destination,
    ForeignRecipient,
    Onward,
    Target,
    UnknownRecipient,
)
from mailaccess.delivery.caps import Caps
from mailaccess.proto.smtp import replies
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.commands import Mail
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.header import completed
from mailaccess.smtp.policy import Policy
from mailaccess.smtp.trace import date_time

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session

NOT_YOURS = Reply(553, "5.7.1", "The sender address does not belong to the account you are logged in as")
NO_RELAY = Reply(
    550, "5.7.1", "This server delivers to its own domains only; it cannot send mail to other domains yet"
)


class Submission(Policy):
    """The policy of ``listen.submission`` and ``listen.submissions``.

    caps: how much an account may send to other domains; None: as much as it likes.
    """

    caps: Caps | None = None

    service = "submission"
    authenticates = True
    lenient = True
    notifies = True

    async def check_sender(self, session: "Session", mail: Mail) -> None:
        """Who is logged in may send as any address whose mail reaches that account alone.

        That is the account's own, with or without a detail, and aliases of it. The null sender is for
        read receipts (RFC 8098 §3).  Raises Refused.
        """
        if session.identity is None:
            raise Refused(replies.AUTH_REQUIRED if session.may_use_passwords else replies.STARTTLS_FIRST)
        if mail.sender is None:
            return
        try:
            owners = await self.house.recipients.resolve(mail.sender)
        except (UnknownRecipient, ForeignRecipient, AliasProblem):
            raise Refused(NOT_YOURS) from None
        names = {owner.identity.name if isinstance(owner, Target) else "" for owner in owners}
        if names != {session.identity.name}:
            raise Refused(NOT_YOURS)

    async def targets(self, session: "Session", recipient: Address) -> Sequence[Destination]:
        """As for all; addresses of other domains go onward where there is a relay."""
        if not recipient.literal and not self.house.recipients.is_local(recipient):
            if not self.house.recipients.relays:
                raise Refused(NO_RELAY)
            found: Sequence[Destination] = (Onward(recipient),)
        else:
            found = await super().targets(session, recipient)
        if self.caps is not None and session.identity is not None:
            leaving = sum(isinstance(target, Onward) for target in found)
            if leaving:
                self._count(self.caps, session.identity.name, leaving, first=not session.leaves)
        return found

    @staticmethod
    def _count(caps: Caps, name: str, recipients: int, *, first: bool) -> None:
        """Raises Refused where the account has sent enough."""
        cap = caps.take(name, messages=int(first), recipients=recipients)
        if cap is not None:
            text = f"Your account may send {cap} to other domains; try again later"
            raise Refused(Reply(450 if cap.what == "messages" else 452, "4.7.1", text))

    def editor(self, identity: Identity | None) -> Callable[[bytes], bytes] | None:
        """Date, Message-ID, Bcc. RFC 6409 §8."""
        house = self.house

        def edit(header: bytes) -> bytes:
            message_id = f"{house.make_id()}.{house.make_id()}@{house.hostname}"
            return completed(header, date=date_time(house.now()), message_id=message_id)

        return edit
