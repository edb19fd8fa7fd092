"""Aliases that lead to other domains: rewritten senders, and their bounces' way back."""

from email.utils import parseaddr

import pytest

from mailaccess.delivery.srs import Rewriting
from tests.session.smtp.test_outgoing import queue, waiting  # noqa: F401  a fixture

MESSAGE = b"DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"


@pytest.fixture
def forwarding(smtp, queue):  # noqa: F811
    smtp.aliases.write_text("away: park@far.example\nboth: lee, park@far.example\n")
    smtp.build()
    recipients = smtp.house.recipients
    rewriting = Rewriting((b"secret",), "naver.com", recipients.is_local, lambda: 1764028800.0)
    recipients.rewriting = rewriting
    smtp.house.delivery.forwarded_sender = rewriting.sender
    return smtp


def send(smtp, sender, recipient, policy="inbound"):
    client = smtp.connect(policy)
    codes = client.codes(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\n".encode() + MESSAGE)
    return codes[1], codes[-1]


def test_a_forwarded_message_has_a_sender_of_ours_and_its_bounce_comes_back(forwarding, queue):  # noqa: F811
    assert send(forwarding, "kim@x.example", "away@naver.com")[1] == "250 2.0.0"
    (envelope,) = waiting(queue)
    assert [each.address for each in envelope.recipients] == ["park@far.example"]
    assert envelope.sender.startswith("SRS0=") and envelope.sender.endswith("=x.example=kim@naver.com")
    assert send(forwarding, "", envelope.sender)[1] == "250 2.0.0"
    (bounce,) = (each for each in waiting(queue) if not each.sender)
    assert [each.address for each in bounce.recipients] == ["kim@x.example"]


def test_a_copy_in_a_mailbox_keeps_the_sender(forwarding, queue):  # noqa: F811
    send(forwarding, "kim@x.example", "both@naver.com")
    (stored,) = forwarding.inbox("lee@naver.com")
    assert stored.startswith(b"Return-Path: <kim@x.example>\r\n")
    assert waiting(queue)[0].sender.startswith("SRS0=")


@pytest.mark.parametrize("sender", ["", "lee@naver.com"])
def test_the_null_sender_and_our_own_are_not_rewritten(forwarding, queue, sender):  # noqa: F811
    send(forwarding, sender, "away@naver.com")
    assert waiting(queue)[0].sender == sender


def test_a_rewritten_address_is_no_way_to_relay(forwarding, queue):  # noqa: F811
    rewritten = forwarding.house.delivery.forwarded_sender("victim@y.example")
    assert parseaddr(rewritten)[1]
    assert send(forwarding, "spammer@z.example", rewritten)[0] == "550 5.7.1"
    assert send(forwarding, "", rewritten.replace("victim", "other"))[0] == "550 5.1.1"
    assert send(forwarding, "", "SRS0=aaaaaa=aa=y.example=victim@naver.com")[0] == "550 5.1.1"
    assert (
        send(forwarding, "spammer@z.example", "SRS0=aaaaaa=aa=y.example=victim@naver.com")[0] == "550 5.1.1"
    )
    assert waiting(queue) == []
