"""The first look into a mailbox full of files: adopted from another server, or dropped in by a program.

Told in prose first. The names of all files are read with one pattern, over all of them at once, and put into columns;
nothing is done file by file but what only the file can tell (INTERNALDATE, and whether the size in its name can be
true). The UIDs of files that do not carry them go to the mailbox's list, in one write and fsync, before anybody is
told of them. The columns are kept as chunks (``index.packed``), from which rows are made later. A folder that holds
anything out of the ordinary is left to ``intake``, which looks at each file by itself.

Plain blocking code for the account's serial jobs, within their transactions.
"""

import os
import re
from array import array
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import repeat
from typing import Final, Protocol

from mailaccess.model.flags import FlagSet
from mailaccess.store.bounds import next_modseq, take_uids
from mailaccess.store.changes import Delta, Rows
from mailaccess.store.describing import Describer
from mailaccess.store.index import fulltext, mailboxes, messages, packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.index.packed import Chunk
from mailaccess.store.maildir import names, scan
from mailaccess.store.vault import Vault

PACKED_FROM: Final = 1_000
"""Files for which this is worth it; fewer have their rows at once."""

CHUNK: Final = 2_000
"""Messages in a chunk: their rows take 10 to 20 ms to make."""

# What we and Dovecot write, with a time in front, so that names in their order are in the order of their times.
_NAME: Final = (
    rb"([0-9]{10}\.[^,:/\0\n]*+),S=([0-9]{1,18}),W=([0-9]{1,18})(?:,I=([0-9]{1,9}))?(?::2,([A-Za-z]*+))?/"
)
_EACH: Final = re.compile(_NAME)
_ALL: Final = re.compile(rb"(?:" + re.sub(rb"\((?!\?)", rb"(?:", _NAME) + rb")*+")


class Look(Protocol):
    """What the intake lends."""

    vault: Vault
    box: Box
    stats: dict[scan.Entry, os.stat_result]

    def carried(self) -> dict[int, FlagSet]: ...
    def measured(self, place: int, file: bytes, stored: int) -> int: ...
    def listed(self) -> dict[bytes, int]: ...
    def is_listed(self, unique: Sequence[bytes], uids: Sequence[int]) -> bool: ...
    def write_list(self, lines: list[bytes]) -> None: ...


class _Found:
    """The files in the order of their UIDs, as parallel columns."""

    def __init__(self, files: list[bytes], places: bytes) -> None:
        self.files = files
        self.places = places
        columns = list(zip(*_EACH.findall(b"/".join(files) + b"/"), strict=True))
        self.unique: Sequence[bytes] = columns[0]
        self.stored = array("Q", map(int, columns[1]))
        self.sizes = array("Q", map(int, columns[2]))
        self.own: Sequence[bytes] = columns[3]
        self.letters: Sequence[bytes] = columns[4]
        self.uids: Sequence[int] = ()
        self.dates = array("q")

    def sort(self) -> None:
        """By UIDs."""
        order = sorted(range(len(self.uids)), key=self.uids.__getitem__)
        self.files = [self.files[at] for at in order]
        self.places = bytes([self.places[at] for at in order])
        self.unique = [self.unique[at] for at in order]
        self.stored = array("Q", [self.stored[at] for at in order])
        self.sizes = array("Q", [self.sizes[at] for at in order])
        self.own = [self.own[at] for at in order]
        self.letters = [self.letters[at] for at in order]
        self.uids = [self.uids[at] for at in order]


def take(look: Look) -> bool:
    """Take in everything in a mailbox that has no messages yet; False, and nothing done, where that is not for here."""
    vault, box = look.vault, look.box
    found = _listing(vault, box)
    if found is None or not _numbered(look, found):
        return False
    carried = look.carried()
    describer = Describer(look, 0)
    flag_rows = {letters: describer.flag_row(letters.decode("ascii")) for letters in set(found.letters)}
    if carried or describer.has_strays or not _measured(look, found):
        return False
    highest = found.uids[-1]
    if highest >= box.uidnext:
        take_uids(vault, box, highest + 1 - box.uidnext)
    flags = array("I", map(flag_rows.__getitem__, found.letters))
    modseq = next_modseq(vault, box)
    _keep(vault, box, found, flags, modseq)
    nameless = [
        pair
        for pair, own in zip(zip(found.uids, found.unique, strict=True), found.own, strict=True)
        if not own
    ]
    if nameless and not look.is_listed(found.unique, found.uids):
        look.write_list([b"%d :%b\n" % pair for pair in nameless])
    box.messages += len(found.files)
    box.octets += sum(found.sizes)
    box.first_recent = next(
        (uid for uid, own, place in zip(found.uids, found.own, found.places, strict=True) if not own and not place),
        box.uidnext,
    ) if 0 in found.places else box.uidnext  # fmt: skip
    vault.owing = True  # rows are made of them in the background, and their texts indexed
    count = len(found.files)
    rows = Rows(
        array("I", found.uids),
        vault.flag_sets.numbers(flags),
        array("Q", [modseq]) * count,
        found.sizes,
        found.dates,
    )
    vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, appended=rows))
    return True


