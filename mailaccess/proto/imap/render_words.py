"""The words of IMAP as octets: strings, names, sets (RFC 9051 §9, §4.3).

Nothing that came from a message or another user can break a line: quoted strings hold neither CR, LF,
NUL nor 8-bit octets (UTF-8 only after ENABLE UTF8=ACCEPT).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap.mutf7 import encode_mutf7

NIL: Final = b"NIL"

MAX_QUOTED: Final = 1000
"""Octets; longer strings go as literals: some clients read quoted strings into small line buffers."""

# ATOM-CHAR and "]": what an astring may hold unquoted (RFC 9051 §9). "%" and "*" are left out as there.
_ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
_UNQUOTABLE: Final = re.compile(rb"[\x00\r\n\x80-\xff]")
_UNQUOTABLE_UTF8: Final = re.compile(rb"[\x00\r\n]")
_SPECIALS: Final = re.compile(rb'(["\\])')


def literal(octets: bytes) -> bytes:
    """``{n}`` and the octets. RFC 9051 §4.3."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def literal8(octets: bytes) -> bytes:
    """``~{n}`` and the octets, which may hold NUL. RFC 3516 §4.2."""
    return b"~{%d}\r\n%b" % (len(octets), octets)


def string(octets: bytes, *, utf8: bool = False) -> bytes:
    """Quoted where possible, else a literal. ``utf8``: UTF8=ACCEPT is on, RFC 6855 §3."""
    unquotable = _UNQUOTABLE_UTF8 if utf8 else _UNQUOTABLE
    if len(octets) > MAX_QUOTED or unquotable.search(octets):
        return literal(octets)
    return b'"' + _SPECIALS.sub(rb"\\\1", octets) + b'"'


def nstring(octets: bytes | None, *, utf8: bool = False) -> bytes:
    """``string``, or NIL for None."""
    return NIL if octets is None else string(octets, utf8=utf8)


def astring(octets: bytes, *, utf8: bool = False) -> bytes:
    """An atom where possible; ``NIL`` is quoted, since clients read it as nothing."""
    if _ATOM.fullmatch(octets) and octets.upper() != NIL:
        return octets
    return string(octets, utf8=utf8)


@lru_cache(maxsize=1024)
@lru_cache(maxsize=4096)  # clients ask about the same mailboxes again and again
def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name as astring: modified UTF-7, or UTF-8 after UTF8=ACCEPT. RFC 9051 §5.1, RFC 6855 §3."""
    if not utf8:
        return astring(encode_mutf7(name))
    # NUL can't be in a name that was created here; it may be in one that was asked for.
    octets = name.replace("\0", "\ufffd").encode("utf-8", "replace")
    return astring(octets) if octets.isascii() else string(octets, utf8=True)


def uid_set(numbers: UidSet) -> bytes:
    """As a sequence-set; must not be empty, which the grammar can't write."""
    return str(numbers).encode("ascii")


def ordered_set(numbers: Sequence[int]) -> bytes:
    """As a sequence-set in the given order: only ascending neighbours are drawn together. For COPYUID."""
    pieces: list[str] = []
    start = previous = 0
    for number in numbers:
        if previous and number == previous + 1:
            previous = number
            continue
        if previous:
            pieces.append(str(start) if start == previous else f"{start}:{previous}")
        start = previous = number
    if previous:
        pieces.append(str(start) if start == previous else f"{start}:{previous}")
    return ",".join(pieces).encode("ascii")


def numbers(values: Sequence[int]) -> bytes:
    """Numbers with a space between: by way of ``repr`` of a list, the fastest loop CPython has for it."""
    plain = values if type(values) is list else list(values)
    return repr(plain)[1:-1].replace(",", "").encode("ascii")
