"""BINARY fetch items (RFC 3516 §4.2, §5; RFC 9051 §6.4.5.1): a part with its transfer encoding undone.

Merge ``WITH_ARGUMENTS`` into ``fetch.WITH_ARGUMENTS`` to serve them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap.fetch import FetchAtt, partial_range, section
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Binary(FetchAtt):
    """BINARY[part]<origin.count>; ``peek`` does not set \\Seen; () is the whole message."""

    part: tuple[int, ...]
    peek: bool = False
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class BinarySize(FetchAtt):
    """BINARY.SIZE[part]: octets after decoding."""

    part: tuple[int, ...]


def _part(cur: ImapCursor) -> tuple[int, ...]:
    """section-binary = "[" [section-part] "]"."""
    at = cur.pos
    found = section(cur)
    if found.text is not None:
        cur.fail("a part number or nothing in the brackets", at)
    return found.part


def _binary(cur: ImapCursor) -> Binary:
    return Binary(_part(cur), False, partial_range(cur))


def _binary_peek(cur: ImapCursor) -> Binary:
    return Binary(_part(cur), True, partial_range(cur))


def _binary_size(cur: ImapCursor) -> BinarySize:
    return BinarySize(_part(cur))


WITH_ARGUMENTS: Final[dict[bytes, Callable[[ImapCursor], FetchAtt]]] = {
    b"BINARY": _binary,
    b"BINARY.PEEK": _binary_peek,
    b"BINARY.SIZE": _binary_size,
}
