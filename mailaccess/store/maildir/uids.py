"""``mailaccess-uids``: what a mailbox must not lose with its index. And what Dovecot left in its place.

One small file in each mailbox's folder, written whole (temporary file, fsync, rename) and rarely: when a
bound is raised, a keyword is new, the special use changes, or a message gains or loses a keyword that has no
letter. One item a line:

    mailaccess-uids 1
    uidvalidity 1764000000
    mailbox-id 5f0c…
    uid-bound 3000            UIDs below it may have been given: what comes after a rebuild starts here
    modseq-bound 20000        likewise for mod-sequences
    special-use \\Sent
    uidvalidity-bound 1764000004    of INBOX: the highest of the account's mailboxes, whose own files may be lost
    keyword 0 $Forwarded      0 to 25 are the letters a to z
    keyword 26 Later
    carries 26 4:6,9          the UIDs of the messages that carry a keyword without a letter

Beside it ``mailaccess-uidlist``, where many files were found at once. Without this file, Dovecot's
``dovecot-uidlist`` (version 3 and 1: UIDVALIDITY, next UID, UIDs by base name)
and ``dovecot-keywords`` are adopted, so that clients see the same numbers as before.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailaccess.model import flags
from mailaccess.model.sequence import UidSet
from mailaccess.store.maildir.names import unique

FILE: Final = b"mailaccess-uids"
UIDLIST: Final = b"dovecot-uidlist"
OWN_UIDLIST: Final = b"mailaccess-uidlist"
"""Of the same form, but for runs (``run``): the UIDs of files that were found in such numbers that renaming them
would take long."""

KEYWORDS: Final = b"dovecot-keywords"

MAX_FILE: Final = 64 * 2**20
"""Octets of a control file that is read: a dovecot-uidlist of a million messages has 60 MB."""

_MAX_UID: Final = 2**32 - 1


@dataclass(slots=True)
class Uids:
    """The file's contents. keywords: by number.  carries: keyword number to UIDs, for numbers from 26 on."""

    uidvalidity: int
    mailbox_id: str
    uid_bound: int = 1
    modseq_bound: int = 1
    special_use: str = ""
    keywords: dict[int, str] = field(default_factory=dict)
    carries: dict[int, UidSet] = field(default_factory=dict)
    uidvalidity_bound: int = 0


def render(uids: Uids) -> bytes:
    lines = [
        "mailaccess-uids 1",
        f"uidvalidity {uids.uidvalidity}",
        f"mailbox-id {uids.mailbox_id}",
        f"uid-bound {uids.uid_bound}",
        f"modseq-bound {uids.modseq_bound}",
    ]
    if uids.special_use:
        lines.append(f"special-use {uids.special_use}")
    if uids.uidvalidity_bound:
        lines.append(f"uidvalidity-bound {uids.uidvalidity_bound}")
    lines += [f"keyword {number} {keyword}" for number, keyword in sorted(uids.keywords.items())]
    lines += [f"carries {number} {of}" for number, of in sorted(uids.carries.items()) if of]
    return ("\n".join(lines) + "\n").encode("utf-8")


def parse(data: bytes) -> Uids | None:
    """Read the file; None where it is not one of ours or damaged. Unknown items are passed over."""
    lines = data.decode("utf-8", "replace").split("\n")
    if not lines[0].startswith("mailaccess-uids "):
        return None
    found = Uids(0, "")
    try:
        for line in lines[1:]:
            item, _, value = line.partition(" ")
            if item == "uidvalidity":
                found.uidvalidity = int(value)
            elif item == "mailbox-id":
                found.mailbox_id = value if re.fullmatch(r"[A-Za-z0-9_-]{1,255}", value) else ""
            elif item == "uid-bound":
                found.uid_bound = int(value)
            elif item == "modseq-bound":
                found.modseq_bound = int(value)
            elif item == "uidvalidity-bound":
                found.uidvalidity_bound = int(value)
            elif item == "special-use":
                found.special_use = value
            elif item == "keyword":
                number, _, keyword = value.partition(" ")
                if flags.canonical(keyword) and 0 <= int(number) < flags.MAX_KEYWORDS:
                    found.keywords[int(number)] = keyword
            elif item == "carries":
                number, _, of = value.partition(" ")
                found.carries[int(number)] = UidSet.parse(of)
    except ValueError:
        return None
    sound = (
        0 < found.uidvalidity <= _MAX_UID
        and found.uidvalidity_bound <= _MAX_UID
        and 0 < found.uid_bound <= _MAX_UID + 1
        and found.modseq_bound > 0
    )
    return found if sound and found.mailbox_id else None


