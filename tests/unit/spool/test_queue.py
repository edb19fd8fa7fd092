"""The queue's folder: what goes in comes out, what is changed stays changed."""

import json

import pytest

from mailaccess.model.work import InlineRunner
from mailaccess.spool import requests
from mailaccess.spool.envelope import (
    DELIVERED,
    FAILED,
    WAITING,
    Attempt,
    BadEnvelope,
    Recipient,
    parse,
    render,
)
from mailaccess.spool.queue import NotQueued, Queue
from mailaccess.spool.spool import Spool
from tests.session.smallhouse import run


@pytest.fixture
def queue(tmp_path):
    queue = Queue(tmp_path / "queue", sync=False)
    assert queue.lock()
    yield queue
    queue.unlock()


@pytest.fixture
def spool(queue):
    return Spool(queue, InlineRunner(), now=lambda: 1764028800.0)


def put(spool, octets=b"Subject: x\r\n\r\nhello\r\n", *addresses, sender="kim@daum.net", **options):
    incoming = spool.begin()
    run(incoming.write(octets))
    recipients = tuple(Recipient(each) for each in addresses or ("lee@naver.com",))
    return run(incoming.commit(sender, recipients, **options))


async def whole(spool, id):
    return b"".join([piece async for piece in spool.body(id)])


def test_what_goes_in_comes_out(spool, queue):
    woken = []
    spool.wake = woken.append
    envelope = put(spool, envid="QQ314159", ret="HDRS")
    assert queue.ids() == [envelope.id] and woken == [envelope]
    assert run(spool.read(envelope.id)) == envelope
    assert run(whole(spool, envelope.id)) == b"Subject: x\r\n\r\nhello\r\n"
    assert (envelope.size, envelope.eight_bit, envelope.utf8) == (21, False, False)


