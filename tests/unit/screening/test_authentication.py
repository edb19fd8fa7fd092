"""SPF, DKIM and DMARC: what is told, what is obeyed, and what a fault of ours never does."""

from ipaddress import ip_network

import pytest

from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from mailaccess.screening import dmarc, spf
from mailaccess.screening.api import Action, Arrived
from mailaccess.screening.authentication import Authentication
from mailaccess.screening.chain import Screening, field
from mailaccess.screening.dkim import Signature
from mailaccess.screening.results import without_ours
from tests.session.smallhouse import run
from tests.unit.screening.test_signing import BODY, Zone, pieces, signed

GOOD = "192.0.2.5"
BAD = "198.51.100.66"
RECORDS = {
    ("daum.net", "TXT"): (b"unrelated", b"v=spf1 ip4:192.0.2.0/24 -all"),
    ("_dmarc.daum.net", "TXT"): (b"v=DMARC1; p=reject; rua=mailto:x@daum.net",),
    ("_dmarc.my-bank.com", "TXT"): (b"v=DMARC1; p=quarantine; sp=none; adkim=s",),
    ("_dmarc.broken.example", "TXT"): (b"v=DMARC1; p=banana",),
    ("_dmarc.twice.example", "TXT"): (b"v=DMARC1; p=reject", b"v=DMARC1; p=none"),
    ("_dmarc.silent.example", "TXT"): None,
    ("silent.example", "TXT"): None,
    ("_dmarc.share.example", "TXT"): (b"v=DMARC1; p=reject; pct=30",),
    ("_dmarc.np.example", "TXT"): (b"v=DMARC1; p=none; sp=quarantine; np=reject",),
    ("real.np.example", "A"): ("192.0.2.1",),
    ("many.example", "TXT"): (b"v=spf1 mx a:x.many.example include:daum.net ptr exists:%{i}.e.example -all",),
    ("many.example", "MX"): ((10, "mx.many.example"),),
    ("mx.many.example", "A"): ("203.0.113.7",),
    ("mx.many.example", "AAAA"): ("2001:db8::25",),
    ("loop.example", "TXT"): (b"v=spf1 include:loop.example -all",),
    ("odd.example", "TXT"): (b"v=spf1 ip4:999.1 -all",),
    ("two.example", "TXT"): (b"v=spf1 -all", b"v=spf1 +all"),
    ("exp.example", "TXT"): (b"v=spf1 -all exp=why.exp.example",),
    ("helo.example", "TXT"): (b"v=spf1 a -all",),
    ("helo.example", "A"): (GOOD,),
}


def policy(address, sender, helo="client.example", records=RECORDS, threads=None):
    zone, threads = Zone(records), threads or InlineRunner()
    return run(spf.check(zone, threads, address=address, sender=sender, helo=helo, hostname="mail.naver.com"))


@pytest.mark.parametrize(
    ("address", "sender", "result"),
    [
        (GOOD, "kim@daum.net", "pass"),
        (BAD, "kim@daum.net", "fail"),
        (BAD, "kim@nothing.example", "none"),
        ("203.0.113.7", "x@many.example", "pass"),
        ("2001:db8::25", "x@many.example", "pass"),
        (GOOD, "x@many.example", "pass"),
        (BAD, "x@many.example", "permerror"),
        (BAD, "x@loop.example", "permerror"),
        (BAD, "x@odd.example", "permerror"),
        (BAD, "x@two.example", "permerror"),
        (BAD, "x@silent.example", "temperror"),
        (BAD, "x@exp.example", "fail"),
        (BAD, "김@다음.example", "none"),
        (BAD, "x@[192.0.2.1]", "none"),
        (BAD, "x@" + "a" * 70 + ".example", "none"),
    ],
)
def test_spf_says(address, sender, result):
    assert policy(address, sender).result == result


class Counting(InlineRunner):
    """Counts what is given to a thread."""

    calls = 0

    def run(self, call, /, *args, **kwargs):
        self.calls += 1
        return super().run(call, *args, **kwargs)


def test_a_policy_of_thousands_of_addresses_is_not_gone_through_again_and_again():
    """Ten mx of ten hosts with a hundred addresses each held up everybody for two seconds a message."""
    records = {("huge.example", "TXT"): (b"v=spf1 " + b" ".join(b"mx:m%d.example" % i for i in range(10)),)}
    for mx in range(10):
        hosts = [f"h{host}.m{mx}.example" for host in range(10)]
        records[f"m{mx}.example", "MX"] = tuple((10, host) for host in hosts)
        records |= {(host, "A"): tuple(f"10.{mx}.{i}.1" for i in range(100)) for host in hosts}
    found = policy(BAD, "x@huge.example", records=records)
    assert (found.result, found.reason) == ("permerror", "too many records")


