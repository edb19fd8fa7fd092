"""The search tree (RFC 9051 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8514).

The grammar makes it, the session's view turns message numbers into UIDs (``MessageNumbers`` to
``Uids``, ``Recent`` likewise), the store evaluates it. Texts are already decoded from their charset.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from mailaccess.model.collation import Collation
from mailaccess.model.sequence import SequenceSet, UidSet


@dataclass(frozen=True, slots=True)
class Criterion:
    """Base of all nodes."""


@dataclass(frozen=True, slots=True)
class All(Criterion):
    """Every message."""


@dataclass(frozen=True, slots=True)
class SaveDates(All):
    """SAVEDATESUPPORTED. RFC 8514 §4.3: every mailbox here has save dates."""


@dataclass(frozen=True, slots=True)
class And(Criterion):
    parts: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Or(Criterion):
    left: Criterion
    right: Criterion


@dataclass(frozen=True, slots=True)
class Not(Criterion):
    part: Criterion


@dataclass(frozen=True, slots=True)
class HasFlag(Criterion):
    """A system flag or keyword other than \\Recent."""

    flag: str


@dataclass(frozen=True, slots=True)
class Recent(Criterion):
    """\\Recent in the asking session; resolved by its view before the store sees it. RFC 3501 §6.4.4."""


@dataclass(frozen=True, slots=True)
class MessageNumbers(Criterion):
    """A sequence-set of message numbers (or UIDs, with ``uid``); resolved by the view."""

    numbers: SequenceSet
    uid: bool


@dataclass(frozen=True, slots=True)
class Uids(Criterion):
    uids: UidSet


class DateField(Enum):
    INTERNAL = "internal"  # BEFORE, ON, SINCE
    SENT = "sent"  # SENTBEFORE, SENTON, SENTSINCE: the Date field, disregarding time and zone
    SAVED = "saved"  # SAVEDBEFORE, SAVEDON, SAVEDSINCE (RFC 8514 §4.3)


class Comparison(Enum):
    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class DateIs(Criterion):
    field: DateField
    comparison: Comparison
    day: date


@dataclass(frozen=True, slots=True)
class Older(Criterion):
    """INTERNALDATE at least ``seconds`` ago. RFC 5032 §2."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger(Criterion):
    seconds: int


@dataclass(frozen=True, slots=True)
class Larger(Criterion):
    octets: int


@dataclass(frozen=True, slots=True)
class Smaller(Criterion):
    octets: int


@dataclass(frozen=True, slots=True)
class Header(Criterion):
    """HEADER field text; BCC, CC, FROM, SUBJECT, TO are ``Header`` with that ``field`` and ``key=True``.

    An empty text finds every message that has the field. ``field`` is ASCII in capitals.
    """

    field: str
    text: str
    key: bool = False


@dataclass(frozen=True, slots=True)
class Body(Criterion):
    text: str


@dataclass(frozen=True, slots=True)
class Text(Criterion):
    text: str


@dataclass(frozen=True, slots=True)
class ModSeqSince(Criterion):
    """MODSEQ: at least ``modseq``. RFC 7162 §3.1.5."""

    modseq: int


@dataclass(frozen=True, slots=True)
class EmailId(Criterion):
    """EMAILID: the message of that id. RFC 8474 §6."""

    object_id: str


@dataclass(frozen=True, slots=True)
class ThreadId(Criterion):
    """THREADID: the messages of that thread. RFC 8474 §6."""

    object_id: str


@dataclass(frozen=True, slots=True)
class Collated(Criterion):
    """A Header, Body or Text compared otherwise than by default. RFC 5255 §4.6."""

    part: Criterion
    collation: Collation


@dataclass(frozen=True, slots=True)
class Fuzzy(Criterion):
    """FUZZY: ``part`` need not be met to the letter. RFC 6203 §3."""

    part: Criterion


@dataclass(frozen=True, slots=True)
class Named(Criterion):
    """A search that is kept under a name (RFC 5466 §3.1): its criteria are put in its place before searching.

    depth: how deep in the search it stands.
    """

    name: str
    depth: int


def rewrite(node: Criterion, change: Callable[[Criterion], Criterion]) -> Criterion:
    """A tree with ``change`` applied to every leaf. Nesting is bounded by the grammar."""
    match node:
        case And(parts):
            return replace(node, parts=tuple(rewrite(part, change) for part in parts))
        case Or(left, right):
            return Or(rewrite(left, change), rewrite(right, change))
        case Not(part):
            return Not(rewrite(part, change))
        case Fuzzy(part):
            return Fuzzy(rewrite(part, change))
        case _:
            return change(node)
