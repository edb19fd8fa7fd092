"""Kill -9 in the middle of deliveries: what was acknowledged is there once, nothing twice."""

import imaplib
import re
import smtplib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server

CLIENTS = 4
ROUNDS = 3
ENOUGH = 60
"""Acknowledgements to wait for before each kill."""


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, not started yet; whatever happens, none is left behind."""
    server = Server(tmp_path)
    server.add_user("lee@naver.com")
    yield server
    if server.process is not None:
        server.kill()


def test_no_acknowledged_message_is_lost_or_doubled_by_kill_9(mortal: Server) -> None:
    server = mortal
    acknowledged: set[int] = set()
    for turn in range(ROUNDS):
        server.start()
        acknowledged |= deliver_until_killed(server, turn * 100_000)
    server.start()
    found = message_numbers(server)
    fsck = server.mailadm("fsck", "lee@naver.com", check=False)
    server.stop()
    assert not [number for number, count in found.items() if count > 1]
    assert acknowledged <= set(found)
    assert fsck.returncode == 0, fsck.stdout + fsck.stderr


def deliver_until_killed(server: Server, first: int) -> set[int]:
    """Deliver by LMTP from CLIENTS threads, kill the server in the middle; the numbers acknowledged."""
    acknowledged: set[int] = set()
    news = threading.Condition()

    def deliver(start: int) -> None:
        try:
            client = smtplib.LMTP("127.0.0.1", server.ports["lmtp"], timeout=PATIENCE)
            for number in range(start, start + 10_000):
                client.sendmail("kim@daum.net", ["lee@naver.com"], messages.numbered(number))
                with news:
                    acknowledged.add(number)
                    news.notify_all()
        except (OSError, smtplib.SMTPException):
            return  # killed, as it should be

    threads = [threading.Thread(target=deliver, args=(first + place * 10_000,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    with news:
        assert news.wait_for(lambda: len(acknowledged) >= ENOUGH, PATIENCE)
    server.kill()
    for thread in threads:
        thread.join(PATIENCE)
    return acknowledged


def message_numbers(server: Server) -> Counter[int]:
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login("lee@naver.com", PASSWORD)
    client.select("INBOX", readonly=True)
    _, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    client.logout()
    headers = [bytes(item[1]) for item in data if isinstance(item, tuple)]
    found = [re.search(rb"<n(\d+)@", header) for header in headers]
    return Counter(int(match[1]) for match in found if match)


def test_flags_moves_and_expunges_that_were_answered_survive_kill_9(mortal: Server) -> None:
    server = mortal
    server.start()
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login("lee@naver.com", PASSWORD)
    client.select("INBOX")
    for number in range(40):
        client.append("INBOX", "", "", messages.numbered(number))
    client.create("Done")
    client.noop()
    client.store("1:10", "+FLAGS", r"(\Seen work)")
    client._simple_command("MOVE", "11:20", "Done")
    client.store("11:15", "+FLAGS.SILENT", r"(\Deleted)")
    client.expunge()
    server.kill()
    server.start()
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login("lee@naver.com", PASSWORD)
    assert client.select("INBOX")[1] == [b"25"]
    assert client.search(None, "SEEN KEYWORD work")[1] == [b"1 2 3 4 5 6 7 8 9 10"]
    assert client.select("Done")[1] == [b"10"]
    client.logout()
    fsck = server.mailadm("fsck", "lee@naver.com", check=False)
    server.stop()
    assert fsck.returncode == 0, fsck.stdout + fsck.stderr
