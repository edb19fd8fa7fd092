"""SORT: messages put in order by one or several keys (RFC 5256 §3, RFC 5957); pure, over what is cached."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from unicodedata import normalize

from mailaccess.model.collation import Collation


class SortKey(Enum):
    """sort-key. RFC 5256 §3; DISPLAYFROM and DISPLAYTO: RFC 5957 §3. RELEVANCY: RFC 6203 §6."""

    ARRIVAL = "arrival"
    CC = "cc"
    DATE = "sent"
    FROM = "sender"
    SIZE = "size"
    SUBJECT = "subject"
    TO = "to"
    DISPLAYFROM = "display_from"
    DISPLAYTO = "display_to"
    RELEVANCY = "relevancy"


_NUMBERS = frozenset((SortKey.ARRIVAL, SortKey.DATE, SortKey.SIZE, SortKey.RELEVANCY))


@dataclass(frozen=True, slots=True)
class SortCriterion:
    """collation: how a text key is compared (RFC 5255 §4.2)."""

    key: SortKey
    reverse: bool = False
    collation: Collation = Collation.UNICODE_CASEMAP


@dataclass(frozen=True, slots=True)
class Sortable:
    """What sorting needs of one message; only the fields of the keys asked for must be filled.

    number: as the answer shows it.  sent: seconds since the epoch, INTERNALDATE where the Date field can't be
    read (§2.2).  arrival: INTERNALDATE.  sender, to, cc: folded mailbox of the first address.  subject: the
    folded base subject.  Texts are compared by ``collation``.
    """

    number: int
    arrival: int = 0
    sent: int = 0
    size: int = 0
    sender: str = ""
    to: str = ""
    cc: str = ""
    subject: str = ""
    display_from: str = ""
    display_to: str = ""
    relevancy: int = 0


def collation(text: str) -> str:
    """The form in which texts compare by code points: i;unicode-casemap of RFC 5051 §2, nearly.

    Capitals, decomposed: so "_" stands after letters, "ä" beside "a", and Hangul before Kana, as in Dovecot.
    """
    upper = "ß".join([piece.upper() for piece in text.split("ß")]) if "ß" in text else text.upper()
    return normalize("NFKD", upper)


def in_order(messages: Iterable[Sortable], criteria: Sequence[SortCriterion]) -> list[int]:
    """The numbers in the order of ``criteria``, the first counting most; what is equal goes by its number.

    REVERSE turns one key around, and never the order of numbers (§3 REVERSE).
    """
    number: Callable[[Sortable], int] = attrgetter("number")
    ordered = sorted(messages, key=number)
    for criterion in reversed(criteria):  # each sort leaves what it finds equal as it was
        ordered.sort(key=_KEYS[criterion.key], reverse=criterion.reverse)
    return [message.number for message in ordered]


def _text(key: SortKey) -> Callable[[Sortable], str]:
    value: Callable[[Sortable], str] = attrgetter(key.value)
    return lambda message: collation(value(message))


_KEYS: dict[SortKey, Callable[[Sortable], str] | Callable[[Sortable], int]] = {
    key: attrgetter(key.value) if key in _NUMBERS else _text(key) for key in SortKey
}
