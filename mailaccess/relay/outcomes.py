"""What a verdict, the end of a round, or the end of all patience make of an envelope. Plain values."""

from dataclasses import replace

from mailaccess.relay import dsn
from mailaccess.relay.verdict import Verdict
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, Attempt, Envelope, Recipient
from mailaccess.spool.schedule import retry_after


def after(recipient: Recipient, verdict: Verdict | None, now: float, envelope: Envelope) -> Recipient:
    """The recipient after a verdict; one that was settled meanwhile stays as it is."""
    if verdict is None or recipient.state != WAITING:
        return recipient
    after = recipient.after(verdict.state, verdict.status, Attempt(now, verdict.text, verdict.host))
    if verdict.state == DELIVERED:
        after = replace(after, relayed=True, reported=verdict.dsn)
    if verdict.state != WAITING and not after.reported:
        alone = replace(envelope, recipients=(after,))
        after = replace(after, reported=not dsn.due(alone))
    return after


def give_up(recipient: Recipient, now: float) -> Recipient:
    """The recipient after its time is over. RFC 3463 §3.5 (5.4.7)."""
    last = recipient.history[-1] if recipient.history else None
    text = "It could not be delivered in time" + (f"; the last problem was: {last.text}" if last else "")
    return recipient.after(FAILED, "5.4.7", Attempt(now, text, last.host if last else ""))


def next_round(envelope: Envelope, now: float, first: float, longest: float) -> Envelope:
    """The envelope after all its destinations had their try. first, longest: seconds, as ``retry_after`` has them."""
    attempts = envelope.attempts + 1
    return replace(envelope, attempts=attempts, due=now + retry_after(attempts, first, longest))
