"""Part and Envelope as compact octets, for the store's cache; reading them back checks everything.

Layout: version octet, width octet, CRC-32 of what follows (4 octets), count of numbers (4 octets),
the numbers (all ``width`` octets wide, little endian), then the text of all strings end to end.
The numbers are the tree in pre-order; a string stands there as its length plus one, absent as 0.
This is neither marshal nor pickle: a damaged or hostile cache can at worst give a wrong answer or
ValueError, never run code or crash the interpreter.
"""

import struct
import zlib
from collections.abc import Callable
from typing import NoReturn, TypeVar

from mailaccess.message.address import Address
from mailaccess.message.envelope import Addresses, Envelope
from mailaccess.message.mime import Params
from mailaccess.message.part import LEAF, MAX_DEPTH, MAX_PARTS, MESSAGE, MULTIPART, Part

_VERSION = 1
_HEAD = struct.Struct("<BBII")
_WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_Item = TypeVar("_Item")


def dump(part: Part) -> bytes:
    """The octets from which ``load`` makes an equal Part."""
    writer = _Writer()
    writer.part(part)
    return writer.octets()


def load(octets: bytes) -> Part:
    """Read what ``dump`` wrote. Raises ValueError where it is damaged or of another version."""
    reader = _Reader(octets)
    part = reader.part(0, 0, None)
    reader.finish()
    return part


def dump_envelope(envelope: Envelope) -> bytes:
    """The octets from which ``load_envelope`` makes an equal Envelope."""
    writer = _Writer()
    writer.envelope(envelope)
    return writer.octets()


def load_envelope(octets: bytes) -> Envelope:
    """Read what ``dump_envelope`` wrote. Raises ValueError where it is damaged."""
    reader = _Reader(octets)
    envelope = reader.envelope()
    reader.finish()
    return envelope


class _Writer:
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.strings: list[bytes] = []

    def octets(self) -> bytes:
        numbers = self.numbers
        largest = max(numbers)
        width = 1 if largest < 0x100 else 2 if largest < 0x10000 else 4 if largest < 0x100000000 else 8
        packed = struct.pack(f"<{len(numbers)}{_WIDTHS[width]}", *numbers) + b"".join(self.strings)
        return _HEAD.pack(_VERSION, width, zlib.crc32(packed), len(numbers)) + packed

    def string(self, value: bytes | None) -> None:
        if value is None:
            self.numbers.append(0)
        else:
            self.numbers.append(len(value) + 1)
            self.strings.append(value)

    def params(self, params: Params) -> None:
        self.numbers.append(len(params))
        for name, value in params:
            self.string(name)
            self.string(value)

    def addresses(self, addresses: Addresses) -> None:
        self.numbers.append(len(addresses))
        for address in addresses:
            for value in address:
                self.string(value)

    def envelope(self, envelope: Envelope) -> None:
        self.string(envelope.date)
        self.string(envelope.subject)
        for addresses in envelope[2:8]:
            self.addresses(addresses)
        self.string(envelope.in_reply_to)
        self.string(envelope.message_id)

    def part(self, part: Part) -> None:
        self.numbers += (part.start, part.body - part.start, part.end - part.body, part.lines, part.kind)
        self.string(part.type)
        self.string(part.subtype)
        self.params(part.params)
        for value in (part.encoding, part.id, part.description, part.md5, part.disposition):
            self.string(value)
        self.params(part.disposition_params)
        self.numbers.append(len(part.language))
        for tag in part.language:
            self.string(tag)
        self.string(part.location)
        self.numbers += (part.envelope is not None, len(part.parts))
        if part.envelope is not None:
            self.envelope(part.envelope)
        for child in part.parts:
            self.part(child)


def _damaged(what: str) -> NoReturn:
    raise ValueError(f"stored structure is damaged: {what}")


class _Reader:
    def __init__(self, octets: bytes) -> None:
        if len(octets) < _HEAD.size:
            _damaged("too short")
        version, width, crc, count = _HEAD.unpack_from(octets)
        if version != _VERSION or width not in _WIDTHS:
            _damaged("version")
        if zlib.crc32(memoryview(octets)[_HEAD.size :]) != crc:
            _damaged("checksum")
        self.octets = octets
        self.pos = _HEAD.size + count * width
        if self.pos > len(octets):
            _damaged("count")
        numbers: tuple[int, ...] = struct.unpack_from(f"<{count}{_WIDTHS[width]}", octets, _HEAD.size)
        self.numbers = iter(numbers)
        self.parts = 0

    def finish(self) -> None:
        if self.pos != len(self.octets) or next(self.numbers, None) is not None:
            _damaged("something is left over")

    def number(self) -> int:
        for value in self.numbers:
            return value
        _damaged("numbers end")

    def optional(self) -> bytes | None:
        length = self.number()
        if not length:
            return None
        start = self.pos
        self.pos = start + length - 1
        if self.pos > len(self.octets):
            _damaged("strings end")
        return self.octets[start : self.pos]

    def string(self) -> bytes:
        value = self.optional()
        if value is None:
            _damaged("a string is missing")
        return value

    def many(self, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        """A counted sequence; each item takes a number at least, so the count cannot run away."""
        return tuple([item() for _ in range(self.number())])

    def pair(self) -> tuple[bytes, bytes]:
        return self.string(), self.string()

    def address(self) -> Address:
        return Address(self.optional(), self.optional(), self.optional(), self.optional())

    def envelope(self) -> Envelope:
        date, subject = self.optional(), self.optional()
        from_, sender, reply_to = self.addresses(), self.addresses(), self.addresses()
        to, cc, bcc = self.addresses(), self.addresses(), self.addresses()
        in_reply_to, message_id = self.optional(), self.optional()
        return Envelope(date, subject, from_, sender, reply_to, to, cc, bcc, in_reply_to, message_id)

    def addresses(self) -> Addresses:
        return self.many(self.address)

    def part(self, depth: int, least: int, most: int | None) -> Part:
        """A part whose header begins at ``least`` or later and that ends by ``most``."""
        self.parts += 1
        if depth > MAX_DEPTH + 1 or self.parts > MAX_PARTS + MAX_DEPTH:
            _damaged("too many parts")
        start = self.number()
        body = start + self.number()
        end = body + self.number()
        lines, kind = self.number(), self.number()
        if start < least or (most is not None and end > most) or not LEAF <= kind <= MESSAGE:
            _damaged("offsets")
        kind_name, subtype, params = self.string(), self.string(), self.many(self.pair)
        encoding, content_id, description = self.optional(), self.optional(), self.optional()
        md5, disposition, disposition_params = self.optional(), self.optional(), self.many(self.pair)
        language, location = self.many(self.string), self.optional()
        has_envelope, count = self.number(), self.number()
        if kind != MULTIPART and count != (kind == MESSAGE):
            _damaged("parts")
        envelope = self.envelope() if has_envelope else None
        parts: list[Part] = []
        for _ in range(count):
            parts.append(self.part(depth + 1, parts[-1].start if parts else body, end))
        return Part(
            start, body, end, lines, kind, kind_name, subtype, params, encoding, content_id, description,
            md5, disposition, disposition_params, language, location, envelope, tuple(parts),
        )  # fmt: skip
