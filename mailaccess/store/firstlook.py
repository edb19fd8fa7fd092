"""The first look into a mailbox full of files: adopted from another server, or dropped in by a program, also into one
that was empty so far.

Told in prose first. The names of all files are read with one pattern, thousands of them at once, and put into columns;
nothing is done file by file. What only the file can tell waits until somebody asks for it or its row is made
(``unpacking``): INTERNALDATE, and whether the size in its name is true. The UIDs of files that do not carry them go
to the mailbox's list, in one write, before anybody is told of them. The columns are kept as chunks
(``index.packed``), from which rows are made later. A folder that holds anything out of the ordinary is left to
``intake``, which looks at each file by itself.

All of it goes in pieces: what one call into the interpreter's core does (a sort, a pattern over all names) no other
thread can interrupt, and the reactor is one of them.

Plain blocking code for the account's serial jobs, within their transactions.
"""

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final, Protocol, TypeVar

from mailaccess.model.flags import FlagSet
from mailaccess.store.bounds import next_modseq, take_uids
from mailaccess.store.changes import Delta, Rows
from mailaccess.store.describing import Describer
from mailaccess.store.index import mailboxes, packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.index.packed import Chunk
from mailaccess.store.maildir import scan, uids
from mailaccess.store.values import UNDATED
from mailaccess.store.vault import Vault

T = TypeVar("T", bytes, tuple[bytes, int], tuple[int, int])

PACKED_FROM: Final = 10
"""Files for which this is worth it; fewer are given their UIDs in their names at once."""

CHUNK: Final = 250
"""Messages in a chunk: to split it for a change of one of them takes half a millisecond, to make their rows some 4."""

PIECE: Final = 16
"""Chunks whose names are read at once: 3 ms for 4,000 names, and the memory for them."""

SORTED_AT_ONCE: Final = 100_000
"""Names that one call sorts, 50 ms; more are dealt out first."""

_DOT: Final = ord(".")
_SAMPLED: Final = 1_000
"""One name in so many decides how names are dealt out."""

# What we and Dovecot write, with a time in front, so that names in their order are in the order of their times.
_NAME: Final = (
    rb"([0-9]{10}\.[^,:/\0\n]*+),S=([0-9]{1,18}+),W=([0-9]{1,18}+)(?:,I=([0-9]{1,9}+))?(?::2,([A-Za-z]*+))?/"
)
_EACH: Final = re.compile(_NAME)
# The most usual of them: without a UID of ours, and in cur/. Where their separators are these and no others, which
# is told without looking at what stands between, the fields lie at every seventh place.
_PLAIN: Final = re.compile(rb"(?:[0-9]{10}\.[^,]*+,S=[0-9]{1,18}+,W=[0-9]{1,18}+:2,[A-Za-z]*+/)*+")
_SEPARATORS: Final = b",=,=:,/"
_BETWEEN: Final = bytes([octet for octet in range(256) if octet not in _SEPARATORS + b"\n"])
_APART: Final = bytes.maketrans(b",=:", b"///")


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


@dataclass(slots=True)
class _Names:
    """What the names of some files say. own: UIDs, empty where a name has none; None where none has one."""

    unique: Sequence[bytes]
    sizes: "array[int]"
    letters: Sequence[bytes]
    own: Sequence[bytes] | None


@dataclass(slots=True)
class _Found:
    """The files in the order of their UIDs, as parallel columns. lines: what the list is to have of them."""

    files: list[bytes]
    places: bytes
    flags: "array[int]" = field(default_factory=lambda: array("I"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
    uids: Sequence[int] = ()
    lines: list[bytes] = field(default_factory=list)
    first_recent: int = 0


def take(look: Look) -> bool:
    """Take in everything in a mailbox that has no messages; False, and nothing done, where that is not for here.

    In one that was looked at before, UIDs in names may be those of messages that are gone: not for here either.
    """
    vault, box = look.vault, look.box
    found = _listing(vault, box)
    if found is None or look.carried():
        return False
    listed = look.listed()
    if not (_in_order(look, found) if not listed else _numbered(look, found, listed)):
        return False
    highest = found.uids[-1]
    if highest >= box.uidnext:
        take_uids(vault, box, highest + 1 - box.uidnext)
    modseq = next_modseq(vault, box)
    _keep(vault, box, found, modseq)
    if found.lines:
        look.write_list(found.lines)
    box.messages += len(found.files)
    box.octets += sum(found.sizes)
    box.first_recent = found.first_recent or box.uidnext
    vault.owing = True  # rows are made of them in the background, and their texts indexed
    rows = _rows(vault, found, modseq) if box.mailbox_id in vault.loaded else None
    vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, box.first_recent, appended=rows))
    return True


def _rows(vault: Vault, found: _Found, modseq: int) -> Rows:
    count = len(found.files)
    return Rows(
        array("I", found.uids),
        vault.flag_sets.numbers(found.flags),
        array("Q", (modseq,)) * count,
        found.sizes,
        array("q", (UNDATED,)) * count,
    )


def _listing(vault: Vault, box: Box) -> _Found | None:
    """All files, in the order of their names, if there are many and nothing else belongs there."""
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
        pairs = in_order([*zip(new, repeat(0)), *zip(current, repeat(1))])
        files, places = [name for name, _ in pairs], bytes([place for _, place in pairs])
    else:
        files = in_order(current)
        places = b"\1" * len(files)
    hidden = next((at for at, name in enumerate(files) if name[0] > _DOT), len(files))
    return _Found(files[hidden:], places[hidden:]) if hidden else _Found(files, places)


