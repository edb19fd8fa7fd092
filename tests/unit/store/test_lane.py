"""One job computes at a time, and none waits for long for another."""

import threading
from contextlib import contextmanager

import pytest

from mailaccess.store import lane as lanes
from mailaccess.store.lane import Lane, aside_of_it, step_aside

WAIT = 60.0


@pytest.fixture
def lane():
    return Lane()


@contextmanager
def elsewhere(lane, job):
    """Run ``job`` in the lane in a thread of its own; yields an event that is set when it has the lane."""
    inside = threading.Event()

    def work():
        lane.enter()
        inside.set()
        job()
        lane.leave()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield inside
    finally:
        thread.join(WAIT)
    assert not thread.is_alive()


@pytest.mark.parametrize("beside", [None, "aside_of_it", "step_aside"])
def test_another_job_has_the_lane_when_one_has_ended_or_does_not_need_it(lane, monkeypatch, beside):
    monkeypatch.setattr(lanes, "PATIENCE", WAIT)
    lane.enter()
    with elsewhere(lane, lambda: None) as inside:
        assert not inside.is_set()
        if beside == "aside_of_it":
            with aside_of_it():
                assert inside.wait(WAIT)
        elif beside == "step_aside":
            step_aside()
            assert inside.wait(WAIT)
        lane.leave()
        assert inside.wait(WAIT)


def test_whoever_waits_behind_one_that_is_stuck_goes_past_it_and_the_next_need_not_wait(lane, monkeypatch):
    monkeypatch.setattr(lanes, "PATIENCE", 0.01)
    lane.enter()
    with elsewhere(lane, lambda: None) as inside:
        assert inside.wait(WAIT)
    monkeypatch.setattr(lanes, "PATIENCE", 2 * WAIT)
    with elsewhere(lane, lambda: None) as inside:
        assert inside.wait(WAIT)
    lane.leave()  # its own, which nobody wants any more
    lane.enter()
    lane.leave()


def test_where_all_are_stuck_one_goes_on_without(lane, monkeypatch):
    monkeypatch.setattr(lanes, "PATIENCE", 0.01)
    lane.enter()
    free = threading.Event()
    with elsewhere(lane, lambda: free.wait(WAIT)) as first:
        assert first.wait(WAIT)
        with elsewhere(lane, lambda: None) as second:
            assert second.wait(WAIT)
        free.set()
    lane.leave()


def test_outside_the_stores_threads_nobody_s_lane_is_touched(lane, monkeypatch):
    """The reactor's thread syncs nothing, but tools do, in which no thread has a lane."""
    monkeypatch.setattr(lanes, "PATIENCE", WAIT)
    done = []
    with aside_of_it():
        step_aside()
        done.append("inside")
    with elsewhere(lane, lambda: done.append("in the lane")) as inside:
        assert inside.wait(WAIT)
    assert done == ["inside", "in the lane"]
