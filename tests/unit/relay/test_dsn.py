"""Reports: what people read, what machines read, what is given back."""

import email
from email import policy

import pytest

from mailaccess.relay import dsn
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, Attempt, Envelope, Recipient

ORIGINAL = b"From: kim@daum.net\r\nSubject: Hello\r\n\r\nbody\r\n"


def envelope(*recipients, sender="kim@daum.net", original=ORIGINAL, **options):
    return Envelope("abc", sender, recipients, 1764028800.0, 0.0, size=len(original), **options)


def failed(address="lee@naver.com", **options):
    attempt = Attempt(1764028800.0, "550 5.1.1 no such user", "mx.naver.com[192.0.2.1]:25")
    return Recipient(address, **options).after(FAILED, "5.1.1", attempt)


def made(it, action=dsn.FAILURE, original=ORIGINAL):
    octets = dsn.report(
        it, action, it.recipients, original, hostname="mail.daum.net", now=0.0, message_id="id", until=1e9
    )
    return octets, email.message_from_bytes(octets, policy=policy.default)


def test_a_report_has_three_parts_and_the_null_sender_s_marks():
    octets, message = made(envelope(failed(), envid="abc+3D"))
    assert octets.count(b"\n") == octets.count(b"\r\n") and octets.isascii()
    assert message["To"] == "kim@daum.net" and message.get_param("report-type") == "delivery-status"
    text, status, original = message.iter_parts()
    assert "<lee@naver.com>" in text.get_content() and "no such user" in text.get_content()
    whole, one = status.get_payload()
    assert whole["Original-Envelope-Id"] == "abc="
    assert one["Remote-MTA"] == "dns; mx.naver.com"
    assert original.get_content() == "From: kim@daum.net\r\nSubject: Hello\r\n"


def test_ret_full_gives_a_small_original_back_whole():
    _, message = made(envelope(failed(), ret="FULL"))
    part = list(message.iter_parts())[2]
    assert part.get_content_type() == "message/rfc822" and "body" in str(part)
    _, message = made(envelope(failed(), ret="HDRS"))
    assert "body" not in str(list(message.iter_parts())[2])


def test_a_huge_header_is_cut():
    original = b"X: y\r\n" * 100_000 + b"\r\nbody\r\n"
    octets, _ = made(envelope(failed(), original=original), original=original[: dsn.MAX_HEADER])
    assert len(octets) < dsn.MAX_HEADER + 4000


def test_what_a_server_says_cannot_break_the_report():
    attempt = Attempt(0.0, "550 x\r\nAction: delivered\r\n\r\n--=_id--", "mx\r\nEvil: 1")
    _, message = made(envelope(Recipient("lee@naver.com").after(FAILED, "5.0.0", attempt)))
    _, one = list(message.iter_parts())[1].get_payload()
    assert one["Action"] == "failed" and "Evil" not in one


def test_internationalized_mail_is_reported_as_such():
    original = "Subject: 안녕\r\n\r\nx\r\n".encode()
    octets, _ = made(envelope(failed("이@naver.com"), utf8=True, original=original), original=original)
    assert b"message/global-delivery-status" in octets and b"Final-Recipient: utf-8; " in octets
    assert b"message/global-headers" in octets


@pytest.mark.parametrize(
    ("recipient", "sender", "actions"),
    [
        (failed(), "kim@daum.net", ["failed"]),
        (failed(), "", []),
        (failed(notify=("NEVER",)), "kim@daum.net", []),
        (failed(notify=("SUCCESS",)), "kim@daum.net", []),
        (failed(notify=("FAILURE",)), "kim@daum.net", ["failed"]),
        (failed(reported=True), "kim@daum.net", []),
        (Recipient("a@b", DELIVERED), "kim@daum.net", []),
        (Recipient("a@b", DELIVERED, notify=("SUCCESS",), relayed=True), "kim@daum.net", ["relayed"]),
        (Recipient("a@b", DELIVERED, notify=("SUCCESS",)), "kim@daum.net", ["delivered"]),
        (Recipient("a@b", WAITING), "kim@daum.net", []),
    ],
)
def test_who_hears_of_what(recipient, sender, actions):
    assert list(dsn.due(envelope(recipient, sender=sender))) == actions
