"""The comparison of a folder, which goes through what is known in pieces, tells what one tells that has all at hand."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from mailaccess.store.maildir import names, scan

Entry = scan.Entry
Look = dict[Entry, int]

ENTRIES = st.builds(
    lambda place, unique, info: (place, unique + (info if place else b"")),
    st.integers(0, 1),
    st.sampled_from([b"a", b"b", b"c", b"d,S=1"]),
    st.sampled_from([b":2,", b":2,S", b",U=7:2,"]),
)
LOOKS = st.dictionaries(ENTRIES, st.integers(1, 5), max_size=8)


class Folder:
    """Two listings, of which the second tells what there is."""

    def __init__(self, first: Look, second: Look) -> None:
        self.looks = [first, first, second, second]
        self.second = second

    def listing(self, place: int) -> list[bytes]:
        return [name for at, name in self.looks.pop(0) if at == place]

    def inode(self, entry: Entry) -> int:
        return self.second.get(entry, 0)


def plainly(known: list[Entry], first: Look, second: Look) -> tuple[list[tuple[Entry, Entry]], list[Entry]]:
    """What was renamed, and what vanished, where no two files have one unique part: all that is simple to say."""
    now = {names.unique(name): (place, name) for place, name in first}
    later = {names.unique(name): (place, name) for place, name in second}
    renamed, vanished = list[tuple[Entry, Entry]](), list[Entry]()
    for entry in known:
        unique = names.unique(entry[1])
        there = now.get(unique) or later.get(unique)
        if there is None:
            vanished.append(entry)
        elif there != entry:
            renamed.append((entry, there))
    return renamed, vanished


def pieces(known: list[Entry], size: int) -> Iterator[scan.Piece[Entry]]:
    for place in (0, 1):
        there = [entry for entry in known if entry[0] == place]
        for start in range(0, len(there), size):
            some = there[start : start + size]
            yield scan.Piece(place, [name for _, name in some], some.__getitem__)


def by_unique(entries: list[Entry]) -> list[Entry]:
    return list({names.unique(name): (place, name) for place, name in entries}.values())


@given(st.lists(ENTRIES).map(by_unique), LOOKS, LOOKS, st.integers(1, 4))
def test_what_one_tells_does_not_depend_on_the_pieces(known, first, second, size):
    one = scan.compare(Folder(first, second), lambda: pieces(known, len(known) or 1))
    other = scan.compare(Folder(first, second), lambda: pieces(known, size))
    for result in (one, other):
        result.renamed.sort()
        result.vanished.sort()
    assert one == other


@given(st.lists(ENTRIES).map(by_unique), LOOKS, LOOKS, st.integers(1, 4))
def test_it_tells_all_that_was_renamed_removed_and_added(known, first, second, size):
    first, second = ({entry: look[entry] for entry in by_unique(list(look))} for look in (first, second))
    found = scan.compare(Folder(first, second), lambda: pieces(known, size))
    renamed, vanished = plainly(known, first, second)
    assert sorted(found.renamed) == sorted(renamed) and sorted(found.vanished) == sorted(vanished)
    uniques = {names.unique(name) for _, name in known}
    assert sorted(found.new) == sorted(entry for entry in first if names.unique(entry[1]) not in uniques)
    assert found.distinct
