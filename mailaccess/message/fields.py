"""The fields of a header that ENVELOPE, SEARCH, SORT and THREAD look at, picked out in one go.

``Header`` tells all fields apart; where only these are wanted that is most of the work. ``usual`` finds them
with one pattern, and what it finds is what ``Header.all`` would.
"""

import re
from typing import Final

from mailaccess.message.headers import MAX_FIELDS, Header

NAMES: Final = (
    b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc",
    b"in-reply-to", b"message-id", b"references",
)  # fmt: skip

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
