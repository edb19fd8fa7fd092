"""Dovecot's ``dovecot-acl``, and what its entries come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.model.rights import (
    ALL,
    MAX_ENTRIES,
    NAMED,
    Acl,
    AclEntry,
    Kind,
    Who,
    expanded,
    permitted,
    shown,
)
from mailaccess.store.maildir.acl import DAMAGED, is_name, parse, render

KIM = Who(frozenset({"kim@daum.net", "kim"}), frozenset({"sales"}))


def test_what_dovecot_writes_is_read():
    """As doveadm acl set of Dovecot 2.3.19 left it."""
    found = parse(
        'anyone kel\nauthenticated p\n"group=sales team" l\nowner alr\nuser=a\\b r\nuser=kim@daum.net lr\n'
        'user=nothing \nuser=김 r\ngroup-override=we"ird i\n'.encode()
    )
    assert [(entry.kind.name, entry.name, "".join(sorted(entry.rights))) for entry in found.entries] == [
        ("ANYONE", "", "ekl"),
        ("AUTHENTICATED", "", "p"),
        ("GROUP", "sales team", "l"),
        ("OWNER", "", "alr"),
        ("USER", "a\\b", "r"),
        ("USER", "kim@daum.net", "lr"),
        ("USER", "nothing", ""),
        ("USER", "김", "r"),
        ("GROUP_OVERRIDE", 'we"ird', "i"),
    ]


def test_comments_negative_entries_and_rights_in_words_are_kept():
    octets = b"# by hand\n\n-user=fred w\nuser=kim lr :some future right\n"
    found = parse(octets)
    assert found.entries[0] == AclEntry(Kind.USER, "fred", frozenset("w"), negative=True)
    assert render(found) == b"-user=fred w\nuser=kim lr :some future right\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"user=kim lrQ\n",
        b"somebody lr\n",
        b"user= lr\n",
        b"group lr\n",
        b"owner=lee lr\n",
        b"anyone=x lr\n",
        b'"user=kim lr\n',
        b'"user=a\\',
        b"\x00\n",
        b"user=\xff lr\n",
        b"-\n",
        b"- lr\n",
        b" lr\n",
        b"user=" + b"x" * 300 + b" lr\n",
        b"anyone l\n" * (MAX_ENTRIES + 1),
        b"#" * 600_000,
    ],
)
def test_what_cannot_be_read_grants_nothing(octets):
    assert parse(octets) == DAMAGED
    assert DAMAGED.rights(KIM, owned=False) == frozenset()
    assert DAMAGED.rights(KIM, owned=True) == ALL


NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20).filter(
    is_name
)
RIGHTS = st.frozensets(st.sampled_from(sorted(ALL)))


@st.composite
def entries(draw):
    kind = draw(st.sampled_from(Kind))
    return AclEntry(kind, draw(NAMES) if kind in NAMED else "", draw(RIGHTS), draw(st.booleans()))


@given(st.lists(entries(), max_size=10))
def test_what_is_written_reads_back(found):
    acl = Acl(tuple(found))
    assert parse(render(acl)) == acl


@given(st.binary(max_size=200))
def test_no_octets_are_too_odd_to_be_read(octets):
    assert parse(octets).rights(KIM, owned=False) <= ALL


@given(st.lists(entries(), max_size=10), entries())
def test_an_owner_keeps_lookup_and_administration_and_nobody_gets_more_than_is_written(found, more):
    acl = Acl(tuple(found)).with_entry(more)
    assert acl.rights(KIM, owned=True) >= {"l", "a"}
    granted = frozenset().union(*[each.rights for each in acl.entries if not each.negative])
    assert acl.rights(KIM, owned=False) <= granted
    assert acl.of(more) == more and acl.without(more).of(more) is None


def test_the_more_specific_class_replaces_and_groups_are_added_up():
    acl = parse(b"anyone lrs\nauthenticated lrp\n")
    assert acl.rights(KIM, owned=False) == set("lrp")
    acl = parse(b"anyone lrs\ngroup=sales lw\ngroup=staff li\n")
    assert acl.rights(KIM, owned=False) == set("lw")
    assert acl.rights(Who(frozenset({"x"}), frozenset({"sales", "staff"})), owned=False) == set("lwi")
    acl = parse(b"group=sales lrw\nuser=KIM@daum.net \n")
    assert acl.rights(KIM, owned=False) == frozenset()
    acl = parse(b"user=kim lr\ngroup-override=sales \n")
    assert acl.rights(KIM, owned=False) == frozenset()


def test_the_obsolete_rights_are_read_and_told():
    """RFC 4314 §2.1.1."""
    assert expanded("lrc") == set("lrkx") and expanded("d") == set("et")
    assert shown(frozenset("lrk")) == "lrkc"
    assert shown(frozenset("lrt")) == "lrtd"
    assert shown(frozenset("lr")) == "lr"


def test_flags_need_the_right_for_them():
    flags = frozenset({"\\Seen", "\\Deleted", "\\Flagged", "$Work"})
    assert permitted(frozenset("s"), flags) == {"\\Seen"}
    assert permitted(frozenset("t"), flags) == {"\\Deleted"}
    assert permitted(frozenset("w"), flags) == {"\\Flagged", "$Work"}
    assert permitted(ALL, flags) is flags
