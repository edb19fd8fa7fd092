"""A message, or a part of one, as offsets into its octets and what its MIME header says."""

from collections.abc import Iterator
from typing import NamedTuple

from mailaccess.message import mime
from mailaccess.message.envelope import Envelope
from mailaccess.message.mime import Params

MAX_DEPTH = 100
"""Levels of multipart and message/rfc822 that are opened; what lies deeper is one leaf. Dovecot's bound."""

MAX_PARTS = 10_000
"""Parts of one message that are told apart; later ones stay in the body of the last. Dovecot's bound."""

LEAF = 0
TEXT = 1
MULTIPART = 2
MESSAGE = 3


class Part(NamedTuple):
    """A message, or a body part with its MIME header.

    start, body, end: offsets of the header, of the octet after its blank line, and past the body.
    lines: line feeds in the body; 0 where BODYSTRUCTURE doesn't tell them (kind LEAF, MULTIPART).
    kind: TEXT (text/*), MULTIPART, MESSAGE (message/rfc822: parts is the message inside) or LEAF.
    type, subtype, params: Content-Type as written; text/plain where there is none to read.
    encoding: Content-Transfer-Encoding as written, None where there is none.
    envelope: only of a message inside message/rfc822.
    All octets are unfolded and not decoded.
    """

    start: int
    body: int
    end: int
    lines: int
    kind: int
    type: bytes
    subtype: bytes
    params: Params
    encoding: bytes | None
    id: bytes | None
    description: bytes | None
    md5: bytes | None
    disposition: bytes | None
    disposition_params: Params
    language: tuple[bytes, ...]
    location: bytes | None
    envelope: Envelope | None
    parts: tuple["Part", ...]

    @property
    def octets(self) -> int:
        """Octets of the body, as BODYSTRUCTURE counts them."""
        return self.end - self.body

    def param(self, name: bytes) -> bytes | None:
        """The first value of a Content-Type parameter (lower-case name)."""
        return mime.param(self.params, name)

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the octets."""
        yield self
        for part in self.parts:
            yield from part.walk()
