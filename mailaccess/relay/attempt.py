"""One try: what a conversation with one of the destination's hosts makes of each recipient.

What the host says of a recipient counts. A server that breaks off, refuses the connection or asks to come back later
leads to another host or another try, never to a bounce.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from mailaccess.proto.smtp.address import BadAddress, domain_key
from mailaccess.proto.smtp.address import parse as parse_address
from mailaccess.relay.answer import Answer
from mailaccess.relay.client import AT_ONCE, Parcel, To
from mailaccess.relay.dialer import Open
from mailaccess.relay.verdict import Verdict
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, Envelope, Recipient


@dataclass(frozen=True, slots=True)
class Delivered:
    """verdicts: one a recipient, in order.  turned_away: the host did not even take the sender, for now."""

    verdicts: list[Verdict]
    turned_away: bool = False


async def deliver(
    conversation: Open,
    envelope: Envelope,
    recipients: Sequence[Recipient],
    body: Callable[[], AsyncIterator[bytes]],
) -> Delivered:
    """Send the message to these recipients."""
    connection, where = conversation.connection, conversation.where
    unfit = _unfit(connection.offered, envelope)
    if unfit is not None:
        return Delivered([Verdict(FAILED, unfit[0], unfit[1], where)] * len(recipients))
    parcel = Parcel(
        _wire(envelope.sender),
        envelope.size,
        eight_bit=envelope.eight_bit,
        utf8=envelope.utf8,
        ret=envelope.ret,
        envid=envelope.envid,
    )
    dsn = "DSN" in connection.offered
    verdicts: list[Verdict] = []
    for start in range(0, len(recipients), AT_ONCE):
        batch = recipients[start : start + AT_ONCE]
        if verdicts and not connection.usable:
            verdicts += [Verdict(WAITING, "4.4.2", "The server closed the connection", where)] * len(batch)
            continue
        to = [To(_wire(each.address), each.notify, each.orcpt) for each in batch]
        answers = await connection.send(parcel, to, body())
        if connection.turned_away and not verdicts:
            return Delivered([_verdict(answers[0], where, dsn)] * len(recipients), True)
        verdicts += [_verdict(answer, where, dsn) for answer in answers]
    return Delivered(verdicts)


def _verdict(answer: Answer, where: str, dsn: bool) -> Verdict:
    state = DELIVERED if answer.ok else FAILED if answer.permanent else WAITING
    return Verdict(state, answer.status, str(answer).replace("\n", " "), where, dsn)


def _unfit(offered: dict[str, str], envelope: Envelope) -> tuple[str, str] | None:
    """What the message needs and the other side lacks: status and text."""
    size = offered.get("SIZE", "")
    if size.isascii() and size.isdigit() and 0 < int(size[:20]) < envelope.size:
        text = f"The message has {envelope.size} octets, and the server takes {size} at most"
        return "5.3.4", text
    if envelope.utf8 and "SMTPUTF8" not in offered:
        return (
            "5.6.7",
            "The message has an internationalized address or header, and the server lacks SMTPUTF8",
        )
    if envelope.eight_bit and "8BITMIME" not in offered:
        return "5.6.3", "The message has 8-bit content, and the server lacks 8BITMIME"
    return None


def _wire(address: str) -> str:
    """The address as it is sent: a non-ASCII domain becomes A-labels, which every server understands."""
    if address.isascii():
        return address
    try:
        parsed = parse_address(address)
    except BadAddress:
        return address
    local = address.rpartition("@")[0]
    return f"{local}@{domain_key(parsed.domain)}" if local.isascii() else address
