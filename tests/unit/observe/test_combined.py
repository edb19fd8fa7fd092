"""The figures of several processes as one."""

import json

from mailaccess.observe.combined import Figures, Teller, add, registry, told, understood
from mailaccess.observe.counters import LOGINS, LOOP_DELAY, OPEN, Counters, exposition
from mailaccess.observe.turns import Turns


def figures(logins, delay, present):
    counters = Counters()
    counters.add(LOGINS, ("imap", "ok"), logins)
    counters.watch(LOOP_DELAY, lambda: {(): delay})
    counters.watch(OPEN, lambda: {("imap",): present})
    counters.turns = Turns()
    counters.turns.add(0.003)
    return understood(json.loads(json.dumps(told(Teller(counters).figures()))))


def test_counters_are_added_and_the_worst_delay_stands_for_all():
    one, two = figures(3, 0.2, 5), figures(4, 0.1, 6)
    sums = Figures()
    add(sums, one)
    add(sums, two)
    text = exposition(registry(sums, {1: one.process, 2: two.process})).decode()
    assert 'mailaccess_logins_total{outcome="ok",service="imap"} 7.0' in text
    assert "mailaccess_loop_delay_seconds 0.2" in text
    assert 'mailaccess_connections_open{service="imap"} 11.0' in text
    assert 'mailaccess_reactor_lag_seconds_bucket{le="0.005"} 2.0' in text
    assert 'process_cpu_seconds_total{worker="2"}' in text


def test_of_a_process_that_ended_only_what_it_counted_stays():
    sums = Figures()
    add(sums, figures(3, 0.2, 5), gauges=False)
    add(sums, figures(4, 0.1, 6))
    text = exposition(registry(sums, {})).decode()
    assert 'mailaccess_logins_total{outcome="ok",service="imap"} 7.0' in text
    assert 'mailaccess_connections_open{service="imap"} 6.0' in text
    assert "mailaccess_loop_delay_seconds 0.1" in text
