"""How many messages a second the queue takes in and sends on, ours and Postfix's, on the same machine.

    python -m tests.bench.queue_rate [--messages 2000] [--connections 10] [--size 2000] [--postfix] [--profile FILE]

Needs Debian's postfix package: its ``smtp-sink`` swallows what is sent; ``--postfix`` (as root) measures Postfix
itself too. Both take in by the same client (ours after a login, as submission wants it) and send everything to the
sink. Both fsync. Accepted: until the last 250. Relayed: from the first message to the last one that the sink has
taken; the two overlap, as in life.
"""

import argparse
import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.interop import postfix as mta
from tests.interop.running import PASSWORD, Server, eventually, free_ports

SINK = "/usr/sbin/smtp-sink"


class Client:
    """One connection that sends messages one after the other, commands pipelined."""

    def __init__(self, port: int, user: str, size: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._size = size
        self._reply(220)
        self._say(b"EHLO bench.example\r\n", 250)
        if user:
            login = base64.b64encode(f"\0{user}\0{PASSWORD}".encode())
            self._say(b"AUTH PLAIN " + login + b"\r\n", 235)

    def _say(self, octets: bytes, *codes: int) -> None:
        self._socket.sendall(octets)
        for code in codes:
            self._reply(code)

    def _reply(self, code: int) -> None:
        while True:
            line = self._file.readline()
            if line[3:4] != b"-":
                break
        assert line.startswith(str(code).encode()), line

    def send(self, number: int, sender: bytes) -> None:
        """One message, acknowledged."""
        self._say(
            b"MAIL FROM:<%s>\r\nRCPT TO:<user%d@sink.example>\r\nDATA\r\n" % (sender, number), 250, 250, 354
        )
        head = b"From: <%s>\r\nTo: <x@sink.example>\r\nSubject: %d\r\nMessage-ID: <%d@bench.example>\r\n" % (
            *(sender, number, number),
        )
        date = b"Date: Wed, 25 Nov 2026 00:00:00 +0000\r\n\r\n"
        body = (b"x" * 70 + b"\r\n") * max(1, self._size // 72)
        self._say(head + date + body + b".\r\n", 250)


def load(port: int, user: str, sender: bytes, messages: int, connections: int, size: int) -> float:
    """Send them all; the seconds until the last was acknowledged."""
    clients = [Client(port, user, size) for _ in range(connections)]
    share = messages // connections
    problems: list[BaseException] = []

    def work(place: int, client: Client) -> None:
        try:
            for number in range(share):
                client.send(place * share + number, sender)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(clients)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return time.monotonic() - begin


def sink(port: int) -> "subprocess.Popen[bytes]":
    """Postfix's own, which throws everything away."""
    made = subprocess.Popen(
        [SINK, *(("-u", "nobody") if os.geteuid() == 0 else ()), f"127.0.0.1:{port}", "200"],
        stdin=subprocess.DEVNULL,
    )

    def up() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    eventually(up, "the sink answers")
    return made


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def measure(
    name: str,
    options: argparse.Namespace,
    port: int,
    user: str,
    empty: Callable[[], bool],
    used: Callable[[], float] = lambda: 0.0,
) -> None:
    """One line of figures. used: seconds of CPU so far."""
    begin, before = time.monotonic(), used()
    sender = (user or "lee@naver.com").encode()
    accepted = load(port, user, sender, options.messages, options.connections, options.size)
    eventually(empty, "the queue is empty")
    total = time.monotonic() - begin
    print(
        f"{name:10}  accepted {options.messages / accepted:7.0f}/s   relayed {options.messages / total:7.0f}/s"
        f"   ({options.messages} messages of {options.size} octets, {options.connections} connections)"
        + (f"   {(used() - before) / options.messages * 1000:.2f} ms CPU a message" if before else ""),
        flush=True,
    )


def ours(options: argparse.Namespace, folder: Path, port: int) -> None:
    server = Server(folder)
    text = server.configuration.read_text().replace(
        'domains = ["naver.com", "daum.net"]', 'domains = ["naver.com"]'
    )
    text += f'\n[relay.transports]\n"sink.example" = "127.0.0.1:{port}"\n{options.settings}\n'
    server.configuration.write_text(text)
    server.add_user("lee@naver.com")
    server.start()
    assert server.process is not None
    pid = server.process.pid
    profiler = None
    if options.profile:
        profiler = subprocess.Popen(
            [
                *("py-spy", "record", "--rate", "200", "--nonblocking", "--format", "raw", "-t", "--gil"),
                *("-o", options.profile, "--pid", str(pid)),
            ],
            stdout=subprocess.DEVNULL,
        )
    try:
        queue = folder / "state" / "queue" / "envelope"
        measure(
            *("mailaccess", options, server.ports["submission"], "lee@naver.com"),
            lambda: not any(os.scandir(queue)),
            lambda: cpu(pid),
        )
    finally:
        if profiler is not None:
            profiler.send_signal(signal.SIGINT)
            profiler.wait()
        server.stop()


def theirs(options: argparse.Namespace, folder: Path, port: int) -> None:
    server = Server(folder)  # for a certificate only
    other = mta.Postfix(folder, server.certificate, folder / "key.pem")
    other.configure(
        {"sink.example": f"smtp:[127.0.0.1]:{port}"},
        main="mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\n"
        "smtp_tls_security_level = none\nsmtpd_client_connection_count_limit = 0\n",
    )
    other.start()
    try:
        queues = [folder / "queue" / name for name in ("incoming", "active", "deferred", "maildrop")]
        measure(
            *("postfix", options, other.smtp, ""),
            lambda: not any(path.is_file() for each in queues for path in each.rglob("*")),
        )
    finally:
        other.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--size", type=int, default=2000, help="octets of a message")
    parser.add_argument("--postfix", action="store_true", help="measure Postfix too")
    parser.add_argument("--profile", metavar="FILE", help="stacks of our server, by py-spy (raw)")
    parser.add_argument("--settings", default="", help="more lines of our configuration")
    options = parser.parse_args()
    if not os.access(SINK, os.X_OK):
        sys.exit("needs: apt install postfix")
    (port,) = free_ports(1)
    swallows = sink(port)
    try:
        with mta.scratch() as folder, tempfile.TemporaryDirectory(prefix="mailaccess-") as own:
            ours(options, Path(own), port)
            if options.postfix:
                theirs(options, folder, port)
    finally:
        swallows.terminate()
        swallows.wait()


if __name__ == "__main__":
    main()
