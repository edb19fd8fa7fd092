"""How long repeated failure makes an address wait; the clock is moved by hand."""

import ipaddress

import pytest

from mailaccess.auth import throttle as module
from mailaccess.auth.throttle import FORGET, Throttle


class House:
    def __init__(self, **options) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.throttle = Throttle(lambda: self.now, self._sleep, **options)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def run(self, coroutine):
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it waits")

    def fail(self, address, name="lee", password=b"x"):
        """The whole time a failed login takes."""
        self.waits.clear()
        admitted = self.run(self.throttle.admit(address))
        self.run(self.throttle.failed(admitted, name, password))
        return sum(self.waits)

    def succeed(self, address, name="lee"):
        self.waits.clear()
        admitted = self.run(self.throttle.admit(address))
        self.throttle.succeeded(admitted, name)
        return sum(self.waits)


def test_each_new_failure_doubles_the_wait_up_to_the_longest():
    house = House()
    waits = [house.fail("192.0.2.1", password=b"%d" % number) for number in range(6)]
    assert waits == [2, 4, 8, 15, 15, 15]


def test_an_address_that_behaves_never_waits():
    house = House()
    assert [house.succeed("192.0.2.1") for _ in range(3)] == [0, 0, 0]
    house.fail("192.0.2.2")
    assert house.succeed("192.0.2.1") == 0


def test_the_same_wrong_password_again_is_one_failure():
    """A phone that still has the old password."""
    house = House()
    assert [house.fail("192.0.2.1") for _ in range(5)] == [2, 2, 2, 2, 2]
    assert house.fail("192.0.2.1", password=b"other") == 4
    assert house.fail("192.0.2.1") == 4


def test_a_right_password_waits_for_what_others_earned_and_forgives_only_its_own_name():
    house = House()
    for number in range(3):
        house.fail("192.0.2.1", "lee", b"%d" % number)
    assert house.succeed("192.0.2.1", "kim") == 8
    assert house.succeed("192.0.2.1", "lee") == 8
    assert house.succeed("192.0.2.1", "lee") == 0


def test_loopback_sockets_and_trusted_networks_never_wait_longer():
    house = House(trusted=(ipaddress.ip_network("10.0.0.0/8"),))
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "", "10.1.2.3"):
        assert [house.fail(address, password=b"%d" % number) for number in range(4)] == [2, 2, 2, 2]
        assert house.succeed(address) == 0


def test_failures_are_forgotten():
    house = House()
    house.fail("192.0.2.1")
    house.now += FORGET + 1
    assert house.succeed("192.0.2.1") == 0


def test_ipv6_counts_by_the_customers_network():
    house = House()
    waits = [house.fail(f"2001:db8:0:1::{number}", password=b"%d" % number) for number in range(1, 5)]
    assert waits == [2, 4, 8, 15]
    assert house.succeed("2001:db8:0:1:ffff::1", "kim") == 15
    assert house.succeed("2001:db8:0:2::1") == 2  # another /64 of that /48, which four failures weigh on
    assert house.succeed("2001:db8:1::1") == 0


def test_an_ipv4_address_is_the_same_in_ipv6s_clothes():
    house = House()
    house.fail("::ffff:192.0.2.1")
    assert house.succeed("192.0.2.1") == 2


def test_an_attack_from_everywhere_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "MAX_NETWORKS", 10)
    house = House()
    for number in range(200):
        house.fail(f"192.0.2.{number}")
        for attempt in range(20 if number == 7 else 0):
            house.fail("192.0.2.7", password=b"%d" % attempt)
    assert len(house.throttle._failures) == 10
    assert house.succeed("192.0.2.199") == 2


def test_nothing_of_a_password_is_kept():
    house = House()
    house.fail("192.0.2.1", password=b"correct horse battery")
    assert b"horse" not in repr(vars(house.throttle)).encode()


def test_many_connections_get_no_more_guesses_than_a_few(monkeypatch):
    class Never:
        def __await__(self):
            yield self

    house = House()
    house.fail("192.0.2.1")
    monkeypatch.setattr(house.throttle, "_sleep", lambda seconds: Never())
    waiting = [house.throttle.admit("192.0.2.1") for _ in range(module.MAX_WAITING)]
    for login in waiting:
        login.send(None)
    with pytest.raises(module.TooManyWaiting):
        house.run(house.throttle.admit("192.0.2.1"))
    waiting.pop().close()  # its connection was closed: there is room for another
    waiting.append(house.throttle.admit("192.0.2.1"))
    waiting[-1].send(None)
    for login in waiting:
        login.close()
    assert not house.throttle._waiting


def test_a_failure_here_is_waited_for_in_another_process_and_forgiven_there_too():
    one, two = House(key=b"k" * 32), House(key=b"k" * 32)
    one.throttle.shared = two.throttle.heard
    one.fail("192.0.2.1")
    one.fail("192.0.2.1", password=b"y")
    assert two.succeed("192.0.2.1", "kim") == 4
    one.succeed("192.0.2.1")
    assert two.succeed("192.0.2.1") == 0