def _listing(vault: Vault, box: Box) -> _Found | None:
    """All files, in the order of their names, if there are many and each has a name of the usual form of its own."""
    expected = vault.connection.execute(
        "SELECT 1 FROM messages WHERE mailbox = ? OR (home = ? AND home <> mailbox) UNION ALL"
        " SELECT 1 FROM doomed WHERE home = ? LIMIT 1",
        (box.id, box.id, box.id),
    ).fetchone()
    if expected is not None:
        return None
    new, current = [vault.files.plain(vault.path(box.folder, place, b"")) for place in (0, 1)]
    if len(new) + len(current) < PACKED_FROM:
        return None
    if new:
        pairs = sorted([*zip(new, repeat(0)), *zip(current, repeat(1))])
        files, places = [name for name, _ in pairs], bytes([place for _, place in pairs])
    else:
        files, places = sorted(current), b"\1" * len(current)
    if not _ALL.fullmatch(b"/".join(files) + b"/"):
        return None
    found = _Found(files, places)
    return found if len(set(found.unique)) == len(files) else None


def _numbered(look: Look, found: _Found) -> bool:
    """Give each its UID: the next ones; or, where names or lists have some, those, if all have one."""
    box, count = look.box, len(found.files)
    listed = look.listed()
    if not listed and not any(found.own):
        found.uids = range(box.uidnext, box.uidnext + count)
        return True
    given = [
        int(own) if own else listed.get(unique, 0)
        for own, unique in zip(found.own, found.unique, strict=True)
    ]
    if len(set(given)) != count or min(given) < 1 or max(given) >= box.uid_bound:
        return False
    found.uids = given
    found.sort()
    return True


def _measured(look: Look, found: _Found) -> bool:
    """INTERNALDATE of each, and the sizes of those whose names can't be true. False where a file went meanwhile."""
    prefixes = [look.vault.path(look.box.folder, place, b"") for place in (0, 1)]
    stats = look.vault.files.stat_plain(
        [prefixes[place] + name for place, name in zip(found.places, found.files, strict=True)]
    )
    if None in stats:
        return False
    on_disk = array("Q", [each.st_size for each in stats if each is not None])
    found.dates = array("q", [int(each.st_mtime) for each in stats if each is not None])
    if on_disk != found.stored or any(map(int.__lt__, found.sizes, found.stored)):
        for at, (actual, named) in enumerate(zip(on_disk, found.stored, strict=True)):
            if actual != named or found.sizes[at] < named:
                found.sizes[at] = look.measured(found.places[at], found.files[at], actual)
    return True


def _keep(vault: Vault, box: Box, found: _Found, flags: "array[int]", modseq: int) -> None:
    content = mailboxes.take_contents(vault.connection, len(found.files))
    for start in range(0, len(found.files), CHUNK):
        stop = start + CHUNK
        packed.add(
            vault.connection,
            box.id,
            Chunk(
                content + start, modseq, array("I", found.uids[start:stop]), flags[start:stop],
                found.sizes[start:stop], found.dates[start:stop], found.places[start:stop], found.files[start:stop],
            ),
        )  # fmt: skip
    vault.packed.add(box.id)


def unpack(vault: Vault, mailbox: int, low: int = 1, high: int = packed.MAX_UID, most: int = -1) -> None:
    """Make rows of the mailbox's packed messages whose UIDs may lie between; of at most so many chunks.

    Within the open transaction, or one of its own.
    """
    if mailbox in vault.packed:
        vault.require_thread()
        _unpack(vault, mailbox, low, high, most)


def unpack_one(vault: Vault, mailbox: int, uid: int) -> None:
    """``unpack`` of one message, and its chunk, wherever the job runs."""
    if mailbox in vault.packed:
        _unpack(vault, mailbox, uid, uid, 1)


def _unpack(vault: Vault, mailbox: int, low: int, high: int, most: int) -> None:
    connection = vault.connection
    with nullcontext() if connection.in_transaction else vault.transaction():
        for chunk in packed.chunks(connection, mailbox, low, high, most):
            count = len(chunk.names)
            messages.insert(
                connection,
                zip(
                    repeat(mailbox), chunk.uids, chunk.flags, repeat(chunk.modseq), chunk.dates,
                    map(_saved, chunk.names), chunk.sizes, range(chunk.content, chunk.content + count),
                    repeat(mailbox), chunk.places, chunk.names, strict=False,
                ),
            )  # fmt: skip
            packed.remove(connection, mailbox, chunk)
            fulltext.enqueue(connection, range(chunk.content, chunk.content + count))
            vault.described = min(vault.described or chunk.content, chunk.content - 1)
        if not packed.chunks(connection, mailbox, most=1):
            vault.packed.discard(mailbox)


def unpack_some(vault: Vault) -> bool:
    """Make rows of one chunk, of any mailbox; whether there are more."""
    for mailbox in list(vault.packed)[:1]:
        unpack(vault, mailbox, most=1)
    return bool(vault.packed)


def _saved(name: bytes) -> int | None:
    return names.seconds(name)
