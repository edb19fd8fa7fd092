"""A header block as its fields: octets as they stand, and unfolded values (RFC 5322 §2.2).

``Header`` splits a block once, with two calls into C; everything else is a slice of it. A
field is kept with its folds; ``unfolded`` joins the lines. Lines end at LF, a CR before it
belongs to the line end; a bare CR ends nothing. A line that begins with SP or HTAB continues
the field before it, also where nothing else stands on it.
"""

import re
from collections.abc import Iterable

MAX_HEADER_OCTETS = 10 * 1024 * 1024
"""Octets of a header block in which fields are looked for; Dovecot's bound too."""

MAX_FIELDS = 10_000
"""Fields told apart in one header block. What follows them is kept as one opaque piece, so
that a 10 MB header of two-octet lines does not become millions of objects."""

_FIELD_END = re.compile(rb"\n(?![ \t])")
_FOLD = re.compile(rb"\r?\n[ \t]?")
_BLANK_LINE = re.compile(rb"\r{0,2}\n")
_LINE_AND_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")
_LAST_BLANK_LINE = re.compile(rb"(?<![^\n])\r{0,2}\n\Z")


def find_end(wire: bytes, start: int, limit: int) -> int:
    """Offset past the blank line that ends the header block at ``start``, or -1 without one.

    Only octets before ``limit`` count. A block may begin with its blank line: no fields.
    quirk_cr_cr_lf: gateways that make CR CR LF of every line end make it of this one too.
    """
    match = _BLANK_LINE.match(
        wire[start : min(start + 3, limit)]
    )  # a slice: store reads large files in pieces
    if match:
        return start + match.end()
    if isinstance(wire, bytes):
        found = _LINE_AND_BLANK_LINE.search(wire, start, limit)
        return -1 if found is None else found.end()
    end = -1  # type: ignore[unreachable]  # of a large file, of which store shows pieces
    for blank in (b"\n\r\n", b"\n\n", b"\n\r\r\n"):
        at = wire.find(blank, start, limit)
        if at >= 0:
            limit, end = at + 1, at + len(blank)
    return end


def unfolded(value: bytes) -> bytes:
    """A field value on one line (RFC 5322 §2.2.3): line ends dropped, a tab after one made a space.

    White space at both ends is dropped too, also the line end of the field.
    """
    if b"\n" in value:
        value = value.rstrip(b"\r\n").replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")  # nearly all folds
        if b"\n" in value:
            value = _FOLD.sub(_fold_space, value)
    return value.strip(b" \t\r\n")


def _fold_space(match: re.Match[bytes]) -> bytes:
    return b" " if match[0][-1] in b" \t" else b""


class Header:
    """The fields of one header block.

    octets: the block, with or without the blank line at its end.
    fields: octets of each field without its final LF (a CR before that is kept).
    names: the lower-cased name of each field, in the same order; b"" for a line without colon.
        Past max_fields (1 or more) and MAX_HEADER_OCTETS nothing is looked at.
    rest: octets after the last field told apart, blank line excluded.
    """

    __slots__ = ("fields", "rest", "_names", "_last_newline", "_blank_line", "_index")

    def __init__(self, octets: bytes, max_fields: int = MAX_FIELDS) -> None:
        end = len(octets)
        match = _LAST_BLANK_LINE.search(octets, max(0, end - 4))
        self._blank_line = match is not None
        if match:
            end = match.start()
        self._last_newline = end > 0 and octets[end - 1] == 0x0A
        scanned = min(end, MAX_HEADER_OCTETS)
        block = octets[: scanned - 1] if scanned == end and self._last_newline else octets[:scanned]
        self.rest = octets[scanned:end]
        fields = _FIELD_END.split(block, max_fields) if block else []
        if len(fields) > max_fields:
            self.rest = fields.pop() + (b"\n" if self._last_newline and scanned == end else b"") + self.rest
        self.fields: list[bytes] = fields
        self._names: list[bytes] | None = None
        self._index: dict[bytes, int] | None = None

    @property
    def names(self) -> list[bytes]:
        if self._names is None:
            self._names = [
                field.partition(b":")[0].rstrip(b" \t").lower() if b":" in field else b""
                for field in self.fields
            ]
        return self._names

    def first(self, name: bytes) -> bytes | None:
        """The folded value of the first field called ``name`` (lower case), or None."""
        if self._index is None:
            names = self.names
            self._index = {names[i]: i for i in range(len(names) - 1, -1, -1)}
        at = self._index.get(name)
        return None if at is None else self.fields[at].partition(b":")[2]

    def last(self, name: bytes) -> bytes | None:
        """The folded value of the last field called ``name`` (lower case), or None."""
        for at in range(len(self.names) - 1, -1, -1):
            if self.names[at] == name:
                return self.fields[at].partition(b":")[2]
        return None

    def all(self, name: bytes) -> list[bytes]:
        """The folded values of all fields called ``name`` (lower case), in order."""
        pairs = zip(self.fields, self.names, strict=True)
        return [field.partition(b":")[2] for field, its_name in pairs if its_name == name]

    def select(self, names: Iterable[bytes], *, inverted: bool = False) -> bytes:
        """The octets of the fields in ``names`` (any case), in their order in the message.

        With ``inverted``, of the others (RFC 9051 §6.4.5.1 HEADER.FIELDS, HEADER.FIELDS.NOT). A
        blank line ends it. Where the message has none, as in Dovecot, only fields asked for by
        name get one; and of a field cut off by the end of the message it is the line end.
        """
        wanted = {name.lower() for name in names}
        chosen = [
            field for field, name in zip(self.fields, self.names, strict=True) if (name in wanted) != inverted
        ]
        if inverted and self.rest:
            chosen.append(self.rest.removesuffix(b"\n"))
        if not chosen:
            return b"" if inverted and not self._blank_line else b"\r\n"
        text = b"\n".join(chosen)
        if not self._last_newline and self.fields and chosen[-1] is (self.rest or self.fields[-1]):
            return text if inverted else text + b"\r\n"
        return text + (b"\n" if inverted and not self._blank_line else b"\n\r\n")
