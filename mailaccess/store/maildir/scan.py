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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from mailaccess.store.maildir import names

Key = TypeVar("Key")

Entry = tuple[int, bytes]
"""0 for new/ or 1 for cur/, and the file name."""


class Folder(Protocol):
    """What the comparison asks of the disk."""

    def listing(self, place: int) -> list[bytes]: ...

    def inode(self, entry: Entry) -> int:
        """Its number; 0 where there is no such file now."""
        ...


@dataclass(slots=True)
class Differences(Generic[Key]):
    renamed: list[tuple[Key, Entry]] = field(default_factory=list)
    vanished: list[Key] = field(default_factory=list)
    new: list[Entry] = field(default_factory=list)
    distinct: bool = False  # no two of ``new``, and no row, have one unique part

    def __bool__(self) -> bool:
        return bool(self.renamed or self.vanished or self.new)


def compare(folder: Folder, known: Mapping[Entry, Key]) -> Differences[Key]:
    """What differs between ``folder`` and the rows ``known`` by where their files should be."""
    found = _entries(folder)
    result = Differences[Key]()
    if not known and len({names.unique(name) for _, name in found}) == len(found):
        result.new, result.distinct = list(found), True  # a folder seen for the first time
        return result
    unknown = found - known.keys()
    missing = {names.unique(entry[1]): entry for entry in known.keys() - found}
    there = {names.unique(entry[1]): entry for entry in known.keys() & found} if unknown else {}
    for entry in sorted(unknown, key=lambda item: (item[1], item[0])):
        unique = names.unique(entry[1])
        before = missing.pop(unique, None)
        if before is not None:
            result.renamed.append((known[before], entry))
            there[unique] = entry
            continue
        twin = there.get(unique)
        if twin is None:
            result.new.append(entry)
            there[unique] = entry
        else:
            _settle_twins(folder, known, result, twin, entry, there)
    if missing:
        _look_again(folder, known, result, missing)
    return result


def _entries(folder: Folder) -> set[Entry]:
    found: set[Entry] = set()
    for place in (0, 1):
        found.update([(place, name) for name in folder.listing(place) if name[:1] != b"."])
    return found


def _settle_twins(
    folder: Folder,
    known: Mapping[Entry, Key],
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
    elif twin in known:
        result.renamed.append((known[twin], entry))
        there[names.unique(entry[1])] = entry
    else:
        result.new = [entry if item == twin else item for item in result.new]
        result.renamed = [(key, entry if item == twin else item) for key, item in result.renamed]
        there[names.unique(entry[1])] = entry


def _look_again(
    folder: Folder, known: Mapping[Entry, Key], result: Differences[Key], missing: dict[bytes, Entry]
) -> None:
    now = {names.unique(entry[1]): entry for entry in _entries(folder)}
    for unique, entry in missing.items():
        again = now.get(unique)
        if again is None:
            result.vanished.append(known[entry])
        elif again != entry:
            result.renamed.append((known[entry], again))


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
