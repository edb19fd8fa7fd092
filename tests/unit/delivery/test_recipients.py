"""Addresses to accounts: what shadows what, what loops, what is refused."""

import pytest

from mailaccess.auth.api import Identity
from mailaccess.config.sections import Smtp
from mailaccess.delivery.api import AliasProblem, ForeignRecipient, UnknownRecipient
from mailaccess.delivery.recipients import LOOK_AGAIN, Recipients
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from mailaccess.proto.smtp.address import parse
from tests.session.smallhouse import FakeAuthenticator, location, run


class House:
    def __init__(self, tmp_path) -> None:
        self.auth = FakeAuthenticator()
        for name in ("lee@naver.com", "kim@naver.com", "lee@daum.net", "a+b@naver.com"):
            self.auth.passwords[name] = b"x"
        self.file = tmp_path / "aliases"
        self.log = Recorder()
        self.now = 0.0

    def start(self, aliases: str | None = None, **settings) -> "House":
        if aliases is not None:
            self.file.write_text(aliases)
        section = Smtp(aliases=self.file, **settings)
        domains = ("naver.com", "daum.net", "한국.kr")
        self.recipients = Recipients(
            *(self.auth, section, domains, InlineRunner(), self.log),
            clock=lambda: self.now,
            unclaimed=lambda name: Identity(name, location(name)),
        )
        return self

    def resolve(self, address: str):
        targets = run(self.recipients.resolve(parse(address)))
        return sorted((each.identity.name, each.detail) for each in targets)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


ALIASES = """
# comment
info: lee
postmaster: kim@naver.com
all: lee, kim@naver.com,
    lee@daum.net
news@daum.net: kim@naver.com
news: lee  # not kim
lee+work: kim
both: both+x
kim@daum.net: lee@daum.net, kim@naver.com
@daum.net: lee@daum.net
"""


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("lee@naver.com", [("lee@naver.com", "")]),
        ("LEE@NAVER.COM", [("lee@naver.com", "")]),
        ("lee", [("lee@naver.com", "")]),
        ("lee+Shop@naver.com", [("lee@naver.com", "shop")]),
        ("a+b@naver.com", [("a+b@naver.com", "")]),
        ("lee+@naver.com", None),
        ("info@naver.com", [("lee@naver.com", "")]),
        ("info@daum.net", [("lee@daum.net", "")]),
        ("info+x@naver.com", [("lee@naver.com", "x")]),
        ("lee+work@naver.com", [("kim@naver.com", "")]),
        ("all@naver.com", [("kim@naver.com", ""), ("lee@daum.net", ""), ("lee@naver.com", "")]),
        ("news@daum.net", [("kim@naver.com", "")]),
        ("news@naver.com", [("lee@naver.com", "")]),
        ("nobody@naver.com", None),
        ("nobody@daum.net", [("lee@daum.net", "")]),
        ("nobody+y@daum.net", [("lee@daum.net", "y")]),
        ("lee@daum.net", [("lee@daum.net", "")]),
        ("kim@daum.net", [("kim@naver.com", ""), ("lee@daum.net", "")]),
        ("postmaster", [("kim@naver.com", "")]),
        ('"lee@daum.net"@naver.com', None),
        ('"a b"@naver.com', None),
    ],
)
def test_an_address_is_resolved(house, address, found):
    house.start(ALIASES)
    if found is None:
        with pytest.raises(UnknownRecipient):
            house.resolve(address)
    else:
        assert house.resolve(address) == found


def test_a_catch_all_never_shadows_a_user(house):
    house.start("@naver.com: kim\n")
    assert house.resolve("lee@naver.com") == [("lee@naver.com", "")]
    assert house.resolve("lee+x@naver.com") == [("lee@naver.com", "x")]
    assert house.resolve("anybody@naver.com") == [("kim@naver.com", "")]


@pytest.mark.parametrize(
    ("aliases", "configured", "address", "found"),
    [
        ("", "", "postmaster", "postmaster@naver.com"),
        ("", "", "postmaster+x@daum.net", "postmaster@daum.net"),
        ("", "lee", "postmaster@daum.net", "lee@naver.com"),
        ("", "lee@daum.net", "Postmaster@naver.com", "lee@daum.net"),
        ("postmaster: kim", "lee", "postmaster", "kim@naver.com"),
        ("info: lee", "info", "postmaster", "lee@naver.com"),
        ("@naver.com: kim", "lee", "postmaster", "lee@naver.com"),
        ("@naver.com: kim", "", "postmaster", "kim@naver.com"),
        ("abuse: postmaster", "lee", "abuse@naver.com", "lee@naver.com"),
        ("abuse: postmaster", "", "abuse@naver.com", "postmaster@naver.com"),
        ("", "postmaster", "postmaster@daum.net", "postmaster@naver.com"),
        ("", "gone", "postmaster", "postmaster@naver.com"),
        ("x: y\ny: x", "x", "postmaster", "postmaster@naver.com"),
    ],
)
def test_every_domain_has_a_postmaster(house, aliases, configured, address, found):
    """RFC 5321 §4.5.1."""
    house.start(aliases, postmaster=configured)
    ((name, _),) = house.resolve(address)
    assert name == found


