"""Where mail goes: preference, addresses, null MX, aliases, ourselves, what DNS denies and what it cannot tell."""

import pytest
from twisted.internet import defer
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSServerError

from mailaccess.relay.mx import Exchangers, Unroutable, known_hosts, servers
from tests.session.smallhouse import run


class FakeResolver:
    """zone: by name a list of records, or an exception. Names in ``zone`` without the type asked have none."""

    def __init__(self, zone):
        self.zone = zone
        self.asked = []

    def _answer(self, name, kind):
        name = name.decode()
        self.asked.append((name, kind))
        records = self.zone.get(name, DNSNameError())
        if isinstance(records, Exception):
            return defer.fail(records)
        found = [
            dns.RRHeader(name.encode(), record.TYPE, dns.IN, 60, record)
            for record in records
            if record.TYPE in (kind, dns.CNAME)
        ]
        return defer.succeed((found, [], []))

    def lookupMailExchange(self, name):
        return self._answer(name, dns.MX)

    def lookupAddress(self, name):
        return self._answer(name, dns.A)

    def lookupIPV6Address(self, name):
        return self._answer(name, dns.AAAA)


def mx(preference, name):
    return dns.Record_MX(preference, name)


def a(address):
    return dns.Record_A(address)


ZONE = {
    "naver.com": [mx(20, "mx3.naver.com"), mx(10, "mx1.naver.com"), mx(10, "mx2.naver.com")],
    "mx1.naver.com": [a("192.0.2.1"), a("192.0.2.11"), dns.Record_AAAA("2001:db8::1")],
    "mx2.naver.com": [a("192.0.2.2")],
    "mx3.naver.com": [a("192.0.2.3")],
    "plain.kr": [a("192.0.2.9")],
    "null.kr": [mx(0, "")],
    "nothing.kr": [],
    "alias.kr": [dns.Record_CNAME("naver.com")],
    "round.kr": [dns.Record_CNAME("round.kr")],
    "broken.kr": DNSServerError(),
    "half.kr": [mx(1, "gone.kr"), mx(2, "mx2.naver.com")],
    "dead.kr": [mx(1, "gone.kr")],
    "unsure.kr": [mx(1, "gone.kr"), mx(2, "broken.kr")],
    "backup.kr": [
        mx(1, "mx1.naver.com"),
        mx(5, "mail.us.kr"),
        mx(5, "mx2.naver.com"),
        mx(9, "mx3.naver.com"),
    ],
    "ours.kr": [mx(5, "mail.us.kr"), mx(9, "mx3.naver.com")],
    "hidden.kr": [mx(1, "mx2.naver.com"), mx(5, "other.us.kr"), mx(9, "mx3.naver.com")],
    "other.us.kr": [a("192.0.2.50")],
}


def exchangers(zone=ZONE, shuffle=lambda names: names.sort()):
    resolver = FakeResolver(zone)
    own = {"mail.us.kr", "192.0.2.50"}
    return Exchangers(resolver, is_own=own.__contains__, clock=lambda: 0.0, shuffle=shuffle), resolver


def names(domain, **options):
    return [host.name for host in run(exchangers(**options)[0].hosts(domain))]


def test_hosts_come_by_preference_and_equals_in_any_order():
    assert names("naver.com") == ["mx1.naver.com", "mx2.naver.com", "mx3.naver.com"]
    assert names("naver.com", shuffle=lambda equals: equals.sort(reverse=True)) == [
        "mx2.naver.com",
        "mx1.naver.com",
        "mx3.naver.com",
    ]


def test_a_host_has_several_addresses_of_both_kinds():
    host = run(exchangers()[0].hosts("naver.com"))[0]
    assert host.addresses == ("2001:db8::1", "192.0.2.1", "192.0.2.11")


def test_without_an_mx_the_domain_is_the_host():
    (host,) = run(exchangers()[0].hosts("plain.kr"))
    assert (host.name, host.addresses) == ("plain.kr", ("192.0.2.9",))


def test_an_alias_is_followed():
    assert names("alias.kr")[0] == "mx1.naver.com"


def test_a_host_without_an_address_is_passed_over():
    assert names("half.kr") == ["mx2.naver.com"]


@pytest.mark.parametrize(
    ("domain", "permanent", "status"),
    [
        ("null.kr", True, "5.1.10"),
        ("nowhere.kr", True, "5.1.2"),
        ("nothing.kr", True, "5.4.4"),
        ("dead.kr", True, "5.4.4"),
        ("round.kr", True, "5.4.4"),
        ("broken.kr", False, "4.4.3"),
        ("unsure.kr", False, "4.4.3"),
        ("ours.kr", True, "5.4.6"),
        ("[192.0.2.1]", True, "5.1.2"),
        ("x" * 64 + ".kr", True, "5.1.2"),
        (".".join(["x" * 60] * 5), True, "5.1.2"),
    ],
)
def test_where_there_is_no_way(domain, permanent, status):
    with pytest.raises(Unroutable) as raised:
        run(exchangers()[0].hosts(domain))
    assert (raised.value.permanent, raised.value.status) == (permanent, status)


def test_a_configured_server_is_found_in_hosts_and_never_denied(tmp_path):
    (tmp_path / "hosts").write_text("127.0.0.1 localhost # me\n::1 LocalHost box\nnonsense x\n")
    local = known_hosts(tmp_path / "hosts")
    assert known_hosts(tmp_path / "none") == {}
    exchangers = Exchangers(FakeResolver(ZONE), is_own=set().__contains__, clock=lambda: 0.0, local=local)
    assert run(exchangers.configured("localhost", 587)).addresses == ("127.0.0.1", "::1")
    assert run(exchangers.configured("mx2.naver.com", 25)).addresses == ("192.0.2.2",)
    with pytest.raises(Unroutable) as found:
        run(exchangers.configured("nowhere.kr", 25))
    assert not found.value.permanent


def test_mail_never_comes_back_to_us():
    """RFC 5321 §5.1: hosts that are not preferred to us are left out, also where we go by another name."""
    assert names("backup.kr") == ["mx1.naver.com"]
    assert names("hidden.kr") == ["mx2.naver.com"]


def test_an_answer_is_remembered_for_a_while():
    found, resolver = exchangers()
    run(found.hosts("naver.com"))
    run(found.hosts("naver.com"))
    assert [kind for _, kind in resolver.asked].count(dns.MX) == 1


def test_the_servers_asked_are_those_configured_or_the_machine_s(tmp_path):
    assert servers(["127.0.0.1:5300", "192.0.2.1", "[::1]:53", "2001:db8::1"]) == [
        ("127.0.0.1", 5300),
        ("192.0.2.1", 53),
        ("::1", 53),
        ("2001:db8::1", 53),
    ]
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("search x\nnameserver 192.0.2.7\n")
    assert servers([], resolv) == [("192.0.2.7", 53)]
    assert servers([], tmp_path / "none") == [("127.0.0.1", 53)]
