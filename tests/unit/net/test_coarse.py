"""Timers that share a second: they fire in time, once, and not all in one turn."""

import pytest
from twisted.internet.task import Clock

from mailaccess.net.coarse import AT_ONCE, CoarseClock


class Told(list[object]):
    def tell(self, what: object):
        return lambda: self.append(what)


def test_they_fire_at_the_second_that_follows_or_is_theirs() -> None:
    clock, told = Clock(), Told()
    coarse = CoarseClock(clock)
    clock.advance(0.25)
    coarse.callLater(120, told.tell("later"))
    coarse.callLater(119.75, told.tell("exactly"))
    clock.advance(119.7)
    assert told == []
    clock.advance(0.05)
    assert told == ["exactly"]
    clock.advance(1)
    assert told == ["exactly", "later"]
    assert not clock.getDelayedCalls()


def test_all_that_end_together_share_a_timer_and_are_called_some_at_a_time() -> None:
    clock, told = Clock(), Told()
    coarse = CoarseClock(clock)
    for number in range(AT_ONCE + 3):
        coarse.callLater(60, told.tell(number))
    assert len(clock.getDelayedCalls()) == 1
    clock.callLater(60, told.tell("somebody else"))
    clock.advance(60)
    assert told == [*range(AT_ONCE), "somebody else", *range(AT_ONCE, AT_ONCE + 3)]


def test_short_ones_and_those_with_arguments_are_the_reactor_s() -> None:
    clock, told = Clock(), Told()
    coarse = CoarseClock(clock)
    coarse.callLater(0.5, told.tell("short"))
    coarse.callLater(60.5, told.append, "argument")
    clock.advance(0.5)
    assert told == ["short"]
    clock.advance(60)
    assert told == ["short", "argument"]
    assert coarse.seconds() == 60.5


def test_one_that_was_cancelled_is_not_called_also_by_another_of_the_same_second() -> None:
    clock, told = Clock(), Told()
    coarse = CoarseClock(clock)
    last = None
    coarse.callLater(60, lambda: last.cancel())
    kept = coarse.callLater(60, told.tell("kept"))
    last = coarse.callLater(60, told.tell("cancelled"))
    gone = coarse.callLater(60, told.tell("gone"))
    gone.cancel()
    assert kept.active() and not gone.active()
    clock.advance(60)
    assert told == ["kept"] and not kept.active()
    kept.cancel()


def test_one_that_fails_keeps_no_other_from_being_called() -> None:
    clock, told = Clock(), Told()
    coarse = CoarseClock(clock)
    coarse.callLater(60, lambda: 1 // 0)
    coarse.callLater(60, told.tell("called"))
    with pytest.raises(ZeroDivisionError):
        clock.advance(60)
    clock.advance(0)
    assert told == ["called"]
