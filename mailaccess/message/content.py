"""What the Content-* fields of a header say, for the MIME tree (RFC 2045, RFC 2046)."""

import re
from functools import lru_cache

from mailaccess.message import mime
from mailaccess.message.envelope import Envelope
from mailaccess.message.headers import MAX_FIELDS, unfolded
from mailaccess.message.mime import Params
from mailaccess.message.part import LEAF, MESSAGE, MULTIPART, TEXT, Part

REMEMBERED = 1024
MAX_REMEMBERED = 256
"""Parts' Content-* fields, and the octets of their values, whose meaning is remembered: 1 MB at most."""

MAX_QUICK = 2 * MAX_FIELDS
"""Octets of a header up to which it can't have more than MAX_FIELDS fields, since each has two or more."""


class Content:
    """What the Content-* fields of one header say. Shared by parts: not changed once it is made."""

    __slots__ = ("kind", "type", "values", "disposition", "language")

    def __init__(self) -> None:
        self.kind = TEXT
        self.type = _TEXT_PLAIN
        self.values: dict[bytes, bytes | None] = {}
        self.disposition: tuple[bytes, Params] | None = None
        self.language: tuple[bytes, ...] = ()

    def of_kind(self, kind: int) -> "Content":
        """A copy that counts as another kind."""
        other = Content()
        other.kind, other.type, other.values = kind, self.type, self.values
        other.disposition, other.language = self.disposition, self.language
        return other

    def part(
        self, start: int, body: int, end: int, lines: int, envelope: Envelope | None, parts: tuple[Part, ...]
    ) -> Part:
        kind, subtype, params = self.type
        get = self.values.get
        disposition, disposition_params = self.disposition or (None, ())
        return Part(
            start, body, end, lines, self.kind, kind, subtype, params,
            get(b"content-transfer-encoding"), get(b"content-id"), get(b"content-description"),
            get(b"content-md5"), disposition, disposition_params, self.language, get(b"content-location"),
            envelope, parts,
        )  # fmt: skip


NAMES = frozenset(
    b"content-" + name
    for name in (
        b"type", b"transfer-encoding", b"disposition", b"language", b"id", b"description", b"md5", b"location",
    )
) | {b"mime-version"}  # fmt: skip
_MIME = (b"content-type", b"mime-version")
# As Header tells fields apart; it begins with an octet that C looks for.
_CONTENT_FIELD = re.compile(
    rb"\n(?=[CMcm])(%b)[ \t]*:(.*(?:\n[ \t].*)*)" % b"|".join(sorted(NAMES)), re.IGNORECASE
)
LINES_TOLD = (TEXT, MESSAGE)
_TEXT_PLAIN = mime.ContentType(b"text", b"plain", ())
_MESSAGE_RFC822 = mime.ContentType(b"message", b"rfc822", ())

Fields = tuple[tuple[bytes, bytes], ...]
"""Name (lower case) and value of each Content-* field, and of MIME-Version."""


def fields_of(block: bytes) -> Fields:
    """Those of a header of at most MAX_QUICK octets."""
    return tuple([(name.lower(), value) for name, value in _CONTENT_FIELD.findall(b"\n" + block)])


def content_of(fields: Fields, is_mime: bool, in_digest: bool) -> Content:
    """What the Content-* fields say. Those of most parts are those of many others."""
    if sum([len(value) for _, value in fields]) <= MAX_REMEMBERED:
        return _remembered(fields, is_mime, in_digest)
    return read_content(fields, is_mime, in_digest)


def read_content(fields: Fields, is_mime: bool, in_digest: bool) -> Content:
    """Of a field that stands twice, the first that can be read counts."""
    content = Content()
    if not (is_mime or any(name in _MIME for name, _ in fields)):
        return content
    if in_digest:
        content.kind, content.type = MESSAGE, _MESSAGE_RFC822  # RFC 2046 §5.1.5
    seen_type = False
    values = content.values
    for name, value in fields:
        if name == b"content-type":
            if not seen_type:
                seen_type = True
                content.type = mime.content_type(unfolded(value)) or _TEXT_PLAIN
                content.kind = _kind(content.type)
        elif name == b"content-transfer-encoding":
            if values.get(name) is None:
                values[name] = mime.transfer_encoding(unfolded(value))
        elif name == b"content-disposition":
            if content.disposition is None or not content.disposition[1]:
                content.disposition = mime.disposition(unfolded(value)) or content.disposition
        elif name == b"content-language":
            if not content.language:
                content.language = mime.languages(unfolded(value))
        elif name not in values:
            values[name] = unfolded(value)
    return content


_remembered = lru_cache(REMEMBERED)(read_content)


def _kind(content_type: mime.ContentType) -> int:
    kind = content_type.type.lower()
    if kind == b"text":
        return TEXT
    if kind == b"multipart":
        return MULTIPART
    return MESSAGE if kind == b"message" and content_type.subtype.lower() == b"rfc822" else LEAF
