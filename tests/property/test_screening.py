"""Whatever a stranger sends and publishes: screens say something, soon, and nothing breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.model.work import InlineRunner
from mailaccess.screening import dkim, dmarc, spf
from mailaccess.screening.api import Action
from mailaccess.screening.canonical import with_crlf
from mailaccess.screening.chain import field
from mailaccess.screening.edit import with_subject, without
from mailaccess.screening.results import render, without_ours
from mailaccess.screening.signing import Signer
from tests.session.smallhouse import run
from tests.unit.screening.test_authentication import BAD, Zone, arrived, house
from tests.unit.screening.test_signing import pieces

NAMES = (b"DKIM-Signature", b"From", b"Authentication-Results", b"Subject", b"x", b"", b"To ")
VALUES = st.lists(
    st.sampled_from(
        (
            *(
                b"v=1;",
                b"a=rsa-sha256;",
                b"d=x.example;",
                b"s=s;",
                b"h=from:to;",
                b"bh=AAAA;",
                b"b=AAAA",
                b"c=relaxed;",
            ),
            *(
                b"l=5;",
                b"i=@y;",
                b"t=x;",
                b"x=1;",
                b"kim@daum.net",
                b"<",
                b">",
                b'"',
                b",",
                b"(",
                b")",
                b"@",
                b" ",
                b"\t",
            ),
            *(
                b"\r\n ",
                b"\n\t",
                b"\r",
                b"\0",
                "안".encode(),
                b"\xff",
                b":",
                b"mail.naver.com;",
                b"=?utf-8?q?x?=",
            ),
        )
    ),
    max_size=14,
).map(b"".join)
HEADERS = st.lists(
    st.tuples(st.sampled_from(NAMES), VALUES, st.sampled_from((b"\r\n", b"\n"))), max_size=6
).map(lambda lines: b"".join(name + b":" + value + end for name, value, end in lines))
RECORDS = st.lists(
    st.sampled_from(
        (
            *(
                b"v=spf1",
                b" ",
                b"+all",
                b"-all",
                b"ip4:",
                b"1.2.3.4/",
                b"include:x.example",
                b"mx",
                b"a:%{i}.%{d}",
                b"exp=",
            ),
            *(
                b"redirect=x.example",
                b"ptr",
                b"exists:%{ir}.%{v}._spf.%{d2}",
                b"v=DMARC1;",
                b"p=",
                b"reject;",
                b"pct=",
                b"7",
            ),
            *(
                b"v=DKIM1;",
                b"k=rsa;",
                b"p=AAAA;",
                b"t=y;",
                b"\xff",
                b"%{",
                b"}",
                b"=",
                b";",
                b"ip6:::/",
                b"\0",
            ),
        )
    ),
    max_size=10,
).map(b"".join)


class Same:
    """DNS that answers every question for text with the same records."""

    def __init__(self, records):
        self.records = tuple(records)

    async def look_up(self, name, kind):
        return {"TXT": self.records, "MX": ((5, "x.example"),), "PTR": ("x.example",), "A": ("1.2.3.4",)}.get(
            kind, ()
        )


@given(
    HEADERS,
    st.lists(RECORDS, max_size=3),
    st.sampled_from((BAD, "2001:db8::1")),
    st.sampled_from(("", "a@x.example")),
)
def test_any_message_is_judged(header, records, address, sender):
    screening, log = house(zone=Same(records))
    judged = run(screening.judge(arrived(header, address, sender)))
    assert judged.action in Action
    assert [event for event, _, _ in log.events if event == "screening-failed"] == []
    assert judged.front.count(b"\n") == judged.front.count(b"\r\n")
    if judged.front:
        assert judged.front.startswith(b"Authentication-Results: mail.naver.com;\r\n\t")
        assert all(line[:1] in b"\t" for line in judged.front.split(b"\r\n")[1:])


@given(HEADERS, st.text(max_size=30), st.integers(-3, 3))
def test_a_header_that_is_edited_keeps_what_was_not_named(header, subject, place):
    gone = without(header, {"Subject": 0, "x": place})
    assert b"subject:" not in gone.lower().split(b"\n")
    assert without(header, {"no-such": 0}) == header
    changed = with_subject(header, subject)
    assert changed.count(b"From:") == header.count(b"From:")
    without_ours(header, "mail.naver.com")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES, st.sampled_from((b"\r\n", b"\n", b"\r")))).map(
        lambda lines: b"".join(name + b":" + value + end for name, value, end in lines)
    )
)
def test_nothing_of_ours_is_left_however_lines_end(header):
    kept = without_ours(b"X: y\r\n" + header, "mail.naver.com")
    assert without_ours(kept, "mail.naver.com") == kept
    seen = with_crlf(kept).partition(b"\r\n\r\n")[0]  # by whoever takes a bare CR for a line end
    assert without_ours(seen, "mail.naver.com") == seen


@given(HEADERS, st.binary(max_size=50))
def test_any_header_can_be_signed(header, body):
    class Key:
        algorithm, domain, selector = "rsa-sha256", "naver.com", "s"

        @staticmethod
        def sign(octets):
            return b"signature" * 20

    signer = Signer({"naver.com": [Key()]}, ("From", "To", "Subject"), InlineRunner(), lambda: 1.0)
    signature = run(signer.sign(header, pieces(body), "lee@naver.com"))
    assert signature.startswith(b"DKIM-Signature: ") and signature.endswith(b"\r\n")
    assert all(line[:1] == b"\t" for line in signature.split(b"\r\n")[1:-1])


@given(st.text(max_size=300), st.text(max_size=2000))
def test_a_field_is_one_field(name, value):
    octets = field(name, value)
    assert octets.isascii()
    assert octets == b"" or octets.endswith(b"\r\n")
    assert all(line[:1] in (b" ", b"\t") for line in octets.split(b"\r\n")[1:-1])


@given(st.text(max_size=80), st.text(max_size=80))
def test_results_hold_no_line_of_a_strangers(domain, reason):
    said = render(spf.Spf("fail", "mailfrom", domain, reason), [dkim.Signature("fail", domain, reason=reason)],
                  dmarc.Dmarc("fail", domain, reason=reason), "mail.naver.com")  # fmt: skip
    assert said.count("\r\n") == 3 and said.replace("\r\n\t", "").isprintable() and said.isascii()


@pytest.mark.parametrize(
    "header",
    [
        b"DKIM-Signature: " + b"a=" * 500_000 + b"\r\n",
        b"DKIM-Signature: " + b"(" * 900_000 + b"\r\n",
        b"Authentication-Results: " + b"(" * 900_000 + b"\r\n",
        b"Authentication-Results: " + b"()" * 400_000 + b"\r\n",
        b"DKIM-Signature:\r\n" * 60_000,
        b"From: " + b"<" * 200_000 + b"\r\n",
        b"From: " + b"a@b.example," * 80_000 + b"\r\n",
        b"From: " + b"a@b.example,\r\n " * 60_000 + b"\r\n",
        b"From: x" + b"\r\n " * 300_000 + b"\r\n",
        b"x:\n" * 300_000,
    ],
)
def test_a_large_header_is_judged_in_work_that_grows_with_it(header):
    """Were it to grow with the square, this would take hours."""
    screening, log = house(zone=Zone({}))
    run(screening.judge(arrived(header)))
    assert [event for event, _, _ in log.events if event == "screening-failed"] == []


@pytest.mark.parametrize(
    "record",
    [
        b"v=spf1 " + b"ip4:1.2.3.4 " * 330,
        b"v=spf1 " + b"a:%{i}.x.example " * 200,
        b"v=spf1 " + b"x" * 4000,
        b"v=spf1 exists:" + b"%{i}" * 900,
        b"v=spf1 " + b"%" * 4000,
        b"v=spf1 include:x.example " * 150,
        b"v=DMARC1;p=" + b" " * 4000 + b"x",
        b"v=DMARC1;" + b";" * 4000,
    ],
)
def test_a_large_record_is_judged_in_work_that_grows_with_it(record):
    screening, _ = house(zone=Same([record]))
    judged = run(screening.judge(arrived(b"From: a@x.example\r\n", BAD, "a@x.example")))
    assert judged.action in Action
