"""Caps on what accounts send: windows that move, counts that survive a restart."""

from hypothesis import given
from hypothesis import strategies as st

from mailaccess.delivery.caps import DAY, HOUR, STEP, Cap, Caps, read, sent, write


class Clock:
    def __init__(self):
        self.time = 1764028800.0

    def __call__(self):
        return self.time


def made(*caps, clock=None, exempt=()):
    told = []
    house = Caps(caps, exempt, clock or Clock(), lambda name, cap: told.append((name, cap)))
    return house, told


def test_an_hour_is_full_and_empties_again():
    clock = Clock()
    house, told = made(Cap("messages", HOUR, 3), clock=clock)
    for _ in range(3):
        assert house.take("lee", messages=1, recipients=5) is None
    assert str(house.take("lee", messages=1, recipients=1)) == "3 messages an hour"
    assert house.take("lee", messages=0, recipients=1) is None
    assert house.take("kim", messages=1, recipients=1) is None
    clock.time += HOUR
    assert house.take("lee", messages=1, recipients=1) is None
    assert [name for name, _ in told] == ["lee"]


def test_recipients_count_too_and_what_is_refused_does_not():
    house, _ = made(Cap("recipients", DAY, 10))
    assert house.take("lee", messages=1, recipients=11) is not None
    assert house.take("lee", messages=1, recipients=10) is None
    assert house.take("lee", messages=1, recipients=1) == Cap("recipients", DAY, 10)


def test_postmaster_hears_once_a_day_and_not_again_after_a_restart():
    clock = Clock()
    house, told = made(Cap("messages", HOUR, 1), clock=clock)
    house.take("lee", messages=1, recipients=1)
    for _ in range(5):
        assert house.take("lee", messages=1, recipients=1)
    again, told_again = made(Cap("messages", HOUR, 1), clock=clock)
    again.restore(house.snapshot())
    assert again.take("lee", messages=1, recipients=1) and not told_again
    clock.time += DAY
    again.take("lee", messages=1, recipients=1)
    assert again.take("lee", messages=1, recipients=1)
    assert len(told) == len(told_again) == 1


def test_who_is_exempt_sends_on():
    house, told = made(Cap("messages", HOUR, 1), exempt=("news@naver.com",))
    assert all(house.take("news@naver.com", messages=1, recipients=99) is None for _ in range(9)) and not told


def test_counts_lie_in_a_file_and_old_ones_are_forgotten(tmp_path):
    clock = Clock()
    house, _ = made(Cap("messages", DAY, 100), clock=clock)
    house.take("lee", messages=1, recipients=2)
    clock.time += 2 * HOUR
    house.take("lee", messages=1, recipients=3)
    assert house.changed
    write(tmp_path / "sending.json", house.snapshot())
    assert not house.changed and (tmp_path / "sending.json").stat().st_mode & 0o777 == 0o600
    assert sent(read(tmp_path / "sending.json"), clock()) == [("lee", [1, 3], [2, 5])]
    clock.time += 2 * DAY
    assert house.snapshot() == {} and read(tmp_path / "none") == {}


@given(st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(1, 4)), max_size=60))
def test_no_hour_ever_holds_more_than_the_cap(steps):
    """Counted from any moment: an hour of the clock may hold what one step before it took, no more."""
    clock = Clock()
    house, _ = made(Cap("recipients", HOUR, 10), clock=clock)
    passed = []
    for wait, recipients in steps:
        clock.time += wait
        if house.take("lee", messages=1, recipients=recipients) is None:
            passed.append((clock.time, recipients))
    for begin, _ in passed:
        assert sum(count for at, count in passed if begin <= at < begin + HOUR - STEP) <= 10


def test_processes_count_together_and_a_new_one_learns_it_all():
    clock = Clock()
    cap = Cap("messages", HOUR, 3)
    (one, told), (two, also_told), (three, _) = (made(cap, clock=clock) for _ in range(3))
    one.counted, two.counted = two.hear, one.hear
    assert one.take("lee", messages=2, recipients=2) is None
    assert two.take("lee", messages=1, recipients=1) is None
    assert one.take("lee", messages=1, recipients=1) == cap
    assert two.take("lee", messages=1, recipients=1) == cap
    assert [name for name, _ in told + also_told] == ["lee"]
    for known in (one, two):
        three.merge(known.snapshot())
    assert three.take("lee", messages=1, recipients=1) == cap
    assert sent(three.snapshot(), clock()) == sent(one.snapshot(), clock())


def test_what_others_count_is_forgotten_after_a_day_too():
    """A worker that only heard of an account kept all its counts for ever."""
    clock = Clock()
    house, _ = made(Cap("messages", DAY, 1000), clock=clock)
    for _ in range(3 * DAY // STEP):
        clock.time += STEP
        house.hear("lee", int(clock.time // STEP), 1, 2)
        house.snapshot()
    assert len(house.snapshot()["lee"]["steps"]) <= DAY // STEP
    assert sent(house.snapshot(), clock.time) == [("lee", [HOUR // STEP, 2 * HOUR // STEP], [144, 288])]
