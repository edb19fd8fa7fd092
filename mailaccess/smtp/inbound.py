"""Port 25: mail from other servers, for addresses of our domains, from anybody and without AUTH.

Nothing is relayed, in any form: a foreign domain, an address literal, a source route to elsewhere and
``user%elsewhere@ours`` all end in 550, because every recipient must be an address of ours. Where an alias of
ours leads elsewhere, that is the operator's word, not the sender's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailaccess.delivery.api import Destination
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.smtp.policy import Policy

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session


class Inbound(Policy):
    """The policy of ``listen.smtp``."""

    service = "smtp"

    async def targets(self, session: "Session", recipient: Address) -> Sequence[Destination]:
        """As for all; a bare name is taken for ``<postmaster>`` only. RFC 5321 §4.5.1."""
        if not recipient.domain and recipient.local.lower() != "postmaster":
            raise Refused(Reply(501, "5.1.3", "Bad address: the domain is missing"))
        return await super().targets(session, recipient)
