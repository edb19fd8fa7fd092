"""BODY[...]: the octets of a section, cut out of a message in memory or out of an open one (RFC 3501 §6.4.5).

A section is a range of the message's octets, found by its structure; only HEADER.FIELDS of a part is put
together. Offsets count the wire form.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.fetch.items import BinaryItem, SectionItem
from mailaccess.message import body, headers, stored, structure, transfer
from mailaccess.message.part import MESSAGE, MULTIPART, Part
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


class UnknownEncoding(Exception):
    """A part whose Content-Transfer-Encoding nobody knows: NO [UNKNOWN-CTE]. RFC 3516 §4.3."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A section that is read from a large message while it is written: octets from ``offset`` on."""

    source: Body
    offset: int
    length: int

    async def pieces(self, step: int) -> AsyncIterator[bytes]:
        """The octets, ``step`` at a time; fewer than ``length`` if the file ends early."""
        offset, left = self.offset, self.length
        while left > 0:
            piece = await self.source.read(offset, min(left, step))
            if not piece:
                return
            yield piece
            offset += len(piece)
            left -= len(piece)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A stretch with its transfer encoding undone: ``length`` octets from ``origin`` on, counted decoded."""

    stretch: Stretch
    encoding: bytes | None
    origin: int
    length: int

    async def pieces(self, step: int) -> AsyncIterator[bytes]:
        """The decoded octets; what lies before ``origin`` is decoded and dropped."""
        skip, left = self.origin, self.length
        async for piece in _decoding(self.stretch, self.encoding, step):
            if skip >= len(piece):
                skip -= len(piece)
                continue
            piece = piece[skip : skip + left]
            skip = 0
            left -= len(piece)
            yield piece
            if left <= 0:
                return


async def _decoding(stretch: Stretch, encoding: bytes | None, step: int) -> AsyncIterator[bytes]:
    undo = transfer.decoder(encoding)
    if undo is None:
        raise UnknownEncoding
    async for piece in stretch.pieces(step):
        yield undo.feed(piece)
    yield undo.finish()


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


# --- BINARY, RFC 3516 -------------------------------------------------------------------------------------


async def encoding_of(item: BinaryItem, source: bytes | Body | None, root: Part | None) -> bytes | None:
    """The transfer encoding of the part asked for. Raises UnknownEncoding, before the line is begun.

    Of multiparts and messages nothing is decoded: they may have no encoding (RFC 2045 §6.4). BODYSTRUCTURE says
    7BIT where the field is no token; whoever decodes has to know better, so its header is looked at again.
    """
    part = body.part_at(root, item.part) if root is not None and item.part else None
    if part is None or part.kind in (MULTIPART, MESSAGE):
        return None
    encoding = part.encoding
    if encoding is None and part.body > part.start and source is not None:
        length = min(part.body - part.start, headers.MAX_HEADER_OCTETS)
        if isinstance(source, bytes):
            block = source[part.start : part.start + length]
        else:
            block = await source.read(part.start, length)
        encoding = body.meant_encoding(block, part._replace(start=0, body=length))
    if transfer.decoder(encoding) is None:
        raise UnknownEncoding
    return encoding


def _binary_range(item: BinaryItem, root: Part | None) -> body.Range | None:
    """Where the part's content lies; BINARY[] is the message as it stands."""
    return None if root is None else body.section(root, item.part)


def decoded(item: BinaryItem, octets: bytes, root: Part | None, encoding: bytes | None) -> bytes | None:
    """The decoded part of a message in memory; None where there is no such part. Raises UnknownEncoding."""
    place = _binary_range(item, root or structure.parse(octets))
    if place is None:
        return None
    content = transfer.decode(octets[place.offset : place.offset + place.length], encoding)
    if content is None:
        raise UnknownEncoding
    return cut(content, item.partial)


async def decoded_from_body(
    item: BinaryItem, source: Body, root: Part | None, encoding: bytes | None, step: int
) -> Decoded | None:
    """The same of a large message, decoded once to count and, by ``Decoded.pieces``, once more to write."""
    place = _binary_range(item, root)
    if place is None:
        return None
    stretch = Stretch(source, place.offset, place.length)
    size = 0
    async for piece in _decoding(stretch, encoding, step):
        size += len(piece)
    origin, length = _narrow(body.Range(0, size), item.partial)
    return Decoded(stretch, encoding, origin, length)


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
