"""Port 25: mail from other servers, for addresses of our domains, from anybody and without AUTH.

Nothing is relayed, in any form: a foreign domain, an address literal, a source route to elsewhere and
``user%elsewhere@ours`` all end in 550, because every recipient must be an address of ours. Where an alias of
ours leads elsewhere, that is the operator's word, not the sender's; and the senders of what went that way, which
are rewritten (``delivery.srs``), take bounces only.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailaccess.delivery.api import Destination
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.policy import Policy

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session

NOT_A_BOUNCE = Reply(550, "5.7.1", "That address takes only bounces of what was forwarded")


class Inbound(Policy):
    """The policy of ``listen.smtp``."""

    service = "smtp"

    async def targets(self, session: "Session", recipient: Address) -> Sequence[Destination]:
        """As for all; a bare name is taken for ``<postmaster>`` only. RFC 5321 §4.5.1."""
        if not recipient.domain and recipient.local.lower() != "postmaster":
            raise Refused(Reply(501, "5.1.3", "Bad address: the domain is missing"))
        recipients = self.house.recipients
        if recipients.rewriting is not None and session.sender is not None:
            if recipients.is_local(recipient) and recipients.rewritten(recipient) is not None:
                raise Refused(NOT_A_BOUNCE)
        return await super().targets(session, recipient)
