"""Kill -9 of the sending and of the receiving server in the middle: nothing that was acknowledged is lost."""

import json
import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.test_crash import message_numbers

CLIENTS = 3
ENOUGH = 40
"""Acknowledgements to wait for before each kill."""


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


def submit_until_killed(daum: Server, victim: Server, first: int) -> set[int]:
    """Submit from CLIENTS threads, kill ``victim`` in the middle; the numbers that daum acknowledged."""
    acknowledged: set[int] = set()
    news = threading.Condition()
    enough = threading.Event()

    def submit(start: int) -> None:
        try:
            client = smtplib.SMTP("127.0.0.1", daum.ports["submission"], timeout=PATIENCE)
            client.login("kim@daum.net", PASSWORD)
            for number in range(start, start + 10_000):
                if enough.is_set():
                    return
                client.sendmail("kim@daum.net", ["lee@naver.com"], messages.numbered(number))
                with news:
                    acknowledged.add(number)
                    news.notify_all()
        except (OSError, smtplib.SMTPException):
            return  # killed, as it should be

    threads = [threading.Thread(target=submit, args=(first + place * 10_000,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= ENOUGH, PATIENCE)
    victim.kill()
    enough.set()
    for thread in threads:
        thread.join(PATIENCE)
    return acknowledged


def test_what_was_acknowledged_arrives_whichever_server_is_killed(two: tuple[Server, Server]) -> None:
    daum, naver = two
    daum.start()
    acknowledged = submit_until_killed(daum, daum, 0)
    daum.start()
    acknowledged |= submit_until_killed(daum, naver, 100_000)
    naver.start()

    def sent() -> bool:
        if not json.loads(daum.mailadm("--json", "queue", "list").stdout):
            return True
        daum.mailadm("queue", "flush")
        return False

    eventually(sent, "the queue is empty")
    found = message_numbers(naver)
    assert acknowledged <= set(found)
    assert daum.stop() == 0 and naver.stop() == 0
