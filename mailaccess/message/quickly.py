"""The structure of messages as they mostly are, in a third of the steps that ``structure`` takes for any message.

Usual is: every header has its blank line, every boundary line is nothing but the boundary, every multipart is closed.
Of anything else ``scan`` knows nothing, and the long way tells it. What it tells is what the long way would.

The parts of a multipart are found by looking for its boundary between the boundary lines of what it stands in. So an
octet is passed over once for each level of nesting, of which there are MAX_DEPTH.

A message stored with LF line ends is looked at as it lies; its places are told of the wire form, by counting line
ends (``lineends``).
"""

import re
from functools import lru_cache
from typing import Final

from mailaccess.message import mime
from mailaccess.message.content import LINES_TOLD, MAX_QUICK, Content, content_of, fields_of, read_content
from mailaccess.message.envelope import Envelope, envelope
from mailaccess.message.headers import Header
from mailaccess.message.part import LEAF, MESSAGE, MULTIPART, Part

MAX_DEPTH: Final = 8
"""Levels of multipart and message/rfc822; mailing lists that forward digests come to five."""

MAX_PARTS: Final = 200
"""Parts; a mail with more is not usual, and what is left undone of it was little."""

MAX_HEADERS: Final = 100_000
"""Octets of headers: far below what ``structure.MAX_TOTAL_FIELDS`` fields have."""

MAX_BOUNDARY: Final = 70
"""Octets of a boundary, RFC 2046 §5.1.1."""

_BLANK_LINE: Final = re.compile(rb"\n\r{0,2}\n")
_CR: Final = 0x0D
_LF: Final = 0x0A
_LINE_ENDS: Final = (_CR, _LF)


class _Node:
    """A part whose lines are not counted yet."""

    __slots__ = ("body", "content", "end", "envelope", "parts", "start")

    def __init__(self, start: int, body: int, end: int, content: Content, of: Envelope | None) -> None:
        self.start = start
        self.body = body
        self.end = end
        self.content = content
        self.envelope = of
        self.parts: list[_Node] = []


class _Unusual(Exception):
    """The long way is to be gone."""


def parse(octets: bytes) -> Part | None:
    """The structure of a message, told of its octets as they are; None where it is not usual."""
    root = _scanned(octets, b"\r" in octets)
    return None if root is None else _as_stored(octets, root)


def parse_stored(stored: bytes, size: int) -> Part | None:
    """The structure of the wire form of a message that is stored without any CR; None where it is not usual.

    size: octets of the wire form.
    """
    root = _scanned(stored, False)
    return None if root is None else _as_wire(stored, root, size)


def parts(octets: bytes) -> list[Part] | None:
    """All parts in their order, without their lines, their envelopes, or what they hold; None as ``parse``."""
    root = _scanned(octets, b"\r" in octets, with_envelopes=False)
    if root is None:
        return None
    return [node.content.part(node.start, node.body, node.end, 0, None, ()) for node in _nodes(root)]


def _scanned(octets: bytes, has_cr: bool, *, with_envelopes: bool = True) -> _Node | None:
    try:
        return _Scan(octets, has_cr, with_envelopes).part(
            0, len(octets), 0, (), is_mime=False, is_inner=False
        )
    except _Unusual:
        return None


