"""A real server in a process of its own, on free loopback ports, in a folder of its own."""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds until a wait counts as failed; only ever reached by a failing test."""

SERVICES = ("imap", "imaps", "pop3", "pop3s", "smtp", "submission", "submissions", "lmtp", "http")
PASSWORD = "open sesame 42"

CONFIGURATION = """\
hostname = "mail.naver.com"
state_dir = "state"
domains = ["naver.com", "daum.net"]

[listen]
{listen}

[tls]
certificate = "certificate.pem"
key = "key.pem"

[auth]
passwd_file = "users"
mechanisms = [{mechanisms}]
failure_delay = 0.05

[smtp]
aliases = "aliases"
"""


PORTS = range(23_000, 31_000)
"""Below those that Linux gives to clients (32768 and up): a server that starts again finds its port free, whatever
connections were made meanwhile."""


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on at the moment; they begin anywhere, so that runs beside each other do not meet."""
    ports: list[int] = []
    first = secrets.randbelow(len(PORTS))
    for port in (*PORTS[first:], *PORTS[:first]):
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            ports.append(port)
            if len(ports) == count:
                return ports
    raise OSError(f"there are no {count} free ports")


class Server:
    """A configured server that can be started, stopped and killed."""

    def __init__(self, folder: Path, mechanisms: str = '"PLAIN", "LOGIN"', more: str = "") -> None:
        self.folder = folder
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        listen = "\n".join(f'{service} = ["127.0.0.1:{port}"]' for service, port in self.ports.items())
        self.configuration = folder / "mailaccess.toml"
        self.configuration.write_text(CONFIGURATION.format(listen=listen, mechanisms=mechanisms) + more)
        (folder / "aliases").write_text("info: lee@naver.com\n")
        self.process: subprocess.Popen[str] | None = None
        self._follower: threading.Thread | None = None
        self._begun = 0
        """Where in the log the present run begins."""
        self.log: list[str] = []
        self._news = threading.Condition()
        self._make_certificate()

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "certificate.pem")),
            ],
            check=True,
            capture_output=True,
        )

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    def tls_context(self) -> ssl.SSLContext:
        """A client's context that trusts this server and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def environment(self) -> dict[str, str]:
        return {**os.environ, "MAILACCESS_CONFIG": str(self.configuration), "PYTHONUNBUFFERED": "1"}

    def mailadm(
        self, *arguments: str, given: str | bytes = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run ``mailadm`` with this server's configuration; ``given`` is its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", "mailaccess.admin.main", *arguments],
            input=given if isinstance(given, bytes) else given.encode(),
            capture_output=True,
            env=self.environment(),
            timeout=PATIENCE,
        )
        result = subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )
        if check and done.returncode:
            raise AssertionError(f"mailadm {arguments} failed: {result.stdout} {result.stderr}")
        return result

    def add_user(self, name: str, scheme: str = "SHA256-CRYPT") -> None:
        self.mailadm("user", "add", name, "--password-stdin", "--scheme", scheme, given=PASSWORD + "\n")

    def maildir(self, name: str) -> Path:
        user, _, domain = name.partition("@")
        return self.folder / "state" / "mail" / domain / user / "Maildir"

    def index(self, name: str) -> Path:
        user, _, domain = name.partition("@")
        return self.folder / "state" / "mail" / domain / user / "index"

    def start(self) -> None:
        """Start and wait until every port answers."""
        start = self._begun = len(self.log)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mailaccess.service.main", "serve", "--config", str(self.configuration)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env=self.environment(),
        )
        self._follower = threading.Thread(target=self._follow, args=(self.process,), daemon=True)
        self._follower.start()
        self.await_log("server-started", start)

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self.log.append(line)
                self._news.notify_all()
        with self._news:
            self.log.append(f"ended with {process.wait()}\n")
            self._news.notify_all()

    def await_log(self, text: str, start: int = 0) -> str:
        """The first line of the log from line ``start`` on that holds ``text``; fails when this run has ended."""

        def found() -> str | None:
            return next((line for line in self.log[start:] if text in line), None)

        with self._news:
            self._news.wait_for(
                lambda: found() or any("ended with" in line for line in self.log[max(start, self._begun) :]),
                PATIENCE,
            )
            line = found()
        assert line is not None, f"no {text!r} in the log:\n{''.join(self.log[-50:])}"
        return line

    def stop(self) -> int:
        """End it as an administrator would; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self._ended()
        return status

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self._ended()

    def _ended(self) -> None:
        """Its last word is in the log, so that the next start does not take it for its own."""
        self.process = None
        if self._follower is not None:
            self._follower.join(PATIENCE)
            self._follower = None


@contextmanager
def running(
    folder: Path, *users: str, scheme: str = "SHA256-CRYPT", mechanisms: str = '"PLAIN", "LOGIN"'
) -> Iterator[Server]:
    """A started server with ``users``, stopped at the end."""
    server = Server(folder, mechanisms)
    for user in users:
        server.add_user(user, scheme)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.stop()


def eventually(check: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Ask ``check`` until there is something to its answer, which is returned; fails after ``patience`` seconds.

    For what another process does in its own time, without anything here that could be waited for.
    """
    limit = time.monotonic() + patience
    waiting = threading.Event()
    while not (found := check()):
        assert time.monotonic() < limit, f"never came true: {what}"
        waiting.wait(0.02)
    return found
