"""Messages that are looked at, or signed, before they are taken."""

import dkim
import pytest

from mailaccess.screening import keys
from mailaccess.screening.api import PASS, Message, Verdict, defer, file, refuse, tag
from mailaccess.screening.chain import Screening
from mailaccess.screening.edit import with_subject, without
from mailaccess.screening.results import without_ours
from mailaccess.screening.signing import Signer
from mailaccess.smtp.inbound import Inbound
from mailaccess.smtp.lmtp import Lmtp
from mailaccess.smtp.submission import Submission
from tests.session.smtp import conftest
from tests.session.smtp.test_submission import login

MAIL = b"MAIL FROM:<hong@example.org>\r\nRCPT TO:<lee@naver.com>\r\nRCPT TO:<park@daum.net>\r\n"
TEXT = b"Subject: hi\r\nX-Spam: no\r\n\r\nhello\r\n..dot\r\n"


class Says:
    """A screen that says what it is told to, and keeps what it saw."""

    name = "test"
    largest = 2**20

    def __init__(self, verdict: Verdict = PASS, header=None) -> None:
        self.verdict = verdict
        self.header = header
        self.seen = []

    async def look(self, message):
        body = b"".join([piece async for piece in message.body()])
        self.seen.append((message, message.header + b"\r\n" + body))
        if isinstance(self.verdict, Exception):
            raise self.verdict
        if self.header is not None:
            return Verdict(header=self.header(message.header))
        return self.verdict


@pytest.fixture
def screened(smtp, monkeypatch):
    def with_screens(*screens, signer=None):
        screening = Screening(screens, smtp.log) if screens else None
        for name, policy in {"inbound": Inbound, "lmtp": Lmtp, "submission": Submission}.items():
            made = lambda house, policy=policy: policy(house, screening=screening, signer=signer)  # noqa: E731
            monkeypatch.setitem(conftest.POLICIES, name, made)
        return smtp

    return with_screens


def send(smtp, policy="inbound", text=TEXT):
    return smtp.connect(policy).codes(MAIL + b"DATA\r\n" + text + b".\r\n")[4:]


def test_a_screen_sees_the_message_as_it_came(screened):
    says = Says()
    smtp = screened(says)
    assert send(smtp) == ["250 2.0.0"]
    message, octets = says.seen[0]
    assert octets == TEXT.replace(b"\r\n..", b"\r\n.")
    assert (message.sender, message.recipients) == ("hong@example.org", ("lee@naver.com", "park@daum.net"))
    assert (message.address, message.helo, message.service) == ("198.51.100.7", "client.example", "smtp")
    assert smtp.inbox("lee@naver.com")[0].endswith(octets)


@pytest.mark.parametrize(
    ("verdict", "code"), [(refuse("Go away\r\n250 ok"), "550 5.7.1"), (defer(), "451 4.7.1")]
)
def test_what_is_not_taken_is_in_no_mailbox(screened, verdict, code):
    smtp = screened(Says(verdict))
    assert send(smtp) == [code]
    assert smtp.inbox("lee@naver.com") == smtp.inbox("park@daum.net") == []
    assert "screened" in [event for event, _, _ in smtp.log.events]


def test_lmtp_tells_each_recipient(screened):
    assert send(screened(Says(refuse())), "lmtp") == ["550 5.7.1", "550 5.7.1"]


def test_added_fields_stand_before_received_in_every_copy(screened):
    smtp = screened(Says(tag({"X-One": "1"})), Says(tag({"X-Two": "2"})))
    send(smtp)
    for name in ("lee@naver.com", "park@daum.net"):
        lines = smtp.inbox(name)[0].split(b"\r\n")
        assert lines[2:4] == [b"X-One: 1", b"X-Two: 2"] and lines[4].startswith(b"Received: ")


def test_a_message_is_filed_where_the_account_has_the_mailbox(screened):
    smtp = screened(Says(file("Lists")))
    smtp.store.account("lee@naver.com").boxes["Lists"] = {}
    send(smtp)
    assert len(smtp.inbox("lee@naver.com", "Lists")) == 1
    assert len(smtp.inbox("park@daum.net")) == 1


def test_the_header_may_be_another_one_and_large_bodies_stay_whole(screened):
    smtp = screened(Says(header=lambda header: with_subject(without(header, {"x-spam": 0}), "[SPAM] hi")))
    body = b"0123456789abcdef\r\n" * 30_000
    assert send(smtp, text=b"Subject: hi\r\nX-Spam: no\r\n\r\n" + body) == ["250 2.0.0"]
    stored = smtp.inbox("lee@naver.com")[0].partition(b"Subject:")[2]
    assert stored == b" [SPAM] hi\r\n\r\n" + body


