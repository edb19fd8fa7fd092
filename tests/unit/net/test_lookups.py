"""DNS as plain values: what is remembered, and what is not."""

from twisted.internet.defer import succeed
from twisted.names import dns

from mailaccess.net.lookups import LARGEST_KEPT, MAX_TEXT, Lookups
from tests.session.smallhouse import run


class Resolver:
    """Answers every question with the same records."""

    def __init__(self, *payloads):
        self.asked = 0
        self._payloads = payloads

    def lookupText(self, name, timeout):
        self.asked += 1
        records = [dns.RRHeader(name, dns.TXT, ttl=60, payload=each) for each in self._payloads]
        return succeed((records, [], []))


def test_an_answer_is_remembered_for_its_time():
    time = 0.0
    resolver = Resolver(dns.Record_TXT(b"v=spf1 ", b"-all"))
    names = Lookups(resolver, lambda: time)
    for _ in range(3):
        assert run(names.look_up("naver.com", "TXT")) == (b"v=spf1 -all",)
    assert resolver.asked == 1
    time = 61.0
    run(names.look_up("naver.com", "TXT"))
    assert resolver.asked == 2


def test_an_answer_that_is_large_is_given_and_not_kept():
    """Five thousand of them, which a stranger's name server may well give, would be a third of a gigabyte."""
    text = [b"x" * 255] * (MAX_TEXT // 255)
    resolver = Resolver(*[dns.Record_TXT(*text)] * (LARGEST_KEPT // MAX_TEXT + 1))
    names = Lookups(resolver, lambda: 0.0)
    assert run(names.look_up("naver.com", "TXT")) == run(names.look_up("naver.com", "TXT"))
    assert resolver.asked == 2
