"""The lab's two servers: a folder, a configuration, an account and a process each."""

import json
import os
import resource
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred

from mailaccess.admin.labprocess import Child
from mailaccess.admin.labzones import SELECTOR
from mailaccess.screening import keys

CHECKS: Final = ("spf", "dkim", "publicsuffixlist")
"""Modules of the extra that checks who sent a message."""

CONFIGURATION: Final = """\
# One of the lab's two servers, written by "mailadm lab" at every start. Every option with its meaning:
# conf/mailaccess.toml.reference. What the lab shows with it: docs/lab.md.
hostname = "mail.{domain}"
state_dir = "."
domains = ["{domain}"]

[listen]
smtp = ["{address}:{inner}"]             # from other servers; the lab shows what is said on {address}:{smtp}
submission = ["{address}:{submission}"]
imap = ["{address}:{imap}"]
pop3 = ["{address}:{pop3}"]

[smtp]
postmaster = "{postmaster}"              # who runs it; RFC 5321 has every domain answer this name
authentication = "{authentication}"                  # SPF, DKIM, DMARC: told in each message's Authentication-Results

[dkim.domains]
"{domain}" = "lab"                     # signs what is submitted; the key: dkim/{domain}/lab.pem

[relay]
dns = ["127.0.0.1:{dns}"]                # the lab's name server
port = {smtp}                              # 25 in the world
tls = "off"                              # so that you can read along; leave it out elsewhere
source_addresses = ["{address}"]
retry_first = 2                          # seconds; these four are for the impatient, leave them out elsewhere
retry_longest = 4
delay_notice = 5
lifetime = 3600
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """The same on both addresses. inner, inner_dns: behind the lab's forwarders, which show what is said."""

    dns: int
    inner_dns: int
    smtp: int
    inner: int
    submission: int
    imap: int
    pop3: int
    webmail: int


def ports_from(base: int) -> Ports:
    """Those of the documentation are from 2000."""
    return Ports(
        dns=base + 3300,
        inner_dns=base + 3301,
        smtp=base + 525,
        inner=base + 526,
        submission=base + 587,
        imap=base + 143,
        pop3=base + 110,
        webmail=base + 80,
    )


def configuration(domain: str, address: str, ports: Ports, authentication: str, postmaster: str) -> str:
    """A server's configuration file. authentication: ``mark`` or ``off``.  postmaster: its account."""
    values: dict[str, str | int] = {name: getattr(ports, name) for name in Ports.__slots__}
    values |= {"domain": domain, "address": address, "postmaster": postmaster}
    return CONFIGURATION.format(authentication=authentication, **values)


def authentication() -> str:
    """``mark`` where what SPF, DKIM and DMARC need is installed, else ``off``."""
    return "off" if any(find_spec(name) is None for name in CHECKS) else "mark"


def free_ports(addresses: tuple[str, ...]) -> Ports:
    """Ports that are free on all addresses; those of the documentation if possible. Raises OSError."""
    for base in (2000, 12000, 22000, 32000, 42000, 52000):
        ports = ports_from(base)
        numbers = [getattr(ports, name) for name in Ports.__slots__]
        if all(_is_free(address, number) for address in addresses for number in numbers):
            return ports
    raise OSError("all ports of the lab are taken on this machine")


def _is_free(address: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


class LabServer:
    """One of the two. told: gets every event of its log."""

    def __init__(
        self,
        folder: Path,
        domain: str,
        user: str,
        address: str,
        ports: Ports,
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self.folder = folder
        self.domain = domain
        self.account = f"{user}@{domain}"
        self.address = address
        self.ports = ports
        self.password = secrets.token_hex(6)
        self._told = told
        self._process: _Process | None = None

    def prepare(self) -> None:
        """Write the configuration and make the account. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = configuration(self.domain, self.address, self.ports, authentication(), self.account)
        self.configuration.write_text(text, "utf-8")
        try:
            keys.create(self.folder / "dkim", self.domain, SELECTOR, keys.RSA)
        except FileExistsError:
            pass
        command = [sys.executable, "-m", "mailaccess.admin.main", "--config", str(self.configuration), "user"]
        known = self.account in _names(self.folder / "users")
        verb = ["passwd"] if known else ["add"]
        subprocess.run(
            [*command, *verb, self.account, "--password-stdin"],
            input=self.password + "\n",
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
            env=_environment(),
        )

    @property
    def dkim_record(self) -> str:
        """What DNS says of the key that signs. Raises OSError, ``keys.BadKey``."""
        return keys.load(self.folder / "dkim", self.domain, SELECTOR).record

    @property
    def configuration(self) -> Path:
        return self.folder / "mailaccess.toml"

    def start(self, reactor: Any) -> "Deferred[None]":
        """Start the process; fires when it serves."""
        self._process = _Process(self.domain, self._told)
        arguments = [sys.executable, "-m", "mailaccess.service.main", "serve", "--log-json"]
        arguments += ["--config", str(self.configuration)]
        reactor.spawnProcess(self._process, sys.executable, arguments, env=_environment())
        return self._process.ready

    async def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            await self._process.stop()

    def fill_disk(self) -> None:
        """From now on the server cannot write to a file; as though its disk were full."""
        most = resource.prlimit(self._pid(), resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (0, most))

    def clear_disk(self) -> None:
        """It can again."""
        most = resource.prlimit(self._pid(), resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (most, most))

    def _pid(self) -> int:
        transport: Any = self._process.transport if self._process is not None else None
        if transport is None or not transport.pid:
            raise RuntimeError(f"the server of {self.domain} does not run")
        return int(transport.pid)

    def newest(self) -> Path | None:
        """The file of the newest message of the account."""
        user, _, domain = self.account.partition("@")
        maildir = self.folder / "mail" / domain / user / "Maildir"
        files = [
            path
            for name in ("new", "cur")
            if (maildir / name).is_dir()
            for path in (maildir / name).iterdir()
        ]
        return max(files, key=lambda path: path.stat().st_mtime_ns, default=None)


def _names(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return {line.partition(":")[0] for line in path.read_text("utf-8").splitlines()}


def _environment() -> dict[str, str]:
    """Where Python finds this very package, also from a clone that is not installed."""
    here = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{path}" if path else here}


class _Process(Child):
    """One mail server. told: of each event in its log."""

    def __init__(self, domain: str, told: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(f"the server of {domain}")
        self._told = told
        self._rest = b""

    def outReceived(self, data: bytes) -> None:
        """Twisted's name: lines of the log."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == "server-started":
                self.be_ready()
            self._told(event)
