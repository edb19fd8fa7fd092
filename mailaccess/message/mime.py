"""The values of Content-* fields: types, parameters, dispositions, languages (RFC 2045, 2183, 3282).

Parameters split by RFC 2231 are joined again: continuations become ``name``, and ``name*`` where
one of them is percent-encoded, with the encoded value left as it is (RFC 2231 §6 asks this of
IMAP servers). ``extended_value`` decodes it for our own reading.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mailaccess.message.lexical import BROKEN, END, MORE, TOKEN, Lexer

Params = tuple[tuple[bytes, bytes], ...]

MAX_PARAMS = 128
"""Parameters (or RFC 2231 sections of them) looked at in one field. Dovecot's bound since the
floods of CVE-2026-27859; real mail has a dozen."""

_TYPE = re.compile(rb"[ \t\r\n]*+([@]++)/([@]++)[ \t\r\n]*+(?=;|\Z)".replace(b"@", TOKEN))
_PARAM = re.compile(
    rb';[ \t\r\n]*+([@]++)=(?:([@]++)|"([^"\\\r\n]*+)")[ \t\r\n]*+(?=;|\Z)'.replace(b"@", TOKEN)
)
_SECTION = re.compile(rb"([^*]*)\*([0-9]{0,9})(\*?)\Z")
_BROKEN_VALUE = re.compile(rb"[^; \t\r\n]*")


class ContentType(NamedTuple):
    """type and subtype as written, and their parameters."""

    type: bytes
    subtype: bytes
    params: Params


def content_type(value: bytes) -> ContentType | None:
    """Read a Content-Type value; None where it is not well-formed: then it means text/plain.

    RFC 2045 §5.2. What is wrong with parameters alone does no harm.
    """
    match = _TYPE.match(value)
    if match:
        return ContentType(match[1], match[2], params(Lexer(value, match.end())))
    lexer, kind, subtype = Lexer(value), list[bytes](), list[bytes]()
    if lexer.skip() != MORE or lexer.token(kind) != MORE or lexer.octets[lexer.pos] != 0x2F:
        return None
    lexer.pos += 1
    if lexer.skip() != MORE or lexer.token(subtype) == BROKEN or not kind[0] or not subtype[0]:
        return None
    if lexer.peek() not in (-1, 0x3B):
        return None
    return ContentType(kind[0], subtype[0], params(lexer))


def disposition(value: bytes) -> tuple[bytes, Params] | None:
    """Read a Content-Disposition value (RFC 2183 §2)."""
    lexer, kind = Lexer(value), list[bytes]()
    lexer.skip()
    if lexer.token(kind) == BROKEN:
        return None
    return kind[0], params(lexer)


def transfer_encoding(value: bytes) -> bytes | None:
    """The one token of a Content-Transfer-Encoding value, or None where there is anything else."""
    lexer, kind = Lexer(value), list[bytes]()
    lexer.skip()
    return kind[0] if lexer.token(kind) == END and kind[0] else None


def content_encoding(value: bytes) -> bytes:
    """The encoding that a Content-Transfer-Encoding value means for whoever has to decode the content.

    The token, also where semicolons follow, as some mailers write it; what is no token comes as it stands,
    which no decoder knows (RFC 2045 §6.4).
    """
    lexer, kind = Lexer(value), list[bytes]()
    lexer.skip()
    end = lexer.token(kind)
    known = bool(kind) and bool(kind[0]) and (end == END or not value[lexer.pos :].strip(b"; \t\r\n"))
    return kind[0] if known else b"?" + value


def languages(value: bytes) -> tuple[bytes, ...]:
    """The tags of a Content-Language value (RFC 3282 §2)."""
    lexer, tags = Lexer(value), list[bytes]()
    lexer.skip()
    while len(tags) < MAX_PARAMS and lexer.atom(tags) != BROKEN and lexer.peek() == 0x2C:
        lexer.pos += 1
        lexer.skip()
    return tuple(tags)


def params(lexer: Lexer) -> Params:
    """Read *(";" parameter) to the end; what is broken is passed over, up to a semicolon past where it broke."""
    plain: list[tuple[bytes, bytes]] = []
    split: list[tuple[bytes, int, bool, bytes]] = []
    octets, count = lexer.octets, 0
    while lexer.pos < lexer.end and count < MAX_PARAMS:
        count += 1
        match = _PARAM.match(octets, lexer.pos)
        if match:
            name = match[1]
            value = match[2] if match[3] is None else match[3]
            lexer.pos = match.end()
        else:
            pair = _param(lexer)
            if pair is None:
                # quirk_stray_semicolon: the octet that broke the rule goes as well. Dovecot does so, and of two
                # readings of what breaks the grammar the one that clients have seen for years is the better.
                lexer.pos = octets.find(b";", lexer.pos + 1)
                if lexer.pos < 0:
                    break
                continue
            name, value = pair
        section = _SECTION.match(name) if b"*" in name else None
        if section is None:
            plain.append((name, value))
        else:
            # "name*" alone is section 0, encoded.
            encoded = not section[2] or bool(section[3])
            split.append((section[1], int(section[2] or b"0"), encoded, value))
    return tuple(plain + _joined(split)) if split else tuple(plain)


def _param(lexer: Lexer) -> tuple[bytes, bytes] | None:
    """Rule parameter = ";" attribute "=" value, with all that may stand between them."""
    name: list[bytes] = []
    value: list[bytes] = []
    if lexer.peek() != 0x3B:
        return None
    lexer.pos += 1
    if lexer.skip() != MORE or lexer.token(name) != MORE or lexer.octets[lexer.pos] != 0x3D:
        return None
    lexer.pos += 1
    state = lexer.skip()
    if state == MORE:
        if lexer.peek() == 0x22:
            state = lexer.quoted_string(value)
        elif lexer.peek() == 0x3D:
            # quirk_name_equals_encoded_word: name==?utf-8?b?...?= from broken mailers
            match = _BROKEN_VALUE.match(lexer.octets, lexer.pos)
            if match:
                value.append(match[0])
                lexer.pos = match.end()
        else:
            state = lexer.token(value)
    return None if state == BROKEN else (b"".join(name), b"".join(value))


def _joined(split: list[tuple[bytes, int, bool, bytes]]) -> list[tuple[bytes, bytes]]:
    """Join the sections of RFC 2231 §3; those with a gap stay apart."""
    split.sort(key=lambda section: section[:2])
    names: dict[bytes, list[tuple[bytes, int, bool, bytes]]] = {}
    for section in split:
        names.setdefault(section[0].lower(), []).append(section)
    joined: list[tuple[bytes, bytes]] = []
    for sections in names.values():
        if any(section[1] != expected for expected, section in enumerate(sections)):
            joined += [(b"%b*%d%b" % (name, number, b"*" if encoded else b""), value)
                       for name, number, encoded, value in sections]  # fmt: skip
            continue
        name = sections[0][0]
        if not any(encoded for _, _, encoded, _ in sections):
            joined.append((name, b"".join(value for *_, value in sections)))
            continue
        pieces = [] if sections[0][2] else [b"''"]
        pieces += [value if encoded else value.replace(b"%", b"%25") for _, _, encoded, value in sections]
        joined.append((name + b"*", b"".join(pieces)))
    return joined


def param(pairs: Params, name: bytes) -> bytes | None:
    """The first value of parameter ``name`` (lower case), or None."""
    for key, value in pairs:
        if key.lower() == name:
            return value
    return None


def extended_value(value: bytes) -> tuple[bytes, bytes]:
    """(charset, octets) of charset'language'percent-encoded (RFC 2231 §4)."""
    charset, _, rest = value.partition(b"'")
    _language, quote, text = rest.partition(b"'")
    if not quote:
        return b"", unquote_to_bytes(value)
    return charset, unquote_to_bytes(text)
