"""How many may be inside, and who has to leave."""

from mailaccess.net.limits import ConnectionLimits


def nothing() -> None:
    return None


def test_a_full_house_refuses_until_somebody_leaves():
    limits = ConnectionLimits(total=2)
    first = limits.enter("192.0.2.1", nothing)
    assert limits.enter("192.0.2.2", nothing)
    assert limits.enter("192.0.2.3", nothing) is None
    first.leave()
    first.leave()
    assert limits.enter("192.0.2.3", nothing)
    assert limits.open == 2
    assert limits.refused["total"] == 1


def test_one_address_has_its_share_and_sockets_have_none():
    limits = ConnectionLimits(per_address=1)
    assert limits.enter("192.0.2.1", nothing)
    assert limits.enter("192.0.2.1", nothing) is None
    assert limits.enter("192.0.2.2", nothing)
    assert limits.enter("", nothing) and limits.enter("", nothing)


def test_an_account_has_its_share_at_each_address():
    limits = ConnectionLimits(per_user=1)
    one, two, far = (limits.enter(address, nothing) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"))
    assert one.log_in("lee@naver.com")
    assert not two.log_in("lee@naver.com")
    assert two.log_in("kim@daum.net")
    assert far.log_in("lee@naver.com")
    one.leave()
    two.log_out()
    assert two.log_in("lee@naver.com")


def test_a_process_takes_no_more_than_it_has_descriptors_for():
    limits = ConnectionLimits(total=5)
    limits.here = 2
    places = [limits.enter("192.0.2.1", nothing) for _ in range(3)]
    assert [place is not None for place in places] == [True, True, False]
    assert limits.refused["total"] == 1
    places[0].leave()
    assert limits.enter("192.0.2.1", nothing) is not None


def test_the_oldest_silent_connection_makes_room():
    limits = ConnectionLimits(unauthenticated=2)
    dropped: list[int] = []
    places = [limits.enter("192.0.2.1", lambda n=n: dropped.append(n)) for n in range(2)]
    places[0].log_in("lee@naver.com")
    limits.enter("192.0.2.1", lambda: dropped.append(2))
    assert dropped == []
    limits.enter("192.0.2.1", lambda: dropped.append(3))
    assert dropped == [1]
    assert limits.strangers == 2


def test_the_tables_are_empty_when_everybody_has_left():
    limits = ConnectionLimits(per_address=9, per_user=9, unauthenticated=9)
    places = [limits.enter(f"192.0.2.{n}", nothing) for n in range(20)]
    for place in places:
        place.log_in("lee@naver.com")
        place.leave()
    assert limits.open == limits.strangers == 0
    assert limits.tally.snapshot() == {}


def test_a_connection_that_needs_no_login_is_not_dropped_to_make_room():
    limits = ConnectionLimits(unauthenticated=1)
    dropped = []
    first = limits.enter("192.0.2.1", lambda: dropped.append("first"))
    first.vouch()
    limits.enter("192.0.2.2", lambda: dropped.append("second"))
    limits.enter("192.0.2.3", lambda: dropped.append("third"))
    assert dropped == ["second"]
    first.leave()