@dataclass(slots=True)
class Uidlist:
    """What a ``dovecot-uidlist`` says. uids: by the unique part of the file names."""

    uidvalidity: int
    uidnext: int
    uids: dict[bytes, int]


def parse_uidlist(data: bytes) -> Uidlist | None:
    """Read Dovecot's list, version 3 or 1; None where it is neither. Damaged lines are passed over.

    Later lines win, as Dovecot appends to the file; UIDs must ascend in the file, and those that do not
    are passed over, as it does.
    """
    header, _, body = data.partition(b"\n")
    fields = header.split()
    validity = following = 0
    if fields[:1] == [b"3"]:
        for item in fields[1:]:
            if item[:1] == b"C" and item != _check(body):  # ours, not on disk as a whole when the power went
                return None
            if item[:1] == b"V" and item[1:].isdigit():
                validity = int(item[1:])
            elif item[:1] == b"N" and item[1:].isdigit():
                following = int(item[1:])
    elif fields[:1] == [b"1"] and len(fields) >= 3 and fields[1].isdigit() and fields[2].isdigit():
        validity, following = int(fields[1]), int(fields[2])
    if not 0 < validity <= _MAX_UID:
        return None
    uids: dict[bytes, int] = {}
    last = 0
    for line in body.split(b"\n"):
        if line[:1] == b":" and 0 < last < _MAX_UID:  # a run of ours
            last += 1
            uids[unique(line[1:])] = last
            continue
        number, _, rest = line.partition(b" ")
        name = rest.partition(b":")[2] if fields[0] == b"3" else rest
        last = int(number) if name and number.isdigit() and len(number) <= 10 else 0
        if 0 < last <= _MAX_UID:
            uids[unique(name)] = last
    return Uidlist(validity, max(following, max(uids.values(), default=0) + 1), uids)


def line(uid: int, name: bytes) -> bytes:
    """A record of a list, for the file ``name``."""
    return b"%d :%b\n" % (uid, unique(name).replace(b"\n", b"?"))


def run(first: int, names: Iterable[bytes]) -> bytes:
    """Records for files with one UID after the other: only the first says its number."""
    return b"%d :%b\n" % (first, b"\n:".join(names))


def render_uidlist(uidvalidity: int, uidnext: int, before: bytes, lines: Iterable[bytes]) -> bytes:
    """A list in Dovecot's form, version 3: the records of ``before`` (a list, or nothing) and ``lines``.

    It says what its records add up to, so that one that reached the disk in part is told from a whole one.
    """
    records = before.partition(b"\n")[2] + b"".join(lines)
    return b"3 V%d N%d %b\n%b" % (uidvalidity, uidnext, _check(records), records)


def _check(records: bytes) -> bytes:
    return b"C%08x" % zlib.crc32(records)


def render_dovecot_uidlist(uidvalidity: int, uidnext: int, files: Iterable[tuple[int, bytes]]) -> bytes:
    """Dovecot's own list, version 3, of UIDs in ascending order with file names.

    Dovecot compares the whole name up to its flags, so it stands here with all its fields.
    """
    records = [b"%d :%b\n" % (uid, name.partition(b":")[0]) for uid, name in files if b"\n" not in name]
    return b"3 V%d N%d\n%b" % (uidvalidity, uidnext, b"".join(records))


def render_keywords(keywords: Mapping[int, str]) -> bytes:
    """``dovecot-keywords`` of keywords by number."""
    return "".join(f"{number} {keyword}\n" for number, keyword in sorted(keywords.items())).encode("utf-8")


def parse_keywords(data: bytes) -> dict[int, str]:
    """Read ``dovecot-keywords``: a number and a keyword a line."""
    found: dict[int, str] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        number, _, keyword = line.partition(" ")
        try:
            if (
                number.isdigit()
                and flags.is_keyword(flags.canonical(keyword))
                and int(number) < flags.MAX_KEYWORDS
            ):
                found.setdefault(int(number), keyword)
        except ValueError:
            continue
    return found


def lowest_free(taken: Iterable[int]) -> int:
    """The number a new keyword gets: the lowest that is free, so that letters are used before they run out."""
    used = set(taken)
    return next(number for number in range(len(used) + 1) if number not in used)
