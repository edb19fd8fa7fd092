"""Mail programs that people run, from Debian: ``./scripts/test --clients``.

Each is driven as its user would drive it, and what it shows or stores is compared octet for octet.
"""

import imaplib
import mailbox
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, running

pytestmark = pytest.mark.clients

PACKAGES = {
    "curl": "curl",
    "mutt": "mutt",
    "fetchmail": "fetchmail",
    "mbsync": "isync",
    "getmail": "getmail6",
    "swaks": "swaks",
}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return found


def run(command: Sequence[str | Path], home: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a client with an empty home folder and nobody at the keyboard."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm"},
        cwd=home,
    )
    assert done.returncode == 0, f"{command}: {done.stdout.decode()} {done.stderr.decode()}"
    return done


def fill(server: Server, user: str, *contents: bytes, name: str = "INBOX") -> None:
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login(user, PASSWORD)
    client.create(name)  # refused where it is there already
    for content in contents:
        assert client.append(name, "", "", content)[0] == "OK"
    client.logout()


def inside(server: Server, user: str, name: str = "INBOX") -> list[bytes]:
    """What the mailbox holds, by IMAP."""
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login(user, PASSWORD)
    assert client.select(f'"{name}"', readonly=True)[0] == "OK"
    _, numbers = client.search(None, "ALL")
    _, data = client.fetch("1:*", "(BODY.PEEK[])") if numbers[0] else ("OK", [])
    client.logout()
    return [bytes(item[1]) for item in data if isinstance(item, tuple)]


def filing_program(folder: Path) -> None:
    """An MDA that puts each message into a file ``got.*`` of its own."""
    (folder / "file-it").write_text(f'#!/bin/sh\ncat > "$(mktemp {folder}/got.XXXXXX)"\n')
    (folder / "file-it").chmod(0o755)


# --- curl -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "scheme", "tls"),
    [("imap", "imap", []), ("imap", "imap", ["--ssl-reqd"]), ("imaps", "imaps", [])],
    ids=["plain", "starttls", "tls"],
)
def test_curl_fetches_by_imap(
    server: Server, user: str, tmp_path: Path, service: str, scheme: str, tls: list[str]
) -> None:
    fill(server, user, *messages.ALL)
    for number, message in enumerate(messages.ALL, 1):
        url = f"{scheme}://localhost:{server.ports[service]}/INBOX;MAILINDEX={number}"
        done = run(
            [program("curl"), "-sS", *tls, "--cacert", server.certificate, "-u", f"{user}:{PASSWORD}", url],
            tmp_path,
        )
        assert done.stdout == message


@pytest.mark.parametrize(
    ("service", "scheme", "tls"),
    [("pop3", "pop3", []), ("pop3", "pop3", ["--ssl-reqd"]), ("pop3s", "pop3s", [])],
    ids=["plain", "stls", "tls"],
)
def test_curl_fetches_by_pop3(
    server: Server, user: str, tmp_path: Path, service: str, scheme: str, tls: list[str]
) -> None:
    fill(server, user, *messages.ALL)
    for number, message in enumerate(messages.ALL, 1):
        url = f"{scheme}://localhost:{server.ports[service]}/{number}"
        done = run(
            [program("curl"), "-sS", *tls, "--cacert", server.certificate, "-u", f"{user}:{PASSWORD}", url],
            tmp_path,
        )
        assert done.stdout == message


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_curl_submits_over_tls(server: Server, user: str, tmp_path: Path, service: str) -> None:
    (tmp_path / "mail").write_bytes(messages.PLAIN)
    scheme, tls = ("smtp", ["--ssl-reqd"]) if service == "submission" else ("smtps", [])
    run(
        [
            *(program("curl"), "-sS", *tls, "--cacert", server.certificate, "-u", f"{user}:{PASSWORD}"),
            *("--mail-from", user, "--mail-rcpt", user, "-T", tmp_path / "mail"),
            f"{scheme}://localhost:{server.ports[service]}/laptop.local",
        ],
        tmp_path,
    )
    assert inside(server, user)[0].endswith(messages.PLAIN)


