"""The first search of texts makes words of whole blocks; what it answers is what the texts themselves answer."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Criterion
from mailaccess.model.sequence import UidSet
from mailaccess.store import housekeeping
from mailaccess.store.aside import work
from mailaccess.store.index import firstwords, wordblocks
from mailaccess.store.reading import Reader
from tests.unit.store.inline import House, now
from tests.unit.store.test_first_question import brought

QUESTIONS: tuple[Criterion, ...] = (
    tree.Body("word1"),
    tree.Body("inside"),
    tree.Body("회의"),
    tree.Body("word1 회의"),
    tree.Text("inside"),
    tree.Text("by"),
    tree.Text("<7@x>"),
    tree.Text("word2"),
    tree.Text("nowhere"),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (wordblocks, "BLOCK", 8),
        (wordblocks, "CHANGED", 2),
        (wordblocks, "WORTH", 1),
        (firstwords, "MOST_OF_IT", 4),
    ):
        monkeypatch.setattr(module, name, value)


def answers(house: House, questions: Sequence[Criterion] = QUESTIONS) -> list[list[int]]:
    box = house.open().box
    return [now(box.search(each)) for each in questions]


def settled(house: House) -> None:
    while now(house.account.run(housekeeping.index_texts)):
        pass


def kinds_made(house: House) -> list[int]:
    return [
        row[0] for row in house.account.vault.connection.execute("SELECT id FROM word_blocks ORDER BY id")
    ]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    brought(house)
    house.open()
    house.settle()
    return house


@pytest.mark.parametrize("questions", [QUESTIONS, QUESTIONS[::-1], QUESTIONS[4:] + QUESTIONS[:4]])
def test_the_answers_are_those_of_the_texts(house: House, questions: Sequence[Criterion]) -> None:
    before = answers(house, questions)
    assert kinds_made(house) and sum(map(len, before)) > 50
    assert answers(house, questions) == before
    settled(house)
    assert answers(house, questions) == before


def test_the_second_search_opens_no_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(house, [tree.Body("word1"), tree.Text("word1")])
    few = [uid for uid in house.open().box.columns.uids if 8 <= uid < 24]  # whole blocks
    monkeypatch.setattr(Reader, "open", lambda self, at: pytest.fail("a file was opened"))
    for question, found in zip((tree.Body("word1"), tree.Text("word1")), before, strict=True):
        again = now(house.open().box.search(tree.And((tree.Uids(UidSet.of(few)), question))))
        assert again == [uid for uid in found if uid in few]


def test_headers_are_added_to_the_words_of_bodies(house: House) -> None:
    answers(house, [tree.Body("word1")])
    bodies = kinds_made(house)
    assert not any(row % 2 for row in bodies)
    answers(house, [tree.Text("word1")])
    assert kinds_made(house) == sorted([*bodies, *(row + 1 for row in bodies)])


def test_the_background_adds_the_words_that_a_search_left_out(house: House) -> None:
    answers(house, [tree.Body("word1")])
    bodies = kinds_made(house)
    settled(house)
    assert set(kinds_made(house)) >= {*bodies, *(row + 1 for row in bodies)}


def test_while_the_background_is_half_way_the_words_stay(house: House) -> None:
    before = answers(house)
    made = kinds_made(house)
    now(house.account.run(housekeeping.index_texts))
    assert answers(house) == before
    assert set(kinds_made(house)) >= set(made)


def test_files_that_are_gone_or_large_are_left_to_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answers(house)
    house.account.vault.connection.execute("DELETE FROM word_blocks")
    monkeypatch.setattr(Reader, "stored", lambda self, contents: iter(()))
    assert answers(house) == before


def aside_of(house: House) -> Callable[..., Callable[[], dict[int, list[wordblocks.Row]]]]:
    def ask(self: Reader, block: int, contents: Sequence[int], kinds: Sequence[int]):  # type: ignore[no-untyped-def]
        asked = [(block, self._paths(contents), list(kinds))]
        return lambda: {item[0]: item[1] for item in work.answer(work.WORDS, asked)}

    return ask


def test_the_process_beside_makes_the_same_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(house)
    rows = house.account.vault.connection.execute("SELECT * FROM word_blocks ORDER BY id").fetchall()
    house.account.vault.connection.execute("DELETE FROM word_blocks")
    monkeypatch.setattr(Reader, "ask_words", aside_of(house))
    assert answers(house) == before
    again = house.account.vault.connection.execute("SELECT * FROM word_blocks ORDER BY id").fetchall()
    assert rows == again
