"""When what is tried: retries, turns, concurrency, back-off, ages."""

import random
import sys
import tracemalloc

import pytest

from mailaccess.spool import schedule as scheduling
from mailaccess.spool.schedule import Job, Schedule, retry_after


@pytest.fixture
def schedule():
    return Schedule(per_destination=2, total=3, ages=(4 * 3600, 5 * 86400))


def add(schedule, id, *destinations, due=0.0, owner="lee"):
    schedule.add(id, due=due, created=0.0, owner=owner, destinations=destinations or ("naver.com",))


def take_all(schedule, now=0.0):
    found = []
    while (job := schedule.take(now)) is not None:
        found.append(job)
    return found


def test_tries_come_after_a_minute_first_and_every_four_hours_at_last():
    waits = [retry_after(number) for number in range(1, 12)]
    assert waits[:3] == [60, 120, 240] and waits[-1] == 4 * 3600
    assert waits == sorted(waits)


def test_the_first_and_the_longest_wait_can_be_others():
    assert [retry_after(number, 3, 10) for number in range(1, 5)] == [3, 6, 10, 10]
    schedule = Schedule(per_destination=2, total=3, first_retry=3, longest_retry=5)
    add(schedule, "a")
    for wait in (3, 5, 5):
        now = schedule.next_time(0.0) or 0.0
        job = schedule.take(now)
        assert job is not None
        schedule.unreachable("naver.com", now)
        assert schedule.lines()["naver.com"][2] == now + wait
        schedule.done(job)
        schedule.again("a", now + wait, ["naver.com"])


def test_a_message_waits_until_it_is_due(schedule):
    add(schedule, "a", due=10)
    assert schedule.take(9.9) is None and schedule.next_time(9.9) == 10
    assert schedule.take(10) == Job("a", "naver.com")
    assert schedule.take(10) is None


def test_a_destination_and_the_whole_have_their_bounds(schedule):
    for id in "abc":
        add(schedule, id, "naver.com")
    for id in "xyz":
        add(schedule, id, "daum.net")
    jobs = take_all(schedule)
    assert len(jobs) == 3 and {job.destination for job in jobs} == {"naver.com", "daum.net"}
    assert schedule.done(jobs[0])
    assert len(take_all(schedule)) == 1


def test_a_newsletter_does_not_hold_up_another_sender(schedule):
    for number in range(100):
        add(schedule, f"news{number}", owner="news")
    add(schedule, "mail", owner="kim")
    assert {job.id for job in take_all(schedule)} == {"news0", "mail"}


def test_an_open_connection_gets_the_next_message_of_its_destination(schedule):
    add(schedule, "a", "naver.com")
    add(schedule, "b", "daum.net")
    add(schedule, "c", "naver.com")
    first = schedule.take(0)
    schedule.done(first)
    assert schedule.take(0, "naver.com").id == "c"
    assert schedule.take(0, "naver.com") is None


def test_a_round_ends_with_the_last_of_its_destinations(schedule):
    add(schedule, "a", "naver.com", "daum.net")
    one, other = take_all(schedule)
    assert not schedule.done(one)
    assert schedule.done(other)
    schedule.again("a", 60, ("daum.net",))
    assert schedule.take(59) is None
    assert schedule.take(60) == Job("a", "daum.net")


def test_a_destination_that_is_down_is_tried_by_one_after_a_while(schedule):
    for id in "abcde":
        add(schedule, id)
    first, second = take_all(schedule)
    for job in (first, second):
        schedule.unreachable(job.destination, 0)
        schedule.done(job)
    assert schedule.take(59) is None and schedule.next_time(0) == 60
    (probe,) = take_all(schedule, 60)
    schedule.unreachable(probe.destination, 60)
    schedule.done(probe)
    assert schedule.take(179) is None
    (probe,) = take_all(schedule, 180)
    schedule.reached(probe.destination)
    assert len(take_all(schedule, 180)) == 1


