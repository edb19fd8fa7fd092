"""What differs between a folder and the index: the cases told in maildir/scan.py."""

from collections.abc import Iterator

import pytest

from mailaccess.store.maildir import scan

Entry = scan.Entry


class Folder:
    """Listings that may differ from one look to the next, as they do while another program renames."""

    def __init__(self, *looks: dict[Entry, int]) -> None:
        self.looks = looks
        self.listed = 0

    def listing(self, place: int) -> list[bytes]:
        look = self.looks[min(self.listed // 2, len(self.looks) - 1)]
        self.listed += 1
        return [name for at, name in look if at == place]

    def inode(self, entry: Entry) -> int:
        return self.looks[-1].get(entry, 0)


def compare(known: list[Entry], *looks: dict[Entry, int]) -> scan.Differences[Entry]:
    return scan.compare(Folder(*looks), lambda: pieces(known))


def pieces(known: list[Entry]) -> Iterator[scan.Piece[Entry]]:
    """One file each."""
    for entry in known:
        yield scan.Piece(entry[0], [entry[1]], [entry].__getitem__)


A, A_SEEN, A_NEW = (1, b"a,S=1:2,"), (1, b"a,S=1:2,S"), (0, b"a,S=1")
B = (1, b"b:2,")


def test_nothing_differs():
    assert not compare([A, B], {A: 1, B: 2})


def test_a_known_file_under_other_flags_was_renamed():
    assert compare([A, B], {A_SEEN: 1, B: 2}).renamed == [(A, A_SEEN)]


def test_a_file_that_went_from_new_to_cur_was_renamed():
    assert compare([A_NEW], {A: 1}).renamed == [(A_NEW, A)]


def test_a_program_that_adds_its_own_field_renames():
    there = (1, b"a,U=7:2,S")
    assert compare([A], {there: 1}).renamed == [(A, there)]


def test_an_unknown_file_is_new():
    assert compare([A], {A: 1, B: 2}).new == [B]


def test_hidden_files_are_nothing():
    assert not compare([], {(1, b".nfs0001"): 1})


def test_what_is_missing_twice_has_vanished():
    assert compare([A, B], {B: 2}, {B: 2}).vanished == [A]


def test_what_is_missing_once_was_there_all_the_time():
    """Reading a folder during a rename may miss the file under both names."""
    assert not compare([A, B], {B: 2}, {A: 1, B: 2})
    assert compare([A, B], {B: 2}, {A_SEEN: 1, B: 2}).renamed == [(A, A_SEEN)]


def test_a_rename_seen_under_both_names_is_a_rename():
    assert compare([A], {A: 1, A_SEEN: 1}, {A_SEEN: 1}) == scan.Differences(renamed=[(A, A_SEEN)])


def test_two_links_to_one_file_are_left_alone_until_one_goes():
    assert not compare([A_NEW], {A_NEW: 1, A: 1})


def test_another_file_by_the_same_name_is_another_message():
    assert compare([A], {A: 1, A_SEEN: 5}).new == [A_SEEN]


def test_a_new_file_renamed_while_it_is_looked_at_is_one_message():
    assert compare([], {A_NEW: 1, A: 1}, {A: 1}).new == [A]


@pytest.mark.parametrize(
    ("files", "conditions", "uids"),
    [
        # in the order of the time in the names, then of the names
        (
            [b"1700000002.b", b"1700000001.z", b"1700000001.a"],
            {},
            [b"1700000001.a", b"1700000001.z", b"1700000002.b"],
        ),
    ],
)
def test_files_without_a_uid_get_the_next_ones_in_order(files, conditions, uids):
    given = assign(files)
    assert [(uid, entry[1]) for uid, entry in given] == list(enumerate(uids, 10))


def assign(files, taken=(), lowest=10, bound=100, following=10, listed=None):
    return scan.assign(
        [(1, name) for name in files],
        taken=set(taken).__contains__,
        lowest=lowest,
        bound=bound,
        following=following,
        listed=listed or {},
    )


def test_a_uid_in_the_name_is_kept_where_it_can_be():
    assert [(uid, entry[1]) for uid, entry in assign([b"1.a", b"2.b,I=40:2,", b"3.c,I=30:2,S"])] == [
        (30, b"3.c,I=30:2,S"),
        (40, b"2.b,I=40:2,"),
        (41, b"1.a"),
    ]


@pytest.mark.parametrize("file", [b"1.a,I=100", b"1.a,I=9", b"1.a,I=55", b"1.a,I=0", b"1.a,I=junk"])
def test_one_that_was_never_given_or_is_taken_is_not(file):
    assert assign([file], taken=[55]) == [(10, (1, file))]


def test_of_two_files_with_one_uid_the_older_keeps_it():
    assert assign([b"2.copy,I=20", b"1.a,I=20"]) == [(20, (1, b"1.a,I=20")), (21, (1, b"2.copy,I=20"))]


def test_dovecots_numbers_serve_as_if_they_stood_in_the_names():
    given = assign([b"1.a", b"2.b,S=5:2,S"], lowest=1, following=8, listed={b"2.b": 7})
    assert given == [(7, (1, b"2.b,S=5:2,S")), (8, (1, b"1.a"))]