def test_a_large_policy_is_evaluated_in_a_thread_and_an_ordinary_one_at_once():
    ranges = b" ".join(b"ip4:10.%d.%d.0/24" % (i // 250, i % 250) for i in range(220))
    records = {
        (f"p{number}.example", "TXT"): (
            b"v=spf1 %b include:p%d.example -all" % (ranges, number + 1) if number < 4 else b"v=spf1 +all",
        )
        for number in range(5)
    }
    large, ordinary = Counting(), Counting()
    assert policy(BAD, "x@p0.example", records=records, threads=large).result == "pass"
    assert policy(GOOD, "x@many.example", threads=ordinary).result == "pass"
    assert large.calls > 0 and ordinary.calls == 0


def test_the_null_sender_is_checked_by_the_greeting():
    found = policy(GOOD, "", "helo.example")
    assert (found.result, found.identity, found.domain) == ("pass", "helo", "helo.example")


def judge(header, sent_by="none", signed_by="none", sender="x@x.example", signer="x.example", chance=0.0):
    found = spf.Spf(sent_by, "mailfrom", sender.rpartition("@")[2])
    signatures = (
        [] if signed_by == "none" else [Signature("fail", "other.example"), Signature(signed_by, signer)]
    )
    return run(dmarc.check(Zone(RECORDS), header, found, signatures, lambda: chance))


@pytest.mark.parametrize(
    ("author", "options", "result", "disposition"),
    [
        (b"kim@daum.net", {"sent_by": "pass", "sender": "kim@daum.net"}, "pass", "none"),
        (b"kim@daum.net", {"sent_by": "pass", "sender": "b@bounce.daum.net"}, "pass", "none"),
        (b"kim@daum.net", {"sent_by": "pass", "sender": "kim@evil.example"}, "fail", "reject"),
        (b"kim@daum.net", {"signed_by": "pass", "signer": "mail.daum.net"}, "pass", "none"),
        (b"kim@daum.net", {"signed_by": "fail", "signer": "daum.net"}, "fail", "reject"),
        (b"kim@daum.net", {"signed_by": "temperror", "signer": "daum.net"}, "temperror", "none"),
        (b"kim@news.daum.net", {}, "fail", "reject"),
        (b'"daum.net" <kim@DAUM.net>', {}, "fail", "reject"),
        (b"a@my-bank.com", {"signed_by": "pass", "signer": "my-bank.com"}, "pass", "none"),
        (b"a@my-bank.com", {"signed_by": "pass", "signer": "x.my-bank.com"}, "fail", "quarantine"),
        (b"a@sub.my-bank.com", {}, "fail", "none"),
        (b"a@broken.example", {}, "permerror", "none"),
        (b"a@twice.example", {}, "none", "none"),
        (b"a@silent.example", {}, "temperror", "none"),
        (b"a@share.example", {"chance": 0.2}, "fail", "reject"),
        (b"a@share.example", {"chance": 0.5}, "fail", "quarantine"),
        (b"a@real.np.example", {}, "fail", "quarantine"),
        (b"a@unreal.np.example", {}, "fail", "reject"),
        (b"a@nothing.example", {}, "none", "none"),
        (b"friend@nothing.example, kim@daum.net", {}, "fail", "reject"),
        (b"nobody", {}, "permerror", "none"),
    ],
)
def test_dmarc_says(author, options, result, disposition):
    found = judge(b"Subject: x\r\nFrom: " + author + b"\r\n", **options)
    assert (found.result, found.disposition) == (result, disposition)


def test_a_second_from_does_not_hide_the_first():
    assert judge(b"From: a@nothing.example\r\nFrom: kim@daum.net\r\n").disposition == "reject"


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def house(enforce=True, zone=None, **options):
    log = Recorder()
    screen = Authentication(
        zone or Zone(RECORDS),
        InlineRunner(),
        log,
        hostname="mail.naver.com",
        enforce=enforce,
        seconds=10,
        exempt=(ip_network("10.0.0.0/8"),),
        clock=options.get("clock", Clock()),
        chance=lambda: 0.0,
    )
    return Screening([screen], log), log


def arrived(header, address=BAD, sender="kim@daum.net", body=BODY):
    return Arrived(
        header, pieces(body), len(header) + len(body), sender, ("lee@naver.com",), address, "client.example", "",
        "smtp", "id1",
    )  # fmt: skip


FROM_KIM = b"From: kim@daum.net\r\nSubject: hello\r\n"


def test_what_passes_is_told():
    judged = run(house()[0].judge(arrived(FROM_KIM, GOOD)))
    assert judged.action is Action.ACCEPT and judged.mailbox == ""
    assert judged.front.decode().split("\r\n") == [
        "Authentication-Results: mail.naver.com;",
        "\tspf=pass smtp.mailfrom=daum.net;",
        "\tdkim=none;",
        "\tdmarc=pass (p=reject) header.from=daum.net",
        "",
    ]


def test_a_signature_is_told_with_its_domain_selector_and_beginning(tmp_path):
    key, signature = signed(tmp_path, "ed25519", FROM_KIM, sender="lee@naver.com")
    records = {**RECORDS, (key.name, "TXT"): (key.record.encode(),)}
    judged = run(house(zone=Zone(records))[0].judge(arrived(signature + FROM_KIM, GOOD)))
    assert b"header.d=naver.com header.s=s1 header.a=ed25519-sha256 header.b=" in b" ".join(
        judged.front.split()
    )


def test_what_fails_is_refused_only_where_the_domain_is_obeyed():
    judged = run(house()[0].judge(arrived(FROM_KIM)))
    assert (judged.action, judged.enhanced) == (Action.REFUSE, "5.7.1") and "daum.net" in judged.text
    judged = run(house(enforce=False)[0].judge(arrived(FROM_KIM)))
    assert judged.action is Action.ACCEPT and b"dmarc=fail (p=reject)" in judged.front


def test_quarantine_goes_into_junk():
    judged = run(house()[0].judge(arrived(b"From: a@my-bank.com\r\n")))
    assert (judged.action, judged.mailbox) == (Action.ACCEPT, "\\Junk")


def test_many_authors_are_no_way_around():
    many = b"From: kim@daum.net, " + b", ".join(b"a@x%d.example" % number for number in range(9)) + b"\r\n"
    assert run(house()[0].judge(arrived(many))).action is Action.REFUSE
    spread = b"From: a@nothing.example\r\n" * 7 + b"From: kim@daum.net\r\n"
    assert run(house()[0].judge(arrived(spread))).action is Action.REFUSE
    assert run(house(enforce=False)[0].judge(arrived(spread))).action is Action.ACCEPT


def test_a_header_without_end_is_no_way_around():
    endless = FROM_KIM + b"X: y\r\n" * 30_000
    assert run(house()[0].judge(arrived(endless))).enhanced == "5.6.0"
    judged = run(house(enforce=False)[0].judge(arrived(endless)))
    assert judged.action is Action.ACCEPT and b"dmarc=permerror" in judged.front


def test_nor_does_it_carry_results_in_our_name():
    endless = FROM_KIM + b"X: y\r\n" * 30_000
    forged = b"Authentication-Results: mail.naver.com; dmarc=pass\r\n"
    assert run(house(enforce=False)[0].judge(arrived(endless + forged))).header == endless


def test_who_is_exempt_is_not_checked():
    judged = run(house()[0].judge(arrived(FROM_KIM, "10.1.2.3")))
    assert (judged.action, judged.front) == (Action.ACCEPT, b"")


def test_a_name_server_that_does_not_answer_costs_its_time_and_no_mail():
    clock = Clock()

    class Slow(Zone):
        async def look_up(self, name, kind):
            clock.time += 4
            return await super().look_up(name, kind)

    zone = Slow({**RECORDS, ("daum.net", "TXT"): None})
    judged = run(house(zone=zone, clock=clock)[0].judge(arrived(b"DKIM-Signature: x\r\n" * 9 + FROM_KIM)))
    assert judged.action is Action.ACCEPT
    assert b"spf=temperror" in judged.front and b"dmarc=temperror" in judged.front
    assert clock.time <= 14


def test_a_failing_screen_says_nothing_and_is_logged():
    class Broken(Zone):
        async def look_up(self, name, kind):
            raise RuntimeError("boom")

    screening, log = house(zone=Broken({}))
    judged = run(screening.judge(arrived(FROM_KIM)))
    assert (judged.action, judged.front, judged.header) == (Action.ACCEPT, b"", FROM_KIM)
    assert "screening-failed" in [event for event, _, _ in log.events]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"Authentication-Results: mail.naver.com; spf=pass\r\n\tsmtp.mailfrom=x\r\n", False),
        (b"AUTHENTICATION-RESULTS : (c (d)) Mail.Naver.Com 1; none\r\n", False),
        (b'Authentication-Results: "mail.naver.com"; none\r\n', False),
        (b"Authentication-Results:\r\n mail.naver.com;\r\n none\r\n", False),
        (b"Authentication-Results: mail.daum.net; spf=pass\r\n", True),
        (b"X-Authentication-Results: mail.naver.com; spf=pass\r\n", True),
        (b"Subject: Authentication-Results: mail.naver.com;\r\n", True),
    ],
)
def test_nobody_else_writes_our_results(line, kept):
    header = b"From: x\r\n" + line + b"To: y\r\n"
    assert without_ours(header, "mail.naver.com") == (header if kept else b"From: x\r\nTo: y\r\n")


