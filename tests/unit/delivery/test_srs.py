"""SRS: forwarded senders, and their bounces' way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.delivery.srs import MAX_AGE, BadRewriting, Rewriting
from mailaccess.proto.smtp.address import parse

DAY = 86400.0


class Clock:
    def __init__(self):
        self.time = 1764028800.0

    def __call__(self):
        return self.time


def rewriting(secrets=(b"one",), domain="naver.com", clock=None):
    return Rewriting(secrets, domain, lambda address: address.host == domain, clock or Clock())


def back(house, sender):
    return str(house.original(parse(sender)))


@pytest.mark.parametrize(
    "sender",
    [
        "kim@daum.net",
        "a=b@x.example",
        '"odd name"@x.example',
        "SRS0abc@x.example",
        "srs=x@y.example",
        "김@다음.net",
    ],
)
def test_a_foreign_sender_becomes_ours_and_its_bounce_finds_back(sender):
    house = rewriting()
    rewritten = house.sender(sender)
    assert rewritten.endswith("@naver.com") and "SRS0=" in rewritten
    assert back(house, rewritten) == sender
    assert back(house, rewritten.lower()).lower() == sender.lower()


@pytest.mark.parametrize("sender", ["", "lee@naver.com", "MAILER-DAEMON"])
def test_what_needs_no_rewriting_stays(sender):
    assert rewriting().sender(sender) == sender


def test_a_second_and_third_forwarder_name_the_first_only():
    one, two, three = (rewriting((name.encode(),), name) for name in ("a.example", "b.example", "c.example"))
    first = one.sender("kim@daum.net")
    second = two.sender(first)
    third = three.sender(second)
    assert second.startswith("SRS1=") and "=a.example==" in second
    assert third.startswith("SRS1=") and "=a.example==" in third and "b.example" not in third
    assert back(three, third) == first
    assert back(two, second) == first
    assert back(one, first) == "kim@daum.net"


def test_a_rewritten_address_is_good_for_three_weeks():
    clock = Clock()
    house = rewriting(clock=clock)
    rewritten = house.sender("kim@daum.net")
    clock.time += MAX_AGE * DAY
    assert back(house, rewritten) == "kim@daum.net"
    clock.time += DAY
    with pytest.raises(BadRewriting):
        back(house, rewritten)


def test_a_new_secret_does_not_break_bounces_under_way():
    rewritten = rewriting((b"old",)).sender("kim@daum.net")
    assert back(rewriting((b"new", b"old")), rewritten) == "kim@daum.net"
    with pytest.raises(BadRewriting):
        back(rewriting((b"new",)), rewritten)


@pytest.mark.parametrize(
    "local",
    [
        "SRS0==",
        "SRS0=aaaaaa=bc=daum.net=kim",
        "SRS1=aaaaaa=x==y",
        "SRS0+x=y=z",
        "srs0=aaaaaa",
    ],
)
def test_nobody_else_makes_them(local):
    with pytest.raises(BadRewriting):
        back(rewriting(), f"{local}@naver.com")


@given(st.text(alphabet='abSR01=+-.@" \\xé', max_size=40))
def test_whatever_comes_is_refused_or_none(text):
    from mailaccess.proto.smtp.address import Address

    house = rewriting()
    try:
        assert house.original(Address(text, "naver.com")) is None
    except BadRewriting:
        pass
