"""A mail transaction: what MAIL and RCPT said, the copies that follow, and a reply for each recipient.

RFC 5321 §3.3.  The session fills it command by command; nothing here waits or writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailaccess.delivery.api import Destination, Drop, Onward, Outcome
from mailaccess.proto.smtp import commands
from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.replies import Reply
from mailaccess.smtp.answers import combined, reply_to_recipient
from mailaccess.smtp.receiving import Intake
from mailaccess.smtp.trace import Arrival, received


@dataclass(frozen=True, slots=True)
class Recipient:
    """An accepted RCPT. targets: the accounts (or addresses elsewhere) behind it.

    notify, orcpt: RFC 3461 §4.1, §4.2.
    """

    address: Address
    targets: tuple[Destination, ...]
    notify: tuple[str, ...] = ()
    orcpt: str = ""


@dataclass(slots=True)
class Transaction:
    """From MAIL to the end of the message.

    id: the message's, in Received, the reply and the log.  intake: from DATA or the first BDAT on.
    chunks: BDAT chunks so far; 0 where DATA is used.
    """

    mail: commands.Mail
    id: str
    recipients: list[Recipient] = field(default_factory=list)
    intake: Intake | None = None
    chunks: int = 0

    @property
    def sender(self) -> str:
        """The reverse-path without brackets, "" for the null one."""
        return "" if self.mail.sender is None else str(self.mail.sender)

    def drops(self, arrival: Arrival) -> list[Drop]:
        """A copy for each target of each recipient, in order, with a Received field that names only it.

        A wish to hear of success goes with one copy of an alias's: one notice for one recipient. RFC 3461 §5.2.7.3.
        """
        return [
            Drop(
                target,
                str(recipient.address),
                received(arrival, None if isinstance(target, Onward) else recipient.address),
                recipient.notify if number == 0 else _without_success(recipient.notify),
                recipient.orcpt,
            )
            for recipient in self.recipients
            for number, target in enumerate(recipient.targets)
        ]

    def answers(self, outcomes: Sequence[Outcome], good: Reply) -> list[tuple[Reply, list[Outcome]]]:
        """For each recipient its reply and its targets' outcomes. outcomes: in the order of ``drops``."""
        found = []
        place = 0
        for recipient in self.recipients:
            mine = list(outcomes[place : place + len(recipient.targets)])
            place += len(recipient.targets)
            replies = [good if one.error is None else reply_to_recipient(one.error) for one in mine]
            found.append((combined(replies, good), mine))
        return found


def _without_success(notify: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(word for word in notify if word != "SUCCESS")
    return kept if kept or not notify else ("NEVER",)