def test_a_configured_postmaster_who_is_nobody_is_told_to_the_log(house):
    house.start("", postmaster="gone")
    house.resolve("postmaster")
    assert "postmaster-problem" in [event for event, *_ in house.log.events]


def test_a_domain_may_stand_for_another(house):
    house.start("@daum.net: @naver.com\n")
    assert house.resolve("kim+x@daum.net") == [("kim@naver.com", "x")]
    assert house.resolve("lee@daum.net") == [("lee@daum.net", "")]
    with pytest.raises(AliasProblem):
        house.resolve("nobody@daum.net")


def test_an_alias_that_meets_itself_is_the_account(house):
    house.start("lee: lee, kim\n")
    assert house.resolve("lee@naver.com") == [("kim@naver.com", ""), ("lee@naver.com", "")]


@pytest.mark.parametrize(
    "aliases",
    [
        "x: y\ny: x\n",
        "x: x\n",
        "x: nobody\n",
        "x: lee, nobody\n",
        "".join(f"{'x' if n == 0 else f'x{n}'}: x{n + 1}\n" for n in range(20)) + "x20: lee\n",
        "x: x0a, x0b\n"
        + "".join(f"x{n}a: x{n + 1}a, x{n + 1}b\nx{n}b: x{n + 1}a, x{n + 1}b\n" for n in range(9))
        + "x9a: "
        + ", ".join(["lee"] * 900)
        + "\nx9b: lee\n",
    ],
    ids=["loop", "itself", "nobody", "one of two is nobody", "too deep", "too wide"],
)
def test_an_alias_that_leads_nowhere_is_tried_again_later(house, aliases):
    house.start(aliases)
    with pytest.raises(AliasProblem):
        house.resolve("x@naver.com")


def test_other_domains_are_refused_also_behind_an_alias(house):
    house.start("x: lee, someone@gmail.com\n")
    with pytest.raises(ForeignRecipient):
        house.resolve("lee@gmail.com")
    with pytest.raises(ForeignRecipient, match="forwards"):
        house.resolve("x@naver.com")


def test_the_file_is_read_again_when_it_changed_and_kept_when_it_is_gone(house):
    house.start("info: lee\n")
    assert house.resolve("info@naver.com") == [("lee@naver.com", "")]
    house.file.write_text("info: kim\n#\n")
    assert house.resolve("info@naver.com") == [("lee@naver.com", "")]  # looked at a moment ago
    house.now += LOOK_AGAIN
    assert house.resolve("info@naver.com") == [("kim@naver.com", "")]
    house.file.unlink()
    house.now += LOOK_AGAIN
    assert house.resolve("info@naver.com") == [("kim@naver.com", "")]
    house.now += LOOK_AGAIN
    house.resolve("info@naver.com")
    assert [event for event, _, _ in house.log.events].count("aliases-problem") == 1


def test_wrong_lines_are_logged_and_spoil_only_themselves(house):
    house.start(
        'a: lee\nb\nc:\nd: |/bin/sh\ne: "/etc/passwd"\nf: :include:/x\na: kim\n<g>: lee\nh: lee kim\n'
    )
    assert house.resolve("a@naver.com") == [("lee@naver.com", "")]
    house.resolve("h@naver.com")
    assert [fields["line"] for event, _, fields in house.log.events if event == "aliases-problem"] == [
        2,
        3,
        4,
        5,
        6,
        7,
        8,
    ]


def test_another_delimiter_and_none(house):
    house.start(recipient_delimiter="-")
    assert house.resolve("lee-x@naver.com") == [("lee@naver.com", "x")]
    house.start(recipient_delimiter="")
    with pytest.raises(UnknownRecipient):
        house.resolve("lee+x@naver.com")


def test_domains_in_korean_compare(house):
    house.auth.passwords["이@xn--3e0b707e.kr"] = b"x"
    house.start()
    assert house.resolve("이@한국.kr") == [("이@xn--3e0b707e.kr", "")]