def test_results_in_our_name_behind_a_bare_cr_go_and_no_other_octet_does(screened):
    smtp = screened(Says(header=lambda header: without_ours(header, "mail.naver.com")))
    forged = b"\rAuthentication-Results: mail.naver.com; dmarc=pass"
    text = b"Subject: x%s\r\r\nTo: lee\ra\r\n\r\nbody%s\r\n"
    assert send(smtp, text=text % (forged, forged)) == ["250 2.0.0"]
    assert smtp.inbox("lee@naver.com")[0].endswith(text % (b"", forged))


@pytest.mark.parametrize("text", [b"\r\nno header\r\n", b"Subject: only a header\r\n", b"\r\n"])
def test_odd_messages_arrive_as_they_are(screened, text):
    smtp = screened(Says())
    assert send(smtp, text=text) == ["250 2.0.0"]
    assert (
        smtp.inbox("lee@naver.com")[0].endswith(b"+0900\r\n" + text) or text in smtp.inbox("lee@naver.com")[0]
    )


def test_a_screen_that_fails_or_finds_it_too_large_says_nothing(screened):
    smtp = screened(Says(RuntimeError("boom")))
    assert send(smtp) == ["250 2.0.0"]
    says = Says(refuse())
    says.largest = 10
    assert send(screened(says)) == ["250 2.0.0"] and says.seen == []


def test_a_full_mailbox_is_told_as_without_screens_and_a_retry_makes_no_duplicate(screened):
    smtp = screened(Says(tag({"X-One": "1"})))
    smtp.store.account("park@daum.net").full = False
    from mailaccess.model.errors import TemporaryFailure

    smtp.store.account("park@daum.net").append_fails = TemporaryFailure()
    assert send(smtp) == ["451 4.3.0"]
    smtp.store.account("park@daum.net").append_fails = None
    assert send(smtp) == ["250 2.0.0"]
    assert len(smtp.inbox("lee@naver.com")) == len(smtp.inbox("park@daum.net")) == 1


def test_bdat_and_a_client_that_goes_away(screened):
    says = Says()
    smtp = screened(says)
    client = smtp.connect()
    assert client.codes(MAIL + b"BDAT 7\r\nSubject" + b"BDAT 8 LAST\r\n: x\r\n\r\nb")[3:] == [
        "250 2.0.0",
        "250 2.0.0",
    ]
    client = smtp.connect()
    client.send(MAIL + b"DATA\r\nSubject: half")
    client.lose()
    assert len(says.seen) == len(smtp.inbox("lee@naver.com")) == 1


def test_submitted_mail_is_signed_and_dkimpy_believes_it(screened, tmp_path):
    made = [keys.create(tmp_path / "keys", "naver.com", kind, kind) for kind in ("rsa", "ed25519")]
    from mailaccess.model.work import InlineRunner

    smtp = screened(signer=Signer({"naver.com": made}, ("From", "Subject"), InlineRunner(), lambda: 1.0))
    client = login(smtp)
    client.codes(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n")
    assert client.codes(b"From: lee@naver.com\r\nBcc: x\r\nSubject: hi\r\n\r\nhello\r\n.\r\n") == [
        "250 2.0.0"
    ]
    (stored,) = smtp.inbox("kim@naver.com")
    records = {f"{key.name}.".encode(): key.record.encode() for key in made}
    verifier = dkim.DKIM(stored)
    for number in (0, 1):
        assert verifier.verify(number, dnsfunc=lambda name, **_: records[name])


def test_without_screens_nothing_is_held(smtp):
    client = smtp.connect()
    client.send(MAIL.replace(b"RCPT TO:<park@daum.net>\r\n", b"") + b"DATA\r\nSubject: x\r\n\r\nhello\r\n")
    assert smtp.store.account("lee@naver.com").uploads[0].size > 0


def test_what_functions_of_ones_own_are_given():
    assert set(Message.__dataclass_fields__) == {
        *("octets", "sender", "recipients", "address", "helo", "user", "service", "id")
    }


@pytest.mark.parametrize("policy", ["inbound", "lmtp"])
def test_a_signature_survives_the_way_into_the_mailbox(smtp, tmp_path, policy):
    from mailaccess.model.work import InlineRunner
    from tests.session.smallhouse import run
    from tests.unit.screening.test_signing import pieces

    key = keys.create(tmp_path / "keys", "example.org", "s1", "ed25519")
    signer = Signer({"example.org": [key]}, ("From", "Subject"), InlineRunner(), lambda: 1.0)
    header, body = b"From: hong@example.org\r\nSubject: hi\r\n", b".dot\r\n..two\r\nbare\nline \xff\r\n\r\n"
    text = run(signer.sign(header, pieces(body), "hong@example.org")) + header + b"\r\n" + body
    said = smtp.connect(policy).codes(MAIL + b"DATA\r\n" + text.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    assert said[-1] == "250 2.0.0"
    stored = smtp.inbox("lee@naver.com")[0]
    assert dkim.verify(
        stored.replace(b"bare\nline", b"bare\r\nline"), dnsfunc=lambda *_, **__: key.record.encode()
    )
