"""Commands on mailboxes as a whole (RFC 9051 §6.3, §6.4.1, §6.4.2; RFC 2342; RFC 3691; RFC 6154; RFC 7162).

Mailbox names are ``str`` of Unicode with ``/`` between levels, in the canonical form of
``model.names.canonical``; that a name is possible (``model.names.problem``) the store checks.
"""

from dataclasses import dataclass

from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap.commands.base import Command


@dataclass(frozen=True, slots=True)
class QResync:
    """The QRESYNC parameter of SELECT and EXAMINE. RFC 7162 §3.2.5.

    known_uids: None when not given.  seq_match, uid_match: the pair of equally long sets of
    seq-match-data (RFC 7162 §3.2.5.2), None when not given.
    """

    uid_validity: int
    modseq: int
    known_uids: SequenceSet | None = None
    seq_match: SequenceSet | None = None
    uid_match: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Select(Command):
    """SELECT, and EXAMINE with ``examine=True``. RFC 9051 §6.3.2, §6.3.3.

    condstore: the parameter of RFC 7162 §3.1.8; it makes the session CONDSTORE-aware.
    """

    mailbox: str
    examine: bool = False
    condstore: bool = False
    qresync: QResync | None = None


@dataclass(frozen=True, slots=True)
class Create(Command):
    """CREATE. RFC 9051 §6.3.4. A trailing separator, which says "there will be children", is taken off.

    special_use: attributes of the USE parameter (RFC 6154 §3) in their canonical case.
    """

    mailbox: str
    special_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename(Command):
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """NAMESPACE. RFC 2342 §5."""


@dataclass(frozen=True, slots=True)
class Check(Command):
    """CHECK. RFC 3501 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Close(Command):
    """CLOSE: expunges silently, then unselects. RFC 9051 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """UNSELECT. RFC 3691 §2."""
