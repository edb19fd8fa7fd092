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
from collections.abc import Iterable
from operator import itemgetter
from typing import Final, NamedTuple

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
# What we and Dovecot write, read in one go; everything else takes the long way.
_USUAL: Final = re.compile(
    rb"([^,:]*),S=([0-9]{1,19}),W=([0-9]{1,19})(?:,I=([0-9]{1,19}))?(?::2,([A-Za-z]*))?", re.DOTALL
)
_NUMBER: Final = re.compile(rb"[0-9]{1,19}\Z")
_SECONDS: Final = re.compile(rb"[0-9]{1,12}(?=[._]|\Z)")


class FileName(NamedTuple):  # a tuple: 100,000 of them are made when a folder is first seen
    """A parsed name. size, wire, uid: None where the field is missing or no number."""

    unique: bytes
    size: int | None
    wire: int | None
    uid: int | None
    others: tuple[bytes, ...]
    letters: str


def parse(name: bytes) -> FileName:
    """Read any file name; never fails."""
    usual = _USUAL.fullmatch(name)
    if usual is not None:
        base, size, wire, uid, flags = usual.groups()
        return FileName(
            base, int(size), int(wire), int(uid) if uid else None, (), flags.decode("ascii") if flags else ""
        )
    match = _NAME.fullmatch(name)
    assert match is not None, "the pattern takes any octets"
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
    return name.split(b",", 1)[0].split(b":", 1)[0]


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
    if name[10:11] == b"." and name[:10].isdigit():  # from 2001 to 2286
        return int(name[:10])
    match = _SECONDS.match(name)
    return int(match.group()) if match else None


def order(name: bytes) -> tuple[int, bytes]:
    """The order in which files without a UID of ours get one: by the time in their names, then by name."""
    when = seconds(name)
    return (when if when is not None else 1 << 62, name)


def in_order(entries: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Entries (any number, file name) by ``order``; where all names begin with a time of ten digits, as nearly
    all do, the names compare as they stand.
    """
    entries = list(entries)
    if all([name[10:11] == b"." and name[:10].isdigit() for _, name in entries]):
        if len({number for number, _ in entries}) == 1:  # a sort of plain octets is three times as fast
            number = entries[0][0]
            return [(number, name) for name in sorted([name for _, name in entries])]
        return sorted(entries, key=itemgetter(1))
    return sorted(entries, key=lambda entry: order(entry[1]))


def base(unique: bytes, size: int, wire: int, uid: int) -> bytes:
    """A name without an info, as a new message has it."""
    return b"%b,S=%d,W=%d,I=%d" % (unique, size, wire, uid)


def render(unique: bytes, size: int, wire: int, uid: int, others: tuple[bytes, ...], letters: str) -> bytes:
    """A whole name. ``letters`` may come in any order; an info is written always: it says "seen by a server".

    Fields of others are dropped where the name would become too long; ``unique`` must be short enough.
    """
    start = base(unique, size, wire, uid)
    if others:
        longer = b",".join((start, *others))
        if len(longer) <= MAX_NAME - MAX_INFO:
            start = longer
    return with_letters(start, letters)


def with_letters(start: bytes, letters: str) -> bytes:
    """``start`` with its info; letters in ASCII order, each once, as the format demands."""
    return start + b":2," + "".join(sorted(set(letters))).encode("ascii")


def fits(unique: bytes) -> bool:
    """Whether a name made of ``unique`` and our three fields stays below the file system's bound."""
    return 0 < len(unique) <= MAX_NAME - MAX_INFO - len(b",S=,W=,I=") - 3 * 15
