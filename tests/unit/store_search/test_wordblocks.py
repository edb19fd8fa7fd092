"""The words of many messages at a time: the same answers as their texts give."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.store.index import fulltext, wordblocks
from tests.unit.store_search.memory import MemoryMailbox


def wire(body: str, subject: str = "s") -> bytes:
    return f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n".encode()


def searched(mailbox: MemoryMailbox, needle: str, *, whole: bool = False) -> set[int]:
    """The content ids found, asked until nothing is left."""
    job = fulltext.matcher(needle, whole=whole)
    left, found = sorted(mailbox.content_of.values()), set[int]()
    while left:
        answer = job(mailbox.connection, left, mailbox.read)
        assert list(answer.left) != left
        found |= answer.contents
        left = list(answer.left)
    return found


@pytest.fixture
def small(monkeypatch):
    for name, value in (("BLOCK", 4), ("CHANGED", 1), ("WORTH", 1)):
        monkeypatch.setattr(wordblocks, name, value)


def texts_are_gone(mailbox: MemoryMailbox) -> None:
    """What is answered from now on is answered by the words alone."""
    mailbox.connection.execute("UPDATE fulltext SET body = x'00', header = x'00'")
    mailbox.wires.clear()


def test_a_word_is_found_without_the_texts_whatever_part_of_it_is_asked(small):
    mailbox = MemoryMailbox()
    for body in ("Der Straßenbahnhof", "회의록을 보냅니다", "nothing", "bahn회의", "x"):
        mailbox.add(wire(body))
    texts_are_gone(mailbox)
    for needle, contents in (
        ("BAHN", {101, 104}),
        ("회의", {102, 104}),
        ("의", {102, 104}),
        ("zebra", set()),
    ):
        assert searched(mailbox, needle) == contents


def test_headers_count_for_text_and_not_for_body(small):
    mailbox = MemoryMailbox()
    for subject, body in (("invoice", "x"), ("x", "invoice"), ("y", "y")):
        mailbox.add(wire(body, subject))
    assert searched(mailbox, "invoice") == {102}
    assert searched(mailbox, "invoice", whole=True) == {101, 102}


def test_words_apart_are_looked_for_in_the_texts(small):
    mailbox = MemoryMailbox()
    for body in ("green tea house", "tea green", "green\r\ntea", "greentea"):
        mailbox.add(wire(body))
    assert searched(mailbox, "green tea") == {101}
    assert searched(mailbox, "n t") == {101}


def test_a_block_is_made_again_when_texts_come_and_go(small):
    mailbox = MemoryMailbox()
    for number in range(6):
        mailbox.add(wire(f"word{number}"))
    connection = mailbox.connection
    assert searched(mailbox, "word5") == {106}
    connection.execute("DELETE FROM fulltext WHERE content = 106")
    wordblocks.note(connection, [106])
    while wordblocks.make_due(connection, fulltext.VERSION):
        pass
    words = [
        row[0] for row in connection.execute("SELECT words FROM word_blocks WHERE id = ?", (2 * (106 // 4),))
    ]
    assert b"word5" not in fulltext.zlib.decompress(words[0])


def test_a_damaged_block_is_not_believed(small):
    mailbox = MemoryMailbox()
    for body in ("one", "two", "three", "four", "five"):
        mailbox.add(wire(body))
    mailbox.connection.execute("UPDATE word_blocks SET words = x'00'")
    assert searched(mailbox, "three") == {103}


def test_a_message_of_too_many_words_is_looked_through(small, monkeypatch):
    monkeypatch.setattr(wordblocks, "MAX_WORDS", 100)
    mailbox = MemoryMailbox()
    mailbox.add(wire(" ".join(f"w{number}" for number in range(100))))
    mailbox.add(wire("w99"))
    assert searched(mailbox, "w99") == {101, 102}
    assert searched(mailbox, "w98") == {101}


words = st.lists(st.sampled_from(["a", "ab", "b", "회", "의", " ", "\r\n", "é", "aa"]), max_size=8).map(
    "".join
)


@given(
    st.lists(st.tuples(words, words), min_size=1, max_size=12),
    st.lists(st.sampled_from(["a", "b", "회", "의", " ", "é"]), min_size=1, max_size=3).map("".join),
    st.booleans(),
    st.sets(st.integers(0, 11)),
)
def test_words_and_texts_give_the_same_answer(mails, needle, whole, late):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BLOCK", 4), ("CHANGED", 2), ("WORTH", 1)):
            patch.setattr(wordblocks, name, value)
        mailbox = MemoryMailbox()
        for number, (subject, body) in enumerate(mails):
            mailbox.add(wire(body, " ".join(subject.split()) or "-"), indexed=number not in late)
        answer = searched(mailbox, needle, whole=whole)
    plain = MemoryMailbox()
    for subject, body in mails:
        plain.add(wire(body, " ".join(subject.split()) or "-"), indexed=False)
    assert answer == searched(plain, needle, whole=whole)


def test_an_index_of_before_gets_its_words(tmp_path):
    connection = sqlite3.connect(tmp_path / "index", isolation_level=None)
    connection.execute(fulltext.TABLES[0])
    connection.executemany("INSERT INTO fulltext VALUES (?, 0, x'', x'')", [(5,), (300,)])
    for statement in wordblocks.TABLES:
        connection.execute(statement)
    assert connection.execute("SELECT block FROM word_blocks_due").fetchall() == [(0,), (2,)]
