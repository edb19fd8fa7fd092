"""What inbound, submission and LMTP have in common; each changes what differs in its own file."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mailaccess.auth.api import Identity
from mailaccess.delivery.api import Destination
from mailaccess.proto.smtp import replies
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.commands import Mail
from mailaccess.screening.chain import Screening
from mailaccess.screening.signing import Signer
from mailaccess.smtp.house import House

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session


class Policy:
    """What may be done on a connection, and how the message is treated. One object serves all connections.

    service: for the log and for throttling.  lmtp: LHLO, and a reply for each recipient (RFC 2033).
    authenticates: AUTH is offered.  lenient: clients' mistakes in paths are read.
    notifies: DSN is offered (RFC 3461).
    screening: looks at messages before they are taken.  signer: signs them.  None: as they come, and at once.
    counts_unknown: an unknown recipient counts as an error of the peer (it tries out names).
    """

    service = "smtp"
    lmtp = False
    authenticates = False
    lenient = False
    notifies = False
    counts_unknown = True

    def __init__(
        self, house: House, *, screening: Screening | None = None, signer: Signer | None = None
    ) -> None:
        self.house = house
        self.screening = screening
        self.signer = signer

    async def check_sender(self, session: "Session", mail: Mail) -> None:
        """Raises Refused."""

    async def targets(self, session: "Session", recipient: Address) -> Sequence[Destination]:
        """The accounts behind a recipient. Raises Refused and what ``Recipients.resolve`` raises."""
        if recipient.literal:
            raise replies.Refused(replies.NO_LITERALS)
        return await self.house.recipients.resolve(recipient)

    def editor(self, identity: Identity | None) -> Callable[[bytes], bytes] | None:
        """What is done to the header; None is nothing."""
        return None
