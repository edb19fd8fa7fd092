"""What SEARCH BODY and TEXT look at (RFC 9051 §6.4.4), and the fold under which texts are compared.

BODY is the decoded text of all text/* and message/* parts, HTML with its tags, as Dovecot has it;
headers of parts and of messages inside, preambles, epilogues, and parts in an unknown transfer
encoding are not in it. TEXT is BODY and all headers. Parts are held apart by U+0000, which no
search key can hold (RFC 9051 §9 CHAR8): nothing is found across a part's end.
"""

import re
import unicodedata
from typing import NamedTuple

from mailaccess.message import body, charset, transfer, words
from mailaccess.message.headers import Header, unfolded
from mailaccess.message.part import MESSAGE, MULTIPART, TEXT, Part

SEPARATOR = "\0"

MAX_MARKS = 30
"""Combining marks in a row that are kept (UAX #15 §13) in text that might have too many: putting
them in order is quadratic in their number."""

MAX_ROUNDS = 4
"""Folding is repeated until nothing changes; no character needs more than three rounds."""

# Marks cannot be many where ASCII comes often enough; a run of 1,000 costs a quarter of a millisecond.
_WITHOUT_ASCII = re.compile("[^\x00-\x7f]{1000,}")
# Of every hundredth character, such a run has ten: to look at these costs a hundredth.
_MAYBE_WITHOUT_ASCII = re.compile("[^\x00-\x7f]{10}")
_MARKS = "".join(chr(c) for c in range(0x300, 0x10000) if unicodedata.combining(chr(c)))
_MAYBE_MARKS = re.compile(f"[{_MARKS}\uff9e\uff9f\U00010000-\U0001ffff]{{{MAX_MARKS + 1},}}")

MAX_HEADER_TEXT = 1024 * 1024
"""Octets of one header block that TEXT looks at, a hundred times what mail has."""


class SearchText(NamedTuple):
    """Decoded, not folded. A key matches BODY in ``body``, TEXT in either."""

    headers: str
    body: str


def part_text(wire: bytes, part: Part) -> str | None:
    """The decoded text of one part that holds no others; None where it has none that can be read."""
    octets = _part_octets(wire, part)
    if octets is None:
        return None
    return charset.decode(octets, part.param(b"charset") if part.kind == TEXT else None)


def folded_part(wire: bytes, part: Part) -> str | bytes | None:
    """``part_text``; as its octets, folded already, where that can be told without decoding them: mostly."""
    octets = _part_octets(wire, part)
    if octets is None:
        return None
    name = part.param(b"charset") if part.kind == TEXT else None
    return octets.lower() if octets.isascii() and charset.keeps_ascii(name) else charset.decode(octets, name)


def _part_octets(wire: bytes, part: Part) -> bytes | None:
    """The octets of a part's text, out of their transfer encoding."""
    if part.kind in (MULTIPART, MESSAGE):
        return None
    if part.kind != TEXT and part.type.lower() != b"message":
        return None
    content = wire[part.body : part.end]
    octets = transfer.decode(content, body.meant_encoding(wire, part))
    if octets is None and part.encoding is None:
        octets = content  # what no decoder knows may still be text
    return octets


def header_words(header: Header) -> bytes:
    """The words of ``header_text``, folded, in UTF-8: what stands between white space, in any order.

    Most fields are ASCII without encoded words: their octets have the words of their text.
    """
    fields = header.fields
    if sum(map(len, fields)) > MAX_HEADER_TEXT:
        return fold(header_text(header)).encode("utf-8", "replace")
    odd = [
        field
        for field in fields
        if b"=?" in field or not field.isascii() or field.find(b":") != field.find(b": ")
    ]
    if not odd:
        return b"\n".join(fields).lower()
    others = set(odd)
    lines = [field for field in fields if field not in others]
    text = "\n".join([fold(_line(field)) for field in odd])
    return b"%b\n%b" % (b"\n".join(lines).lower(), text.encode("utf-8", "replace"))


def header_text(header: Header) -> str:
    """All fields decoded, a line each."""
    lines: list[str] = []
    octets = 0
    for field in header.fields:
        octets += len(field)
        if octets > MAX_HEADER_TEXT:
            break
        lines.append(_line(field))
    return "\r\n".join(lines)


def _line(field: bytes) -> str:
    """A field decoded."""
    name, colon, value = field.partition(b":")
    return f"{name.decode('utf-8', 'replace')}{colon.decode()} {words.one_line(unfolded(value))}"


def search_text(wire: bytes, root: Part) -> SearchText:
    """The texts of a whole message."""
    headers: list[str] = []
    bodies: list[str] = []
    for part in root.walk():
        if part.body > part.start:
            headers.append(header_text(Header(wire[part.start : part.body])))
        text = part_text(wire, part)
        if text is not None:
            bodies.append(text)
    return SearchText(SEPARATOR.join(headers), SEPARATOR.join(bodies))


def fold(text: str) -> str:
    """Text in the form in which SEARCH compares: NFKC, case folded; folding twice changes nothing.

    Near toNFKC_Casefold of the Unicode Standard §3.13, without its removal of ignorable characters; ß stays,
    since i;unicode-casemap maps single characters only (RFC 5051 §2): "ss" does not find it.
    Of marks on one letter the first MAX_MARKS count.
    """
    if text.isascii():
        return text.lower()
    folded = _few_marks(unicodedata.normalize("NFKC", _few_marks(text)))
    for _ in range(MAX_ROUNDS):
        again = _few_marks(unicodedata.normalize("NFKC", _casefolded(folded)))
        if again == folded:
            break
        folded = again
    return folded


def _casefolded(text: str) -> str:
    if "\u1e9e" in text:
        text = text.replace("\u1e9e", "ß")
    return "ß".join([piece.casefold() for piece in text.split("ß")]) if "ß" in text else text.casefold()


def _few_marks(text: str) -> str:
    if not _MAYBE_WITHOUT_ASCII.search(text[::100]):
        return text
    return _WITHOUT_ASCII.sub(lambda run: _MAYBE_MARKS.sub(_first_marks, run[0]), text)


def _first_marks(run: re.Match[str]) -> str:
    """Drop the marks past MAX_MARKS; U+FF9E and U+FF9F become marks by NFKC."""
    kept: list[str] = []
    marks = 0
    for character in run[0]:
        marks = marks + 1 if unicodedata.combining(character) or character in "\uff9e\uff9f" else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