# --- fetchmail ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "service", "tls"),
    [
        ("imap", "imap", "sslproto ''"),
        ("imap", "imaps", "ssl"),
        ("pop3", "pop3", "sslproto ''"),
        ("pop3", "pop3s", "ssl"),
    ],
)
def test_fetchmail_fetches_everything(
    server: Server, user: str, tmp_path: Path, protocol: str, service: str, tls: str
) -> None:
    fill(server, user, *messages.ALL)
    rc = tmp_path / "fetchmailrc"
    rc.write_text(
        f"set invisible\npoll localhost protocol {protocol} port {server.ports[service]} uidl\n"
        f'  user "{user}" password "{PASSWORD}" {tls} sslcertfile "{server.certificate}"\n'
        f'  fetchall nokeep norewrite mda "{tmp_path}/file-it"\n'
        if protocol == "pop3"
        else f"set invisible\npoll localhost protocol {protocol} port {server.ports[service]}\n"
        f'  user "{user}" password "{PASSWORD}" {tls} sslcertfile "{server.certificate}"\n'
        f'  fetchall nokeep norewrite mda "{tmp_path}/file-it"\n'
    )
    rc.chmod(0o600)
    filing_program(tmp_path)
    run(
        [program("fetchmail"), "-f", rc, "--pidfile", tmp_path / "pid", "-i", tmp_path / "ids", "-v"],
        tmp_path,
    )
    got = {path.read_bytes().replace(b"\r\n", b"\n") for path in tmp_path.glob("got.*")}
    # fetchmail delivers with LF line ends and says how it came by the message in a field of its own.
    assert {_without_fetchmail_s(content) for content in got} == {
        m.replace(b"\r\n", b"\n") for m in messages.ALL
    }
    assert inside(server, user) == []


def _without_fetchmail_s(content: bytes) -> bytes:
    head, blank, body = content.partition(b"\n\n")
    lines = head.split(b"\n")
    kept: list[bytes] = []
    skipping = False
    for line in lines:
        skipping = line.startswith((b"Received: ", b"Return-Path: ")) or (
            skipping and line[:1] in (b" ", b"\t")
        )
        if not skipping:
            kept.append(line)
    return b"\n".join(kept) + blank + body


# --- getmail ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retriever", "service"),
    [
        ("SimpleIMAPRetriever", "imap"),
        ("SimpleIMAPSSLRetriever", "imaps"),
        ("SimplePOP3Retriever", "pop3"),
        ("SimplePOP3SSLRetriever", "pop3s"),
    ],
)
def test_getmail_fetches_everything(
    server: Server, user: str, tmp_path: Path, retriever: str, service: str
) -> None:
    fill(server, user, *messages.ALL)
    filing_program(tmp_path)
    rc = tmp_path / "getmailrc"
    # getmail's own Maildir delivery refuses to run as root: a program of ours files the messages.
    rc.write_text(
        f"[retriever]\ntype = {retriever}\nserver = localhost\nport = {server.ports[service]}\n"
        f"username = {user}\npassword = {PASSWORD}\n"
        + (f"ca_certs = {server.certificate}\n" if "SSL" in retriever else "")
        + f"[destination]\ntype = MDA_external\npath = {tmp_path}/file-it\nallow_root_commands = true\n"
        "[options]\ndelete = true\nread_all = true\ndelivered_to = false\nreceived = false\n"
    )
    run([program("getmail"), "--getmaildir", tmp_path, "--rcfile", "getmailrc"], tmp_path)
    # getmail writes each message anew with Python's email package; its fields and text stay what they were.
    got = [path.read_bytes() for path in tmp_path.glob("got.*")]
    subjects = sorted(
        line for content in got for line in content.split(b"\n") if line.startswith(b"Subject:")
    )
    wanted = sorted(
        line for content in messages.ALL for line in content.split(b"\r\n") if line.startswith(b"Subject:")
    )
    assert subjects == wanted
    assert inside(server, user) == []


# --- mbsync -------------------------------------------------------------------


def mbsyncrc(server: Server, user: str, home: Path) -> Path:
    rc = home / "mbsyncrc"
    rc.write_text(
        f"IMAPAccount a\nHost localhost\nPort {server.ports['imaps']}\nUser {user}\n"
        f'Pass "{PASSWORD}"\nSSLType IMAPS\nCertificateFile {server.certificate}\n\n'
        "IMAPStore far\nAccount a\n\n"
        f"MaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\nSubFolders Verbatim\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
    )
    (home / "mail").mkdir()
    return rc


def test_mbsync_logs_in_by_scram(tmp_path: Path) -> None:
    offered = '"SCRAM-SHA-256", "PLAIN"'
    with running(tmp_path, "lee@naver.com", scheme="SCRAM-SHA-256", mechanisms=offered) as server:
        rc = mbsyncrc(server, "lee@naver.com", tmp_path)
        rc.write_text(rc.read_text().replace("SSLType", "AuthMechs SCRAM-SHA-256\nSSLType"))
        run([program("mbsync"), "-c", rc, "-a"], tmp_path)
        assert "method=SCRAM-SHA-256" in server.await_log("imap-login: user=<lee@naver.com>")


