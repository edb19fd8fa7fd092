"""How long an index stays open depends on whether somebody works with the account."""

import contextlib
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any

from mailaccess.store.background import InlineBackground
from mailaccess.store.openings import Openings
from tests.unit.store.inline import Clock


class _Turn:
    def __await__(self) -> Generator[None, None, None]:
        yield


class Patient(InlineBackground):
    """Lets a coroutine wait until ``go_on``."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Coroutine[Any, Any, None]] = []

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            coroutine.send(None)
        except StopIteration:
            return
        self.started.append(coroutine)

    def go_on(self) -> None:
        started, self.started = self.started, []
        for each in started:
            with contextlib.suppress(StopIteration):
                each.send(None)


@dataclass(eq=False)
class Account:
    name: str
    parked: float = 0.0
    closed: int = 0
    busy: bool = False
    waits: bool = False
    key: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.key = ("store", self.name)

    async def park(self) -> bool:
        busy = self.busy
        if self.waits:
            await _Turn()
        self.closed += not busy
        return not busy


class Rig:
    def __init__(self, most: int = 10) -> None:
        self.clock, self.background = Clock(), Patient()
        self.openings = Openings(self.background, self.clock, most)

    def use(self, account: Any, *, asked: bool = True) -> None:
        self.openings.used(account, asked=asked)

    def after(self, seconds: float) -> None:
        self.clock.time += seconds
        self.background.run_waiting()


def test_one_that_was_used_for_a_moment_is_closed_at_once() -> None:
    rig, phone = Rig(), Account("phone")
    rig.use(phone)
    rig.after(0.25)
    assert not phone.closed
    rig.after(0.25)
    assert phone.closed == 1
    rig.after(10)
    assert phone.closed == 1 and not rig.background.waiting


def test_one_with_which_somebody_works_stays_open_between_commands() -> None:
    rig, webmail = Rig(), Account("webmail")
    for _ in range(4):
        rig.use(webmail)
        rig.after(0.2)
    rig.after(1.5)
    assert not webmail.closed
    rig.after(1)
    assert webmail.closed == 1


def test_one_to_which_somebody_comes_back_stays_open_longer() -> None:
    rig, reader = Rig(), Account("reader")
    rig.use(reader)
    rig.after(0.5)
    assert reader.closed == 1
    rig.after(3)
    rig.use(reader)
    rig.after(1.5)
    assert reader.closed == 1


def test_one_that_is_opened_ahead_for_what_comes_back_stays_open_longer() -> None:
    """A delivery opens the index while the message comes, and is asked for when it has come."""
    rig, account = Rig(), Account("receives often")
    for _ in range(3):
        rig.use(account, asked=False)
        rig.use(account)
        rig.after(1)
    assert account.closed == 1


def test_the_background_s_own_work_is_no_reason_to_keep_one_open() -> None:
    rig, quiet = Rig(), Account("quiet")
    for _ in range(10):
        rig.use(quiet, asked=False)
        rig.after(0.2)
    rig.after(0.4)
    assert quiet.closed == 1


def test_the_least_lately_used_makes_way_for_others() -> None:
    rig = Rig(most=2)
    accounts = [Account(str(number)) for number in range(3)]
    for account in accounts:
        rig.use(account)
    assert [account.closed for account in accounts] == [1, 0, 0]


def test_one_that_cannot_be_closed_now_is_closed_later() -> None:
    rig, account = Rig(), Account("busy", busy=True)
    rig.use(account)
    rig.after(0.5)
    assert not account.closed
    account.busy = False
    rig.after(0.5)
    assert account.closed == 1


def test_the_last_one_that_could_not_be_closed_while_it_worked_is_closed_later() -> None:
    """Nobody looked at it any more, until another account was used."""
    rig, account = Rig(), Account("works long", busy=True, waits=True)
    rig.use(account)
    rig.after(0.5)
    assert rig.background.started and not len(rig.openings)
    rig.background.go_on()
    account.busy = account.waits = False
    for _ in range(3):
        rig.after(1)
    assert account.closed == 1 and not rig.background.waiting
