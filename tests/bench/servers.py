"""The servers that are measured: ours, a throw-away Dovecot, or one that already runs. Loopback only.

Those that are started here live in a folder of their own that goes away with them. Messages may be dropped into
a user's Maildir where the folder is known.
"""

import contextlib
import grp
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.speaking import Address
from tests.bench.usage import family
from tests.interop.running import PATIENCE, Server, eventually, free_ports

USERS = 60
PASSWORD = "secret"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class User:
    name: str
    password: str


class Peer:
    """imap, imaps, pop3, lmtp: addresses, None where there is none.  pid: root of its processes, None if unknown."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.users: list[User] = []
        self.imap: Address | None = None
        self.imaps: Address | None = None
        self.pop3: Address | None = None
        self.lmtp: Address | None = None
        self.pid: int | None = None

    def start(self, folder: Path) -> None:
        """Have it answer on all its ports; one that already runs has nothing to do."""

    def stop(self) -> None:
        """Have it end, if it was started here."""

    def maildir(self, user: User) -> Path | None:
        """The user's Maildir, or None: then messages can only be appended."""
        return None

    def give(self, user: User, path: Path) -> None:
        """Let ``path`` belong to whom the server wants it to."""


class Mailaccess(Peer):
    """This clone, with cheap password hashes: what a hash costs is no difference between servers."""

    def __init__(self, extra: str = "", users: int = USERS) -> None:
        super().__init__("mailaccess")
        self._extra = extra
        self._users = users
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path) -> None:
        self.server = server = Server(folder)
        self.users = [User(f"u{number}@naver.com", PASSWORD) for number in range(self._users)]
        (folder / "users").write_text(
            "".join(f"{user.name}:{{PLAIN}}{PASSWORD}::::::\n" for user in self.users)
        )
        with server.configuration.open("a") as configuration:
            configuration.write("\n" + self._extra)
        command = [sys.executable, "-m", "mailaccess.service.main", "serve", "--config", server.configuration]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        ports = server.ports
        self.imap, self.imaps = (HOST, ports["imap"]), (HOST, ports["imaps"])
        self.pop3, self.lmtp = (HOST, ports["pop3"]), (HOST, ports["lmtp"])
        self.log = folder / "log"
        url = f"http://{HOST}:{ports['http']}/health"

        def healthy() -> bool:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(json.load(answer)["status"] == "ok")

        _await_start(self.process, healthy, self.log)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
            self.process = None

    def maildir(self, user: User) -> Path | None:
        return self.server.maildir(user.name)

    def metrics(self) -> dict[str, float]:
        """What it tells of itself, by the names of ``/metrics`` with their labels."""
        url = f"http://{HOST}:{self.server.ports['http']}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if name[:1] != "#"
        }


def _await_start(process: "subprocess.Popen[bytes]", answers: Callable[[], bool], log: Path) -> None:
    """Until it answers. Raises RuntimeError, with the last of ``log``, where it ends instead."""

    def started() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"it does not start: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError):
            return answers()
        return False

    eventually(started, f"it answers; its log is {log}")