def test_flushing_forgets_back_offs(schedule):
    add(schedule, "a")
    add(schedule, "late", due=1000)
    job = schedule.take(0)
    schedule.unreachable(job.destination, 0)
    schedule.done(job)
    schedule.again("a", 60, ("naver.com",))
    assert schedule.hurry(1.0) == 2
    assert sorted(job.id for job in (schedule.take(1.0), None) if job) in (["a"], ["late"])


def test_flushing_one_message_leaves_the_back_offs_of_other_destinations(schedule):
    """Thousands of dead ones were all tried again at once."""
    for id in ("a", "b"):
        add(schedule, id, f"{id}.kr")
        job = schedule.take(0)
        schedule.unreachable(job.destination, 0)
        schedule.done(job)
        schedule.again(id, 600, [f"{id}.kr"])
    add(schedule, "more", "b.kr")
    assert schedule.hurry(1.0, "a") == 1 and schedule.hurry(1.0, "unknown") == 0
    assert take_all(schedule, 1.0) == [Job("a", "a.kr")]
    assert schedule.lines()["b.kr"] == (1, 0, 60) and schedule.next_time(1.0) == 60


def test_what_was_removed_is_not_tried(schedule):
    add(schedule, "a")
    add(schedule, "b")
    schedule.take(0)
    schedule.remove("b")
    assert schedule.take(0) is None and len(schedule) == 1


def test_ages_are_told_once_even_while_a_message_stands_in_line(schedule):
    add(schedule, "a", due=10**9)
    assert schedule.aged(4 * 3600 - 1) == []
    assert schedule.aged(4 * 3600) == ["a"]
    assert schedule.aged(5 * 86400 - 1) == []
    assert schedule.aged(5 * 86400) == ["a"]
    assert schedule.aged(10**9) == []


def test_a_hundred_thousand_messages_take_little_memory():
    schedule = Schedule(per_destination=5, total=20, ages=(1.0, 2.0))
    tracemalloc.start()
    for number in range(100_000):
        schedule.add(
            f"{number:011x}abcdefghij",
            due=number,
            created=0,
            owner=f"o{number % 100}",
            destinations=(f"d{number % 1000}.kr",),
        )
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 100e6


