"""Compares what lies in ``new/`` and ``cur/`` with what the index says lies there.

Told in prose first. A file is *known* if a row says exactly this name in exactly this folder. What is left are
unknown names and rows whose file is missing, and they are matched by the part of the name that no program
changes (``names.unique``): a match is a *renamed* file, most often flags set by another program, or a move from
``new/`` to ``cur/``. An unknown name whose unique part belongs to a file that is still there too is either the
other end of a rename that happened while the folder was being read, or of a link that is about to become one
(same inode: left alone until the next look), or another message by the same name (*new*). What is left of the
unknown is *new*. What is left of the missing is looked for a second time, in fresh listings of both folders:
reading a folder while another program renames in it may miss a file that is there all the time. Only what is
missing twice has *vanished*.

Deciding which UID a new file gets is ``assign``: files that carry an ``I=`` that can be theirs keep it,
files that Dovecot's list knows get the UID from there, and the others get the next ones in the order of the
time in their names, then of the names.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from mailaccess.store.maildir import names

Key = TypeVar("Key")

Entry = tuple[int, bytes]
"""0 for new/ or 1 for cur/, and the file name."""

LISTED_AT_ONCE: Final = 50_000
"""Names put into a set by one call, which no other thread can interrupt: 5 ms."""


class Folder(Protocol):
    """What the comparison asks of the disk."""

    def listing(self, place: int) -> list[bytes]: ...

    def inode(self, entry: Entry) -> int:
        """Its number; 0 where there is no such file now."""
        ...


class Piece(NamedTuple, Generic[Key]):
    """Some files that rows say are there. key: what the one at a position is known by."""

    place: int
    names: Sequence[bytes]
    key: Callable[[int], Key]


Known = Callable[[], Iterable[Piece[Key]]]
"""Tells all of them, as often as it is called: a folder may hold a million, which nobody keeps in memory as objects."""


@dataclass(slots=True)
class Differences(Generic[Key]):
    renamed: list[tuple[Key, Entry]] = field(default_factory=list)
    vanished: list[Key] = field(default_factory=list)
    new: list[Entry] = field(default_factory=list)
    distinct: bool = True  # no two of ``new``, and no row, have one unique part

    def __bool__(self) -> bool:
        return bool(self.renamed or self.vanished or self.new)


def compare(folder: Folder, known: Known[Key]) -> Differences[Key]:
    """What differs between ``folder`` and what is ``known`` to be in it."""
    unknown, missing, first_time = _left(folder, known)
    result = Differences[Key]()
    if first_time and len({names.unique(name) for _, name in unknown}) == len(unknown):
        result.new = unknown  # a folder seen for the first time
        return result
    twins = _twins(known, {names.unique(name) for _, name in unknown} - missing.keys())
    there = {names.unique(name): (place, name) for place, name in twins}
    for entry in sorted(unknown, key=lambda item: (item[1], item[0])):
        unique = names.unique(entry[1])
        before = missing.pop(unique, None)
        if before is not None:
            result.renamed.append((before[1], entry))
            there[unique] = entry
            continue
        twin = there.get(unique)
        if twin is None:
            result.new.append(entry)
            there[unique] = entry
        else:
            _settle_twins(folder, twins, result, twin, entry, there)
    if missing:
        _look_again(folder, result, missing)
    return result


Missing = dict[bytes, tuple[Entry, Key]]
"""Files that are not where they should be, by the unique parts of their names."""


def _left(folder: Folder, known: Known[Key]) -> tuple[list[Entry], Missing[Key], bool]:
    """Unknown files; what is missing; whether nothing is known. The known ones are taken out piece by piece."""
    left = [_listed(folder, place) for place in (0, 1)]
    missing: Missing[Key] = {}
    first_time = True
    for place, files, key in known():
        first_time = False
        found = left[place]
        if not found.issuperset(files):
            for at, name in enumerate(files):
                if name not in found:
                    missing[names.unique(name)] = ((place, name), key(at))
        found.difference_update(files)
    return [(place, name) for place in (0, 1) for name in left[place]], missing, first_time


def _listed(folder: Folder, place: int) -> set[bytes]:
    found: set[bytes] = set()
    listing = folder.listing(place)
    for start in range(0, len(listing), LISTED_AT_ONCE):
        found.update([name for name in listing[start : start + LISTED_AT_ONCE] if name[:1] != b"."])
    return found


def _twins(known: Known[Key], wanted: Container[bytes]) -> dict[Entry, Key]:
    """Known files with one of these unique parts; they are there, or their unique parts would be missing."""
    if not wanted:
        return {}
    return {
        (place, name): key(at)
        for place, files, key in known()
        for at, name in enumerate(files)
        if names.unique(name) in wanted
    }


def _settle_twins(
    folder: Folder,
    twins: Mapping[Entry, Key],
    result: Differences[Key],
    twin: Entry,
    entry: Entry,
    there: dict[bytes, Entry],
) -> None:
    """Two names with one unique part: which of the three cases of the prose is it?"""
    first, second = folder.inode(twin), folder.inode(entry)
    if not second or first == second:
        return
    if first:
        result.new.append(entry)
        result.distinct = False
    elif twin in twins:
        result.renamed.append((twins[twin], entry))
        there[names.unique(entry[1])] = entry
    else:
        result.new = [entry if item == twin else item for item in result.new]
        result.renamed = [(key, entry if item == twin else item) for key, item in result.renamed]
        there[names.unique(entry[1])] = entry


def _look_again(folder: Folder, result: Differences[Key], missing: Missing[Key]) -> None:
    now = {
        unique: (place, name)
        for place in (0, 1)
        for name in _listed(folder, place)
        if (unique := names.unique(name)) in missing
    }
    for unique, (entry, key) in missing.items():
        again = now.get(unique)
        if again is None:
            result.vanished.append(key)
        elif again != entry:
            result.renamed.append((key, again))


def assign(
    entries: Iterable[Entry],
    *,
    taken: Callable[[int], bool],
    lowest: int,
    bound: int,
    following: int,
    listed: Mapping[bytes, int],
) -> list[tuple[int, Entry]]:
    """A UID for each new file, ascending: (uid, entry).

    An ``I=`` is kept if it is at least ``lowest``, below ``bound``, and not ``taken`` by a row or by a file
    before it. listed: Dovecot's UIDs by unique part, under the same conditions.  following: the first UID
    for the others, unless those kept go higher.
    """
    ordered = names.in_order(entries)
    if not listed and not any([b",I=" in name for _, name in ordered]):
        return list(enumerate(ordered, following))
    kept: dict[int, Entry] = {}
    others: list[Entry] = []
    for entry in ordered:
        name = entry[1]
        uid = names.parse(name).uid if b",I=" in name else None
        if uid is None:
            uid = listed.get(names.unique(name)) if listed else None
        if uid is not None and lowest <= uid < bound and uid not in kept and not taken(uid):
            kept[uid] = entry
        else:
            others.append(entry)
    result = sorted(kept.items())
    following = max(following, result[-1][0] + 1 if result else 1)
    result.extend(enumerate(others, following))
    return result
