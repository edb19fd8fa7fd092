"""Errors to answers: one table (RFC 9051 §7.1, RFC 5530 §3).

Engines raise the classes of ``model.errors``, whose text is safe for clients; handlers raise ``Refusal`` for
what only the protocol knows. Anything else is a bug of ours: the client gets NO [SERVERBUG] with a reference,
the log the whole under the same reference, and the connection lives on.
"""

import secrets
import traceback
from typing import Final

from mailaccess.auth.api import Cancelled, Malformed, UnknownMechanism
from mailaccess.imap.view import BadNumber
from mailaccess.model import errors
from mailaccess.observe.events import EventLog, Level
from mailaccess.proto.imap import responses as r

MAX_TRACE: Final = 8000
"""Characters of a traceback in the log: recursion must not write megabytes."""


class Refusal(Exception):
    """A handler's own answer, said at once: NO or BAD."""

    def __init__(self, status: r.Status) -> None:
        super().__init__(status.text)
        self.status = status


def no(text: str, code: r.Code | None = None) -> Refusal:
    """A tagged NO, to be raised."""
    return Refusal(r.No(text, code))


def bad(text: str, code: r.Code | None = None) -> Refusal:
    """A tagged BAD, to be raised."""
    return Refusal(r.Bad(text, code))


_CODES: Final[tuple[tuple[type[errors.MailError], r.Code | None], ...]] = (
    (errors.NoSuchMailbox, r.NONEXISTENT),
    (errors.MailboxExists, r.ALREADYEXISTS),
    (errors.BadMailboxName, r.CANNOT),
    (errors.MailboxNotSelectable, r.CANNOT),
    (errors.MailboxHasChildren, r.HASCHILDREN),
    (errors.MailboxGone, r.NONEXISTENT),
    (errors.NotPermitted, r.NOPERM),
    (errors.NoSuchMessage, r.EXPUNGEISSUED),
    (errors.TooBig, r.TOOBIG),
    (errors.OverQuota, r.OVERQUOTA),
    (errors.SearchTooLarge, r.LIMIT),
    (errors.LimitReached, r.LIMIT),
    (errors.UseAttribute, r.USEATTR),
    (errors.InUse, r.INUSE),
    (errors.TemporaryFailure, r.UNAVAILABLE),
    (errors.AuthenticationFailed, r.AUTHENTICATIONFAILED),
    (errors.AccountDisabled, r.CONTACTADMIN),
    (errors.AuthorizationFailed, r.AUTHORIZATIONFAILED),
    (errors.AuthenticationUnavailable, r.UNAVAILABLE),
    (UnknownMechanism, r.CANNOT),
)


def answer(error: Exception, log: EventLog, **context: str) -> r.Status:
    """The status to complete a command with that ended in ``error``. ``context`` goes to the log."""
    match error:
        case Refusal():
            return error.status
        case BadNumber():
            return r.Bad("There is no message of that number")
        case Malformed() | Cancelled():
            return r.Bad(str(error))
        case errors.MailError():
            if error.detail:
                log.log("imap-command-failed", Level.WARNING, error=error.detail, **context)
            for kind, code in _CODES:
                if isinstance(error, kind):
                    return r.No(str(error), code)
            return r.No(str(error))
    reference = secrets.token_hex(4)
    trace = "".join(traceback.format_exception(error))[-MAX_TRACE:]
    log.log("imap-server-bug", Level.ERROR, reference=reference, error=trace, **context)
    return r.No(f"Internal error, the administrator finds it in the log as {reference}", r.SERVERBUG)
