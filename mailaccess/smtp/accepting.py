"""What becomes of a transaction when its message begins to come in: trace, envelope, screening, delivery."""

from typing import TYPE_CHECKING

from mailaccess.delivery.api import Envelope
from mailaccess.delivery.local import Delivery
from mailaccess.smtp.receiving import Intake
from mailaccess.smtp.screened import About, Screened
from mailaccess.smtp.trace import Arrival
from mailaccess.smtp.transaction import Transaction

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session


def intake(session: "Session", transaction: Transaction) -> Intake:
    """Where the octets of DATA or BDAT go."""
    house = session.house
    parameters = transaction.mail.parameters
    arrival = Arrival(
        greeting=session.greeting,
        helo=session.helo,
        address=session.client.address,
        hostname=house.hostname,
        message_id=transaction.id,
        when=house.now(),
        tls=session.tls,
        authenticated=session.identity is not None,
        smtputf8=parameters.smtputf8,
    )
    envelope = Envelope(
        return_path=transaction.sender,
        service=session.policy.service,
        session=session.id,
        rip=session.client.address,
        owner=session.identity.name if session.identity else "",
        smtputf8=parameters.smtputf8,
        ret=parameters.ret,
        envid=parameters.envid,
    )
    return Intake(
        _delivery(session, transaction, arrival, envelope),
        limit=house.message_size,
        max_hops=house.settings.hops,
        edit=session.policy.editor(session.identity),
    )


def _delivery(
    session: "Session", transaction: Transaction, arrival: Arrival, envelope: Envelope
) -> Delivery | Screened:
    policy, delivery = session.policy, session.house.delivery
    drops = transaction.drops(arrival)
    if policy.screening is None and policy.signer is None:
        return delivery.begin(drops, envelope)
    recipients = tuple(str(each.address) for each in transaction.recipients)
    about = About(recipients, session.helo, transaction.id)
    return Screened(delivery, drops, envelope, about, policy.screening, policy.signer)