def in_order(items: list[T]) -> list[T]:
    """``sorted``, which a thread that waits for the interpreter sees as calls of some 50 ms at most."""
    if len(items) <= SORTED_AT_ONCE:
        return sorted(items)
    borders = sorted(items[::_SAMPLED])[SORTED_AT_ONCE // _SAMPLED :: SORTED_AT_ONCE // _SAMPLED]
    dealt: list[list[T]] = [[] for _ in range(len(borders) + 1)]
    for item in items:
        dealt[bisect_right(borders, item)].append(item)
    result: list[T] = []
    for some in dealt:
        some.sort()
        result += some
    return result


def _read(files: list[bytes]) -> _Names | None:
    """What the names of some files say, in their order; None where one has another form."""
    joined = b"/".join(files) + b"/"
    if joined.translate(None, _BETWEEN) == _SEPARATORS * len(files) and _PLAIN.fullmatch(joined):
        fields = joined.translate(_APART).split(b"/")
        # Arrays are made of lists: of an iterator they grow item by item, for twice the time.
        return _Names(fields[:-1:7], array("Q", list(map(int, fields[4::7]))), fields[6::7], None)
    if _EACH.sub(b"", joined):
        return None
    unique, _, sizes, own, letters = zip(*_EACH.findall(joined), strict=True)
    return _Names(unique, array("Q", map(int, sizes)), letters, own if any(own) else None)


class _Reading:
    """Goes through the names in pieces. last: the unique part of the one before."""

    def __init__(self, look: Look) -> None:
        self._describer = Describer(look, 0)
        self._flags: dict[bytes, int] = {}
        self._last = b""

    def piece(self, files: list[bytes]) -> _Names | None:
        """None where one has another form, or unique parts are not."""
        names = _read(files)
        if names is None or names.unique[0] == self._last or len(set(names.unique)) != len(files):
            return None  # names in their order: what has the same unique part stands side by side
        self._last = names.unique[-1]
        for letters in set(names.letters) - self._flags.keys():
            self._flags[letters] = self._describer.flag_row(letters.decode("ascii"))
        return None if self._describer.has_strays else names

    def flags(self, names: _Names) -> "array[int]":
        return array("I", list(map(self._flags.__getitem__, names.letters)))


def _in_order(look: Look, found: _Found) -> bool:
    """Read all names, and give each file the next UID; where names have UIDs, those, if all have one."""
    reading, first = _Reading(look), look.box.uidnext
    at_once = PIECE * CHUNK
    for start in range(0, len(found.files), at_once):
        files = found.files[start : start + at_once]
        names = reading.piece(files)
        if names is None:
            return False
        if names.own is not None:
            return not look.box.scanned and _numbered(look, found, {})
        found.flags.extend(reading.flags(names))
        found.sizes.extend(names.sizes)
        found.lines.append(uids.run(first + start, names.unique))
    found.uids = range(first, first + len(found.files))
    unseen = found.places.find(0)
    found.first_recent = first + unseen if unseen >= 0 else 0
    return True


def _numbered(look: Look, found: _Found, listed: dict[bytes, int]) -> bool:
    """Give each the UID that its name or a list has, if all have one that can be theirs."""
    box, reading = look.box, _Reading(look)
    at_once = PIECE * CHUNK
    given, flags, sizes = array("q"), array("I"), array("Q")
    nameless: dict[int, bytes] = {}
    for start in range(0, len(found.files), at_once):
        names = reading.piece(found.files[start : start + at_once])
        if names is None:
            return False
        for own, unique in zip(names.own or repeat(b""), names.unique, strict=False):
            uid = int(own) if own else listed.get(unique, 0)
            if not 1 <= uid < box.uid_bound:
                return False
            given.append(uid)
            if not own:
                nameless[uid] = unique
        flags.extend(reading.flags(names))
        sizes.extend(names.sizes)
    if len(set(given)) != len(given):
        return False
    order = [number for _, number in in_order(list(zip(given, range(len(given)), strict=True)))]
    found.files = [found.files[number] for number in order]
    found.places = bytes([found.places[number] for number in order])
    found.flags = array("I", [flags[number] for number in order])
    found.sizes = array("Q", [sizes[number] for number in order])
    found.uids = array("I", [given[number] for number in order])
    if nameless and not look.is_listed(list(nameless.values()), list(nameless)):
        found.lines = [b"%d :%b\n" % (uid, nameless[uid]) for uid in sorted(nameless)]
    found.first_recent = next(
        (uid for uid, place in zip(found.uids, found.places, strict=True) if not place and uid in nameless), 0
    )
    return True


def _keep(vault: Vault, box: Box, found: _Found, modseq: int) -> None:
    content = mailboxes.take_contents(vault.connection, len(found.files))
    for start in range(0, len(found.files), CHUNK):
        stop = start + CHUNK
        files = found.files[start:stop]
        packed.add(
            vault.connection,
            box.id,
            Chunk(
                content + start, modseq, array("I", found.uids[start:stop]), found.flags[start:stop],
                found.sizes[start:stop], array("q", (UNDATED,)) * len(files), found.places[start:stop], files,
            ),
        )  # fmt: skip
    vault.packed.add(box.id)
