"""Which worker is an account's home."""

from mailaccess.service.handover import Handover


def test_each_worker_finds_the_same_home_and_one_that_ends_moves_only_its_own():
    workers = {number: Handover(number, (), None) for number in (1, 2, 3)}
    for number, worker in workers.items():
        for other in workers:
            if other != number:
                worker.joined(other)
    users = [f"user{number}@naver.com" for number in range(300)]
    homes = {user: workers[1].home(user) for user in users}
    assert all(worker.home(user) == home for worker in workers.values() for user, home in homes.items())
    assert all(70 <= list(homes.values()).count(number) <= 130 for number in workers)
    for number in (1, 2):
        workers[number].gone(3)
    for user, home in homes.items():
        assert workers[1].home(user) == workers[2].home(user)
        assert home == 3 or workers[1].home(user) == home


def test_alone_everything_is_at_home():
    worker = Handover(2, (), None)
    assert worker.home("lee@naver.com") == 2
    assert not worker.wants(None, "lee@naver.com")
