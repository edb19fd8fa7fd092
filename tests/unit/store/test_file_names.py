"""The grammar of Maildir file names: ours, Dovecot's, everybody's."""

import pytest

from mailaccess.model.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from mailaccess.store.maildir import names
from mailaccess.store.naming import Lettering


@pytest.mark.parametrize(
    ("name", "unique", "size", "wire", "uid", "others", "letters"),
    [
        (
            b"1764000000.M52P7Q3.host,S=5120,W=5231,I=17:2,FS",
            b"1764000000.M52P7Q3.host",
            5120,
            5231,
            17,
            (),
            "FS",
        ),
        (b"1764000000.M52P7Q3.host,S=5120,W=5231,I=17", b"1764000000.M52P7Q3.host", 5120, 5231, 17, (), ""),
        (b"1204680122.27c448.host", b"1204680122.27c448.host", None, None, None, (), ""),
        (b"1204680122.27c448.host:2,", b"1204680122.27c448.host", None, None, None, (), ""),
        (b"1204680122.27c448.host,U=12:2,RS", b"1204680122.27c448.host", None, None, None, (b"U=12",), "RS"),
        (b"1.host,U=12,FMD5=abc,S=4:2,Sab", b"1.host", 4, None, None, (b"U=12", b"FMD5=abc"), "Sab"),
        (b"1.host,S=4,S=5:2,S", b"1.host", 4, None, None, (b"S=5",), "S"),
        (b"1.host,S=x,W=-1,I=:2,S", b"1.host", None, None, None, (b"S=x", b"W=-1", b"I="), "S"),
        (b"1.host:2,S,extra", b"1.host", None, None, None, (), "S"),
        (b"1.host:1,experimental", b"1.host", None, None, None, (), ""),
        (b"hello", b"hello", None, None, None, (), ""),
        (b"", b"", None, None, None, (), ""),
        (b":2,S", b"", None, None, None, (), "S"),
        (b"\xff\xfe\n,S=1:2,S", b"\xff\xfe\n", 1, None, None, (), "S"),
        (b"1.host,I=99999999999999999999:2,", b"1.host", None, None, None, (b"I=99999999999999999999",), ""),
    ],
)
def test_any_name_is_read(name, unique, size, wire, uid, others, letters):
    assert names.parse(name) == names.FileName(unique, size, wire, uid, others, letters)
    assert names.unique(name) == unique


def test_what_is_rendered_reads_back():
    name = names.render(b"1.host", 5120, 5231, 17, (b"U=3",), "SFF")
    assert name == b"1.host,S=5120,W=5231,I=17,U=3:2,FS"
    assert names.parse(name).uid == 17


def test_fields_of_others_go_where_the_name_would_become_too_long():
    name = names.render(b"1.host", 1, 1, 1, (b"X=" + b"y" * 240,), "S")
    assert name == b"1.host,S=1,W=1,I=1:2,S"
    assert not names.fits(b"x" * 250)


def test_files_are_put_in_the_order_of_the_time_in_their_names():
    files = [b"junk", b"1700000002.a", b"0999999999.b", b"1700000001.z:2,S", b"1700000001.a"]
    assert sorted(files, key=names.order) == [
        b"0999999999.b",
        b"1700000001.a",
        b"1700000001.z:2,S",
        b"1700000002.a",
        b"junk",
    ]


def test_flags_and_letters_stand_for_one_another():
    lettering = Lettering({0: "$Forwarded", 25: "Later", 26: "Beyond"})
    assert lettering.flags_of("DFRSTaz") == {DRAFT, FLAGGED, ANSWERED, SEEN, DELETED, "$Forwarded", "Later"}
    assert sorted(lettering.letters_of(frozenset({SEEN, "Later", "Beyond"}), "")) == ["S", "z"]


def test_a_foreign_system_letter_is_kept_and_a_keyword_letter_without_a_keyword_is_not():
    lettering = Lettering({0: "$Forwarded"})
    assert "".join(sorted(lettering.letters_of(frozenset({SEEN}), "Pcz"))) == "PS"
    assert lettering.strays("Sb") and not lettering.strays("PSa")


@pytest.mark.parametrize(
    ("ours", "before", "after", "merged"),
    [
        ({SEEN}, b"x:2,S", b"x:2,FS", {SEEN, FLAGGED}),
        ({SEEN, ANSWERED}, b"x", b"x:2,F", {SEEN, ANSWERED, FLAGGED}),  # ours is not on disk yet
        (set(), b"x:2,S", b"x:2,FS", {FLAGGED}),  # we removed \Seen, another program added \Flagged
        ({SEEN}, b"x:2,FS", b"x:2,S", {SEEN}),  # we removed \Flagged, and so did the other
        ({SEEN, FLAGGED}, b"x:2,S", b"x:2,FS", {SEEN, FLAGGED}),  # our own rename, done before a crash
        ({SEEN}, b"x:2,S", b"x:2,", set()),
    ],
)
def test_another_programs_change_is_merged_with_ours(ours, before, after, merged):
    assert Lettering({}).merged(frozenset(ours), before, after) == merged
