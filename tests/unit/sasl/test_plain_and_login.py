"""PLAIN (RFC 4616) and LOGIN: what is read, what is refused."""

import pytest

from mailaccess.proto.sasl.login import Login
from mailaccess.proto.sasl.mechanism import MAX_RESPONSE, Challenge, Malformed, Password
from mailaccess.proto.sasl.plain import Plain


def test_plain_reads_the_examples_of_rfc_4616():
    step = Plain().start(b"\0tim\0tanstaaftanstaaf")
    assert isinstance(step, Password)
    assert (step.name, step.password.reveal(), step.authorize_as) == ("tim", b"tanstaaftanstaaf", "")
    step = Plain().start(b"Ursel\0Kurt\0xipj3plmq")
    assert isinstance(step, Password)
    assert (step.name, step.authorize_as) == ("Kurt", "Ursel")


def test_plain_without_an_initial_response_asks_with_nothing():
    mechanism = Plain()
    assert mechanism.start(None) == Challenge(b"")
    assert isinstance(mechanism.respond(b"\0tim\0x"), Password)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"tim",
        b"\0tim",
        b"\0\0secret",
        b"\0tim\0pass\0word",
        b"\0t\xffm\0secret",
        b"\xff\0tim\0secret",
        b"\0" + b"t" * MAX_RESPONSE + b"\0x",
    ],
)
def test_plain_refuses_what_breaks_its_grammar(message):
    with pytest.raises(Malformed):
        Plain().start(message)


def test_a_password_may_be_any_octets():
    step = Plain().start(b"\0tim\0\xff\xfe")
    assert isinstance(step, Password)
    assert step.password.reveal() == b"\xff\xfe"


def test_login_prompts_as_outlook_expects():
    mechanism = Login()
    assert mechanism.start(None) == Challenge(b"Username:")
    assert mechanism.respond(b"lee@naver.com") == Challenge(b"Password:")
    step = mechanism.respond(b"secret")
    assert isinstance(step, Password)
    assert (step.name, step.password.reveal()) == ("lee@naver.com", b"secret")


def test_logins_initial_response_is_the_name():
    mechanism = Login()
    assert mechanism.start(b"lee") == Challenge(b"Password:")
    assert Login().start(b"") == Challenge(b"Username:")


def test_login_takes_a_name_that_ends_like_a_c_string():
    mechanism = Login()
    mechanism.start(b"lee\0")
    step = mechanism.respond(b"x")
    assert isinstance(step, Password)
    assert step.name == "lee"


@pytest.mark.parametrize("name", [b"", b"a\0b", b"\xff", b"x" * (MAX_RESPONSE + 1)])
def test_login_refuses_what_cannot_be_a_name(name):
    mechanism = Login()
    mechanism.start(None)
    with pytest.raises(Malformed):
        mechanism.respond(name)


def test_the_password_does_not_show_when_a_step_is_printed():
    assert "tanstaaf" not in repr(Plain().start(b"\0tim\0tanstaaf"))