@pytest.mark.parametrize(
    "name",
    [
        b"(\\)) mail.naver.com",
        b"(a \\( b) mail.naver.com",
        b"((((((((deep)))))))) mail.naver.com",
        b'"mail.naver.com"',
        b'"mai\\l.naver.com"',
        b"mail.naver.com.",
        b"(" + b"x" * 5000 + b") mail.naver.com",
    ],
)
def test_our_name_cannot_be_hidden_from_us(name):
    """RFC 5322 §3.2: comments nest and have quoted pairs, which a reader undoes and so must we."""
    field = b"Authentication-Results: " + name + b"; spf=pass\r\n"
    assert without_ours(b"From: x\r\n" + field, "mail.naver.com") == b"From: x\r\n"


OURS = b"Authentication-Results: mail.naver.com; dmarc=pass"


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (b"Subject: x\r" + OURS + b"\r\nTo: y\r\n", b"Subject: x\r\nTo: y\r\n"),
        (b"Subject: x\r" + OURS + b"\rX: y\r\n", b"Subject: x\rX: y\r\n"),
        (b"Subject: x\r\r" + OURS + b"\r\r\nTo: y\r\r\n", b"Subject: x\r\r\r\nTo: y\r\r\n"),
        (b"Subject: x\r\n a\r" + OURS + b";\r\n\tspf=pass;\r dkim=pass\n b\r\n", b"Subject: x\r\n a\r\n"),
        (b"Subject: x\r" + OURS.upper() + b"\r" + OURS, b"Subject: x"),
        (b"To: x\r\n\r" + OURS + b"\r\nTo: y\r\n", b"To: x\r\nTo: y\r\n"),
        (b"authentication-results :(\r" + OURS + b"(\r) mail.naver.com; spf=pass\r\nTo: y\r\n", b"To: y\r\n"),
        (b"Authentication-Results: a.example\r" + OURS + b"\r\n", b"Authentication-Results: a.example\r\n"),
    ],
)
def test_our_results_do_not_hide_behind_a_bare_cr(header, kept):
    """Whoever takes it for a line end would believe them. Nothing else changes, nor does the header end earlier."""
    assert without_ours(header, "mail.naver.com") == kept


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: x\r\r\nAuthentication-Results: a.example; spf=pass\r\r\nTo: y\r\r\n\r",
        b"Subject: x\rAuthentication-Results: a.example; mail.naver.com\rTo: y\n",
        b"Subject: x\rX-" + OURS + b"\r\n",
        b"Subject: x\r " + OURS + b"\r\n\r\r\n",
    ],
)
def test_bare_crs_stay_where_nothing_is_ours(header):
    assert without_ours(header, "mail.naver.com") is header


def test_a_field_has_no_controls_and_no_line_that_is_too_long():
    assert field("X-Note", "a\0b\x1b[31m") == b"X-Note: a?b?[31m\r\n"
    assert max(map(len, field("X-Note", "x" * 8000).split(b"\r\n"))) < 998


def test_a_field_holds_nothing_but_itself():
    octets = field("X-Note", "one\r\n\r\nbody\nBcc: x" + " word" * 40)
    assert octets.count(b"\r\n") == octets.count(b"\r\n\t") + 1 and b"\n\n" not in octets
    assert field("Bad name", "x") == b"" and field("", "x") == b""
    assert field("Subject", "안녕").startswith(b"Subject: =?utf-8?")
