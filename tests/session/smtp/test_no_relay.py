"""No open relay in any form, whoever asks, and however it is written."""

import pytest

from tests.session.smtp.test_outgoing import queue, waiting  # noqa: F401  a fixture

MESSAGE = b"DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"

ELSEWHERE = [
    "victim@far.example",
    "victim%far.example@naver.com",
    '"victim@far.example"@naver.com',
    '"victim%far.example"@naver.com',
    "@naver.com:victim@far.example",
    "@naver.com,@daum.net:victim@far.example",
    "@[192.0.2.1]:victim@far.example",
    "far.example!victim@naver.com",
    "victim@far.example@naver.com",
    "victim@naver.com@far.example",
    '"victim"@far.example',
    "victim@[203.0.113.5]",
    "victim@[IPv6:2001:db8::1]",
    "victim@naver.com.far.example",
    "victim@.naver.com",
    "victim@naver.com\0.far.example",
    "victim@naver.com%far.example",
    "SRS0=aaaaaa=aa=far.example=victim@naver.com",
    "SRS1=aaaaaa=far.example==aaaaaa=aa=x.example=victim@naver.com",
    "victim",
    "victim@",
    "@far.example",
]


@pytest.mark.parametrize("recipient", ELSEWHERE)
@pytest.mark.parametrize("policy", ["inbound", "lmtp"])
def test_nobody_without_login_sends_elsewhere(smtp, queue, policy, recipient):  # noqa: F811
    client = smtp.connect(policy)
    client.send(b"MAIL FROM:<lee@naver.com>\r\n")  # to pretend to be one of ours does not help
    assert client.send(b"RCPT TO:<" + recipient.encode() + b">\r\n")[:1] == b"5"
    assert client.codes(MESSAGE)[0] == "503 5.5.1"
    assert waiting(queue) == []


@pytest.mark.parametrize("recipient", ["victim%far.example@naver.com", '"victim@far.example"@naver.com'])
def test_a_catch_all_keeps_the_hack_at_home(smtp, queue, recipient):  # noqa: F811
    smtp.aliases.write_text("@naver.com: lee\n")
    smtp.build()
    client = smtp.connect()
    codes = client.codes(b"MAIL FROM:<x@y.example>\r\nRCPT TO:<" + recipient.encode() + b">\r\n" + MESSAGE)
    assert codes[-1] == "250 2.0.0"
    assert waiting(queue) == [] and len(smtp.inbox("lee@naver.com")) == 1


def test_what_is_pipelined_before_the_greeting_is_refused_and_its_body_is_no_mail(smtp, queue):  # noqa: F811
    client = smtp.connect(hello=False)
    said = client.codes(
        b"MAIL FROM:<x@y.example>\r\nRCPT TO:<lee@naver.com>\r\nDATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"
    )
    assert said[:3] == ["503 5.5.1"] * 3 and all(code.startswith("5") for code in said)
    assert smtp.inbox("lee@naver.com") == [] and waiting(queue) == []


def test_submission_wants_a_login_first(smtp, queue):  # noqa: F811
    client = smtp.connect("submission", secure=True)
    said = client.codes(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<victim@far.example>\r\nDATA\r\n")
    assert said == ["530 5.7.0", "503 5.5.1", "503 5.5.1"]


def test_port_25_takes_no_login(smtp):
    client = smtp.connect(secure=True)
    assert b"AUTH" not in client.send(b"EHLO x\r\n")
    assert client.codes(b"AUTH PLAIN AGxlZUBuYXZlci5jb20Ab25l\r\n") == ["500 5.5.2"]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n\0.\r\n", b"\r\n.\n"])
def test_nothing_smuggled_goes_on_as_a_message_of_its_own(smtp, queue, end):  # noqa: F811
    """What is forwarded has CRLF only, so the dot stands on a line of its own; the next server must get it stuffed."""
    smtp.aliases.write_text("away: park@far.example\n")
    smtp.build()
    client = smtp.connect()
    client.send(b"MAIL FROM:<x@y.example>\r\nRCPT TO:<away@naver.com>\r\nDATA\r\n")
    inside = end + b"MAIL FROM:<admin@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\nSubject: b\r\n\r\ny"
    assert client.codes(b"Subject: a\r\n\r\nx" + inside + b"\r\n.\r\n") == ["250 2.0.0"]
    (envelope,) = waiting(queue)
    body = queue.read_body(envelope.id, 0, 10_000)
    assert b"MAIL FROM:<admin@naver.com>" in body and body.count(b"\n") == body.count(b"\r\n") == body.count(
        b"\r"
    )


def test_a_stranger_who_guesses_names_is_sent_away(smtp):
    client = smtp.connect()
    client.send(b"MAIL FROM:<x@y.example>\r\n")
    said = client.codes(b"".join(b"RCPT TO:<user%d@naver.com>\r\n" % number for number in range(40)))
    assert said == ["550 5.1.1"] * 20 + ["421 4.7.0"] and client.wire.closed
