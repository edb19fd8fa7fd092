"""Fetch items of one value each: PREVIEW (RFC 8970), SAVEDATE (RFC 8514), EMAILID and THREADID (RFC 8474).

Merge ``SIMPLE`` and ``WITH_ARGUMENTS`` into those of ``fetch`` to serve them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap.fetch import FetchAtt
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Preview(FetchAtt):
    """PREVIEW. ``lazy``: only what is at hand already, else NIL (RFC 8970 §4.1)."""

    lazy: bool = False


@dataclass(frozen=True, slots=True)
class SaveDate(FetchAtt):
    """SAVEDATE. RFC 8514 §4.2."""


@dataclass(frozen=True, slots=True)
class EmailId(FetchAtt):
    """EMAILID. RFC 8474 §5.1."""


@dataclass(frozen=True, slots=True)
class ThreadId(FetchAtt):
    """THREADID. RFC 8474 §5.2."""


_LAZY: Final = re.compile(rb" +\( *LAZY *\)", re.IGNORECASE)


def _preview(cur: ImapCursor) -> Preview:
    """``PREVIEW`` [SP "(" "LAZY" ")"]. RFC 8970 §6.

    A parenthesis behind a lone PREVIEW could as well hold the command's own modifiers: only LAZY is taken.
    """
    return Preview(lazy=cur.match(_LAZY) is not None)


SIMPLE: Final[dict[bytes, FetchAtt]] = {
    b"SAVEDATE": SaveDate(),
    b"EMAILID": EmailId(),
    b"THREADID": ThreadId(),
}

WITH_ARGUMENTS: Final[dict[bytes, Callable[[ImapCursor], FetchAtt]]] = {b"PREVIEW": _preview}
