"""Messages stored with LF line ends, looked at as they lie: their wire form has CRLF (RFC 9051 §4.3), and every
offset and size is told of that.

What ``structure.parse`` finds in one form it finds in the other; only the places differ, by the line ends before
them, which are counted instead of written. A message with any CR in it is left to the long way.
"""

from itertools import pairwise
from typing import Final

from mailaccess.message import quickly, structure
from mailaccess.message.part import Part

MOST: Final = 2 * 2**20
"""Octets of a message that is looked at so: what bounds of ``structure`` depend on octets lies above."""


def is_plain(stored: bytes) -> bool:
    """Whether there is a shorter way for this message."""
    return len(stored) <= MOST and b"\r" not in stored


def wire_tree(stored: bytes, tree: Part, size: int = -1) -> Part:
    """The structure of the wire form. tree: that of ``stored``, which has LF line ends alone.

    size: octets of the wire form, where they are known: then the longest piece, an attachment as a rule, has the
    line ends that the others leave, uncounted.
    """
    places = sorted({place for part in tree.walk() for place in (part.start, part.body, part.end)})
    if size >= 0:
        places = sorted({*places, 0, len(stored)})
    pieces = list(pairwise([0, *places]))
    longest = max(pieces, key=lambda piece: piece[1] - piece[0]) if size >= 0 else None
    ends = {piece: stored.count(b"\n", *piece) for piece in pieces if piece != longest}
    if longest is not None:
        ends[longest] = size - len(stored) - sum(ends.values())
        if not 0 <= ends[longest] <= longest[1] - longest[0]:  # the size cannot be true
            ends[longest] = stored.count(b"\n", *longest)
    shifted: dict[int, int] = {}
    before = 0
    for piece in pieces:
        before += ends[piece]
        shifted[piece[1]] = piece[1] + before
    return _shifted(tree, shifted)


def _shifted(part: Part, shifted: dict[int, int]) -> Part:
    return part._replace(
        start=shifted[part.start],
        body=shifted[part.body],
        end=shifted[part.end],
        parts=tuple([_shifted(each, shifted) for each in part.parts]),
    )


def parse(stored: bytes, size: int = -1) -> Part:
    """``structure.parse`` of the wire form.  size: its octets, where they are known."""
    root = quickly.parse_stored(stored, size) if size >= 0 else None
    return root if root is not None else wire_tree(stored, structure.whatever(stored), size)


class Pieces:
    """The wire form of slices of a message with LF line ends, by their offsets in what is stored."""

    __slots__ = ("_stored",)

    def __init__(self, stored: bytes) -> None:
        self._stored = stored

    def __getitem__(self, of: slice) -> bytes:
        return self._stored[of].replace(b"\n", b"\r\n")