class _Scan:
    """One pass over a message."""

    def __init__(self, octets: bytes, has_cr: bool, with_envelopes: bool) -> None:
        self.octets = octets
        self.with_envelopes = with_envelopes
        self.size = len(octets)
        self.parts = MAX_PARTS
        self.headers = MAX_HEADERS
        self.has_cr = has_cr

    def part(
        self, start: int, limit: int, depth: int, open_: tuple[bytes, ...], *, is_mime: bool, is_inner: bool
    ) -> _Node:
        """What begins at ``start``. limit: the LF before the boundary line that ends it, or the message's end.

        open_: the boundaries of the multiparts it stands in.
        """
        octets = self.octets
        self.parts -= 1
        if start >= limit or octets[start] in _LINE_ENDS or not self.parts:
            raise _Unusual
        body = self.body_of(start, limit)
        self.headers -= body - start
        if self.headers < 0:
            raise _Unusual
        block = octets[start:body]
        content = _content_of(block, is_mime=is_mime)
        end = limit - 1 if limit < self.size and octets[limit - 1] == _CR else limit
        node = _Node(start, body, end, content, None)
        if is_inner and self.with_envelopes:
            node.envelope = envelope(Header(block))
        if content.kind == MULTIPART:
            boundary = mime.param(content.type.params, b"boundary")
            if boundary is not None:
                self.multipart(node, boundary, limit, depth, open_)
        elif content.kind == MESSAGE:
            if depth >= MAX_DEPTH:
                raise _Unusual
            inside = self.part(body, limit, depth + 1, open_, is_mime=False, is_inner=True)
            node.parts.append(inside)
            node.end = inside.end
        return node

    def body_of(self, start: int, limit: int) -> int:
        """Past the header's blank line, whose LF is not that before the boundary line."""
        if self.has_cr:
            found = _BLANK_LINE.search(self.octets, start, limit)
            if found is None:
                raise _Unusual
            return found.end()
        at = self.octets.find(b"\n\n", start, limit)
        if at < 0:
            raise _Unusual
        return at + 2

    def multipart(
        self, node: _Node, boundary: bytes, limit: int, depth: int, open_: tuple[bytes, ...]
    ) -> None:
        """The parts between the lines of ``boundary``, up to the one that closes."""
        octets = self.octets
        if not 0 < len(boundary) <= MAX_BOUNDARY or depth >= MAX_DEPTH:
            raise _Unusual
        if node.content.type.subtype.lower() == b"digest":
            raise _Unusual
        for other in open_:
            if other.startswith(boundary) or boundary.startswith(other):
                raise _Unusual  # the line of one may be the other's
        needle, inner = b"\n--" + boundary, (*open_, boundary)
        length, last = len(needle), limit + len(needle)
        at = octets.find(needle, node.body - 1, last)
        while at >= 0:
            after = at + length
            begins = self.line_after(after)
            if not begins:
                if octets[after : after + 2] != b"--":
                    break
                closed = self.line_after(after + 2)
                if not closed and after + 2 != self.size:
                    break
                # The next boundary line may follow at once: then the line end between them is this line's.
                node.end = max(node.end, closed)
                return
            at = octets.find(needle, begins - 1, last)
            if at >= 0:
                node.parts.append(self.part(begins, at, depth + 1, inner, is_mime=True, is_inner=False))
        raise _Unusual

    def line_after(self, at: int) -> int:
        """Where the next line begins, if this one ends ``at``; else 0."""
        ends = self.octets[at : at + 2]
        return at + 1 if ends[:1] == b"\n" else at + 2 if ends == b"\r\n" else 0


def _content_of(block: bytes, *, is_mime: bool) -> Content:
    """What the Content-* fields of a header say."""
    if is_mime and len(block) <= MAX_REMEMBERED and b"name" not in block and b"oundary" not in block:
        return _remembered(block)
    if len(block) > MAX_QUICK:
        raise _Unusual
    fields = fields_of(block)
    if any(b"oundary" in value for _, value in fields):  # each has another, which nobody need remember
        return read_content(fields, is_mime, False)
    return content_of(fields, is_mime, False)


MAX_REMEMBERED: Final = 256
"""Octets of a part's header that is remembered as a whole, where no name or boundary makes it one of a kind."""


@lru_cache(512)
def _remembered(block: bytes) -> Content:
    return read_content(fields_of(block), True, False)


def _as_stored(octets: bytes, node: _Node) -> Part:
    content, body, end = node.content, node.body, node.end
    lines = octets.count(b"\n", body, end) if content.kind in LINES_TOLD else 0
    parts = tuple([_as_stored(octets, each) for each in node.parts])
    return content.part(node.start, body, end, lines, node.envelope, parts)


def _as_wire(octets: bytes, root: _Node, size: int) -> Part:
    """Every place moved by the line ends before it.

    The longest body whose lines nobody is told of, an attachment as a rule, has those that the others leave, uncounted.
    """
    places: list[int] = [0]
    long = (0, 0)
    for node in _nodes(root):
        places += (node.start, node.body, node.end)
        if node.content.kind == LEAF and node.end - node.body > long[1] - long[0]:
            long = node.body, node.end
    places.append(len(octets))
    places.sort()
    count, before, moved, last = octets.count, 0, {0: 0}, 0
    skipped = long[1] if long[1] else -1
    for place in places:
        if place != last:
            if place != skipped:
                before += count(b"\n", last, place)
            last = place
        moved[place] = before
    if long[1]:
        left = size - len(octets) - before
        if not 0 <= left <= long[1] - long[0]:  # the size cannot be true
            left = count(b"\n", *long)
        for place in moved:
            if place >= long[1]:
                moved[place] += left
    return _moved(root, moved)


def _nodes(node: _Node) -> list[_Node]:
    found = [node]
    for each in node.parts:
        found += _nodes(each)
    return found


def _moved(node: _Node, moved: dict[int, int]) -> Part:
    content, body, end = node.content, node.body, node.end
    before, after = moved[body], moved[end]
    return content.part(
        node.start + moved[node.start],
        body + before,
        end + after,
        after - before if content.kind in LINES_TOLD else 0,
        node.envelope,
        tuple([_moved(each, moved) for each in node.parts]),
    )
