"""The file of annotations of a mailbox, or of an account (RFC 5464 §3).

An entry a line: its name in lower case, a space, the value in base64. It lies in the mailbox's folder, so that
it is renamed and removed with it; there is no copy in the index.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

FILE: Final = b"mailaccess-metadata"
SERVER_FILE: Final = b"mailaccess-server-metadata"

_HEADER: Final = b"mailaccess-metadata 1"


def parse(data: bytes) -> dict[str, bytes]:
    """The entries; damaged lines are passed over."""
    found: dict[str, bytes] = {}
    for line in data.split(b"\n")[1:]:
        name, _, value = line.rpartition(b" ")
        try:
            if name:
                found[name.decode("ascii")] = b64decode(value, validate=True)
        except ValueError:
            continue
    return found


def render(entries: Mapping[str, bytes]) -> bytes:
    lines = [b"%b %b" % (name.encode("ascii"), b64encode(entries[name])) for name in sorted(entries)]
    return b"\n".join([_HEADER, *lines, b""])
