"""System flags and keywords (RFC 9051 §2.3.2).

A flag is a ``str``: a system flag with its backslash in the canonical case of the constants
below, or a keyword as the client wrote it first. Keywords compare without regard to case.
``\\Recent`` is not stored: it belongs to a session (RFC 3501 §2.3.2).
"""

import re
from collections.abc import Iterable
from typing import Final

Flag = str
FlagSet = frozenset[str]

SEEN: Final = "\\Seen"
ANSWERED: Final = "\\Answered"
FLAGGED: Final = "\\Flagged"
DELETED: Final = "\\Deleted"
DRAFT: Final = "\\Draft"
RECENT: Final = "\\Recent"

SYSTEM_FLAGS: Final[tuple[Flag, ...]] = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
"""The system flags a client may change, in the order in which answers list them."""

NO_FLAGS: Final[FlagSet] = frozenset()

MAX_KEYWORD_LENGTH: Final = 250
"""Octets; Dovecot takes 50, Thunderbird's tag keys and Evolution's labels in mUTF-7 may be longer."""

MAX_KEYWORDS: Final = 500
"""Different keywords in one mailbox: a bound on what one client can make every other one read."""

_CANONICAL: Final = {flag.lower(): flag for flag in (*SYSTEM_FLAGS, RECENT)}
# flag-keyword = atom: no specials, no controls, no 8-bit (RFC 9051 §9); but "]", which people put into the names of
# tags, is taken.
_KEYWORD: Final = re.compile(r'[^\x00-\x20(){%*"\\\x7f-\U0010ffff]+')


def canonical(text: str) -> Flag:
    """``text`` as a flag: system flags in their canonical case, keywords as they stand.

    Raises ValueError for what is neither a known system flag nor a well-formed keyword.
    Source: flag in RFC 9051 §9.
    """
    known = _CANONICAL.get(text.lower())
    if known is not None:
        return known
    if len(text) <= MAX_KEYWORD_LENGTH and _KEYWORD.fullmatch(text):
        return text
    raise ValueError("neither a system flag nor a keyword")


def is_keyword(flag: Flag) -> bool:
    """Whether ``flag`` is a keyword and not a system flag."""
    return not flag.startswith("\\")


def ordered(flags: Iterable[Flag]) -> list[Flag]:
    """``flags`` in the order in which answers list them: system flags first, then keywords by name."""
    rank = {flag: number for number, flag in enumerate(SYSTEM_FLAGS)}
    return sorted(flags, key=lambda flag: (rank.get(flag, len(rank)), flag))
