"""A session's message numbers (``imap.view``), against a plain list that is told what the client is told."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.imap.places import first_without, uids_without
from mailaccess.imap.view import BadNumber, View
from mailaccess.model.sequence import Range, SequenceSet, UidSet
from tests.session.fakes import FakeColumns


class Mailbox:
    def __init__(self, uids=()):
        self.columns = FakeColumns()
        self.columns.uids = array("I", uids)


def view_of(*uids):
    return View(Mailbox(uids))


def spans(view, text, *, uid=False):
    ranges = []
    for item in text.split(","):
        ends = [None if each == "*" else int(each) for each in item.split(":")]
        ranges.append(Range(ends[0], ends[-1]))
    return view.spans(SequenceSet(tuple(ranges)), uid=uid)


@pytest.mark.parametrize(
    ("text", "uid", "expected"),
    [
        ("1:*", False, [(0, 5)]),
        ("*", False, [(4, 5)]),
        ("4:2", False, [(1, 4)]),
        ("1,3,2,5", False, [(0, 3), (4, 5)]),
        ("1:*", True, [(0, 5)]),
        ("3:8,20", True, [(1, 3), (4, 5)]),
        ("3,5,8", True, [(1, 3)]),
        ("99:*", True, [(4, 5)]),
        ("4,6:19", True, [(3, 4)]),
        ("21:30", True, []),
    ],
)
def test_sets_become_places(text, uid, expected):
    assert spans(view_of(2, 3, 5, 10, 20), text, uid=uid) == expected


@pytest.mark.parametrize("text", ["6", "1:6", "5:7"])
def test_a_number_beyond_the_last_is_an_error(text):
    with pytest.raises(BadNumber):
        spans(view_of(2, 3, 5, 10, 20), text)


def test_an_empty_mailbox_has_no_numbers_and_no_uids():
    with pytest.raises(BadNumber):
        spans(view_of(), "1:*")
    assert spans(view_of(), "1:*", uid=True) == []


def test_uids_of_places_are_runs():
    view = view_of(*range(1, 1000), *range(2000, 3000, 2))
    assert view.uid_set([(0, 999)]).ranges == ((1, 999),)
    assert list(view.uid_set([(990, 1005)])) == [*range(991, 1000), *range(2000, 2012, 2)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("remove"), st.integers(0, 200)),
        st.tuples(st.just("tell"), st.booleans()),
    ),
    max_size=60,
)


@given(STEPS)
def test_a_view_numbers_messages_as_its_client_does(steps):
    mailbox = Mailbox(range(11, 21))
    view, client, uidnext, told = View(mailbox), list(range(11, 21)), 21, 20
    for what, value in steps:
        uids = mailbox.columns.uids
        if what == "append":
            uids.extend(range(uidnext, uidnext + value))
            uidnext += value
        elif what == "remove" and uids:
            start = value % len(uids)
            gone = list(uids[start : start + 3])
            del uids[start : start + 3]
            assert view.lose(UidSet.of(gone)) == any(uid in client for uid in gone)
        elif what == "tell":
            if value:
                for number, times in view.forget_losses()[1]:
                    for _ in range(times):
                        del client[number - 1]
            if view.grow():
                client.extend(uid for uid in uids if uid > told)
            told = max([told, *uids])
        assert view.count == len(client)
        assert list(view.uids) == client
        assert all(view.number(uid) == number for number, uid in enumerate(client, 1))
        rows = view.rows(0, view.count)
        assert list(rows.uids) == [uid for uid in client if uid in uids]
        assert list(rows.take(uids)) == list(rows.uids)
        there = list(rows.uids)
        assert view.numbers(there) == [client.index(uid) + 1 for uid in there]


@given(st.lists(st.sampled_from([0, 1, 256, 65536, 16777216]), max_size=60))
def test_the_first_message_without_a_flag(ids):
    columns = FakeColumns()
    columns.uids, columns.flag_ids = array("I", range(1, len(ids) + 1)), array("I", ids)
    columns.flag_sets = [frozenset()] + [frozenset({"\\Seen"})] * 300
    columns.flag_sets[256] = frozenset()
    expected = next((place for place, each in enumerate(ids) if each in (0, 256)), -1)
    assert first_without(columns, "\\Seen") == expected
    assert uids_without(columns, "\\Seen", 0, len(ids)) == [
        place + 1 for place, each in enumerate(ids) if each in (0, 256)
    ]


@pytest.mark.parametrize("place", [0, 1, 511, 512, 513, 8703, 8704, 19_999, 20_000])
def test_the_first_unseen_is_found_however_far_it_stands(place):
    columns = FakeColumns()
    seen, others = columns.flag_id(frozenset({"\\Seen"})), columns.flag_id(frozenset({"\\Flagged"}))
    # 256 times an id looks like its neighbour, read an octet too early.
    columns.flag_sets += [frozenset({"\\Seen"})] * 600
    columns.flag_ids.extend([seen, 256 * others] * 10_000)
    columns.uids.extend(range(1, 20_001))
    if place < 20_000:
        columns.flag_ids[place] = others
    assert first_without(columns, "\\Seen") == (place if place < 20_000 else -1)
