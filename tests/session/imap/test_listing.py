"""LIST, LSUB and their extensions (RFC 3501 §6.3.8, §6.3.9; RFC 5258; RFC 5819; RFC 3348)."""

import pytest

from mailaccess.imap.patterns import Pattern


def names(answer):
    return [line.rpartition(" ")[2] for line in answer.untagged]


@pytest.fixture
def one(imap):
    for name in ("Drafts", "work", "work/a", "work/a/b", "lists/py"):
        if "/" in name and name.split("/")[0] not in imap.account.rooms:
            imap.account.make(name.split("/")[0], selectable=False)
        imap.given(name)
    imap.account.rooms["Drafts"].special_use = frozenset({"\\Drafts"})
    return imap.session()


def test_list_tells_children_and_special_use(one):
    one.talk("""
        C: a LIST "" *
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: * LIST (\\Noselect \\HasChildren) "/" lists
        S: * LIST (\\HasNoChildren) "/" lists/py
        S: * LIST (\\HasChildren) "/" work
        S: * LIST (\\HasChildren) "/" work/a
        S: * LIST (\\HasNoChildren) "/" work/a/b
        S: a OK LIST completed
    """)


@pytest.mark.parametrize(
    ("reference", "pattern", "found"),
    [
        ("", "%", "INBOX Drafts lists work"),
        ("", "inbox", "INBOX"),
        ("", "iNb*", "INBOX"),
        ("", "*/a", "work/a"),
        ("", "%/%", "lists/py work/a"),
        ("work/", "%", "work/a"),
        ("work/", "*", "work/a work/a/b"),
        ("", "w*", "work work/a work/a/b"),
        ("", "nothing", ""),
        ("", "*%*%*", "INBOX Drafts lists lists/py work work/a work/a/b"),
    ],
)
def test_wildcards(one, reference, pattern, found):
    assert names(one.ask(f'LIST "{reference}" "{pattern}"')) == found.split()


def test_an_empty_pattern_asks_for_the_separator(one):
    assert one.ask('LIST "" ""').untagged == ['LIST (\\Noselect) "/" ""']


def test_many_wildcards_cost_no_more_than_their_length():
    pattern = Pattern("*a" * 400 + "b")
    assert not pattern.matches("a" * 990)
    assert Pattern("*a" * 400).matches("a" * 990)
    assert Pattern("%/%").matches("x/y") and not Pattern("%/%").matches("x/y/z")
    assert not Pattern("inbox/a").matches("inboxes") and Pattern("InBox/%").matches("INBOX/x")


def test_lsub_lists_subscriptions_and_what_is_above_them(imap, one):
    for name in ("work/a/b", "Drafts", "gone"):
        assert one.ask(f"SUBSCRIBE {name}").status.startswith("OK")
    one.talk("""
        C: a LSUB "" *
        S: * LSUB (\\HasNoChildren \\Drafts) "/" Drafts
        S: * LSUB (\\Noselect) "/" gone
        S: * LSUB (\\HasNoChildren) "/" work/a/b
        S: a OK LSUB completed
        C: b LSUB "" %
        S: * LSUB (\\HasNoChildren \\Drafts) "/" Drafts
        S: * LSUB (\\Noselect) "/" gone
        S: * LSUB (\\Noselect) "/" work
        S: b OK LSUB completed
    """)
    one.ask("UNSUBSCRIBE gone")
    assert names(one.ask('LSUB "" *')) == ["Drafts", "work/a/b"]


def test_extended_list_selects_and_returns(one):
    for name in ("work/a", "gone"):
        one.ask(f"SUBSCRIBE {name}")
    one.talk("""
        C: a LIST (SUBSCRIBED) "" * RETURN (SPECIAL-USE)
        S: * LIST (\\Subscribed \\NonExistent) "/" gone
        S: * LIST (\\Subscribed \\HasChildren) "/" work/a
        S: a OK LIST completed
        C: b LIST (SUBSCRIBED RECURSIVEMATCH) "" %
        S: * LIST (\\Subscribed \\NonExistent) "/" gone
        S: * LIST (\\HasChildren) "/" work ("CHILDINFO" ("SUBSCRIBED"))
        S: b OK LIST completed
        C: c LIST (SPECIAL-USE) "" *
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: c OK LIST completed
        C: d LIST "" (INBOX Drafts) RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: * STATUS Drafts (MESSAGES 0 UNSEEN 0)
        S: d OK LIST completed
    """)


def test_childinfo_stands_where_it_tells_something(imap):
    """Example 9 of RFC 5258 §5, as far as its SHOULD goes: no CHILDINFO that says nothing new."""
    subscribed = [
        "foo2/bar1",
        "foo2/bar2",
        "baz2/bar2",
        "baz2/bar22",
        "baz2/bar222",
        "eps2",
        "eps2/mamba",
        "qux2/bar2",
    ]
    for name in ("foo2", "baz2", "eps2", *subscribed):
        if name not in imap.account.rooms:
            imap.given(name)
    one = imap.session()
    for name in subscribed:
        one.ask(f"SUBSCRIBE {name}")
    answer = one.ask('LIST (RECURSIVEMATCH SUBSCRIBED) "" *2')
    found = {line.split('"/" ')[1]: "\\Subscribed" in line for line in answer.untagged}
    assert found == {
        'foo2 ("CHILDINFO" ("SUBSCRIBED"))': False,
        "foo2/bar2": True,
        "baz2/bar2": True,
        "baz2/bar22": True,
        "baz2/bar222": True,
        'eps2 ("CHILDINFO" ("SUBSCRIBED"))': True,
        "qux2/bar2": True,
    }
    assert one.ask('LIST (RECURSIVEMATCH) "" *').status.startswith("BAD")
