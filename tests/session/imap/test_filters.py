"""Named searches (RFC 5466)."""

import pytest

from tests.session.imap.house import MaildirHouse


@pytest.fixture
def one(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given(
        "INBOX",
        [
            b"From: boss@example.com\r\nSubject: a\r\n\r\nx\r\n",
            b"From: lee@naver.com\r\nSubject: b\r\n\r\nx\r\n",
        ],
        seen=[2],
    )
    return house.session("INBOX")


def keep(client, name, value):
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return client.ask(f'SETMETADATA "" ("/private/filters/values/{name}" "{value}")').status


def test_a_filter_is_searched_in_the_place_of_its_name(one):
    """The example of RFC 5466 §3.1."""
    assert keep(one, "on-the-road", 'OR SMALLER 5 FROM "boss@example.com"').startswith("OK")
    assert one.ask("SEARCH FILTER on-the-road").untagged == ["SEARCH 1"]
    assert one.ask("SEARCH UID 2:900 FILTER On-The-Road").untagged == ["SEARCH"]
    assert one.ask("SEARCH OR SUBJECT b NOT FILTER on-the-road").untagged == ["SEARCH 2"]
    assert one.ask("UID SORT (REVERSE SUBJECT) UTF-8 OR FILTER on-the-road SEEN").untagged == ["SORT 2 1"]
    assert one.ask("THREAD REFS UTF-8 FILTER on-the-road").untagged == ["THREAD (1)"]
    assert one.ask("ESEARCH IN (personal) FILTER on-the-road").of("ESEARCH")[0].endswith("UID ALL 1")


def test_what_is_not_there_is_named(one):
    assert one.ask("SEARCH FILTER nothing").status.startswith("NO [UNDEFINED-FILTER nothing] ")
    keep(one, "once", "ALL")
    assert one.ask("SEARCH FILTER once").untagged == ["SEARCH 1 2"]
    one.ask('SETMETADATA "" ("/private/filters/values/once" NIL)')
    assert one.ask("SEARCH FILTER once").status.startswith("NO [UNDEFINED-FILTER once] ")


def test_filters_name_filters_but_not_themselves(one):
    keep(one, "a", "FILTER b")
    keep(one, "b", "NOT (FILTER c)")
    keep(one, "c", "FILTER d SEEN")
    keep(one, "d", "ALL")
    assert one.ask("SEARCH FILTER a").untagged == ["SEARCH 1"]
    keep(one, "d", "OR SEEN FILTER b")
    assert one.ask("SEARCH FILTER a").status.startswith("NO [UNDEFINED-FILTER b] ")


def test_filters_that_multiply_are_bounded(one):
    for level in range(9):
        keep(one, f"f{level}", f"FILTER f{level + 1} " * 8 + "SEEN")
    keep(one, "f9", "SEEN")
    assert one.ask("SEARCH FILTER f0").status.startswith("NO [LIMIT] ")
    for level in range(5):
        keep(one, f"n{level}", "NOT " * 90 + f"FILTER n{level + 1}")
    keep(one, "n5", "SEEN")
    assert one.ask("SEARCH FILTER n0").status.startswith("NO [LIMIT] ")


@pytest.mark.parametrize("value", ["OR SMALLER 5000", "", "NONSENSE", "ALL )", "RETURN (ALL) ALL"])
def test_only_a_whole_search_is_kept(one, value):
    assert keep(one, "broken", value).startswith("NO [CANNOT] ")


def test_names_are_plain_and_the_administrators_are_not_set(one):
    assert keep(one, "two/levels", "ALL").startswith("NO [CANNOT] ")
    assert one.ask("SEARCH FILTER two/levels").status.startswith("BAD")
    shared = one.ask('SETMETADATA "" ("/shared/filters/values/all" "ALL")')
    assert shared.status.startswith("NO [NOPERM] ")
    assert one.ask('SETMETADATA "" ("/private/filters/descriptions/a" "Alles")').status.startswith("OK")


def test_a_filter_is_in_utf_8(one):
    keep(one, "all", "ALL")
    assert one.ask("SEARCH CHARSET UTF-8 FILTER all").untagged == ["SEARCH 1 2"]
    assert one.ask("SEARCH CHARSET ISO-8859-1 FILTER all").status.startswith("BAD [BADCHARSET (UTF-8 ")


def test_a_filter_may_ask_for_mod_sequences(one):
    keep(one, "new", "MODSEQ 1")
    assert "(MODSEQ " in one.ask("SEARCH FILTER new").untagged[-1]


def test_the_administrator_has_filters_for_everybody(tmp_path):
    house = MaildirHouse(tmp_path, filters={"unread": "UNSEEN UNDELETED", "mine": "SEEN"})
    house.given("INBOX", messages=3, seen=[2])
    one = house.session("INBOX")
    assert one.ask("SEARCH FILTER unread").untagged == ["SEARCH 1 3"]
    assert one.ask('GETMETADATA "" /shared/filters/values/unread').untagged == [
        'METADATA "" (/shared/filters/values/unread "UNSEEN UNDELETED")'
    ]
    assert one.ask("SEARCH FILTER mine").untagged == ["SEARCH 2"]
    keep(one, "mine", "ALL")  # one's own counts first
    assert one.ask("SEARCH FILTER mine").untagged == ["SEARCH 1 2 3"]
