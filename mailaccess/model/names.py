"""Mailbox names as text (RFC 9051 §5.1), the hierarchy, and the rule for INBOX.

A name is a ``str`` of Unicode with ``/`` between its levels. How it looks on the wire
(modified UTF-7 or UTF-8) is the grammar's affair; how it looks on disk the store's.
"""

import unicodedata
from typing import Final

SEPARATOR: Final = "/"
INBOX: Final = "INBOX"

MAX_NAME_OCTETS: Final = 1000
"""UTF-8 octets of a whole name; each level must still fit a file name of 255 octets (see the store)."""

MAX_LEVELS: Final = 50
"""Levels of hierarchy: bounds the work of LIST per mailbox."""

SPECIAL_USES: Final = (
    "\\All",
    "\\Archive",
    "\\Drafts",
    "\\Flagged",
    "\\Junk",
    "\\Sent",
    "\\Trash",
    "\\Important",
)
"""Special-use attributes a mailbox may carry (RFC 6154 §2, RFC 8457 §3)."""


def canonical(name: str) -> str:
    """``name`` with INBOX, and the first level INBOX, in capitals, in Unicode form NFC. RFC 9051 §5.1."""
    name = unicodedata.normalize("NFC", name)
    if name[:5].upper() == INBOX and (len(name) == 5 or name[5] == SEPARATOR):
        return INBOX + name[5:]
    return name


def problem(name: str) -> str | None:
    """What makes ``name`` (canonical) impossible to create, as a sentence for the client; None if nothing."""
    if not name:
        return "A mailbox name may not be empty"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_OCTETS:
        return "The mailbox name is too long"
    levels = name.split(SEPARATOR)
    if len(levels) > MAX_LEVELS:
        return "The mailbox name has too many levels"
    if any(not level for level in levels):
        return "A mailbox name may not have an empty level"
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name):
        return "A mailbox name may not hold control characters"
    if any(level in (".", "..") for level in levels):
        return "A level of a mailbox name may not be . or .."
    return None


def parents(name: str) -> list[str]:
    """The names above ``name``, topmost first: a/b/c gives a, a/b."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:count]) for count in range(1, len(levels))]


def is_below(name: str, parent: str) -> bool:
    """Whether ``name`` lies in the hierarchy under ``parent`` (and is not ``parent`` itself)."""
    return name.startswith(parent + SEPARATOR)
