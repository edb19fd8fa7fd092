"""What an engine may raise: a class for each kind of failure.

``str(error)`` is safe to show to a client: a sentence without paths, exception text or other
accounts' names. ``detail`` is for the log only. Each room's ``answers`` maps the classes to its
protocol's codes (RFC 5530 for IMAP, RFC 2449 and RFC 3206 for POP3, RFC 3463 for SMTP).
"""

from errno import EDQUOT, EFBIG, ENOSPC


class MailError(Exception):
    """Base of all; ``public`` is for the client, ``detail`` for the log."""

    default = "The request could not be carried out"

    def __init__(self, public: str = "", detail: str = "") -> None:
        super().__init__(public or self.default)
        self.detail = detail


class NoSuchMailbox(MailError):
    default = "There is no such mailbox"


class MailboxExists(MailError):
    default = "There is already a mailbox of that name"


class BadMailboxName(MailError):
    """The name cannot be a mailbox (``names.problem`` says why), or cannot be changed that way."""

    default = "That is not a possible mailbox name"


class MailboxNotSelectable(MailError):
    """A \\Noselect name: it stands in the hierarchy but holds no messages."""

    default = "That name holds other mailboxes, not messages"


class MailboxHasChildren(MailError):
    default = "The mailbox has mailboxes below it"


class MailboxGone(MailError):
    """An open mailbox was deleted, or its UIDVALIDITY changed, behind the session's back."""

    default = "The mailbox was deleted"


class NoSuchMessage(MailError):
    """The message was expunged meanwhile."""

    default = "The message is gone"


class TooBig(MailError):
    default = "The message is too large"


class OverQuota(MailError):
    default = "The account's quota is used up"


class LimitReached(MailError):
    """A bound of ours: too many keywords, mailboxes, connections."""

    default = "A limit of this server was reached"


class UseAttribute(MailError):
    """The special use asked for cannot be had. RFC 6154 §3 (USEATTR)."""

    default = "That special use is not possible"


class InUse(MailError):
    """Another session holds a lock (POP3). RFC 2449 §8.1.1."""

    default = "The mailbox is in use by another session"


class TemporaryFailure(MailError):
    """Try again later: disk full, I/O error, a busy index, an engine that stops."""

    default = "Temporary failure, please try again later"


class StorageFull(TemporaryFailure):
    """The disk, or what the operating system lets us have of it, is used up. RFC 3463 §3.4 (4.3.1)."""

    default = "The server's storage is full, please try again later"


def disk_failure(error: Exception, detail: str = "") -> TemporaryFailure:
    """What an engine raises for what the operating system or a library told. detail: for the log."""
    if isinstance(error, OSError):
        is_full = error.errno in (ENOSPC, EDQUOT, EFBIG)
    else:
        is_full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    return (StorageFull if is_full else TemporaryFailure)(detail=detail or repr(error))


class NotPermitted(MailError):
    """A right on the mailbox is missing, which the client may know to exist. RFC 5530 §3 (NOPERM)."""

    default = "You do not have the right to do that"


class AuthenticationFailed(MailError):
    """Wrong name or password; never says which. RFC 5530 §3 (AUTHENTICATIONFAILED).

    user: the name that was tried, for the log of a program that asked on somebody's behalf; may be "".
    """

    default = "Authentication failed"

    def __init__(self, public: str = "", detail: str = "", user: str = "") -> None:
        super().__init__(public, detail)
        self.user = user


class AuthorizationFailed(MailError):
    """Right password, but this login is not allowed (another identity, disabled account, foreign network)."""

    default = "This login is not allowed"


class AccountDisabled(AuthorizationFailed):
    """The account may not log in at present, though it exists and the password is right."""


class AuthenticationUnavailable(MailError):
    """The passdb could not be asked. RFC 5530 §3 (UNAVAILABLE), RFC 3206 §4 (SYS/TEMP)."""

    default = "Authentication is not available at the moment"


class SearchTooLarge(LimitReached):
    default = "The search is too large"
