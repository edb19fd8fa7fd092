"""``mailadm queue``: looking at what waits, and changing it, without a server and beside one."""

import threading

import pytest

from mailaccess.model.work import InlineRunner
from mailaccess.spool import requests
from mailaccess.spool.envelope import WAITING, Attempt, Recipient
from mailaccess.spool.queue import Queue
from mailaccess.spool.spool import Spool
from tests.session.smallhouse import run


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "queue", sync=False)


@pytest.fixture
def message(queue):
    assert queue.lock()
    incoming = Spool(queue, InlineRunner()).begin()
    run(incoming.write(b"Subject: x\r\n\r\nhello\r\n"))
    envelope = run(incoming.commit("kim@daum.net", (Recipient("lee@example.org"),)))
    tried = envelope.with_recipients(
        lambda each: each.after(
            WAITING, "4.7.1", Attempt(1764028800.0, "451 4.7.1 \x1b greylisted", "mx.example.org")
        )
    )
    queue.update(tried)
    queue.unlock()
    return envelope.id


def test_an_empty_queue_lists_nothing(mailadm):
    assert mailadm.json("queue", "list") == []


def test_what_waits_is_listed_and_shown_with_its_history(mailadm, message):
    (row,) = mailadm.json("queue", "list")
    assert (row["id"], row["state"], row["sender"], row["recipients"]) == (
        message,
        "waiting",
        "kim@daum.net",
        ["lee@example.org"],
    )
    assert mailadm.json("queue", "list", "--recipient", "nobody") == []
    assert mailadm("queue", "show", message) == 0
    assert "mx.example.org said: 451 4.7.1 ? greylisted" in mailadm.out
    shown = mailadm.json("queue", "show", message)
    assert shown["recipients"][0]["history"][0]["host"] == "mx.example.org"
    assert mailadm("queue", "show", "--message", message) == 0
    assert mailadm.out == "Subject: x\n\nhello\n"


def test_messages_are_held_released_and_deleted_without_a_server(mailadm, message):
    assert mailadm("queue", "hold", message) == 0 and mailadm.out == "1 message held\n"
    assert mailadm.json("queue", "list")[0]["state"] == "held"
    assert mailadm("queue", "release", "--all") == 0
    assert mailadm.json("queue", "list")[0]["state"] == "waiting"
    assert mailadm("queue", "flush") == 0 and mailadm("queue", "requeue", message) == 0
    assert mailadm("queue", "delete", message, "nosuch") == 66
    assert mailadm.json("queue", "list") == []


def test_a_change_names_messages_or_all(mailadm, message):
    assert mailadm("queue", "delete") == 64
    assert mailadm("queue", "delete", "--all", message) == 64
    assert mailadm("queue", "show", "../users") == 66


def test_a_running_server_is_asked(mailadm, queue, message):
    assert queue.lock()
    stop = threading.Event()

    def serve():
        while not stop.wait(0.01):
            for path, request in requests.pending(queue.folder):
                requests.answer(path, requests.carry_out(queue, request, 1.0))

    server = threading.Thread(target=serve)
    server.start()
    try:
        assert mailadm("queue", "hold", message) == 0
    finally:
        stop.set()
        server.join()
        queue.unlock()
    assert queue.read(message).held
