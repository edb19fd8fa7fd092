"""The lengths of the reactor's turns: counted in classes, told when late, without a flood."""

from mailaccess.observe.counters import Counters, exposition, registry
from mailaccess.observe.events import Recorder
from mailaccess.observe.turns import BOUNDS, TurnMeter, Turns


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def meter(late):
    log, clock = Recorder(), Clock()
    return TurnMeter(log, late, clock), log, clock


def turn(made, clock, seconds, wait=0.0):
    made.begin()
    clock.now += seconds
    made.end()
    clock.now += wait


def test_turns_are_counted_by_their_length_and_waits_are_not():
    made, _, clock = meter(0.5)
    made.end()  # the first wait, before any turn
    for seconds in (0.0004, 0.03, 0.03, 7.0):
        turn(made, clock, seconds, wait=100)
    assert made.turns.longest == 7.0 and sum(made.turns.counts) == 4
    upto = dict(made.turns.cumulative())
    assert (upto["0.001"], upto["0.02"], upto["0.05"], upto["5.0"], upto["+Inf"]) == (1, 1, 3, 3, 4)
    assert abs(made.turns.total - 7.0604) < 1e-9


def test_a_length_at_a_bound_is_within_it():
    turns = Turns()
    for bound in BOUNDS:
        turns.add(bound)
    assert turns.counts == [1] * len(BOUNDS) + [0]


def test_late_turns_are_told_once_a_second_with_the_longest():
    made, log, clock = meter(0.5)
    turn(made, clock, 0.6)
    turn(made, clock, 0.3)
    turn(made, clock, 0.5)  # within a second of the line before: kept back
    assert [fields["seconds"] for _, _, fields in log.events] == [0.6]
    turn(made, clock, 0.001, wait=2)
    turn(made, clock, 0.001)
    assert [(name, fields["seconds"]) for name, _, fields in log.events] == [
        ("reactor-late", 0.6),
        ("reactor-late", 0.5),
    ]


def test_nothing_is_told_where_the_bound_is_zero():
    made, log, clock = meter(0.0)
    turn(made, clock, 9.0)
    assert log.events == [] and made.turns.longest == 9.0


def test_the_metrics_show_a_histogram_only_where_turns_are_measured():
    counters = Counters()
    assert b"reactor_lag" not in exposition(registry(counters))
    counters.turns = Turns()
    counters.turns.add(0.03)
    text = exposition(registry(counters)).decode()
    assert 'mailaccess_reactor_lag_seconds_bucket{le="0.02"} 0.0' in text
    assert 'mailaccess_reactor_lag_seconds_bucket{le="0.05"} 1.0' in text
    assert "mailaccess_reactor_lag_seconds_count 1.0" in text
