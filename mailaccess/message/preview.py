"""The PREVIEW of a message (RFC 8970): the beginning of its text, for lists of messages."""

import html
import re

from mailaccess.message import body, charset, transfer
from mailaccess.message.part import MESSAGE, MULTIPART, TEXT, Part

MAX_CHARACTERS = 200
"""Characters of a preview: RFC 8970 §3.1 wants 200, and no more than 256."""

MAX_OCTETS = 64 * 1024
"""Octets of a part that are decoded for it; mailers put up to 30 KB of style before the text."""

FIRST_OCTETS = 4 * 1024
"""Octets looked at first."""

_WHITE = re.compile(r"[\s\x00\u00ad\u034f\u200b-\u200f\u2060\ufeff]+")
_ONLY_WHITE = re.compile(_WHITE.pattern[:-1] + r"*+\Z")
_HIDDEN = re.compile(r"<(style|script|head|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<!--.*?(?:-->|\Z)|<[!?/A-Za-z][^>]*(?:>|\Z)", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)


def preview(wire: bytes, root: Part) -> str:
    """The preview of a message, "" where it has no text (RFC 8970 §3.2).

    Of a multipart, the first part that is shown: in alternatives the plain text, else HTML without
    its markup. Lines quoted from other mail come only where there is nothing else.
    """
    part = _shown(root)
    if part is None:
        return ""
    # Nearly always the beginning has characters enough, for a tenth of the work.
    begun = _beginning(wire, part, FIRST_OCTETS)
    if len(begun) == MAX_CHARACTERS or part.octets <= FIRST_OCTETS:
        return begun
    return _beginning(wire, part, MAX_OCTETS)


def _beginning(wire: bytes, part: Part, most: int) -> str:
    """The preview as far as the first ``most`` octets of the part tell it."""
    octets = transfer.decode(
        wire[part.body : min(part.end, part.body + most)], body.meant_encoding(wire, part)
    )
    if octets is None:
        return ""
    text = charset.decode(octets, part.param(b"charset"))
    if part.subtype.lower() == b"html":
        text = _without_markup(text)
    elif ">" in text:
        own = _QUOTED_LINE.sub("", text)
        # Only a whole look may say that there is nothing but quoted lines.
        text = own if part.octets > most == FIRST_OCTETS or not _ONLY_WHITE.match(own) else text
    for characters in (4 * MAX_CHARACTERS, MAX_OCTETS):
        shown = _WHITE.sub(" ", text[:characters]).strip()[:MAX_CHARACTERS]
        if len(shown) == MAX_CHARACTERS:
            break
    return shown


def _shown(root: Part) -> Part | None:
    """The text that a reader shows first: plain, else HTML, else attached, else of a message inside."""
    html_part: Part | None = None
    attached: Part | None = None
    inside: list[Part] = []
    pending = [root]
    while pending:  # at most MAX_PARTS
        part = pending.pop()
        if part.kind == MULTIPART:
            pending.extend(reversed(part.parts))
        elif part.kind == MESSAGE:
            inside.append(part.parts[0])
        elif part.kind == TEXT and part.end > part.body:
            if (part.disposition or b"").lower() == b"attachment":
                attached = attached or part
            elif part.subtype.lower() != b"html":
                return part
            else:
                html_part = html_part or part
        if not pending and not html_part and not attached and inside:
            pending.append(inside.pop(0))
    return html_part or attached


def _without_markup(text: str) -> str:
    text = _HIDDEN.sub(" ", text)
    return html.unescape(_MARKUP.sub(" ", text))
