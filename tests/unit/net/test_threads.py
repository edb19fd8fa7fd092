"""Blocking calls off the reactor thread: results, order, and no two of one key at once."""

import threading
from collections.abc import Iterator

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from mailaccess.net.threads import TURN, Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(reactor, 3)
    yield made
    made.stop()


@pytest_twisted.ensureDeferred
async def test_a_result_comes_back_on_the_reactor_thread(threads):
    here = threading.get_ident()
    there = await threads.run(threading.get_ident)
    assert there != here
    assert threading.get_ident() == here


@pytest_twisted.ensureDeferred
async def test_an_exception_comes_back_as_itself(threads):
    with pytest.raises(FileNotFoundError):
        await threads.run(open, "/does/not/exist")
    with pytest.raises(FileNotFoundError):
        await threads.run_in_order("lee", open, "/does/not/exist")


@pytest_twisted.ensureDeferred
async def test_calls_of_one_key_run_in_order_and_one_at_a_time(threads):
    order: list[int] = []
    running: list[int] = []
    overlaps: list[int] = []

    def call(number: int) -> None:
        running.append(number)
        if len(running) > 1:
            overlaps.append(number)
        order.append(number)
        running.remove(number)

    count = TURN * 3 + 1
    await gatherResults([threads.run_in_order("lee", call, n) for n in range(count)])
    assert order == list(range(count))
    assert overlaps == []


@pytest_twisted.ensureDeferred
async def test_a_key_that_waits_does_not_hold_up_another(threads):
    gate = threading.Event()
    slow: Deferred[bool] = threads.run_in_order("lee", gate.wait, 30)
    assert await threads.run_in_order("kim", lambda: "kim") == "kim"
    gate.set()
    assert await slow is True


@pytest_twisted.ensureDeferred
async def test_a_busy_key_lets_others_have_a_turn(threads):
    """With one thread, a key with a long queue gives way after TURN calls."""
    single = Threads(reactor, 1)
    gate = threading.Event()
    order: list[str] = []
    single.run(gate.wait, 30)
    done = [single.run_in_order("lee", order.append, "lee") for _ in range(TURN * 2)]
    done.append(single.run_in_order("kim", order.append, "kim"))
    gate.set()
    await gatherResults(done)
    assert order.index("kim") == TURN
    single.stop()


@pytest_twisted.ensureDeferred
async def test_idle_waits_for_everything(threads):
    gate = threading.Event()
    threads.run(gate.wait, 30)
    idle = Deferred.fromCoroutine(threads.idle())
    assert not idle.called
    gate.set()
    await idle
    assert threads.pending == 0


def test_after_the_end_nothing_is_taken(threads):
    made = Threads(reactor, 1)
    made.stop()
    with pytest.raises(RuntimeError):
        made.run(len, "")
