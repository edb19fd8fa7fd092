"""What a mailbox full of new files answers before anything of them is kept is what it answers ever after."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Comparison, Criterion, DateField
from mailaccess.store import glance, housekeeping
from mailaccess.store.api import Fact, ThreadAlgorithm
from mailaccess.store.aside import work
from mailaccess.store.index import cache, picked
from mailaccess.store.index.picked import Picked, Room
from mailaccess.store.reading import Reader
from mailaccess.store.sort import SortCriterion, SortKey
from tests.unit.store.inline import EVERYTHING, House, Session, now

FROM = ("Kim <kim@naver.com>", '"Lee, J." <lee@naver.com>', "=?utf-8?B?6rmA?= <b@naver.com>", "broken <", "")
SUBJECTS = ("Re: lunch", "lunch", "=?utf-8?Q?=ED=9A=8C=EC=9D=98?=", "[list] Fwd: a", "")
DAYS = (4, 9, 1, 28, 17)


@pytest.fixture(autouse=True)
def few_are_worth_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "CHUNKS_WORTH", 1)


def message(number: int) -> bytes:
    lines = [
        f"Received: from a\n\tby b{number}",
        f"From: {FROM[number % 5]}",
        f"To: a{number}@naver.com,\n c@naver.com",
        f"Subject: {SUBJECTS[number % 4]}",
        f"Date: Mon, {DAYS[number % 5]} Mar 2019 10:00:{number % 60:02d} +0900"
        if number % 7
        else "Date: none",
        f"Message-ID: <{number}@x>",
        *([f"References: <{number - 3}@x>"] if number % 3 == 0 else []),
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        f"Word{number % 4} =ED=9A=8C=EC=9D=98",
        "--b",
        "Content-Type: message/rfc822",
        "",
        "From: d@naver.com",
        "Subject: folded\n inside",
        "",
        "inner",
        "--b--",
        "",
    ]
    return "\n".join(lines).encode()


def brought(house: House) -> None:
    for number in range(30):
        data = message(number)
        if number % 6 == 5:
            data = data.replace(b"\n", b"\r\n")
        size = len(data) + data.count(b"\n") - data.count(b"\r\n")
        house.drop(f"17000{number:05d}.M{number}P1.host,S={len(data)},W={size}:2,", data, place="cur")


LISTS = (
    (b"FROM", b"SUBJECT", b"X-PRIORITY", b"CONTENT-TYPE"),
    (b"DATE", b"MIME-VERSION"),
    (b"NONE",),
    (b"X-LABEL",),
)
QUESTIONS: tuple[Criterion, ...] = (
    tree.Header("from", "kim"),
    tree.Header("from", "김"),
    tree.Header("subject", ""),
    tree.Header("message-id", "<7@x>"),
    tree.Header("references", "3@x"),
    tree.Body("word1 회의"),
    tree.Body("inner"),
    tree.Text("by b3"),
    tree.Text("word2"),
)
ORDERS = (
    (SortCriterion(SortKey.DATE, True),),
    (SortCriterion(SortKey.SUBJECT), SortCriterion(SortKey.DATE)),
    (SortCriterion(SortKey.FROM, True), SortCriterion(SortKey.SIZE), SortCriterion(SortKey.TO)),
    (SortCriterion(SortKey.DISPLAYFROM), SortCriterion(SortKey.ARRIVAL, True)),
    (SortCriterion(SortKey.CC), SortCriterion(SortKey.DISPLAYTO)),
)


def answers(session: Session) -> list[Any]:
    box = session.box
    told: list[Any] = [now(box.search(each)) for each in QUESTIONS]
    told.append(now(box.search(tree.DateIs(DateField.SENT, Comparison.SINCE, date(2019, 3, 5)))))
    told += [now(box.sort(tree.All(), order)) for order in ORDERS]
    told += [now(box.thread(tree.All(), algorithm)) for algorithm in ThreadAlgorithm]
    uids = list(box.columns.uids)
    told.append(now(box.facts(uids, [Fact.ENVELOPE])))
    told += [now(box.header_fields(uids, names)) for names in LISTS]
    told.append(now(box.header_fields(uids, LISTS[0], exclude=True)))
    told.append(now(box.facts(uids, [Fact.ENVELOPE, Fact.BODYSTRUCTURE, Fact.BODY, Fact.STRUCTURE])))
    return told


def everything_kept(house: House) -> None:
    while now(house.account.run(housekeeping.index_texts)):
        pass
    rows = house.account.vault.connection.execute("SELECT count(*) FROM order_keys").fetchone()
    assert rows[0] >= 30


@pytest.mark.parametrize("most", [picked.MOST, 0, 3_000])
def test_the_answers_are_those_of_what_is_kept_later(tmp_path: Path, most: int) -> None:
    house = House(tmp_path)
    brought(house)
    house.account.vault.picked = Picked(Room(most))
    before = answers(house.open())
    assert before[0] and before[5] and before[7]
    house.store.memory = house.account.memory = type(house.store.memory)()
    again = answers(house.open())
    house.store.memory = house.account.memory = type(house.store.memory)()
    everything_kept(house)
    after = answers(house.open())
    assert before == again == after


def test_half_of_the_mailbox_being_kept_changes_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    session = house.open()
    before = answers(session)
    house.drop("1800000000.M1P1.host", message(31))
    everything_kept(house)
    house.drop("1800000001.M1P1.host", message(32))
    session = house.open()
    session.refresh()
    mixed = answers(session)
    everything_kept(house)
    house.account.memory = type(house.store.memory)()
    assert answers(house.open()) == mixed
    assert len(mixed[-1]) == len(before[-1]) + 2


@pytest.mark.parametrize("most", [picked.MOST, 0])
def test_a_glance_from_the_background_changes_no_answer(tmp_path: Path, most: int) -> None:
    house = House(tmp_path)
    brought(house)
    house.account.vault.picked = Picked(Room(most))
    session = house.open()
    assert house.account.vault.packed
    now(house.account.run(housekeeping.index_texts))
    assert house.account.vault.packed and (house.account.vault.picked.get(1) is not None) == bool(most)
    before = answers(session)
    house.store.memory = house.account.memory = type(house.store.memory)()
    everything_kept(house)
    assert answers(house.open()) == before


def test_what_the_background_has_half_made_changes_no_answer(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    session = house.open()
    told, steps = [], 0
    while now(house.account.run(housekeeping.index_texts)):
        steps += 1
        house.store.memory = house.account.memory = type(house.store.memory)()
        told.append(now(session.box.facts(session.uids, [Fact.BODYSTRUCTURE, Fact.ENVELOPE])))
    assert steps > 4 and told.count(told[0]) == len(told) and None not in told[0]


def test_structures_are_there_before_headers_and_texts(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    house.open()
    connection = house.account.vault.connection
    while not connection.execute("SELECT 1 FROM cache WHERE bodystructure IS NOT NULL").fetchone():
        now(house.account.run(housekeeping.index_texts))
    assert not connection.execute("SELECT 1 FROM order_keys").fetchone()


def test_structures_come_with_the_rows_where_another_process_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(self: Reader, contents: Sequence[int], wanted: Sequence[Fact]) -> Callable[[], dict[int, Any]]:
        asked = [(*item, tuple([fact.value for fact in wanted])) for item in self._bounded(contents)]
        return lambda: {item[0]: item[1] for item in work.answer(work.DESCRIBED, asked)}

    monkeypatch.setattr(Reader, "ask_described", ask)
    house = House(tmp_path)
    brought(house)
    session = house.open()
    connection = house.account.vault.connection
    while house.account.vault.packed:
        now(house.account.run(housekeeping.index_texts))
    made = connection.execute("SELECT count(*) FROM cache WHERE bodystructure IS NOT NULL").fetchone()
    assert made == (30,) == connection.execute("SELECT count(*) FROM messages").fetchone()
    told = now(session.box.facts(session.uids, [Fact.ENVELOPE, Fact.BODYSTRUCTURE]))
    house.store.memory = house.account.memory = type(house.store.memory)()
    everything_kept(house)
    assert now(session.box.facts(session.uids, [Fact.ENVELOPE, Fact.BODYSTRUCTURE])) == told


def test_what_another_version_kept_is_not_told_with_what_this_one_makes(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    session = house.open()
    facts = [Fact.ENVELOPE, Fact.BODYSTRUCTURE, Fact.BODY]
    expected = now(session.box.facts(session.uids, facts))
    connection = house.account.vault.connection
    for version in (cache.VERSION + 1, -cache.VERSION - 1):
        for column in ("envelope", "bodystructure"):
            connection.execute(
                "INSERT OR REPLACE INTO cache SELECT content, ?, 'x', 'x', 'x', 'x', 'x' FROM messages",
                (version,),
            )
            cache._complete(connection, column, [(content, b"y") for content in range(1, 20)])
            old = connection.execute(
                "SELECT count(*) FROM cache WHERE 'x' IN (envelope, bodystructure, body, structure, preview)"
            )
            assert old.fetchone() == (11,)
    connection.execute("DELETE FROM cache")
    house.store.memory = house.account.memory = type(house.store.memory)()
    assert now(session.box.facts(session.uids, facts)) == expected


def test_a_header_in_memory_needs_no_file(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    session = house.open()
    now(house.account.run(housekeeping.index_texts))
    for name in house.files_of():
        (house.maildir / "cur" / name).write_bytes(b"Subject: other\n\n")
    subjects = now(session.box.header_fields(session.uids[:2], [b"SUBJECT"]))
    assert subjects == [b"Subject: Re: lunch\r\n\r\n", b"Subject: lunch\r\n\r\n"]


def test_what_a_glance_kept_goes_with_its_mailbox(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    room = Room(picked.MOST)
    house.account.vault.picked = Picked(room)
    session = house.open()
    now(house.account.run(housekeeping.index_texts))
    assert not room.take(picked.MOST)
    now(session.box.remove(EVERYTHING))
    while now(house.account.run(housekeeping.index_texts)):
        pass
    assert room.take(picked.MOST)


def test_what_was_read_for_a_question_goes_when_it_is_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    brought(house)
    room = Room(picked.MOST)
    house.account.vault.picked = Picked(room)
    now(house.open().box.search(tree.Header("from", "kim")))
    assert not room.take(picked.MOST)
    everything_kept(house)
    assert room.take(picked.MOST)


def test_hundreds_of_small_mailboxes_take_no_room_from_a_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "CHUNKS_WORTH", 2)
    house = House(tmp_path)
    brought(house)
    house.open()
    now(house.account.run(housekeeping.index_texts))
    assert not house.account.vault.picked
