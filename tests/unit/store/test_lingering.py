"""Mailboxes that nobody has open stay in memory for a while, and not for ever."""

from types import SimpleNamespace
from typing import Any

import pytest

from mailaccess.store.lingering import (
    KEPT_SECONDS,
    MAILBOXES_AT_REST,
    MESSAGES_AT_REST,
    MESSAGES_KEPT,
    Lingering,
)
from tests.unit.store.inline import Clock, House, now


class Account:
    def __init__(self, number: int) -> None:
        self.location = SimpleNamespace(maildir=f"/mail/{number}")
        self.number = number
        self.gone = False

    def forget(self, state: Any) -> bool:
        self.gone = True
        return True


class Room:
    def __init__(self, accounts: int, messages: int = 1) -> None:
        self.clock = Clock()
        self.lingering = Lingering(self.clock)
        self.state: Any = SimpleNamespace(mailbox_id="inbox", columns=range(messages))
        self.accounts = [Account(number) for number in range(accounts)]
        for account in self.accounts:
            self.keep(account)

    def keep(self, account: Account) -> None:
        self.lingering.keep(account, self.state)  # type: ignore[arg-type]

    def take(self, account: Account) -> None:
        self.lingering.take(account, self.state)  # type: ignore[arg-type]

    @property
    def gone(self) -> list[int]:
        return [account.number for account in self.accounts if account.gone]


def test_those_that_nobody_asks_for_go_after_a_while_but_for_the_latest():
    room = Room(MAILBOXES_AT_REST + 3)
    room.clock.time += KEPT_SECONDS / 2
    room.keep(room.accounts[0])  # used again
    room.lingering.age()
    assert room.gone == []
    room.clock.time += KEPT_SECONDS / 2 + 1
    room.lingering.age()
    assert room.gone == [1, 2, 3]


def test_at_rest_the_latest_are_kept():
    room = Room(MAILBOXES_AT_REST + 2)
    room.lingering.rest()
    assert room.gone == [0, 1]
    large = Room(3, MESSAGES_AT_REST // 2)
    large.lingering.rest()
    assert large.gone == [0]


def test_what_is_open_is_not_kept():
    room = Room(MAILBOXES_AT_REST + 1)
    room.take(room.accounts[0])
    room.lingering.rest()
    assert room.gone == [] and len(room.lingering) == MAILBOXES_AT_REST


def test_large_ones_go_at_once_past_the_bound():
    room = Room(3, MESSAGES_KEPT // 2)
    assert room.gone == [0]


def test_past_answers_go_when_nobody_asks_while_the_background_works(tmp_path):
    house = House(tmp_path)
    house.append(b"Subject: 1\r\n\r\ntext\r\n")
    memory = house.store.memory
    memory.put("answer", b"kept", 100)
    now(house.account.status("INBOX"))
    house.background.run_waiting()  # the look that the job above gave rise to
    memory.put("answer", b"kept", 100)
    for _ in range(2):
        house.store.used(house.account)  # as each job does
        house.background.run_waiting()
    assert memory.octets == 0


@pytest.mark.parametrize("closed", [True, False])
def test_no_look_is_due_where_there_is_nothing_to_look_at(tmp_path, closed):
    house = House(tmp_path)
    now(house.account.status("INBOX"))
    if closed:
        now(house.store.close())
    for _ in range(5):
        house.clock.time += 60
        house.background.run_waiting()
    assert not house.store._looking