def test_a_waiting_message_costs_less_than_a_kilobyte():
    """100,000 of them fit into 100 MB (tests/bench/queue_memory measures the whole server)."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    schedule = Schedule(per_destination=5, total=50, ages=(14400.0, 432000.0))
    for number in range(5000):
        schedule.add(
            f"0199f{number:016x}",
            due=1e9 + number,
            created=1e9,
            owner=f"sender{number % 100}@naver.com",
            destinations=[f"domain{number % 200}.example"],
        )
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used < 5000 * 1024


def test_a_job_that_needs_its_connection_no_more_lets_another_run():
    schedule = Schedule(per_destination=1, total=1)
    for id in ("a", "b"):
        schedule.add(id, due=0, created=0, owner="lee", destinations=["naver.com"])
    first = schedule.take(0)
    assert schedule.take(0) is None
    schedule.freed(first)
    second = schedule.take(0, "naver.com")
    assert second.id == "b" and schedule.in_line("a")
    schedule.done(first, freed=True)
    assert not schedule.in_line("a") and schedule.running == 1


def test_messages_that_went_at_once_leave_nothing_behind():
    """They stayed in memory until their age would have been told: hours of all that was ever sent."""
    schedule = Schedule(per_destination=5, total=5, ages=(4 * 3600, 5 * 86400))
    tracemalloc.start()
    try:
        for number in range(20_000):
            if number == 5_000:
                before = tracemalloc.get_traced_memory()[0]
            add(schedule, f"{number:016x}", due=float(number))
            job = schedule.take(float(number))
            schedule.done(job)
            schedule.remove(job.id)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(schedule) == 0 and grown < 500_000
    add(schedule, "last", due=20_000.0)
    assert take_all(schedule, 20_000.0) == [Job("last", "naver.com")]
    assert schedule.aged(20_000.0) == ["last"]


def steps(call, *args):
    """Calls of functions within a call."""
    counted = []
    sys.setprofile(lambda frame, event, arg: counted.append(1) if event == "call" else None)
    try:
        call(*args)
    finally:
        sys.setprofile(None)
    return len(counted)


def test_thousands_of_dead_destinations_cost_nothing_while_they_rest():
    """Each look for the next job went through all of them: 10 ms with 20,000, several times for each message."""
    schedule = Schedule(per_destination=1, total=10)
    for number in range(3000):
        add(schedule, f"dead{number}", f"dead{number}.kr")
        add(schedule, f"more{number}", f"dead{number}.kr")
    while (job := schedule.take(0)) is not None:
        schedule.unreachable(job.destination, 0)
        schedule.done(job)
    add(schedule, "a", "naver.com")
    assert steps(schedule.take, 1.0) < 50 and schedule.running == 1
    assert steps(schedule.take, 1.0) < 50 and steps(schedule.next_time, 1.0) < 50
    assert schedule.next_time(1.0) == 60
    assert len({job.destination for job in take_all(schedule, 60)}) == 9  # and the tenth is under way


def test_more_destinations_than_are_remembered_are_not_walked_through_for_each_new_one(monkeypatch):
    monkeypatch.setattr(scheduling, "MAX_DESTINATIONS", 100)
    schedule = Schedule(per_destination=1, total=1)
    monkeypatch.setattr(schedule, "_forget_at", 100)
    walks = []
    forget = schedule._forget
    monkeypatch.setattr(schedule, "_forget", lambda: walks.append(1) or forget())
    for number in range(3000):
        add(schedule, f"{number}", f"{number}.kr")
    schedule.take(0)
    assert len(schedule.lines()) == 3000 and len(walks) < 10


def test_a_destination_whose_jobs_an_open_connection_took_may_be_forgotten(monkeypatch):
    """It stood in the turn of destinations still: the next look for a job failed, and nothing was sent."""
    monkeypatch.setattr(scheduling, "MAX_DESTINATIONS", 3)
    schedule = Schedule(per_destination=1, total=5)
    monkeypatch.setattr(schedule, "_forget_at", 3)
    for id in "ab":
        add(schedule, id, "naver.com")
    for destination in (None, "naver.com"):
        job = schedule.take(0, destination)
        schedule.done(job)
        schedule.remove(job.id)
    for number in range(5):
        add(schedule, f"{number}", f"{number}.kr", due=1)
    assert len(take_all(schedule, 1)) == 5


@pytest.mark.parametrize("seed", range(20))
def test_whatever_may_run_is_found(seed):
    """After any history: no destination is left out that has a job, does not rest, and has its place free."""
    chance = random.Random(seed)
    schedule = Schedule(per_destination=1, total=3)
    now, made, running = 0.0, 0, []
    names = [f"{letter}.kr" for letter in "abcde"]
    for _ in range(600):
        now += chance.choice((0, 0, 1, 30))
        match chance.randrange(8):
            case 0 | 1:
                made += 1
                add(schedule, f"{made}", *chance.sample(names, chance.choice((1, 1, 2))), due=now)
            case 2 if running:
                schedule.unreachable(chance.choice(running).destination, now)
            case 3 if running:
                schedule.reached(chance.choice(running).destination)
            case 4 if running:
                job = chance.choice(running)
                running.remove(job)
                schedule.freed(job)
                following = schedule.take(now, job.destination)
                running += [following] if following is not None else []
                if schedule.done(job, freed=True):
                    schedule.remove(job.id)
            case 5 if running:
                job = running.pop(chance.randrange(len(running)))
                if schedule.done(job):
                    schedule.again(job.id, now + 10, [job.destination])
            case 6 if chance.random() < 0.1:
                schedule.hurry(now)
            case 7 if made:
                schedule.remove(f"{chance.randint(1, made)}")
        running += take_all(schedule, now)
        assert schedule.running == len(running)
        for name, (_, jobs, _) in schedule.lines().items():
            assert jobs == sum(job.destination == name for job in running) <= 1, name
        idle = [
            n for n, (line, jobs, until) in schedule.lines().items() if line and not jobs and until <= now
        ]
        assert not idle or len(running) == 3
