"""BODY[...]: the octets of a section, cut out of a message in memory or out of an open one (RFC 3501 §6.4.5).

A section is a range of the message's octets, found by its structure; only HEADER.FIELDS of a part is put
together. Offsets count the wire form.
"""

from dataclasses import dataclass
from typing import Final

from mailaccess.imap.fetch.items import SectionItem
from mailaccess.message import body, headers, stored, structure
from mailaccess.message.part import Part
from mailaccess.proto.imap.fetch import Section, SectionText
from mailaccess.store.api import Body

_TEXTS: Final[dict[SectionText | None, str]] = {
    None: "",
    SectionText.MIME: "MIME",
    SectionText.HEADER: "HEADER",
    SectionText.HEADER_FIELDS: "HEADER",
    SectionText.HEADER_FIELDS_NOT: "HEADER",
    SectionText.TEXT: "TEXT",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A section that is read from a large message while it is written: octets from ``offset`` on."""

    source: Body
    offset: int
    length: int


def cut(octets: bytes, partial: tuple[int, int] | None) -> bytes:
    """``<origin.count>``; past the end it is empty. RFC 3501 §6.4.5."""
    if partial is None:
        return octets
    origin, count = partial
    return octets[origin : origin + count]


def root_part(fact: bytes | None, octets: bytes | None) -> Part | None:
    """The message's structure as cached; a damaged one is made anew where the octets are at hand."""
    if fact is not None:
        try:
            return stored.load(fact)
        except ValueError:
            pass
    return None if octets is None else structure.parse(octets)


def from_octets(item: SectionItem, octets: bytes, root: Part | None) -> bytes | None:
    """The section of a message in memory; None where there is no such section (NIL)."""
    if item.is_whole:
        return cut(octets, item.partial)
    root = root or structure.parse(octets)
    found = body.section(root, item.section.part, _TEXTS[item.section.text])
    if found is None:
        return None
    if item.section.fields:
        whole = octets[found.offset : found.offset + found.length]
        return cut(_selected(item.section, whole), item.partial)
    offset, length = _narrow(found, item.partial)
    return octets[offset : offset + length]


async def from_body(item: SectionItem, source: Body, root: Part | None) -> bytes | Stretch | None:
    """The section of a large message: a stretch to be read piece by piece; None where there is no such
    section.
    """
    if item.is_whole:
        return Stretch(source, *_narrow(body.Range(0, source.size), item.partial))
    if root is None:
        return None
    found = body.section(root, item.section.part, _TEXTS[item.section.text])
    if found is None:
        return None
    if item.section.fields:
        # A header is never longer than what the message room looks at; the rest has no fields.
        whole = await source.read(found.offset, min(found.length, headers.MAX_HEADER_OCTETS))
        return cut(_selected(item.section, whole), item.partial)
    return Stretch(source, *_narrow(found, item.partial))


def _narrow(found: body.Range, partial: tuple[int, int] | None) -> tuple[int, int]:
    """``<origin.count>`` of a range: (offset, length)."""
    if partial is None:
        return found.offset, found.length
    origin, count = partial
    origin = min(origin, found.length)
    return found.offset + origin, min(count, found.length - origin)


def _selected(section: Section, header: bytes) -> bytes:
    """HEADER.FIELDS and HEADER.FIELDS.NOT of a part's header."""
    inverted = section.text is SectionText.HEADER_FIELDS_NOT
    return headers.Header(header).select(section.fields, inverted=inverted)
