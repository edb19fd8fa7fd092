"""Encoded words in field values as text (RFC 2047, RFC 2231 §5)."""

import binascii
import re

from mailaccess.message import charset, transfer

_WORD = re.compile(rb"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=")
MAX_DECODED = 1024 * 1024
"""Octets of one value in which words are looked for; each word costs some microseconds."""

_WHITE = re.compile(r"[ \t\r\n]+")


def decoded(value: bytes) -> str:
    """An unfolded field value as text.

    Words are decoded wherever they stand, also next to other text, as mail readers do; white
    space between two words goes. Octets of neighbouring words in one charset are joined before
    they are decoded, since mailers cut characters in two. Octets outside of words are UTF-8.
    """
    if b"=?" not in value:
        return value.decode("utf-8", "replace")
    pieces: list[str] = []
    name, last = b"", 0
    pending: list[bytes] = []
    for match in _WORD.finditer(value, 0, MAX_DECODED):
        between = value[last : match.start()]
        adjoining = bool(pending) and not between.strip(b" \t\r\n")
        if not adjoining or match[1].lower() != name:
            if pending:
                pieces.append(charset.decode(b"".join(pending), name))
                pending = []
            name = match[1].lower()
        if not adjoining:
            pieces.append(between.decode("utf-8", "replace"))
        octets = match[3]
        pending.append(transfer.base64(octets) if match[2] in b"bB" else binascii.a2b_qp(octets, header=True))
        last = match.end()
    if pending:
        pieces.append(charset.decode(b"".join(pending), name))
    pieces.append(value[last:].decode("utf-8", "replace"))
    return "".join(pieces)


def one_line(value: bytes) -> str:
    """``decoded``, each run of white space one space, as ENVELOPE shows it and SEARCH sees it."""
    text = decoded(value)
    if "  " in text or "\t" in text or "\r" in text or "\n" in text:
        text = _WHITE.sub(" ", text)
    return text.strip(" ")
