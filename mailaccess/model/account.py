"""Where an account lives and what it may use: what authentication hands to the store."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class QuotaLimit:
    """What an account may hold; None is no limit. RFC 9208 §5."""

    storage: int | None = None  # octets
    messages: int | None = None
    mailboxes: int | None = None


@dataclass(frozen=True, slots=True)
class AccountLocation:
    """An account on disk.

    name: lower case, with its domain.  maildir: the Maildir++ folder.  index: the disposable index's folder.
    uid, gid: the owner that files get when the server runs as root; None keeps the server's own.
    shared: nobody's: a namespace of mailboxes for all (``sharing.public``), in which none is made by itself.
    """

    name: str
    home: Path
    maildir: Path
    index: Path
    uid: int | None = None
    gid: int | None = None
    quota: QuotaLimit = QuotaLimit()
    shared: bool = False
