"""A client that reads message after message: the next ones are looked up ahead, and what was looked up is true."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation
from mailaccess.store.background import InlineBackground
from tests.unit.store.inline import House, now

COUNT = 50


class Counting(InlineBackground):
    def __init__(self) -> None:
        super().__init__()
        self.queued = 0

    def is_idle(self, key: Hashable) -> bool:
        return False

    def run_in_order(
        self, key: Hashable, call: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Awaitable[Any]:
        self.queued += 1
        return super().run_in_order(key, call, *args, **kwargs)


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    for number in range(COUNT):
        house.append(b"Subject: %d\r\n\r\ntext\r\n" % number)
    house.settle()
    house.account.runner = Counting()
    return house


def read(house: House, uids: Sequence[int]) -> list[Any]:
    box = house.open().box
    return [now(box.read([uid]))[0] for uid in uids]


def texts(uids: Sequence[int]) -> list[bytes]:
    return [b"Subject: %d\r\n\r\ntext\r\n" % (uid - 1) for uid in uids]


@pytest.mark.parametrize("uids", [range(1, COUNT + 1), range(COUNT, 0, -1), [7, 8, 9, 9, 8, 20, 3, 4, 5]])
def test_each_message_is_the_one_asked_for(house: House, uids: Sequence[int]) -> None:
    assert read(house, uids) == texts(uids)


@pytest.mark.parametrize("uids", [range(1, COUNT + 1), range(COUNT, 0, -1)])
def test_most_of_a_download_waits_for_no_job_of_the_account(house: House, uids: Sequence[int]) -> None:
    box = house.open().box
    before = house.account.runner.queued  # type: ignore[attr-defined]
    assert [now(box.read([uid]))[0] for uid in uids] == texts(uids)
    assert house.account.runner.queued - before < COUNT // 5  # type: ignore[attr-defined]


def test_a_message_that_was_renamed_meanwhile_is_found(house: House) -> None:
    box = house.open().box
    assert [now(box.read([uid]))[0] for uid in (1, 2, 3)] == texts((1, 2, 3))
    now(box.set_flags(UidSet.of([4, 5]), FlagOperation.ADD, frozenset({"\\Seen"})))
    house.settle()
    assert [now(box.read([uid]))[0] for uid in (4, 5, 6)] == texts((4, 5, 6))


def test_a_message_that_went_meanwhile_is_not_served(house: House) -> None:
    box = house.open().box
    assert [now(box.read([uid]))[0] for uid in (1, 2, 3)] == texts((1, 2, 3))
    now(house.open().box.remove(UidSet.of([4])))
    assert [now(box.read([uid]))[0] for uid in (4, 5)] == [None, *texts((5,))]


def test_a_renamed_mailbox_goes_on(house: House) -> None:
    now(house.account.create("Old"))
    for number in range(5):
        house.append(b"Subject: %d\r\n\r\ntext\r\n" % number, "Old")
    house.settle()
    box = house.open("Old").box
    assert [now(box.read([uid]))[0] for uid in (1, 2)] == texts((1, 2))
    now(house.account.rename("Old", "New"))
    house.settle()
    assert [now(box.read([uid]))[0] for uid in (3, 4)] == texts((3, 4))
