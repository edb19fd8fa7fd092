"""Submission where there is a relay: what is queued, for whom, and what others may see of it."""

import pytest

from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.model.errors import OverQuota
from mailaccess.model.work import InlineRunner
from mailaccess.spool.queue import Queue
from mailaccess.spool.spool import Spool
from tests.session.smtp.test_submission import login

MESSAGE = b"From: lee@naver.com\r\n\r\nhello\r\n.\r\n"


@pytest.fixture
def queue(smtp):
    from dataclasses import replace

    queue = Queue(smtp.tmp / "queue", sync=False)
    assert queue.lock()
    build = smtp.build

    def with_queue(**settings):
        build(**settings)
        runner = InlineRunner()
        old = smtp.house
        recipients = Recipients(
            smtp.auth, old.settings, ("naver.com", "daum.net"), runner, smtp.log, relays=True
        )
        delivery = LocalDelivery(
            smtp.store, runner, smtp.log, limit=2**20, spool=smtp.tmp / "spool", queue=Spool(queue, runner)
        )
        smtp.house = replace(old, recipients=recipients, delivery=delivery)

    smtp.build = with_queue
    smtp.build()
    yield queue
    queue.unlock()


def waiting(queue):
    return [queue.read(id) for id in queue.ids()]


def body(queue, envelope):
    return queue.read_body(envelope.id, 0, 10_000)


def test_foreign_recipients_share_one_message_and_do_not_see_each_other(smtp, queue):
    client = login(smtp)
    lines = b"MAIL FROM:<lee@naver.com> RET=HDRS ENVID=x1 SMTPUTF8\r\n"
    lines += b"RCPT TO:<a@example.org> NOTIFY=NEVER\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<kim@naver.com>\r\n"
    assert client.codes(lines) == ["250 2.1.0", "250 2.1.5", "250 2.1.5", "250 2.1.5"]
    client.send(b"DATA\r\n")
    assert client.codes(MESSAGE) == ["250 2.0.0"]
    (envelope,) = waiting(queue)
    assert [each.address for each in envelope.recipients] == ["a@example.org", "b@example.com"]
    assert envelope.recipients[0].notify == ("NEVER",)
    assert (envelope.sender, envelope.owner, envelope.ret, envelope.envid, envelope.smtputf8) == (
        "lee@naver.com",
        "lee@naver.com",
        "HDRS",
        "x1",
        True,
    )
    text = body(queue, envelope)
    assert text.startswith(b"Received: from client.example") and b"example.com" not in text
    assert b" for <" not in text and b"Return-Path" not in text and text.endswith(b"\r\n\r\nhello\r\n")
    assert len(smtp.inbox("kim@naver.com")) == 1


def test_a_retry_after_half_a_failure_queues_nothing_twice(smtp, queue):
    client = login(smtp)
    smtp.store.account("kim@naver.com").append_fails = OverQuota()
    transaction = (
        b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n"
    )
    message = b"Date: x\r\nMessage-ID: <x@y>\r\n" + MESSAGE
    client.send(transaction)
    assert client.codes(message) == ["452 4.2.2"]
    smtp.store.account("kim@naver.com").append_fails = None
    client.send(transaction)
    assert client.codes(message) == ["250 2.0.0"]
    assert len(waiting(queue)) == 1 and len(smtp.inbox("kim@naver.com")) == 1


def test_an_alias_that_leads_elsewhere_is_no_sender_of_ours(smtp, queue):
    smtp.aliases.write_text("away: lee@example.org\nboth: lee, lee@example.org\n")
    smtp.build()
    for name in ("away", "both"):
        assert login(smtp).codes(f"MAIL FROM:<{name}@naver.com>\r\n".encode()) == ["553 5.7.1"]


def test_strangers_mail_goes_on_only_by_an_alias(smtp, queue):
    smtp.aliases.write_text("away: lee, Park@Example.org\n")
    smtp.build()
    client = smtp.connect()
    assert b"DSN" not in client.send(b"EHLO mta.example\r\n")
    client.send(b"MAIL FROM:<x@example.net>\r\n")
    for recipient in (b"a@example.org", b"a%example.org@naver.com", b"@naver.com:a@example.org"):
        assert client.codes(b"RCPT TO:<" + recipient + b">\r\n")[0].startswith("550 5.")
    client.send(b"RCPT TO:<away@naver.com>\r\nDATA\r\n")
    assert client.codes(MESSAGE) == ["250 2.0.0"]
    (envelope,) = waiting(queue)
    assert [each.address for each in envelope.recipients] == ["Park@Example.org"]
    assert envelope.sender == "x@example.net" and len(smtp.inbox("lee@naver.com")) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"MAIL FROM:<lee@naver.com> RET=NONE", "501 5.5.4"),
        (b"MAIL FROM:<lee@naver.com> ENVID=a=b", "501 5.5.4"),
        (b"RCPT TO:<a@example.org> NOTIFY=NEVER,SUCCESS", "501 5.5.4"),
        (b"RCPT TO:<a@example.org> NOTIFY=", "501 5.5.4"),
        (b"RCPT TO:<a@example.org> ORCPT=a@example.org", "501 5.5.4"),
        (b"RCPT TO:<a@[192.0.2.1]>", "550 5.1.2"),
        (b"RCPT TO:<a@example.org> ORCPT=rfc822;a+2Bb@example.org NOTIFY=success,delay", "250 2.1.5"),
    ],
)
def test_dsn_parameters_are_checked(smtp, queue, line, code):
    client = login(smtp)
    if line.startswith(b"RCPT"):
        client.send(b"MAIL FROM:<lee@naver.com>\r\n")
    assert client.codes(line + b"\r\n") == [code]


def test_a_full_disk_is_told_and_nothing_is_queued(smtp, queue, monkeypatch):
    client = login(smtp)
    client.send(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert client.codes(MESSAGE) == ["452 4.3.1"]
    assert queue.ids() == []


def test_an_account_that_has_sent_enough_is_asked_to_wait(smtp, queue):
    from mailaccess.delivery.caps import HOUR, Cap, Caps

    told = []
    caps = Caps(
        [Cap("messages", HOUR, 2), Cap("recipients", HOUR, 3)],
        (),
        lambda: 1764028800.0,
        lambda name, cap: told.append((name, str(cap))),
    )
    client = login(smtp)
    client.session.policy.caps = caps
    mail = b"RSET\r\nMAIL FROM:<lee@naver.com>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
    assert client.codes(mail)[2:] == ["250 2.1.5", "250 2.1.5"]
    assert client.codes(mail)[2:] == ["250 2.1.5", "452 4.7.1"]
    assert client.codes(mail)[2:] == ["450 4.7.1", "450 4.7.1"]
    assert client.codes(b"RCPT TO:<kim@naver.com>\r\n") == ["250 2.1.5"]
    assert told == [("lee@naver.com", "3 recipients an hour")]
