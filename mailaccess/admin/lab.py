"""``mailadm lab``: the lesson's two mail domains on one machine, with a real name server, and a mail's whole way.

kim@daum.net writes to lee@naver.com: client, submission, queue, DNS, SMTP, Maildir, POP3 and IMAP. Each is its
own process or socket on loopback, without root; what is shown is what was said.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.threads import deferToThread
from twisted.names import dns
from twisted.python.failure import Failure as Trouble

from mailaccess.admin.labdns import NameServer, Records
from mailaccess.admin.labservers import LabServer, Ports, free_ports
from mailaccess.admin.labwire import Forwarder, Show, read_by_imap, read_by_pop3, submit
from mailaccess.admin.output import TEMPORARY, Failure

DAUM: Final = "127.0.1.1"
NAVER: Final = "127.0.1.2"

ARRIVES: Final = 30.0
"""Seconds within which the mail must be there."""

SUBJECT: Final = "안녕하세요"
BODY: Final = "Lee, this mail went the whole way. 모든 길을 지나왔습니다."


@click.command("lab")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("var/lab"), help="Where all of it lies."
)
@click.option("--check", is_flag=True, help="End when the mail has arrived; in a folder that is removed.")
def command(folder: Path, check: bool) -> None:
    """Run two mail servers and a name server on loopback, and show a mail's way from kim to lee."""
    if check:
        with TemporaryDirectory(prefix="mailaccess-lab-") as made:
            _run(Path(made), check)
    else:
        _run(folder.absolute(), check)


def _run(folder: Path, check: bool) -> None:
    from twisted.internet import reactor as installed  # only now: no other command needs one

    reactor: Any = installed
    lab = Lab(folder, reactor, check)
    problem: list[str] = []

    def ended(result: Any) -> None:
        if isinstance(result, Trouble):
            problem.append(result.getErrorMessage())
        try:
            reactor.stop()
        except ReactorNotRunning:
            pass

    def begin() -> None:
        Deferred.fromCoroutine(lab.run()).addBoth(ended)

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(lab.stop()))
    reactor.run()
    if problem:
        raise Failure(TEMPORARY, f"the lab failed: {problem[0]}")


