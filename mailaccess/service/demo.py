"""The first start of a clone: ``python -m mailaccess.service.demo FOLDER``, called by ``scripts/serve``.

Makes a commented configuration, a self-signed certificate and two accounts with generated passwords in
FOLDER, each only where it is missing, and prints what to type into a mail client. Everything listens on
loopback and on unprivileged ports.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

ACCOUNTS: Final = ("lee@naver.com", "kim@daum.net")
"""The two people of the lesson: one writes from Naver, the other reads at Daum."""

PORTS: Final = (
    ("IMAP", 1993, "SSL/TLS"),
    ("IMAP", 1143, "STARTTLS"),
    ("POP3", 1995, "SSL/TLS"),
    ("POP3", 1110, "STARTTLS"),
    ("SMTP", 1465, "SSL/TLS"),
    ("SMTP", 1587, "STARTTLS"),
)

HOST: Final = "localhost"

CONFIGURATION: Final = """\
# mailaccess: the configuration of ./scripts/serve, made at its first start. Change it as you like; it is
# not written again. Every option with its meaning: conf/mailaccess.toml.reference.
# "mailadm --config THIS-FILE config check" says what is wrong with it.

hostname = "localhost"                   # in greetings, and what clients are told to connect to
state_dir = "."                          # accounts and mail; relative to this file
domains = ["naver.com", "daum.net"]      # mail for these stays here

[listen]                                 # "host:port", "[::]:port" or "unix:path"; absent: off
imap = ["127.0.0.1:1143"]
imaps = ["127.0.0.1:1993"]
pop3 = ["127.0.0.1:1110"]
pop3s = ["127.0.0.1:1995"]
smtp = ["127.0.0.1:1025"]                # mail from other servers, for the domains above
submission = ["127.0.0.1:1587"]          # mail from our own people, after a login
submissions = ["127.0.0.1:1465"]
lmtp = ["unix:lmtp.sock"]                # mail from an MTA on this machine
http = ["127.0.0.1:1080"]                # /metrics, /health, autoconfiguration of clients

[smtp]
postmaster = "lee@naver.com"             # who runs the mail of these domains

[tls]
certificate = "cert.pem"                 # self-signed: clients ask once whether to trust it
key = "key.pem"
required = true                          # no password without TLS, except from this machine

[auth]
passwd_file = "users"                    # kept by "mailadm user add|passwd|delete|list"
default_scheme = "ARGON2ID"

[limits]
connections = 900                        # more than enough to try it out; the default is 20000

[relay]
enabled = false                          # true: mail for other domains is sent there, as DNS says

[store]
home = "mail/{domain}/{user}"            # an account's Maildir++ is in {home}/Maildir
"""


def prepare(folder: Path) -> dict[str, str]:
    """Make what is missing in ``folder``; returns the passwords by account. Raises OSError, SystemExit."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not (certificate.exists() and key.exists()):
        from mailaccess.net.tls import write_self_signed  # half a second of imports, needed once

        write_self_signed(certificate, key, [HOST, "127.0.0.1", "::1"])
    configuration = folder / "mailaccess.toml"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION, "utf-8")
    passwords = _passwords(folder / "passwords.txt")
    known = _known(folder / "users")
    for account in ACCOUNTS:
        if account not in known:
            _add(configuration, account, passwords[account])
    return passwords


def _passwords(path: Path) -> dict[str, str]:
    """The passwords kept in ``path``, made for accounts that have none there; on disk before they count."""
    kept: dict[str, str] = {}
    if path.exists():
        lines = path.read_text("utf-8").splitlines()
        kept = dict(line.split(None, 1) for line in lines if len(line.split(None, 1)) == 2)
    fresh = [account for account in ACCOUNTS if account not in kept]
    if fresh:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for account in fresh:
                kept[account] = _password()
                file.write(f"{account} {kept[account]}\n")
    return kept


def _password() -> str:
    """Sixty bits that can be typed: twelve letters and digits that are not mistaken for each other."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(12))
    return "-".join((letters[:4], letters[4:8], letters[8:]))


def _known(path: Path) -> set[str]:
    """The accounts of a passwd-file, by the cheapest look at it."""
    if not path.exists():
        return set()
    return {line.split(":", 1)[0] for line in path.read_text("utf-8", "replace").splitlines() if ":" in line}


def _add(configuration: Path, account: str, password: str) -> None:
    """As an operator would add it."""
    command = [sys.executable, "-m", "mailaccess.admin.main", "--config", str(configuration)]
    done = subprocess.run(
        [*command, "user", "add", account, "--password-stdin"],
        input=password + "\n",
        text=True,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)


def instructions(folder: Path, passwords: dict[str, str]) -> str:
    """What to type into a mail client."""
    rows = [("PROTOCOL", "HOST", "PORT", "SECURITY", "USER")]
    rows += [(name, HOST, str(port), security, ACCOUNTS[0]) for name, port, security in PORTS]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = "\n".join(
        "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    people = "\n".join(f"    {account:<16} {passwords[account]}" for account in ACCOUNTS)
    return f"""\
mailaccess is about to serve on this machine. What to type into Thunderbird or another mail client: one line
of IMAP or POP3 to read mail, one of SMTP to send it; authentication "normal password".

{table}

USER is the whole address. Two accounts are there to write to each other, with these passwords
(kept in {folder / "passwords.txt"}):

{people}

Mail and accounts: {folder}
Metrics and health: http://127.0.0.1:1080/metrics and /health
The certificate is self-signed: a client asks once whether to trust it. Stop with Ctrl-C.
"""


def main() -> None:
    """``python -m mailaccess.service.demo FOLDER``"""
    folder = Path(sys.argv[1]).absolute()
    try:
        passwords = prepare(folder)
    except OSError as error:
        sys.exit(f"{error.filename or folder}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.write(instructions(folder, passwords) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
