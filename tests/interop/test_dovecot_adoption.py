"""A Maildir that Dovecot has kept is served by us, and then by Dovecot again: what of it stays the same.

Dovecot's imap runs by itself over a pipe as nobody; ours is a server of its own whose users file is Dovecot's.
"""

import hashlib
import imaplib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.postfix import scratch
from tests.interop.running import PATIENCE, Server

IMAP = "/usr/lib/dovecot/imap"

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(
        not os.path.exists(IMAP) or shutil.which("doveadm") is None,
        reason="install it with: apt install dovecot-imapd",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot is run as nobody, which takes root"),
]

USER = "lee@naver.com"
PASSWORD = "geheim"
MAILBOXES = ("INBOX", "Work", "Work/2026", "Work/2026/Q1", "&07jJwNVo-")
KEYWORDS = ["$Forwarded", "Later", "$Label1"]

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
ssl = no
mail_location = maildir:{home}/Maildir
first_valid_uid = 1
mail_fsync = never
mail_plugins = acl
protocol imap {{
  mail_plugins = acl imap_acl
}}
plugin {{
  acl = vfile
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@dataclass(frozen=True)
class Seen:
    """What a client remembers of a mailbox. messages: by UID, flags, internal date, size and digest."""

    uidvalidity: int
    uidnext: int
    messages: dict[int, tuple[frozenset[str], str, int, str]]


class Pipe(imaplib.IMAP4_stream):
    """A client of Dovecot's imap for one user, who is logged in already."""

    def login(self, user: str, password: str) -> tuple[str, list[bytes]]:  # type: ignore[override]
        return "OK", []


def message(number: int) -> bytes:
    return (
        f"From: kim@daum.net\r\nSubject: {number}\r\nMessage-ID: <{number}@daum.net>\r\n\r\nBody {number}\r\n"
    ).encode()


def look(client: imaplib.IMAP4) -> dict[str, Seen]:
    """Every mailbox as a client sees it."""
    found = {}
    for line in ok(client.list()):
        flags, name = re.fullmatch(rb'\((.*?)\) "/" "?(.*?)"?', line).groups()
        if b"\\Noselect" in flags:
            continue
        mailbox = name.decode()
        ok(client.select(f'"{mailbox}"', readonly=True))
        [status] = ok(client.status(f'"{mailbox}"', "(UIDVALIDITY UIDNEXT)"))
        numbers = {key: int(value) for key, value in re.findall(rb"(UID[A-Z]+) (\d+)", status)}
        found[mailbox] = Seen(numbers[b"UIDVALIDITY"], numbers[b"UIDNEXT"], messages(client))
    return found


def messages(client: imaplib.IMAP4) -> dict[int, tuple[frozenset[str], str, int, str]]:
    found = {}
    answer = ok(client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
    for item in answer:
        if not isinstance(item, tuple):
            continue
        facts, body = item[0].decode(), item[1]
        flags = frozenset(re.search(r"FLAGS \((.*?)\)", facts)[1].split()) - {"\\Recent"}
        found[int(re.search(r"UID (\d+)", facts)[1])] = (
            flags,
            re.search(r'INTERNALDATE "(.*?)"', facts)[1].strip(),
            int(re.search(r"RFC822.SIZE (\d+)", facts)[1]),
            hashlib.sha256(body).hexdigest(),
        )
    return found


def subscribed(client: imaplib.IMAP4) -> set[bytes]:
    return {line.rpartition(b'"/" ')[2].strip(b'"') for line in ok(client.lsub()) if line}


def ok(answer):
    kind, data = answer
    assert kind == "OK", data
    return data


class House:
    """One account, served by one or the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "state" / "mail" / "naver.com" / "lee"
        self.home.mkdir(parents=True)
        (folder / "dovecot.conf").write_text(CONFIGURATION.format(folder=folder, home=self.home))
        self.server = Server(folder)
        self.server.configuration.write_text(
            self.server.configuration.read_text() + "\n[store]\nfsync = false\n"
        )
        made = subprocess.run(
            ["doveadm", "pw", "-s", "SHA512-CRYPT", "-p", PASSWORD],
            capture_output=True,
            text=True,
            check=True,
        )
        (folder / "users").write_text(f"{USER}:{made.stdout.strip()}:65534:65534::{self.home}::\n")

    def dovecot(self) -> "Pipe":
        """As nobody, whose the mail becomes."""
        subprocess.run(["chown", "-R", "nobody:nogroup", str(self.folder / "state")], check=True)
        environment = f"USER={USER} HOME={self.home}"
        command = f"setpriv --reuid=nobody --regid=nogroup --clear-groups env {environment} {IMAP}"
        return Pipe(f"exec {command} -c {self.folder}/dovecot.conf")

    def ours(self) -> imaplib.IMAP4:
        self.server.start()
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap"], timeout=PATIENCE)
        ok(client.login(USER, PASSWORD))
        return client


@pytest.fixture
def house() -> Iterator[House]:
    with scratch() as folder:
        made = House(folder)
        try:
            yield made
        finally:
            if made.server.process is not None and made.server.process.poll() is None:
                made.server.stop()


def fill(client: imaplib.IMAP4) -> None:
    """As years of use leave it: gaps in the UIDs, keywords, nested folders, rights, subscriptions."""
    for name in MAILBOXES[1:]:
        ok(client.create(f'"{name}"'))
    for name in (*MAILBOXES[:2], MAILBOXES[3]):
        ok(client.subscribe(f'"{name}"'))
    for index, name in enumerate(MAILBOXES):
        for number in range(8):
            flags = ("", "(\\Seen)", "(\\Answered \\Flagged)", f"({' '.join(KEYWORDS)})")[number % 4]
            date = f'"{number + 1:02d}-Mar-2024 10:00:00 +0900"'
            ok(client.append(f'"{name}"', flags or None, date, message(100 * index + number)))
        ok(client.select(f'"{name}"'))
        ok(client.uid("STORE", "2,5", "+FLAGS", "(\\Deleted)"))
        ok(client.expunge())
        ok(client.uid("STORE", "7", "+FLAGS", f"(\\Seen {KEYWORDS[1]})"))
    ok(client.select("INBOX"))
    ok(client.uid("STORE", "1", "+FLAGS", f"({' '.join(f'Word{number}' for number in range(20))})"))
    ok(client.setacl("Work", "kim@daum.net", "lrs"))


def rights(client: imaplib.IMAP4) -> bytes:
    [line] = ok(client.getacl("Work"))
    words = line.split()
    return bytes(sorted(words[words.index(b"kim@daum.net") + 1]))


def test_what_dovecot_kept_is_the_same_with_us_and_with_dovecot_again(house):
    client = house.dovecot()
    fill(client)
    before, names, granted = look(client), subscribed(client), rights(client)
    client.logout()

    client = house.ours()
    assert {name: seen for name, seen in look(client).items() if name in before} == before
    assert subscribed(client) >= names
    assert rights(client) == granted
    ok(client.select("INBOX"))
    ok(client.uid("STORE", "3", "+FLAGS", "(\\Flagged Ours)"))
    ok(client.uid("STORE", "4", "-FLAGS", "(Later)"))
    ok(client.uid("STORE", "6", "+FLAGS", "(\\Deleted)"))
    ok(client.expunge())
    ok(client.append("INBOX", "(\\Seen Ours)", '"09-Mar-2024 10:00:00 +0900"', message(9)))
    ok(client.create("Work/New"))
    ok(client.subscribe("Work/New"))
    after, names = look(client), subscribed(client)
    client.logout()
    house.server.stop()
    told = house.server.mailadm("mailbox", "handback", USER).stdout
    assert f"{USER} INBOX: 6 messages\n" in told

    client = house.dovecot()
    assert look(client) == after
    assert subscribed(client) == names
    assert rights(client) == granted
    client.logout()
