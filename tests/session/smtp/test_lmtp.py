"""LMTP: a reply for each recipient (RFC 2033)."""

import pytest

from mailaccess.model.errors import TemporaryFailure
from mailaccess.smtp.receiving import Intake


def test_each_recipient_has_a_reply(smtp):
    client = smtp.connect("lmtp", address="", hello=False)
    assert client.greeting == b"220 mail.naver.com LMTP mailaccess ready\r\n"
    assert client.codes(b"EHLO x\r\nLHLO mta.example\r\n") == ["500 5.5.2", "250"]
    smtp.store.account("kim@naver.com").append_fails = TemporaryFailure()
    said = client.codes(
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<lee@naver.com>\r\nRCPT TO:<nobody@naver.com>\r\n"
        b"RCPT TO:<kim@naver.com>\r\nRCPT TO:<park@daum.net>\r\nDATA\r\nSubject: x\r\n\r\nb\r\n.\r\n"
    )
    assert said[:6] == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.1.5", "354"]
    assert said[6:] == ["250 2.0.0", "451 4.3.0", "250 2.0.0"]
    assert len(smtp.inbox("lee@naver.com")) == len(smtp.inbox("park@daum.net")) == 1
    assert b"\r\n\tby mail.naver.com with LMTP\r\n" in smtp.inbox("lee@naver.com")[0]
    assert b"kim" not in smtp.inbox("lee@naver.com")[0]


def test_one_of_two_is_over_quota(smtp):
    client = smtp.connect("lmtp")
    kim = smtp.store.account("kim@naver.com")
    rcpt = b"MAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\n"
    kim.full = True
    assert client.codes(rcpt + b"DATA\r\n\r\n.\r\n") == [
        "250 2.1.0",
        "250 2.1.5",
        "452 4.2.2",
        "354",
        "250 2.0.0",
    ]
    kim.full = False
    client.send(rcpt + b"DATA\r\n")
    kim.full = True
    assert client.codes(b"\r\n.\r\n") == ["250 2.0.0", "452 4.2.2"]
    assert len(smtp.inbox("lee@naver.com")) == 2


def test_without_recipients_data_is_503(smtp):
    """RFC 2033 §4.2."""
    client = smtp.connect("lmtp")
    assert client.codes(b"MAIL FROM:<>\r\nRCPT TO:<nobody@naver.com>\r\nDATA\r\n")[-1] == "503 5.5.1"


def test_too_big_is_told_to_each(smtp):
    smtp.build(message_size=100)
    client = smtp.connect("lmtp")
    client.send(b"MAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n")
    assert client.codes(b"x" * 200 + b"\r\n.\r\n") == ["552 5.3.4"] * 2


def test_a_detail_names_a_mailbox(smtp):
    smtp.store.account("lee@naver.com").boxes["Shop"] = {}
    client = smtp.connect("lmtp")
    client.send(b"MAIL FROM:<>\r\nRCPT TO:<lee+shop@naver.com>\r\nDATA\r\n\r\n.\r\n")
    client.send(b"MAIL FROM:<>\r\nRCPT TO:<lee+other@naver.com>\r\nDATA\r\n\r\n.\r\n")
    assert (len(smtp.inbox("lee@naver.com", "Shop")), len(smtp.inbox("lee@naver.com"))) == (1, 1)


def test_unknown_recipients_do_not_end_an_mta_s_session(smtp):
    client = smtp.connect("lmtp")
    client.send(b"MAIL FROM:<>\r\n")
    assert client.codes(b"RCPT TO:<x@naver.com>\r\n" * 50) == ["550 5.1.1"] * 50


def test_a_large_message_for_two_goes_through_a_file(smtp):
    smtp.build(message_size=2**22)
    client = smtp.connect("lmtp")
    client.send(b"MAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n")
    line = b"." + b"y" * 76 + b"\r\n"
    body = b"\r\n" + line * 20000
    stuffed = body.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    for start in range(0, len(stuffed), 50_001):
        said = client.codes(stuffed[start : start + 50_001])
    assert said == ["250 2.0.0"] * 2
    assert smtp.inbox("lee@naver.com")[0].endswith(body)
    assert smtp.inbox("kim@naver.com")[0].endswith(body)
    assert list((smtp.tmp / "spool").iterdir()) == []


@pytest.mark.parametrize(
    ("head", "last"),
    [(b"DATA\r\n", b"\r\nmore\r\n.\r\n"), (b"BDAT 14 LAST\r\n", b"\r\nmore\r\n")],
    ids=["DATA", "BDAT"],
)
def test_the_end_of_a_message_that_comes_while_its_beginning_is_being_written_is_seen(
    smtp, monkeypatch, head, last
):
    """A large message stalled for good where its last octets came in while the disk was waited for."""
    client = smtp.connect("lmtp")
    client.send(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<lee@naver.com>\r\n")
    client.send(head if head == b"DATA\r\n" else b"")
    write, coming = Intake.write, [last]

    async def slow(self, content):
        if coming:
            client.session.feed(coming.pop())
        await write(self, content)

    monkeypatch.setattr(Intake, "write", slow)
    answer = client.send(b"A: b\r\n" if head == b"DATA\r\n" else head + b"A: b\r\n")
    assert answer.startswith(b"250 2.0.0 OK")
