"""NOTIFY on a real server: what other processes and programs do is told to a client that says nothing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server


@contextmanager
def waiting(server: Server, user: str, groups: str) -> Iterator[BinaryIO]:
    """A client after NOTIFY SET; what it is told is read line by line."""
    with socket.create_connection(("127.0.0.1", server.ports["imap"]), timeout=PATIENCE) as sock:
        lines = sock.makefile("rb")
        lines.readline()
        sock.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb CREATE Work\r\nc NOTIFY SET {groups}\r\n'.encode())
        while not (line := lines.readline()).startswith(b"c "):
            assert line
        assert line == b"c OK NOTIFY completed\r\n"
        yield lines


PAIR = "(MessageNew MessageExpunge)"


def test_a_delivery_by_another_process_is_told(server: Server, user: str) -> None:
    with waiting(server, user, f"(personal {PAIR})") as lines:
        server.mailadm("deliver", user, given=messages.MIXED)
        assert lines.readline().startswith(b"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 ")


def test_a_file_that_another_program_drops_into_a_mailbox_nobody_has_open_is_told(
    server: Server, user: str
) -> None:
    with waiting(server, user, f"(personal {PAIR})") as lines:
        work = server.maildir(user) / ".Work"
        (work / "tmp" / "1700000000.1.other").write_bytes(messages.PLAIN.replace(b"\r\n", b"\n"))
        (work / "tmp" / "1700000000.1.other").rename(work / "new" / "1700000000.1.other")
        assert lines.readline().startswith(b"* STATUS Work (MESSAGES 1 UIDNEXT 2 ")


def test_mailboxes_and_subscriptions_of_another_program_are_told(server: Server, user: str) -> None:
    with waiting(server, user, "(personal (MailboxName SubscriptionChange))") as lines:
        maildir = server.maildir(user)
        for folder in ("Plan", "Plan/new", "Plan/cur", "Plan/tmp"):
            (maildir / "tmp" / folder).mkdir()
        (maildir / "tmp" / "Plan").rename(maildir / ".Plan")
        assert lines.readline() == b'* LIST (\\HasNoChildren) "/" Plan\r\n'
        (maildir / "tmp" / "subscriptions").write_text("INBOX\nPlan\n")
        (maildir / "tmp" / "subscriptions").rename(maildir / "subscriptions")
        found = set()
        while b'* LIST (\\Subscribed \\HasNoChildren) "/" Plan\r\n' not in found:
            found.add(lines.readline())
