"""A worker that ends is replaced, and takes nothing with it but its connections."""

import imaplib
import os
import signal
import smtplib
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PATIENCE, Server
from tests.interop.test_crash import message_numbers
from tests.interop.workers.company import USER, Idler, session, worker_pids


def test_a_worker_that_is_killed_is_replaced_and_takes_nothing_with_it(pair: Server) -> None:
    survivor, victim = session(pair, 2), session(pair, 1)
    survivor.select("INBOX")
    idler = Idler(survivor)
    acknowledged: set[int] = set()
    news = threading.Condition()
    ended = threading.Event()

    def deliver(place: int) -> None:
        number = place * 10_000
        while not ended.is_set():
            try:
                with smtplib.LMTP("127.0.0.1", pair.ports["lmtp"], timeout=PATIENCE) as client:
                    while not ended.is_set():
                        number += 1
                        client.sendmail("kim@daum.net", [USER], messages.numbered(number))
                        with news:
                            acknowledged.add(number)
                            news.notify_all()
            except (OSError, smtplib.SMTPException):
                number += 1  # it may be there, or not: only what was acknowledged must be

    threads = [threading.Thread(target=deliver, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    start = len(pair.log)
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= 30, PATIENCE)
    os.kill(worker_pids(pair)[1], signal.SIGKILL)
    assert "worker=1" in pair.await_log("worker-ended", start) and "signal=SIGKILL" in pair.await_log(
        "worker-ended", start
    )
    pair.await_log("worker-started", start)
    before = len(acknowledged)
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= before + 30, PATIENCE)
    ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    idler.until(b"EXISTS")
    idler.end()
    survivor.logout()
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        victim.noop()
    found = message_numbers(pair)
    assert not [number for number, count in found.items() if count > 1]
    assert acknowledged <= set(found)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{pair.ports['http']}/metrics").read().decode()
    assert "mailaccess_workers_ended_total 1.0" in metrics and "mailaccess_workers 2.0" in metrics
    assert 'process_resident_memory_bytes{worker="2"}' in metrics


def test_a_worker_that_cannot_take_anothers_place_says_so_in_the_log_and_is_tried_again(
    pair: Server,
) -> None:
    key = pair.folder / "key.pem"
    good, start = key.read_text(), len(pair.log)
    key.write_text("no key")
    os.kill(worker_pids(pair)[2], signal.SIGKILL)
    line = pair.await_log("worker-cannot-start", start)
    assert "key.pem" in line and line.startswith("20") and line.rstrip().endswith("worker=2")
    assert not any(each.startswith("mailaccess: ") for each in pair.log[start:])
    key.write_text(good)
    assert "worker=2" in pair.await_log("worker-started", start)


def test_whoever_kills_the_nursery_kills_nobody_else_and_workers_are_replaced_from_another(
    pair: Server,
) -> None:
    survivor = session(pair, 2)
    start = len(pair.log)
    assert pair.process is not None
    os.kill(nursery_pid(pair.process.pid), signal.SIGKILL)
    pair.await_log("nursery-lost", start)
    survivor.noop()
    os.kill(worker_pids(pair)[1], signal.SIGKILL)
    assert "worker=1" in pair.await_log("worker-ended", start)
    pair.await_log("worker-started", start)
    session(pair, 1).logout()
    survivor.noop()
    start = len(pair.log)
    os.kill(worker_pids(pair)[1], signal.SIGKILL)
    assert "signal=SIGKILL" in pair.await_log("worker-ended", start)
    pair.await_log("worker-started", start)
    survivor.logout()


def nursery_pid(supervisor: int) -> int:
    """The supervisor's child that all workers are children of."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
            if parent == supervisor and b"mailaccess.service.nurseryprocess" in arguments:
                return int(entry.name)
    raise AssertionError("there is no nursery")
