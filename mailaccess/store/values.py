"""Values of the store's interface (``api``, which has all of them): what calls give and take."""

from array import array
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol

from mailaccess.model.account import QuotaLimit
from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import UidSet
from mailaccess.store import thread

ThreadTree = thread.Tree


MAX_METADATA: Final = 100
MAX_METADATA_VALUE: Final = 64 * 1024
MAX_METADATA_OCTETS: Final = 1024 * 1024
"""Annotations of one mailbox, octets of one value, octets of all: the file is read and written as a whole.
RFC 5464 §4.1 asks for 10 and 1,024 at least."""


@dataclass(frozen=True, slots=True)
class MailboxInfo:
    """One name of the hierarchy.

    selectable: False for a name that only holds others (\\Noselect; RFC 9051 §7.3.1).
    special_use: attributes such as ``\\Sent`` (RFC 6154).  mailbox_id: RFC 8474 §4, stable over RENAME.
    """

    name: str
    selectable: bool
    special_use: frozenset[str]
    mailbox_id: str


class Mailboxes(tuple[MailboxInfo, ...]):
    """A hierarchy. kept: what the floors above made of it, and want again while it is the same."""

    kept: dict[Hashable, Any]

    def __new__(cls, infos: Iterable[MailboxInfo] = ()) -> "Mailboxes":
        made = super().__new__(cls, infos)
        made.kept = {}
        return made


@dataclass(frozen=True, slots=True)
class Status:
    """What STATUS tells. RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8438, RFC 8474 §4.3."""

    messages: int
    recent: int
    unseen: int
    deleted: int
    uidnext: int
    uidvalidity: int
    highest_modseq: int
    size: int  # octets, sum of RFC822.SIZE
    deleted_size: int
    mailbox_id: str


@dataclass(frozen=True, slots=True)
class Quota:
    """Use and limit of an account. RFC 9208 §5."""

    storage: int  # octets
    messages: int
    limit: QuotaLimit
    mailboxes: int = 0


UNDATED: Final = -(2**63)
"""In ``Columns.dates``: nobody has asked for it yet (``Mailbox.settle_dates``)."""


class Columns(Protocol):
    """A mailbox in memory: parallel columns in ascending UID order, shared by all sessions of the process.

    Changed on the reactor thread only, in place or by replacement: hold no reference to a column, and no
    position, over an ``await``. ``flag_sets`` only grows, so a flag-set id once seen keeps its meaning.
    """

    uids: "array[int]"  # typecode I
    flag_ids: "array[int]"  # typecode I: places in flag_sets
    modseqs: "array[int]"  # typecode Q
    sizes: "array[int]"  # typecode Q: octets of the wire form
    dates: "array[int]"  # typecode q: INTERNALDATE, or UNDATED
    flag_sets: list[FlagSet]
    undated: bool  # whether any of ``dates`` may be UNDATED

    def __len__(self) -> int: ...

    def position(self, uid: int) -> int:
        """Where ``uid`` stands in the columns; -1 if it is not there."""
        ...


FlagFilter = Callable[[FlagSet], FlagSet]


class FlagOperation(Enum):
    ADD = "+"
    REMOVE = "-"
    REPLACE = "="

    def applied(self, now: FlagSet, flags: FlagSet) -> FlagSet:
        """What a message with the flags ``now`` has after it."""
        if self is FlagOperation.ADD:
            return now | flags
        return now - flags if self is FlagOperation.REMOVE else flags


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """What ``set_flags`` did. ``failed``: their MODSEQ was above ``unchanged_since`` (RFC 7162 §3.1.3)."""

    changed: UidSet
    failed: UidSet
    modseq: int


@dataclass(frozen=True, slots=True)
class Expunged:
    uids: UidSet
    modseq: int


@dataclass(frozen=True, slots=True)
class Copied:
    """UIDs pairwise: ``sources[i]`` became ``targets[i]`` in the destination. RFC 4315 §3 (COPYUID)."""

    uidvalidity: int
    sources: Sequence[int]
    targets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Appended:
    uidvalidity: int
    uids: Sequence[int]
    modseq: int


class Fact(Enum):
    """What the index keeps of a message for FETCH; values are octets.

    ENVELOPE, BODYSTRUCTURE, BODY: rendered for IMAP.  STRUCTURE: for ``message.structure.load``.
    HEADER: the message header with its blank line.  PREVIEW: UTF-8 text (RFC 8970).
    EMAIL_ID, THREAD_ID: in parentheses (RFC 8474 §5.3).
    SAVE_DATE: seconds since the epoch in decimal digits (RFC 8514 §3).
    """

    ENVELOPE = "envelope"
    BODYSTRUCTURE = "bodystructure"
    BODY = "body"
    STRUCTURE = "structure"
    HEADER = "header"
    PREVIEW = "preview"
    EMAIL_ID = "email_id"
    THREAD_ID = "thread_id"
    SAVE_DATE = "save_date"


class ThreadAlgorithm(Enum):
    """thread-alg. RFC 5256 §3; REFS: draft-ietf-morg-inthread, as in Dovecot."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"
    REFS = "REFS"


class Mark(NamedTuple):
    """A mailbox at one moment: another one after every change in it. RFC 9051 §2.3.1, RFC 7162 §3.1."""

    mailbox_id: str
    uidvalidity: int
    uidnext: int
    messages: int
    highest_modseq: int


@dataclass(frozen=True, slots=True)
class AnnotationMark:
    """The annotations of a mailbox at one moment. stamp: of their file.  entries: a digest of each value."""

    stamp: tuple[int, ...]
    entries: Mapping[str, bytes]