class Lab:
    """All of it. check: end after the mail has arrived."""

    def __init__(self, folder: Path, reactor: Any, check: bool) -> None:
        self._folder = folder
        self._reactor = reactor
        self._check = check
        self._begun = time.monotonic()
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._waiting: list[tuple[Callable[[str, dict[str, Any]], bool], Deferred[dict[str, Any]]]] = []
        self._servers: list[LabServer] = []
        self._names: NameServer | None = None
        self._taps: list[Any] = []
        self._shown_content = 0

    # What is shown.

    def _say(self, text: str = "") -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def _title(self, text: str) -> None:
        self._say(f"\n[{time.monotonic() - self._begun:6.2f} s] {text}")

    def _show(self, who: str, line: str) -> None:
        printable = "".join(char if char.isprintable() else "?" for char in line.expandtabs(4))
        self._say(f"    {who}: {printable[:150]}")

    def _from_reactor(self) -> Show:
        """As ``_show``, for threads."""
        return lambda who, line: self._reactor.callFromThread(self._show, who, line)

    def _question(self, name: str, kind: str, answers: list[str]) -> None:
        self._title(f"DNS  {name} {kind}?")
        for answer in answers or ["(none)"]:
            self._say(f"    {answer}")

    def _told(self, domain: str) -> Callable[[dict[str, Any]], None]:
        def told(event: dict[str, Any]) -> None:
            self._events.append((domain, event))
            for each in tuple(self._waiting):
                if each[0](domain, event):
                    self._waiting.remove(each)
                    each[1].callback(event)

        return told

    async def _event(self, domain: str, name: str) -> dict[str, Any]:
        """The event, past or to come. Raises TimeoutError."""

        def fits(where: str, event: dict[str, Any]) -> bool:
            return where == domain and event.get("event") == name

        for where, event in self._events:
            if fits(where, event):
                return event
        waiting: Deferred[dict[str, Any]] = Deferred()
        self._waiting.append((fits, waiting))
        waiting.addTimeout(ARRIVES, self._reactor)
        return await waiting

    # What happens.

    async def run(self) -> None:
        """Start everything, send the mail, read it; stay, unless it is a check."""
        ports = free_ports(("127.0.0.1", DAUM, NAVER))
        daum = LabServer(self._folder / "daum.net", "daum.net", "kim", DAUM, ports, self._told("daum.net"))
        naver = LabServer(
            self._folder / "naver.com", "naver.com", "lee", NAVER, ports, self._told("naver.com")
        )
        self._serve_names(ports)
        self._say(f"The name server answers for daum.net and naver.com on 127.0.0.1:{ports.dns}.")
        for server in (daum, naver):
            await deferToThread(server.prepare)
            tap = Forwarder(server.address, ports.inner, self._reactor, self._show)
            self._taps.append(self._reactor.listenTCP(ports.smtp, tap, interface=server.address))
            self._servers.append(server)
            await server.start(self._reactor)
            self._say(
                f"mail.{server.domain} serves on {server.address}; its configuration: {server.configuration}"
            )
        await self._send(daum, naver)
        await self._read(naver)
        if self._check:
            self._say("\nThe mail went the whole way.")
            return
        self._instructions(daum, naver)
        await Deferred()

    def _serve_names(self, ports: Ports) -> None:
        zones: dict[str, Records] = {}
        for domain, address in (("daum.net", DAUM), ("naver.com", NAVER)):
            zones[domain] = {
                domain: [
                    dns.Record_MX(10, f"mail.{domain}"),
                    dns.Record_TXT(f"v=spf1 ip4:{address} -all".encode()),
                ],
                f"mail.{domain}": [dns.Record_A(address)],
            }
        self._names = NameServer(zones, self._question)
        self._names.listen(self._reactor, port=ports.dns)

    async def _send(self, daum: LabServer, naver: LabServer) -> None:
        marker = f"lab-{int(time.time() * 1000)}"
        message = "\n".join(
            (
                f"From: Kim <{daum.account}>",
                f"To: Lee <{naver.account}>",
                f"Subject: {SUBJECT}",
                f"Message-ID: <{marker}@daum.net>",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: 8bit",
                "",
                BODY,
            )
        ).replace(SUBJECT, "=?utf-8?B?7JWI64WV7ZWY7IS47JqU?=")
        self._marker = marker
        self._title(f"Submission: Kim's mail client speaks to {DAUM}:{daum.ports.submission}")
        await deferToThread(
            submit,
            DAUM,
            daum.ports.submission,
            daum.account,
            daum.password,
            naver.account,
            message,
            self._from_reactor(),
        )
        queued = await self._event("daum.net", "queued")
        self._title(
            f"Queue: the message was on disk before the 250, {daum.folder}/queue/body/{queued['queue_id']}"
        )
        relayed = await self._event("daum.net", "relayed")
        self._title(f"SMTP: daum.net handed it to {relayed['host']}, who said: {relayed['reply']}")
        delivered = await self._event("naver.com", "delivered")
        self._title(f"Maildir: naver.com filed it for {delivered['user']}: {naver.newest()}")

    async def _read(self, naver: LabServer) -> None:
        for name, read, port in (
            ("POP3", read_by_pop3, naver.ports.pop3),
            ("IMAP", read_by_imap, naver.ports.imap),
        ):
            self._title(f"{name}: Lee's mail client speaks to {NAVER}:{port}")
            text = await deferToThread(read, NAVER, port, naver.account, naver.password, self._from_reactor())
            if self._marker not in text or BODY not in text:
                raise RuntimeError(f"{name} does not have the mail")

    def _instructions(self, daum: LabServer, naver: LabServer) -> None:
        self._say(
            "\nBoth servers stay up until Ctrl-C; what they and the name server say to each other is shown here."
        )
        for server in (daum, naver):
            self._say(
                f"    {server.account}  password {server.password}  host {server.address}  IMAP {server.ports.imap}, "
                f"POP3 {server.ports.pop3}, submission {server.ports.submission}, no TLS"
            )
            self._say(f"        mailadm --config {server.configuration} queue list")

    async def stop(self) -> None:
        """End everything in order."""
        for server in self._servers:
            await server.stop()
        for tap in self._taps:
            await tap.stopListening()
        if self._names is not None:
            await self._names.stop()
