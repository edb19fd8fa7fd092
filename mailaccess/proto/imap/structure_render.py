"""ENVELOPE, BODYSTRUCTURE and BODY as IMAP octets (RFC 3501 §9, RFC 9051 §9 envelope, body).

Strings go out quoted where that is possible, as literals where they hold octets above 127, line
ends or NUL's neighbours, so that an IMAP4rev1 client without UTF8=ACCEPT reads them. A run of white
space is written as one space, as Dovecot does: what is left of folds means nothing to a client.
NUL, which no string may hold (RFC 9051 §9 CHAR8), is written as the octet 0x80.
"""

import re

from mailaccess.message.address import Address
from mailaccess.message.envelope import Envelope
from mailaccess.message.mime import Params
from mailaccess.message.part import MESSAGE, MULTIPART, TEXT, Part

_NIL = b"NIL"
_SPECIAL = re.compile(rb"[^\x20\x21\x23-\x5b\x5d-\x7e]|  ")
_LITERAL = re.compile(rb"[^\x20-\x7e]")
_WHITE = re.compile(rb"[ \t\r\n]+")
_QUOTED_SPECIAL = re.compile(rb'(["\\])')
_EMPTY_MULTIPART = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0%b)'


def envelope(value: Envelope) -> bytes:
    """Rule envelope = "(" env-date SP env-subject SP … env-message-id ")"."""
    date, subject, from_, sender, reply_to, to, cc, bcc, in_reply_to, message_id = value
    origin = _addresses(from_)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(date),
        nstring(subject),
        origin,
        origin if sender is from_ else _addresses(sender),
        origin if reply_to is from_ else _addresses(reply_to),
        _addresses(to),
        _addresses(cc),
        _addresses(bcc),
        nstring(in_reply_to),
        nstring(message_id),
    )


def bodystructure(part: Part) -> bytes:
    """Rule body with its extension data, for BODYSTRUCTURE."""
    return _body(part, extended=True)


def body(part: Part) -> bytes:
    """Rule body without extension data, for BODY."""
    return _body(part, extended=False)


def string(octets: bytes) -> bytes:
    """A string, quoted or literal, white space joined."""
    if not _SPECIAL.search(octets):
        return b'"%b"' % octets
    octets = _WHITE.sub(b" ", octets)
    if _LITERAL.search(octets):
        octets = octets.replace(b"\0", b"\x80")
        return b"{%d}\r\n%b" % (len(octets), octets)
    return b'"%b"' % _QUOTED_SPECIAL.sub(rb"\\\1", octets)


def nstring(octets: bytes | None) -> bytes:
    """Rule nstring."""
    return _NIL if octets is None else string(octets)


def _addresses(of: tuple[Address, ...]) -> bytes:
    return b"(%b)" % addresses(of) if of else _NIL


def addresses(of: tuple[Address, ...]) -> bytes:
    """Rule 1*address, without the parentheses around it."""
    return b"".join(
        [
            b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))
            for name, route, mailbox, host in of
        ]
    )


def _params(params: Params) -> bytes:
    if not params:
        return _NIL
    return b"(%b)" % b" ".join([string(octets) for pair in params for octets in pair])


def _disposition(part: Part) -> bytes:
    if part.disposition is None:
        return _NIL
    return b"(%b %b)" % (string(part.disposition), _params(part.disposition_params))


def _languages(languages: tuple[bytes, ...]) -> bytes:
    return b"(%b)" % b" ".join(map(string, languages)) if languages else _NIL


def _body(part: Part, *, extended: bool) -> bytes:
    """Nesting is bounded by structure.MAX_DEPTH, so this may call itself."""
    if part.kind == MULTIPART:
        inner = b"".join([_body(child, extended=extended) for child in part.parts])
        if not inner:
            # A multipart must show a part (RFC 3501 §9 body-type-mpart).
            inner = _EMPTY_MULTIPART % (b" NIL NIL NIL NIL" if extended else b"")
        if not extended:
            return b"(%b %b)" % (inner, string(part.subtype))
        return b"(%b %b %b %b %b %b)" % (
            inner,
            string(part.subtype),
            _params(part.params),
            _disposition(part),
            _languages(part.language),
            nstring(part.location),
        )
    params = part.params
    if part.kind == TEXT and part.param(b"charset") is None:
        params = (*params, (b"charset", b"us-ascii"))
    text = b"%b %b %b %b %b %b %d" % (
        string(part.type),
        string(part.subtype),
        _params(params),
        nstring(part.id),
        nstring(part.description),
        string(part.encoding or b"7bit"),
        part.octets,
    )
    if part.kind == TEXT:
        text += b" %d" % part.lines
    elif part.kind == MESSAGE:
        message = part.parts[0]
        text += b" %b %b %d" % (
            envelope(message.envelope or Envelope()),
            _body(message, extended=extended),
            part.lines,
        )
    if not extended:
        return b"(%b)" % text
    return b"(%b %b %b %b %b)" % (
        text,
        nstring(part.md5),
        _disposition(part),
        _languages(part.language),
        nstring(part.location),
    )
