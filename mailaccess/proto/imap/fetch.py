"""fetch-att: what a FETCH asks for (RFC 9051 §6.4.5; RFC 7162 §3.1.4).

Values only say what is wanted; ``render.section_label`` says how the answer names a section.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class FetchAtt:
    """Base of all fetch items."""


@dataclass(frozen=True, slots=True)
class Flags(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Uid(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class InternalDate(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Rfc822Size(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Envelope(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class BodyStructure(FetchAtt):
    """BODYSTRUCTURE; with ``extended=False`` it is BODY without a section."""

    extended: bool


@dataclass(frozen=True, slots=True)
class ModSeq(FetchAtt):
    """MODSEQ. RFC 7162 §3.1.4.2."""


class SectionText(Enum):
    """section-text. RFC 9051 §6.4.5.1."""

    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """What stands between the brackets.

    part: part numbers, () is the message.  text: None is the part's (or message's) whole content.
    fields: names for HEADER.FIELDS and HEADER.FIELDS.NOT, as written, in order.
    """

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class BodySection(FetchAtt):
    """BODY[section]<origin.count> and the RFC822 family.

    peek: does not set \\Seen.  partial: (origin, count) in octets, count at least 1.
    asked_as: ``RFC822``, ``RFC822.HEADER`` or ``RFC822.TEXT`` when asked by its old name, which the answer
    repeats (RFC 3501 §6.4.5); None for BODY.
    """

    section: Section
    peek: bool = False
    partial: tuple[int, int] | None = None
    asked_as: bytes | None = None


MACROS: dict[bytes, tuple[FetchAtt, ...]] = {
    b"FAST": (Flags(), InternalDate(), Rfc822Size()),
    b"ALL": (Flags(), InternalDate(), Rfc822Size(), Envelope()),
    b"FULL": (Flags(), InternalDate(), Rfc822Size(), Envelope(), BodyStructure(extended=False)),
}
"""RFC 9051 §6.4.5: they stand alone, never inside parentheses."""
