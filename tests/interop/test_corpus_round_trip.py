"""Every message of the shared corpus goes in by APPEND and LMTP and comes out of IMAP and POP3 unchanged."""

import imaplib
import poplib
import re
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import differences
from tests.interop.running import PASSWORD, PATIENCE, Server

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside this checkout")


def wire_form(content: bytes) -> bytes:
    """As a client would send it: every bare LF becomes CRLF."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", content)


def corpus_messages() -> list[bytes]:
    return [wire_form(path.read_bytes()) for path in sorted((CORPUS / "messages").glob("*.eml"))]


@needs_corpus
def test_appended_messages_come_back_by_imap_and_pop3(server: Server, user: str) -> None:
    sent = [message for message in corpus_messages() if b"\0" not in message]  # NUL is refused in a literal
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login(user, PASSWORD)
    for message in sent:
        client.literal = message  # type: ignore[attr-defined]  # its append() would mend bare CRs
        assert client._simple_command("APPEND", "INBOX")[0] == "OK"  # type: ignore[attr-defined]
    client.select("INBOX")
    _, data = client.fetch("1:*", "(BODY.PEEK[])")
    assert [bytes(item[1]) for item in data if isinstance(item, tuple)] == sent
    client.logout()

    reader = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
    reader._MAXLINE = 10**6  # type: ignore[attr-defined]
    poplib._MAXLINE = 10**6  # type: ignore[attr-defined]
    reader.user(user)
    reader.pass_(PASSWORD)
    _, listing, _ = reader.list()
    assert [int(line.split()[1]) for line in listing] == [len(message) for message in sent]
    for number, message in enumerate(sent, 1):
        lines = reader.retr(number)[1]
        got = b"\r\n".join(lines) + b"\r\n"
        assert got == message or got == message + b"\r\n"
    reader.quit()


def stuffed(message: bytes) -> bytes:
    """As it goes after DATA (RFC 5321 §4.5.2); a message without a last line end gets one."""
    ended = message if message.endswith(b"\r\n") else message + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


@needs_corpus
def test_delivered_messages_come_back_by_imap(server: Server, user: str) -> None:
    sent = corpus_messages()
    deliverer = smtplib.LMTP("127.0.0.1", server.ports["lmtp"], timeout=PATIENCE)
    deliverer.ehlo()
    for message in sent:
        deliverer.docmd("MAIL FROM:<kim@daum.net> BODY=8BITMIME")
        deliverer.docmd(f"RCPT TO:<{user}>")
        assert deliverer.docmd("DATA")[0] == 354
        deliverer.send(stuffed(message))
        assert deliverer.getreply()[0] == 250
    deliverer.quit()
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login(user, PASSWORD)
    client.select("INBOX")
    _, data = client.fetch("1:*", "(BODY.PEEK[])")
    got = [bytes(item[1]) for item in data if isinstance(item, tuple)]
    client.logout()
    assert len(got) == len(sent)
    # Trace fields stand before each; after them it is what was sent.
    assert all(have.endswith((want, want + b"\r\n")) for have, want in zip(got, sent, strict=True))


@needs_corpus
def test_the_golden_answers_of_a_real_dovecot_are_matched(server: Server, user: str) -> None:
    """All but those in tests/golden/differences.py, which tells why."""
    done = subprocess.run(
        [
            sys.executable,
            str(CORPUS / "check_golden.py"),
            "127.0.0.1",
            str(server.ports["imap"]),
            user,
            PASSWORD,
            "--verbose",
            "--min-percent",
            "0",
        ],
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told, _, _table = done.stdout.partition("kind  ")
    # A line is the kind, what differs, a colon and how.
    found = {line.split(": ")[0].partition(" ")[2] for line in told.splitlines()}
    assert found == {
        *(item for items in differences.FETCHED.values() for item in items),
        *differences.SEARCHES,
        *differences.SORTS,
    }
