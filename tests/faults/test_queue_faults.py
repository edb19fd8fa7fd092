"""The queue killed before every single step it takes on disk: an acknowledged message is never lost."""

import errno
import os

import pytest

from mailaccess.model.errors import MailError
from mailaccess.model.work import InlineRunner
from mailaccess.spool.envelope import DELIVERED, Attempt, Recipient
from mailaccess.spool.queue import Queue
from mailaccess.spool.spool import Spool
from tests.session.smallhouse import run

BODY = b"Subject: x\r\n\r\nhello\r\n"
STEPS = 200


def day(folder, told, kill_at):
    """Two messages come, one is changed, one is done with. ``told``: where acknowledgements are written."""
    left = kill_at

    def step(_name):
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(9)

    queue = Queue(folder, sync=False, step=step)
    assert queue.lock()
    list(queue.envelopes(queue.clean()))
    spool = Spool(queue, InlineRunner())

    def tell(what):
        os.write(told, what.encode() + b"\n")

    ids = []
    for sender in ("one@daum.net", "two@daum.net"):
        incoming = spool.begin()
        run(incoming.write(BODY))
        envelope = run(incoming.commit(sender, (Recipient("lee@naver.com"),)))
        ids.append(envelope.id)
        tell(f"+{envelope.id}")
    tell(f"?{ids[0]}")
    run(
        spool.update(
            ids[0],
            lambda it: it.with_recipients(lambda each: each.after(DELIVERED, "2.0.0", Attempt(1.0, "ok"))),
        )
    )
    tell(f"-{ids[0]}")
    run(spool.remove(ids[0]))
    tell("end")


def test_killed_at_any_step_the_queue_holds_what_was_acknowledged(tmp_path):
    for kill_at in range(1, STEPS):
        folder = tmp_path / str(kill_at)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                day(folder, write, kill_at)
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as file:
            told = file.read().split()
        os.waitpid(child, 0)
        queue = Queue(folder, sync=False)
        assert queue.lock()
        there = {envelope.id: envelope for envelope in queue.envelopes(queue.clean())}
        removing = {word[1:] for word in told if word[0] == "-"}
        for id in {word[1:] for word in told if word[0] == "+"} - removing:
            assert there[id].size == len(BODY)
        for id in there:
            assert queue.read_body(id, 0, 1000) == BODY
        assert {entry.name for entry in os.scandir(folder / "body")} == set(there)
        queue.unlock()
        if "end" in told:
            assert kill_at > 10 and len(there) == 1
            return
    raise AssertionError("the day has more steps than expected")


@pytest.mark.parametrize("failing", ["sync body", "write envelope", "rename envelope", "sync envelope"])
def test_a_message_that_was_not_taken_for_lack_of_room_is_no_message(tmp_path, failing):
    """Its envelope stayed where only the sync behind it had failed, and it was tried without a body for days."""

    def step(name):
        if name == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    queue = Queue(tmp_path, sync=False, step=step)
    assert queue.lock()
    spool = Spool(queue, InlineRunner())
    incoming = spool.begin()
    run(incoming.write(BODY))
    with pytest.raises(MailError):
        run(incoming.commit("kim@daum.net", (Recipient("lee@naver.com"),)))
    run(incoming.discard())
    assert queue.ids() == []
    assert [file for kind in ("tmp", "body", "envelope") for file in os.listdir(tmp_path / kind)] == []