_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap pop3 lmtp
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
namespace inbox {{
  inbox = yes
}}
protocol lmtp {{
  postmaster_address = postmaster@naver.com
}}
# Raised for many connections from one address; its login processes live on (its "high-performance mode").
mail_max_userip_connections = 1000
default_client_limit = 10000
service imap {{
  process_limit = 6000
}}
service imap-login {{
  service_count = 0
  process_min_avail = {cores}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = {cores}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""

_ROOTLESS = """\
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service pop3-login {{
  chroot =
}}
"""


class Dovecot(Peer):
    """An installed Dovecot 2.3 with Maildir, its default fsync, a process per session.

    As root each user gets a uid of its own, or they would share one limit of inotify instances.
    """

    FIRST_UID = 20_000

    def __init__(self) -> None:
        super().__init__("dovecot")
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def installed() -> bool:
        return shutil.which("dovecot") is not None

    def start(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.folder = folder
        Server(folder)  # for the certificate
        ports = dict(zip(("imap", "imaps", "pop3", "lmtp"), free_ports(4), strict=True))
        self.imap, self.imaps, self.pop3, self.lmtp = ((HOST, port) for port in ports.values())
        self.users = [User(f"u{number}@naver.com", PASSWORD) for number in range(USERS)]
        lines = []
        for user in self.users:
            home = self._home(user)
            home.mkdir(parents=True)
            self.give(user, home)
            uid, gid = self._ids(user)
            lines.append(f"{user.name}:{{PLAIN}}{PASSWORD}:{uid}:{gid}::{home}::\n")
        (folder / "users").write_text("".join(lines))
        text = _DOVECOT.format(folder=folder, cores=os.cpu_count(), **ports)
        if os.geteuid():
            user_name = pwd.getpwuid(os.geteuid()).pw_name
            text += _ROOTLESS.format(user=user_name, group=grp.getgrgid(os.getegid()).gr_name)
        else:
            (folder / "users").chmod(0o640)
            shutil.chown(folder / "users", "root", "dovecot")
        (folder / "dovecot.conf").write_text(text)
        with (folder / "output").open("wb") as output:
            command = ["dovecot", "-F", "-c", str(folder / "dovecot.conf")]
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid

        def listens() -> bool:
            socket.create_connection(self.imap, timeout=PATIENCE).close()
            return True

        _await_start(self.process, listens, self.folder / "output")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            members = family(self.process.pid)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in members:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait()

    def _home(self, user: User) -> Path:
        return self.folder / "mail" / user.name.partition("@")[0]

    def _ids(self, user: User) -> tuple[int, int]:
        if os.geteuid():
            return os.geteuid(), os.getegid()
        number = self.FIRST_UID + int(user.name.partition("@")[0][1:])
        return number, number

    def maildir(self, user: User) -> Path | None:
        return self._home(user) / "Maildir"

    def give(self, user: User, path: Path) -> None:
        if not os.geteuid():
            os.chown(path, *self._ids(user))


class Running(Peer):
    """One that already runs: HOST:IMAP:POP3:LMTP,users=FILE[,imaps=PORT][,pid=N][,maildir=TEMPLATE][,name=NAME].

    A port may be ``-``. FILE has lines ``name:password``; TEMPLATE has ``{user}`` in it. Raises ValueError.
    """

    def __init__(self, description: str) -> None:
        address, *rest = description.split(",")
        host, *ports = address.split(":")
        options = dict(each.split("=", 1) for each in rest)
        super().__init__(options.get("name", address))
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host}: only loopback is measured")
        if len(ports) != 3 or "users" not in options:
            raise ValueError(f"{description}: HOST:IMAP:POP3:LMTP,users=FILE is wanted")
        given = [
            None if port in ("", "-") else (host, int(port)) for port in (*ports, options.get("imaps", "-"))
        ]
        self.imap, self.pop3, self.lmtp, self.imaps = given
        for line in Path(options["users"]).read_text().splitlines():
            name, _, password = line.partition(":")
            self.users.append(User(name, password))
        self.pid = int(options["pid"]) if "pid" in options else None
        self._template = options.get("maildir")

    def maildir(self, user: User) -> Path | None:
        return Path(self._template.format(user=user.name)) if self._template else None


def named(argument: str) -> Peer:
    """The server that an argument of the command line means. Raises ValueError."""
    if argument == "mailaccess":
        return Mailaccess()
    if argument == "dovecot":
        if not Dovecot.installed():
            raise ValueError("dovecot: not installed (Debian: dovecot-imapd dovecot-pop3d dovecot-lmtpd)")
        return Dovecot()
    if ":" in argument:
        return Running(argument)
    raise ValueError(f"{argument}: neither mailaccess nor dovecot nor HOST:IMAP:POP3:LMTP,users=FILE")
