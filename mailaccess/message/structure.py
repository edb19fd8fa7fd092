"""The MIME tree of a message as octet offsets (RFC 2045, RFC 2046), found without copying bodies.

``parse`` walks the message once. A header block ends at its blank line; a body ends where a
boundary line of an enclosing multipart begins, and the line end before that line belongs to the
boundary (RFC 2046 §5.1.1). Boundary lines are found by ``bytes.find`` of each open boundary, the
outermost first, and every search ends where an enclosing boundary was found. So one level of
nesting passes over an octet once, however many boundaries are opened and never closed; and a
message whose levels or boundary lines cost too much is not looked at further.

What mail in the wild leaves open follows Dovecot 2.3: a boundary matches as a prefix of the
line, the longest open one wins; a header that runs into a boundary ends there; an unclosed
multipart ends with what holds it; Content-* fields of a message count only where it has
MIME-Version or Content-Type.
"""

from collections.abc import Iterable

from mailaccess.message import mime, quickly
from mailaccess.message.content import LINES_TOLD, MAX_QUICK, NAMES, Content, Fields, content_of, fields_of
from mailaccess.message.envelope import Envelope, envelope
from mailaccess.message.headers import MAX_FIELDS, Header, find_end
from mailaccess.message.part import LEAF, MAX_DEPTH, MAX_PARTS, MESSAGE, MULTIPART, TEXT, Part
from mailaccess.message.stored import dump, load

__all__ = [
    "LEAF", "MAX_DEPTH", "MAX_PARTS", "MESSAGE", "MULTIPART", "TEXT",
    "Part", "dump", "has_global", "load", "parse", "parts", "root_header",
]  # fmt: skip

MAX_BOUNDARY = 80
"""Octets of a boundary that are compared; RFC 2046 §5.1.1 allows 70. Dovecot's bound."""


def parse(wire: bytes | memoryview, *, opens_global: bool = False) -> Part:
    """Find the structure of a whole message in wire form. Never raises on any octets.

    opens_global: message/global is a message too (RFC 9051 §7.5.2), unless it has a transfer encoding, which RFC
    6532 §3.7 allows: there are no octets of it to number then.
    """
    octets = bytes(wire) if isinstance(wire, memoryview) else wire
    if isinstance(octets, bytes) and not opens_global:  # store shows a large file in pieces
        root = quickly.parse(octets)
        if root is not None:
            return root
    return whatever(octets, opens_global=opens_global)


def whatever(octets: bytes, *, opens_global: bool = False) -> Part:
    """``parse`` of any message, also of one that is not as messages mostly are (``quickly``)."""
    return _Parser(octets, opens_global=opens_global).message(0, 0, is_inner=False)


def parts(octets: bytes) -> Iterable[Part]:
    """All parts of a whole message in their order, for whoever wants their octets: lines, envelopes and what parts
    hold may be left out.
    """
    found = quickly.parts(octets)
    return found if found is not None else whatever(octets).walk()


def has_global(root: Part) -> bool:
    """Whether ``parse`` finds another structure with ``opens_global``."""
    return any(
        part.kind == LEAF and _is_global(part.type, part.subtype, part.encoding) for part in root.walk()
    )


def _is_global(kind: bytes, subtype: bytes, encoding: bytes | None) -> bool:
    return (
        kind.lower() == b"message"
        and subtype.lower() == b"global"
        and (encoding is None or encoding.lower() in (b"7bit", b"8bit", b"binary"))
    )


def root_header(wire: bytes, part: Part) -> Header:
    """The fields of a message's or part's header."""
    return Header(wire[part.start : part.body])


MAX_TOTAL_FIELDS = 200_000
"""Header fields of all parts together that are looked at: what a tenth of a second allows."""


MAX_SEARCHES = 200_000
"""Searches for a boundary in one message: ten times what MAX_PARTS parts of a real mail need."""

MAX_PASSES = 16
"""How often, on the average, an octet is passed over by these searches; once per level of nesting."""


class _Open:
    """The boundary of an open multipart, and what is known of its next line.

    nl: the LF before that line, -1 if not known.  clear: up to this LF no such line stands.
    """

    __slots__ = ("needle", "nl", "clear")

    def __init__(self, needle: bytes) -> None:
        self.needle = needle  # LF "--" boundary
        self.nl = -1
        self.clear = -1


