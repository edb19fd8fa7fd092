"""The texts of one search key, in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.model import criteria as tree
from mailaccess.model.flags import DELETED
from mailaccess.model.sequence import UidSet
from mailaccess.store import keytexts, search
from mailaccess.store.api import FlagOperation
from mailaccess.store.keytexts import KeyTexts
from tests.unit.store.inline import House, now

values = st.lists(
    st.none() | st.lists(st.sampled_from(["a", "b", "회", "é", "\0", "𝒜"]), max_size=5).map("".join),
    max_size=30,
)


def made(texts, cut):
    key = KeyTexts()
    rows = [(uid, None if text is None else text.encode()) for uid, text in enumerate(texts, 1)]
    for some in (rows[:cut], rows[cut:]):
        if some:
            key.extend(some, some[-1][0])
    return key


@given(
    values, st.integers(0, 30), st.sampled_from(["", "a", "ab", "회", "b회", "𝒜", "ba"]), st.integers(1, 9)
)
def test_what_is_found_is_what_a_look_at_each_finds(texts, cut, needle, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keytexts, "WINDOW", window)
        patch.setattr(keytexts, "HITS", 2)
        found = [at for some in made(texts, cut).find(needle.encode()) for at in some]
    assert found == [at for at, text in enumerate(texts) if text is not None and needle in text]


def test_what_comes_while_one_looks_is_left_out(monkeypatch):
    monkeypatch.setattr(keytexts, "WINDOW", 4)
    texts = made(["kim", "lee", "kim"], 0)
    looking = texts.find(b"kim")
    found = [*next(looking)]
    texts.extend([(4, b"kim")], 4)
    for some in looking:
        found += some
    assert found == [0, 2] and [at for some in texts.find(b"kim") for at in some] == [0, 2, 3]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_a_search_over_many_messages_goes_on_with_what_came_and_what_went(house, monkeypatch):
    monkeypatch.setattr(search, "FEW", 1)
    for number in range(30):
        house.append(b"Subject: number %d\r\nFrom: a@b.c\r\n\r\nx\r\n" % number)
    session = house.open()

    def found(text):
        return now(session.box.search(tree.Header("SUBJECT", text, True)))

    assert found("number 1") == [2, *range(11, 21)]
    house.append(b"Subject: number 17 again\r\n\r\nx\r\n")
    now(session.box.refresh())
    assert found("number 17") == [18, 31]
    now(session.box.set_flags(UidSet.of([18]), FlagOperation.ADD, frozenset({DELETED})))
    now(session.box.expunge())
    assert found("number 17") == [31]
    assert found("") == [uid for uid in range(1, 32) if uid != 18]
