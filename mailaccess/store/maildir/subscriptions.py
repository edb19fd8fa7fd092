"""Dovecot's ``subscriptions`` file, which is the truth for ours too.

Version 2 begins with ``V<tab>2`` and an empty line, then a name a line, its levels between tabs with
Dovecot's tab escapes. Version 1 is a name a line with dots between the levels. Levels are in modified
UTF-7, as in folder names. Either is read; version 2 is written.
"""

import re
from collections.abc import Iterable
from typing import Final

from mailaccess.model import names
from mailaccess.store.maildir import folders

FILE: Final = b"subscriptions"

MAX_SUBSCRIPTIONS: Final = 10_000
"""Names one account may subscribe to: bounds LSUB, and the file rewritten at each change."""

_HEADER: Final = b"V\t2\n"
_ESCAPED: Final = re.compile(rb"\x01([01tnr])")
_UNESCAPED: Final = {b"0": b"\x00", b"1": b"\x01", b"t": b"\t", b"n": b"\n", b"r": b"\r"}


def parse(data: bytes) -> list[str]:
    """The names subscribed to, in the file's order, each once."""
    found: dict[str, None] = {}
    second = data.startswith(_HEADER)
    for line in data.split(b"\n")[1 if second else 0 :]:
        if not line:
            continue
        levels = line.split(b"\t") if second else line.split(b".")
        octets = [_ESCAPED.sub(lambda match: _UNESCAPED[match.group(1)], level) for level in levels]
        if len(octets) == 1 and octets[0].upper() == names.INBOX.encode():
            found[names.INBOX] = None
        else:
            found[folders.name(b"." + b".".join(octets))] = None
        if len(found) >= MAX_SUBSCRIPTIONS:
            break
    return list(found)


def render(subscribed: Iterable[str]) -> bytes:
    """The file in version 2. A name without a folder of its own form was read from one: its octets come back."""
    lines = [_HEADER]
    for name in subscribed:
        octets = b".INBOX" if name == names.INBOX else folders.folder(name)
        lines.append(b"\t".join(octets[1:].split(b".")))
    return b"\n".join(lines) + b"\n"
