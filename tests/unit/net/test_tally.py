"""What several processes count together."""

from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.tally import Tally


def nothing() -> None:
    return None


def test_what_others_have_counts_until_they_are_gone():
    here, there = Tally(), Tally()
    told = []
    there.changed = lambda: told.append(1)
    there.add("a")
    there.add("a")
    assert told == [1]
    here.add("a")
    here.heard(2, there.changes())
    assert here["a"] == 3
    there.take("a")
    here.heard(2, there.changes())
    here.heard(2, there.snapshot())
    assert here["a"] == 2 and told == [1, 1]
    here.gone(2)
    assert here["a"] == 1
    here.gone(2)
    here.take("a")
    assert here["a"] == 0 and here.snapshot() == {}


def test_a_limit_holds_over_two_processes():
    one, two = ConnectionLimits(per_user=1, total=2), ConnectionLimits(per_user=1, total=2)
    place = one.enter("192.0.2.1", nothing)
    assert place.log_in("lee@naver.com")
    two.tally.heard(1, one.tally.snapshot())
    other = two.enter("192.0.2.1", nothing)
    assert not other.log_in("lee@naver.com")
    assert two.enter("192.0.2.2", nothing) is None
    two.tally.gone(1)
    assert other.log_in("lee@naver.com")
