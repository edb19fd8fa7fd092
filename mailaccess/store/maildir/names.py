"""The grammar of Maildir file names.

    name   = base [":" info]
    base   = unique *("," field)          field: ``S=`` octets on disk, ``W=`` octets with CRLF line ends,
                                          ``I=`` our UID; any other program's fields are kept as they are
    info   = "2," letters ["," extra]     letters: D F P R S T, and a to z for the mailbox's first 26 keywords

Source: http://cr.yp.to/proto/maildir.html, and Dovecot's Maildir format for the fields and keyword letters.
``I=`` and not ``U=``, which mbsync and offlineimap use for numbers of their own. Another program may change
everything but ``unique``: that part is what a file is recognised by. Names are octets: nothing is assumed of
their encoding, and an info in another form than ours counts as no flags.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.model.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Flag

MAX_NAME: Final = 255
"""Octets in a file name on the file systems Maildirs live on."""

MAX_INFO: Final = 40
"""Octets kept free for ``:2,``, six system letters, 26 keyword letters and a little."""

LETTERS: Final[dict[Flag, str]] = {DRAFT: "D", FLAGGED: "F", ANSWERED: "R", SEEN: "S", DELETED: "T"}
SYSTEM: Final[dict[str, Flag]] = {letter: flag for flag, letter in LETTERS.items()}

LETTERED: Final = 26
"""Keywords that have a letter; those past them are listed in ``mailaccess-uids``."""

_NAME: Final = re.compile(rb"([^,:]*)((?:,[^,:]*)*)(?::(.*))?", re.DOTALL)
_NUMBER: Final = re.compile(rb"[0-9]{1,19}\Z")
_SECONDS: Final = re.compile(rb"[0-9]{1,12}(?=[._]|\Z)")


@dataclass(frozen=True, slots=True)
class FileName:
    """A parsed name. size, wire, uid: None where the field is missing or no number."""

    unique: bytes
    size: int | None
    wire: int | None
    uid: int | None
    others: tuple[bytes, ...]
    letters: str


def parse(name: bytes) -> FileName:
    """Read any file name; never fails."""
    match = _NAME.fullmatch(name)
    if (
        match is None
    ):  # "x,y:…" always matches; what does not is a name whose base is followed by nothing we know
        return FileName(name, None, None, None, (), "")
    unique, fields, info = match.groups()
    numbers: dict[bytes, int] = {}
    others: list[bytes] = []
    for field in fields.split(b",")[1:]:
        key, value = field[:2], field[2:]
        if key in (b"S=", b"W=", b"I=") and key not in numbers and _NUMBER.match(value):
            numbers[key] = int(value)
        else:
            others.append(field)
    return FileName(
        unique, numbers.get(b"S="), numbers.get(b"W="), numbers.get(b"I="), tuple(others), _letters(info)
    )


def unique(name: bytes) -> bytes:
    """The part that other programs leave alone."""
    for place, octet in enumerate(name):
        if octet in b",:":
            return name[:place]
    return name


def letters(name: bytes) -> str:
    """The flag letters of a name, as they stand."""
    _, colon, info = name.partition(b":")
    return _letters(info) if colon else ""


def _letters(info: bytes | None) -> str:
    if not info or not info.startswith(b"2,"):
        return ""
    return "".join(
        [chr(octet) for octet in info[2:].partition(b",")[0] if 65 <= octet <= 90 or 97 <= octet <= 122]
    )


def seconds(name: bytes) -> int | None:
    """The delivery time that a name begins with, in seconds since the epoch; None for a name of another form."""
    match = _SECONDS.match(name)
    return int(match.group()) if match else None


def order(name: bytes) -> tuple[int, bytes]:
    """The order in which files without a UID of ours get one: by the time in their names, then by name."""
    when = seconds(name)
    return (when if when is not None else 1 << 62, name)


def render(unique: bytes, size: int, wire: int, uid: int, others: tuple[bytes, ...], letters: str) -> bytes:
    """A whole name. ``letters`` may come in any order; an info is written always: it says "seen by a server".

    Fields of others are dropped where the name would become too long; ``unique`` must be short enough.
    """
    base = b"%b,S=%d,W=%d,I=%d" % (unique, size, wire, uid)
    if others:
        longer = b",".join((base, *others))
        if len(longer) <= MAX_NAME - MAX_INFO:
            base = longer
    return with_letters(base, letters)


def with_letters(base: bytes, letters: str) -> bytes:
    """``base`` with its info; letters in ASCII order, each once, as the format demands."""
    return base + b":2," + "".join(sorted(set(letters))).encode("ascii")


def fits(unique: bytes) -> bool:
    """Whether a name made of ``unique`` and our three fields stays below the file system's bound."""
    return 0 < len(unique) <= MAX_NAME - MAX_INFO - len(b",S=,W=,I=") - 3 * 15
