"""Debian's Exim from its packages, unpacked and not installed (it cannot stand beside Postfix), on a loopback port.

Exim wants its own user. It gets one in a mount namespace of its own, where /etc/passwd and /etc/group are copies:
nothing on the machine changes.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.interop.postfix import scratch
from tests.interop.running import PATIENCE, Server, eventually, free_ports

PACKAGES = Path(__file__).parents[2] / "var" / "exim"
"""Where ``.ci/run`` puts them: apt-get download exim4-daemon-light exim4-base libgnutls-dane0 and the like."""

HEAVY = PACKAGES.with_name("exim-heavy")
"""The same for exim4-daemon-heavy, which has the authenticator ``dovecot``, with the libraries that it needs."""

DOMAIN = "exim.example"
UID = 64999

CONFIGURATION = """\
primary_hostname = mx.exim.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
exim_path = {program}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
rfc1413_query_timeout = 0s
acl_smtp_rcpt = check
queue_run_in_order
keep_environment =

begin acl
check:
  deny domains = exim.example
       local_parts = nobody
       message = there is no such user
  defer domains = exim.example
       local_parts = later
       message = come back later
  accept domains = exim.example
  accept hosts = 127.0.0.1

begin routers
mailbox:
  driver = accept
  domains = exim.example
  transport = mailbox
away:
  driver = manualroute
  route_list = naver.com 127.0.0.1::{ours}
  self = send
  transport = away

begin transports
mailbox:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  user = {uid}
  group = {uid}
away:
  driver = smtp
  hosts_require_tls = *
  tls_verify_certificates = {folder}/certificate.pem
  tls_verify_hosts =
  tls_try_verify_hosts =

begin retry
* * F,1h,1s
"""


@cache
def missing(packages: Path = PACKAGES, kind: str = "light") -> str:
    """Why there is no Exim here; "" if there is one."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root and unshare(1)"
    if not any(packages.glob(f"exim4-daemon-{kind}_*.deb")):
        return f"needs Exim's packages in {packages}: apt-get download exim4-daemon-{kind} exim4-base"
    tried = subprocess.run(["unshare", "-m", "true"], stdin=subprocess.DEVNULL, capture_output=True)
    return "" if tried.returncode == 0 else "needs mount namespaces"


class Exim:
    """One instance in a folder that other users may enter.

    ours: the port that naver.com's mail goes to.  packages: what is unpacked.  more: the end of its configuration.
    """

    def __init__(
        self, folder: Path, certificate: Path, key: Path, ours: int, packages: Path = PACKAGES, more: str = ""
    ) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)
        for package in sorted(packages.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True, stdin=subprocess.DEVNULL)
        for name in ("spool", "log", "mail"):
            (folder / name).mkdir()
            os.chown(folder / name, UID, UID)
        for source, name in ((certificate, "certificate.pem"), (key, "key.pem")):
            shutil.copy(source, folder / name)
            os.chown(folder / name, UID, UID)
        self._program = folder / "root/usr/sbin/exim4"
        (folder / "conf").write_text(
            CONFIGURATION.format(folder=folder, program=self._program, port=self.port, ours=ours, uid=UID)
            + more
        )
        for name, line in (
            ("passwd", f"Debian-exim:x:{UID}:{UID}::/:/usr/sbin/nologin\n"),
            ("group", f"Debian-exim:x:{UID}:\n"),
        ):
            (folder / name).write_text(Path("/etc", name).read_text() + line)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes mail."""
        script = (
            "set -e; mount --bind passwd /etc/passwd; mount --bind group /etc/group; "
            f"exec {self._program} -C {self.folder}/conf -bdf -q10s"
        )
        where = self.folder / "root/usr/lib"
        libraries = ":".join(str(path) for path in (where, *where.glob("*-linux-gnu")))
        with (self.folder / "start").open("wb") as output:
            self._process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={**os.environ, "LD_LIBRARY_PATH": libraries},
                start_new_session=True,
            )
        eventually(lambda: "listening for SMTP" in self.log(), f"Exim runs: {self.log()}")

    def stop(self) -> None:
        """End the daemon and what it has started (its session is its own)."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(PATIENCE)

    def log(self) -> str:
        """What it has logged so far."""
        files = (self.folder / "start", *sorted((self.folder / "log").glob("*")))
        return "".join(path.read_text(errors="replace") for path in files if path.exists())

    def mail(self) -> list[bytes]:
        """The messages in its mailbox, oldest first."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / "new").glob("*"))]


@contextmanager
def neighbours(packages: Path = PACKAGES, more: str = "") -> Iterator[tuple[Server, Exim]]:
    """Our server, and an Exim that sends it naver.com's mail. They are to be started by whoever asked for them.

    more: the end of Exim's configuration, with ``{state}`` for our state folder.
    """
    with scratch() as folder:
        for name in ("server", "exim"):
            (folder / name).mkdir()
        server = Server(folder / "server")
        other = Exim(
            folder / "exim",
            server.certificate,
            server.folder / "key.pem",
            server.ports["smtp"],
            packages,
            more.format(state=server.folder / "state"),
        )
        try:
            yield server, other
        finally:
            other.stop()
            if server.process is not None:
                server.stop()
