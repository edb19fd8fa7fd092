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


def fields(it, action=dsn.FAILURE, hostname="mail.daum.net"):
    octets = dsn.report(
        it, action, it.recipients, ORIGINAL, hostname=hostname, now=0.0, message_id="id", until=1e9
    )
    message = email.message_from_bytes(octets, policy=policy.default)
    whole, *each = list(message.iter_parts())[1].get_payload()
    return octets, whole, each


def test_where_only_ascii_may_stand_addresses_are_told_by_their_numbers():
    """RFC 6533 §3: in message/delivery-status the form utf-8-addr-xtext, and nothing else beyond ASCII."""
    attempt = Attempt(0.0, "550 5.1.1 없는 사용자", "mx.naver.com[192.0.2.1]:25")
    one = Recipient("lee@naver.com", orcpt="utf-8;이+2B@naver.com").after(FAILED, "5.1.1", attempt)
    octets, _, (told,) = fields(envelope(one))
    assert told["Original-Recipient"] == r"utf-8; \x{C774}+2B@naver.com"
    assert told["Diagnostic-Code"].isascii()
    assert b"Content-Transfer-Encoding: 8bit" in octets.partition(b"\r\n\r\n")[0], (
        "the text for people has UTF-8"
    )


def test_in_an_internationalized_report_addresses_are_themselves():
    it = envelope(failed("이@naver.com", orcpt=r"utf-8;\x{C774}\x{D800}@naver.com"), utf8=True)
    octets, _, _ = fields(it)
    assert r"Original-Recipient: utf-8; 이\x{D800}@naver.com".encode() in octets


def test_long_fields_are_folded_and_bounded():
    """RFC 5322 §2.1.1: 78 where there are blanks, never more than 998 octets."""
    words = Attempt(0.0, "550 " + "word " * 90, "mx.naver.com[192.0.2.1]:25")
    one = Attempt(0.0, "550 " + "x" * 3000, "mx.naver.com[192.0.2.1]:25")
    for attempt in (words, one):
        octets, _, _ = fields(envelope(Recipient("lee@naver.com").after(FAILED, "5.0.0", attempt)))
        lines = octets.split(b"\r\n")
        assert max(map(len, lines)) < 998
    octets, _, (told,) = fields(envelope(Recipient("lee@naver.com").after(FAILED, "5.0.0", words)))
    assert max(map(len, octets.split(b"\r\n"))) <= 78 and told["Diagnostic-Code"].count("word") == 90


@pytest.mark.parametrize(
    ("host", "text", "remote", "diagnostic"),
    [
        ("mx.naver.com[192.0.2.1]:25", "550 no", "dns; mx.naver.com", "smtp; 550 no"),
        ("mx.naver.com[192.0.2.1]:25", "It went away", "dns; mx.naver.com", "X-mailaccess; It went away"),
        ("/run/lmtp", "550 no", "x-local; /run/lmtp", "smtp; 550 no"),
        ("", "no such domain", None, "X-mailaccess; no such domain"),
    ],
)
def test_a_diagnostic_is_smtp_s_only_where_a_server_said_it(host, text, remote, diagnostic):
    """RFC 3464 §2.3.6, RFC 3461 §6.3 (h), (i)."""
    one = Recipient("lee@naver.com").after(FAILED, "5.0.0", Attempt(0.0, text, host))
    _, whole, (told,) = fields(envelope(one), hostname="localhost")
    assert (told["Remote-MTA"], told["Diagnostic-Code"]) == (remote, diagnostic)
    assert whole["Reporting-MTA"] == "x-local-hostname; localhost"


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
