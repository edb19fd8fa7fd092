"""The fields of a header that ENVELOPE, SEARCH, SORT, THREAD and lists of mail programs look at, picked out in one go.

``Header`` tells all fields apart; where only these are wanted that is most of the work. ``usual`` and ``select`` find
them with one pattern, and what they find is what ``Header.all`` and ``Header.select`` would.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, cast

from mailaccess.message.headers import MAX_FIELDS, Header

NAMES: Final = (
    b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc",
    b"in-reply-to", b"message-id", b"references",
)  # fmt: skip

LISTED: Final = (
    *NAMES, b"content-type", b"priority", b"x-priority", b"importance", b"newsgroups", b"list-post",
    b"disposition-notification-to", b"mail-followup-to", b"mail-reply-to", b"x-label", b"lines",
    b"content-description", b"content-transfer-encoding", b"x-draft-info",
)  # fmt: skip
"""And those that mail programs ask for to list a mailbox: Thunderbird, Roundcube, mutt."""

MAX_USUAL: Final = 2 * MAX_FIELDS
"""Octets of a header up to which it can't have more than MAX_FIELDS fields, since each has two or more."""

# It begins with an octet that C looks for; then the first letter is looked at, since most lines begin with none of
# these.
_WANTED: Final = re.compile(
    rb"\n(?=[BCDFIMRSTbcdfimrst])(date|subject|from|sender|reply-to|to|cc|bcc|in-reply-to|message-id|references)"
    rb"[ \t]*:(.*(?:\n[ \t].*)*)",
    re.IGNORECASE,
)


def usual(block: bytes) -> dict[bytes, list[bytes]]:
    """The folded values of the fields called NAMES, by their names, in order; names without a field are left out.

    block: a header with or without the blank line at its end.
    """
    found: dict[bytes, list[bytes]] = {}
    if len(block) > MAX_USUAL:
        header = Header(block)
        for name in NAMES:
            values = header.all(name)
            if values:
                found[name] = values
        return found
    for name, value in _WANTED.findall(b"\n" + block):
        name = name.lower()
        if name in found:
            found[name].append(value)
        else:
            found[name] = [value]
    return found


def listed(block: bytes) -> bytes:
    """The fields called LISTED as they stand, and a blank line. ``usual`` and ``select`` find in it what they find in
    ``block``, a whole header in wire form.

    Where a message ends within its header, so that a field lacks its line end, it lacks it here too.
    """
    if block.endswith(b"\n"):
        return _selected(block, _LISTED, LISTED)
    header = Header(block)
    is_cut = bool(header.names) and not header.rest and header.names[-1] in LISTED
    return header.select(LISTED)[: -2 if is_cut else None]


def select(block: bytes, names: Sequence[bytes]) -> bytes:
    """What ``Header.select`` gives of the fields called ``names`` (lower case).  block: a header in wire form."""
    pattern = _pattern(tuple(names)) if sum(map(len, names)) <= MAX_PATTERN else None
    if pattern is None or not block.endswith(b"\n"):
        return Header(block).select(names)
    return _selected(block, pattern, names)


MAX_PATTERN: Final = 1_000
"""Octets of names in a pattern that is remembered: real lists have 100 to 600."""

_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*")


def _selected(block: bytes, pattern: re.Pattern[bytes], names: Sequence[bytes]) -> bytes:
    if len(block) > MAX_USUAL:
        return Header(block).select(names)
    found = pattern.findall(b"\n" + block)
    return b"\n".join(found) + b"\n\r\n" if found else b"\r\n"


@lru_cache(64)
def _pattern(names: tuple[bytes, ...]) -> re.Pattern[bytes] | None:
    """Finds these fields, without their last LF; None where a name is none that a field should have."""
    if not names or not all(map(_NAME.fullmatch, names)):
        return None
    # It begins as _WANTED does, and for the same reasons.
    first = {name[:1].lower() + name[:1].upper() for name in names}
    return re.compile(
        rb"\n(?=[%b])((?:%b)[ \t]*:.*(?:\n[ \t].*)*)"
        % (b"".join(sorted(first)), b"|".join(sorted(names, reverse=True))),
        re.IGNORECASE,
    )


_LISTED: Final = cast(re.Pattern[bytes], _pattern(LISTED))
