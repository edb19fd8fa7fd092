"""Kill -9 of the sending and of the receiving server in the middle of a thousand messages loses none of them."""

import itertools
import os
import smtplib
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.test_crash import message_numbers

CLIENTS = 5
MESSAGES = 1000
EACH = MESSAGES // CLIENTS
LIMIT = 3 * PATIENCE
KILLS = (250, 500, 750)
"""How many acknowledgements lie between the kills: of the sender, of the receiver, of the sender again."""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """daum.net's server, which sends to naver.com's; started, and none is left behind."""
    made = []
    for name in ("daum", "naver"):
        (tmp_path / name).mkdir()
        made.append(Server(tmp_path / name))
    daum, naver = made
    for server, domain in ((daum, "daum.net"), (naver, "naver.com")):
        text = server.configuration.read_text().replace(
            'domains = ["naver.com", "daum.net"]', f'domains = ["{domain}"]'
        )
        if server is daum:
            text += f'\n[relay.transports]\n"naver.com" = "127.0.0.1:{naver.ports["smtp"]}"\n'
        server.configuration.write_text(text)
    (daum.folder / "aliases").write_text("")
    daum.add_user("kim@daum.net")
    naver.add_user("lee@naver.com")
    naver.start()
    yield daum, naver
    for server in made:
        if server.process is not None:
            server.kill()


class Submission:
    """CLIENTS threads that submit MESSAGES messages in all, each anew after whatever went wrong."""

    def __init__(self, daum: Server) -> None:
        self._daum = daum
        self._news = threading.Condition()
        self.acknowledged: set[int] = set()
        self._threads = [threading.Thread(target=self._submit, args=(place,)) for place in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _submit(self, place: int) -> None:
        todo = deque(range(place * EACH, (place + 1) * EACH))
        limit = time.monotonic() + LIMIT
        while todo and time.monotonic() < limit:
            try:
                with smtplib.SMTP("127.0.0.1", self._daum.ports["submission"], timeout=PATIENCE) as client:
                    client.login("kim@daum.net", PASSWORD)
                    while todo:
                        client.sendmail("kim@daum.net", ["lee@naver.com"], messages.numbered(todo[0]))
                        with self._news:
                            self.acknowledged.add(todo.popleft())
                            self._news.notify_all()
            except (OSError, smtplib.SMTPException):
                threading.Event().wait(0.05)  # the server is down: a client tries again

    def wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.acknowledged) >= count, LIMIT)

    def end(self) -> None:
        for thread in self._threads:
            thread.join(LIMIT)
        assert len(self.acknowledged) == MESSAGES


def test_of_a_thousand_messages_none_is_lost_whichever_server_is_killed(two: tuple[Server, Server]) -> None:
    daum, naver = two
    daum.start()
    submission = Submission(daum)
    for count, victim in zip(KILLS, (daum, naver, daum), strict=True):
        submission.wait_for(count)
        victim.kill()
        victim.start()
    submission.end()

    queue = daum.folder / "state" / "queue" / "envelope"
    looks = itertools.count()

    def sent() -> bool:
        if not any(os.scandir(queue)):
            return True
        if next(looks) % 100 == 0:  # what was put off while naver was away
            daum.mailadm("queue", "flush")
        return False

    eventually(sent, "the queue is empty", LIMIT)
    found = message_numbers(naver)
    assert set(range(MESSAGES)) <= set(found)
    assert daum.stop() == 0 and naver.stop() == 0