class _Parser:
    """One pass over a message.

    ``nl`` and ``level`` say where the part read last ended: at the boundary line after the LF
    at ``nl``, of the open multipart ``level``; level -1 is the end of the message. ``before`` is
    where the body ends that stands before it.
    """

    def __init__(self, wire: bytes, *, opens_global: bool = False) -> None:
        self.wire = wire
        self.opens_global = opens_global
        self.size = len(wire)
        self.open: list[_Open] = []
        self.count = 0
        self.fields = MAX_TOTAL_FIELDS
        self.nl = self.size
        self.level = -1
        self.before = self.size
        self.searches = 0
        self.passed = 0  # octets, by all searches

    def next_boundary(self, at: int) -> None:
        """Find the first boundary line that begins at or after ``at``, itself a line's beginning."""
        size, limit, level = self.size, self.size, -1
        if self.searches > MAX_SEARCHES or self.passed > MAX_PASSES * (size + 1024 * 1024):
            self.open.clear()  # what follows stays in the body of the last part
        for index, boundary in enumerate(self.open):
            nl = boundary.nl
            if nl < at - 1:
                if boundary.clear >= limit:
                    continue
                self.searches += 1
                # Not past an outer boundary's line: once that is reached, this one is closed.
                needle = boundary.needle
                start = max(at - 1, boundary.clear + 1)
                nl = self.wire.find(needle, start, min(size, limit + len(needle)))
                self.passed += (limit if nl < 0 else nl) - start
                boundary.nl = nl
                if nl < 0:
                    boundary.clear = limit
                    continue
            if nl < limit:
                limit, level = nl, index
            elif nl == limit:
                level = self.better(level, index, nl)
        self.nl, self.level = limit, level
        self.before = max(at, self.before_line_end())

    def before_line_end(self) -> int:
        """Where the line end begins that belongs to the boundary line found."""
        nl = self.nl
        return nl - 1 if 0 < nl < self.size and self.wire[nl - 1] == 0x0D else nl

    def better(self, outer: int, inner: int, nl: int) -> int:
        """Which of two boundaries that both begin the line is meant: the exact, else the longer one."""
        prefix = nl + 3
        line = self.wire[prefix : prefix + MAX_BOUNDARY + 4].partition(b"\n")[0].removesuffix(b"\r")
        for index in (inner, outer):
            boundary = self.open[index].needle[3:]
            if line in (boundary, boundary + b"--"):
                return index
        return inner if len(self.open[inner].needle) >= len(self.open[outer].needle) else outer

    def message(self, start: int, depth: int, *, is_inner: bool) -> Part:
        """A whole message, the root or one inside message/rfc822."""
        return self.part(start, depth, is_mime=False, in_digest=False, is_inner=is_inner)

    def part(self, start: int, depth: int, *, is_mime: bool, in_digest: bool, is_inner: bool) -> Part:
        """Header and body that begin at ``start``."""
        self.count += 1
        wire = self.wire
        self.next_boundary(start)
        body = find_end(wire, start, self.nl + 1 if self.level >= 0 else self.size)
        has_body = body >= 0
        block = wire[start : body if has_body else self.before]
        content = content_of(self.content_fields(block), is_mime, in_digest)
        if self.opens_global and content.kind == LEAF:
            encoding = content.values.get(b"content-transfer-encoding")
            if _is_global(content.type.type, content.type.subtype, encoding):
                content = content.of_kind(MESSAGE)
        if has_body and content.kind == MESSAGE and self.is_deep(depth):
            content = content.of_kind(LEAF)
        boundary = self.boundary(content, depth) if has_body else None
        own = len(self.open)
        if boundary is not None:
            self.open.append(_Open(b"\n--" + boundary))
            self.next_boundary(body)
        if has_body and 0 <= self.level < own and self.nl < body:
            # The line end before a boundary belongs to it, also where it is the header's blank line.
            has_body = False
        parts: tuple[Part, ...] = ()
        if not has_body:
            body = end = max(start, self.before_line_end())
            if content.kind == MESSAGE:
                parts = (_EMPTY._replace(start=body, body=body, end=body, envelope=Envelope()),)
            # Dovecot counts that line end to what encloses this part.
            self.before = self.nl + 1 if start <= self.nl < self.size else end
        else:
            if boundary is not None:
                parts = self.multipart(own, boundary, depth, content.type.subtype)
            elif content.kind == MESSAGE:
                parts = (self.message(body, depth + 1, is_inner=True),)
            else:
                self.next_boundary(body)
            end = self.before
        del self.open[own:]
        lines = wire.count(b"\n", body, end) if content.kind in LINES_TOLD else 0
        return content.part(start, body, end, lines, envelope(Header(block)) if is_inner else None, parts)

    def content_fields(self, block: bytes) -> Fields:
        """Those of the header ``block``."""
        if len(block) > MAX_QUICK or self.fields < MAX_QUICK:
            header = Header(block, max(1, min(MAX_FIELDS, self.fields)))
            self.fields -= len(header.fields)
            pairs = zip(header.names, header.fields, strict=True)
            return tuple([(name, field.partition(b":")[2]) for name, field in pairs if name in NAMES])
        self.fields -= block.count(b"\n") + 1
        return fields_of(block)

    def is_deep(self, depth: int) -> bool:
        """Whether what a part holds is not looked at any more."""
        return depth >= MAX_DEPTH or self.count >= MAX_PARTS

    def boundary(self, content: Content, depth: int) -> bytes | None:
        """The boundary of a multipart that is to be opened; what lies too deep becomes a leaf."""
        if content.kind == MULTIPART and not self.is_deep(depth):
            boundary = mime.param(content.type.params, b"boundary")
            return None if boundary is None else boundary[:MAX_BOUNDARY]
        return None

    def multipart(self, own: int, boundary: bytes, depth: int, subtype: bytes) -> tuple[Part, ...]:
        """The parts between the lines of the open boundary ``own``, the first of which is next."""
        wire, in_digest = self.wire, subtype.lower() == b"digest"
        parts: list[Part] = []
        while self.level >= own:
            after = self.nl + 3 + len(boundary)
            line_end = wire.find(b"\n", after) + 1
            if wire.startswith(b"--", after):
                del self.open[own:]
                self.next_boundary(line_end or self.size)
            elif not line_end:
                self.nl, self.level, self.before = self.size, -1, self.size
            elif self.count >= MAX_PARTS:
                self.next_boundary(line_end)
            else:
                parts.append(
                    self.part(line_end, depth + 1, is_mime=True, in_digest=in_digest, is_inner=False)
                )
        return tuple(parts)


_EMPTY = Content().part(0, 0, 0, 0, None, ())