def test_mbsync_syncs_both_ways_and_then_has_nothing_to_do(server: Server, user: str, tmp_path: Path) -> None:
    fill(server, user, *messages.ALL)
    fill(server, user, messages.numbered(1), name="Sent")
    rc = mbsyncrc(server, user, tmp_path)
    mbsync = [program("mbsync"), "-c", rc, "-a"]
    run(mbsync, tmp_path)
    local = mailbox.Maildir(str(tmp_path / "mail" / "INBOX"), create=False)
    # mbsync stores with LF, and marks what it stores until the other side has confirmed it.
    assert {_without_tuid(local.get_bytes(key)) for key in local.keys()} == set(messages.ALL)  # noqa: SIM118
    assert len(mailbox.Maildir(str(tmp_path / "mail" / "Sent"), create=False)) == 1

    # One new message here, one deleted and one flagged there and here.
    key = local.keys()[0]
    gone = _without_tuid(local.get_bytes(key))
    local.remove(key)
    flagged = local.keys()[0]
    local.add(messages.numbered(2).replace(b"\r\n", b"\n"))
    entry = local[flagged]
    entry.set_subdir("cur")
    entry.set_flags("F")
    local[flagged] = entry
    run(mbsync, tmp_path)
    held = inside(server, user)
    assert gone not in held and messages.numbered(2) in [_without_tuid(content) for content in held]
    assert len(held) == len(messages.ALL)

    before = _picture(tmp_path / "mail"), inside(server, user)
    run(mbsync, tmp_path)
    run(mbsync, tmp_path)
    assert (_picture(tmp_path / "mail"), inside(server, user)) == before


def _without_tuid(content: bytes) -> bytes:
    """In wire form, without the field by which mbsync finds what it has just stored."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"X-TUID: "))


def _picture(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.parent.name in ("cur", "new"))


# --- mutt -----------------------------------------------------------------------


def mutt(server: Server, user: str, home: Path, keys: str, mailbox_name: str = "INBOX") -> None:
    """Open a mailbox in mutt, have it press ``keys``, and leave."""
    rc = home / "muttrc"
    rc.write_text(
        f'set folder="imaps://localhost:{server.ports["imaps"]}/"\nset spoolfile="+{mailbox_name}"\n'
        f'set imap_user="{user}"\nset imap_pass="{PASSWORD}"\nset certificate_file="{server.certificate}"\n'
        "set ssl_force_tls=yes\nset ssl_verify_host=no\nset confirmappend=no\nset confirmcreate=no\n"
        "set delete=yes\nset move=no\nset quit=yes\nset wait_key=no\nset sleep_time=0\nset header_cache=\n"
        'set record=""\nset copy=no\nset pager_stop=yes\n'
        f'set mail_check=0\npush "{keys}"\n'
    )
    run(["script", "-qec", f"{program('mutt')} -n -F {rc}", "/dev/null"], home)


def test_mutt_reads_deletes_and_moves(server: Server, user: str, tmp_path: Path) -> None:
    fill(server, user, *(messages.numbered(number) for number in range(4)))
    saved = tmp_path / "piped"
    piped = f"<first-entry><pipe-message>cat>{saved}<enter>"
    deleted = "<jump>2<enter><delete-message>"
    moved = "<jump>3<enter><save-message>=Archive<enter>"
    mutt(server, user, tmp_path, f"{piped}{deleted}{moved}<sync-mailbox><quit>")
    assert b"Subject: number 0" in saved.read_bytes()
    assert inside(server, user) == [messages.numbered(0), messages.numbered(3)]
    assert inside(server, user, "Archive") == [messages.numbered(2)]


# --- swaks ----------------------------------------------------------------------


def test_swaks_delivers_by_lmtp_and_submits_over_tls(server: Server, user: str, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(messages.PLAIN.replace(b"\r\n", b"\n"))
    addresses = ["--from", user, "--to", user, "--data", f"@{tmp_path}/mail"]
    swaks = [program("swaks"), "--server", "127.0.0.1", *addresses]
    run([*swaks, "--protocol", "LMTP", "--port", str(server.ports["lmtp"])], tmp_path)
    login = ["--auth-user", user, "--auth-password", PASSWORD]
    run([*swaks, "--port", str(server.ports["submission"]), "--tls", "--auth", "PLAIN", *login], tmp_path)
    run(
        [*swaks, "--port", str(server.ports["submissions"]), "--tls-on-connect", "--auth", "LOGIN", *login],
        tmp_path,
    )
    assert [messages.PLAIN in content for content in inside(server, user)] == [True] * 3