@pytest.mark.parametrize(
    ("octets", "stored"),
    [
        (b"a: b\n\nx\n", b"a: b\r\n\r\nx\r\n"),
        (b"a: b\r\n\r\nx\r.\r\ny", b"a: b\r\n\r\nx\r\n.\r\ny\r\n"),
        (b"x\r", b"x\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_lines_end_in_crlf_whatever_came(spool, octets, stored):
    envelope = put(spool, octets)
    assert run(whole(spool, envelope.id)) == stored and envelope.size == len(stored)


def test_lines_end_in_crlf_wherever_the_octets_were_cut(spool):
    incoming = spool.begin()
    for octet in b"a: b\r\n\r\nx\ny\rz\r\n":
        incoming._writing.write(bytes([octet]))
    envelope = run(incoming.commit("", (Recipient("lee@naver.com"),)))
    assert run(whole(spool, envelope.id)) == b"a: b\r\n\r\nx\r\ny\r\nz\r\n"


def test_octets_beyond_ascii_are_noticed_in_header_and_body(spool):
    body = put(spool, "Subject: x\r\n\r\n안녕\r\n".encode())
    assert (body.eight_bit, body.utf8) == (True, False)
    header = put(spool, "Subject: 안녕\r\n\r\nx\r\n".encode())
    assert (header.eight_bit, header.utf8) == (True, True)
    address = put(spool, b"\r\nx\r\n", "이@naver.com")
    assert (address.eight_bit, address.utf8) == (False, True)


def test_an_envelope_reads_back(spool):
    envelope = put(spool, b"\r\n", "a@x", "b@y").with_recipients(
        lambda each: each.after(FAILED, "5.1.1", Attempt(1.5, "550 no", "mx.x"))
    )
    assert parse(render(envelope)) == envelope


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"format":2}', b"\xff", b'{"format":1,"recipients":3}']
)
def test_what_is_no_envelope_is_refused(content):
    with pytest.raises(BadEnvelope):
        parse(content)


def test_a_damaged_envelope_does_not_stop_the_start(spool, queue):
    good = put(spool)
    (queue.folder / "envelope" / "broken").write_bytes(b"\0")
    (queue.folder / "body" / "orphan").write_bytes(b"x")
    (queue.folder / "tmp" / "half").write_bytes(b"x")
    assert list(queue.envelopes(queue.clean())) == [good]
    assert (queue.folder / "envelope" / "broken").exists()
    assert not (queue.folder / "body" / "orphan").exists() and not (queue.folder / "tmp" / "half").exists()


def test_a_discarded_message_leaves_nothing(spool, queue):
    incoming = spool.begin()
    run(incoming.write(b"x" * 300_000))
    run(incoming.discard())
    assert queue.ids() == [] and not list((queue.folder / "tmp").iterdir())


def test_only_one_process_owns_a_queue(queue):
    other = Queue(queue.folder)
    assert not other.lock()
    queue.unlock()
    assert other.lock()
    other.unlock()


def test_an_id_is_never_a_path(queue):
    for id in ("../body/x", "a/b", "", ".", "x" * 100):
        with pytest.raises(NotQueued):
            queue.read(id)


def test_requests_change_what_they_name(spool, queue):
    one, two = sorted((put(spool), put(spool)), key=lambda each: each.id)
    assert requests.carry_out(queue, requests.Request("hold", (one.id, "nosuch")), 5.0) == [one.id]
    assert queue.read(one.id).held and not queue.read(two.id).held
    assert requests.carry_out(queue, requests.Request("release", ()), 5.0) == [one.id, two.id]
    assert queue.read(one.id).due == 5.0 and not queue.read(one.id).held
    queue.update(
        queue.read(one.id).with_recipients(lambda each: each.after(FAILED, "5.0.0", Attempt(1.0, "550 no")))
    )
    requests.carry_out(queue, requests.Request("requeue", (one.id,)), 9.0)
    assert queue.read(one.id).recipients[0].state == WAITING and queue.read(one.id).created == 9.0
    assert requests.carry_out(queue, requests.Request("delete", (one.id,)), 5.0) == [one.id]
    assert queue.ids() == [two.id]


def test_requeue_leaves_alone_who_has_the_message(spool, queue):
    envelope = put(spool, b"\r\n", "a@x")
    queue.update(
        envelope.with_recipients(lambda each: each.after(DELIVERED, "2.0.0", Attempt(1.0, "250 ok")))
    )
    requests.carry_out(queue, requests.Request("requeue", ()), 9.0)
    assert queue.read(envelope.id).recipients[0].state == DELIVERED


def test_the_owner_answers_who_asked(spool, queue):
    envelope = put(spool)

    def serve(_seconds: float) -> None:
        for path, request in requests.pending(queue.folder):
            requests.answer(path, requests.carry_out(queue, request, 1.0))

    asked = requests.Request("hold", (envelope.id,))
    assert requests.ask(queue.folder, asked, wait=10, sleep=serve) == [envelope.id]
    assert list((queue.folder / "requests").iterdir()) == []
    assert requests.ask(queue.folder, asked, wait=0) is None


def test_a_request_that_is_none_is_dropped(queue):
    (queue.folder / "requests" / "1").write_text(json.dumps({"action": "rm -rf", "ids": []}))
    (queue.folder / "requests" / "2").write_text("x")
    assert requests.pending(queue.folder) == [] and list((queue.folder / "requests").iterdir()) == []


def test_what_another_process_is_putting_in_is_not_cleaned_away(tmp_path):
    """The owner dies, and the next one cleans, while a third has a message half in."""
    other, owner = Queue(tmp_path / "queue", sync=False), Queue(tmp_path / "queue", sync=False)
    other.attend()
    writing = other.begin("1a")
    writing.write(b"From: kim\r\n\r\n")
    assert owner.lock()
    assert owner.clean() == []
    assert (tmp_path / "queue/tmp/1a").exists()
    writing.discard()
    (tmp_path / "queue/tmp/2b").touch()
    other.unlock()
    assert owner.clean() == [] and not (tmp_path / "queue/tmp/2b").exists()
    owner.unlock()
