"""Errors of the engines to replies: one table (RFC 3463, RFC 4954 §6)."""

from typing import Final

from mailaccess.auth.api import Cancelled, Malformed, UnknownMechanism
from mailaccess.delivery.api import AliasProblem, ForeignRecipient, UnknownRecipient
from mailaccess.model import errors
from mailaccess.model.errors import MailError
from mailaccess.proto.smtp import replies
from mailaccess.proto.smtp.replies import Reply

_REPLIES: Final[dict[type[Exception], Reply]] = {
    UnknownRecipient: replies.NO_USER,
    AliasProblem: replies.MISCONFIGURED,
    errors.TooBig: replies.TOO_BIG,
    errors.OverQuota: replies.OVER_QUOTA,
    errors.StorageFull: replies.STORAGE_FULL,
    errors.AuthenticationFailed: replies.AUTH_FAILED,
    errors.AuthorizationFailed: Reply(535, "5.7.8", errors.AuthorizationFailed.default),
    errors.AuthenticationUnavailable: replies.AUTH_UNAVAILABLE,
    UnknownMechanism: replies.AUTH_UNKNOWN,
    Cancelled: replies.AUTH_CANCELLED,
}


def reply_to(error: Exception) -> Reply:
    """The reply that ``error`` is told with; what is not in the table is a temporary failure."""
    if isinstance(error, replies.Refused):
        return error.reply
    known = _REPLIES.get(type(error))
    if known is not None:
        return known
    if isinstance(error, ForeignRecipient):
        text = str(error)
        return replies.NO_RELAY if text == ForeignRecipient.default else Reply(550, "5.7.1", text)
    if isinstance(error, Malformed):
        return Reply(501, "5.5.2", str(error))
    return replies.TEMPORARY


def reply_to_recipient(error: MailError) -> Reply:
    """As ``reply_to``, where the passdb was asked about a recipient and not for a login."""
    if isinstance(error, errors.AuthenticationUnavailable):
        return replies.TEMPORARY
    return reply_to(error)


def combined(answers: list[Reply], good: Reply) -> Reply:
    """One reply for all recipients: good if all are; one that asks to try again before a final one."""
    bad = [answer for answer in answers if not answer.positive]
    if not bad:
        return good
    if len(bad) < len(answers):
        # Some copies are stored. A final reply would have the sender tell its user that nothing arrived.
        return next((answer for answer in bad if answer.code < 500), replies.TEMPORARY)
    return next((answer for answer in bad if answer.code < 500), bad[0])
