"""``mailadm lab``: the lesson's two mail domains on one machine, with a real name server, and a mail's whole way.

kim@daum.net writes to lee@naver.com: client, submission, queue, DNS, SMTP, Maildir, POP3 and IMAP. Each is its
own process or socket on loopback, without root; what is shown is what was said. ``--break`` shows what happens
when a part fails, ``--bind`` has BIND 9 as the name server, ``--webmail`` adds Roundcube.
"""

import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure as Trouble

from mailaccess.admin import labbreak, labzones
from mailaccess.admin.labbind import Bind, BindMissing, program
from mailaccess.admin.labdns import NameServer
from mailaccess.admin.labservers import (
    LabServer,
    Ports,
    authentication,
    configuration,
    free_ports,
    ports_from,
)
from mailaccess.admin.labstage import Stage
from mailaccess.admin.labwebmail import Webmail, WebmailMissing, recipe
from mailaccess.admin.labwire import Forwarder, read_by_imap, read_by_pop3, submit
from mailaccess.admin.labzones import DAUM, NAVER
from mailaccess.admin.output import TEMPORARY, UNAVAILABLE, Failure
from mailaccess.net.signals import end_once

SUBJECT: Final = "안녕하세요"
USERS: Final = {"daum.net": "kim", "naver.com": "lee"}
"""Who lives where, and is postmaster there."""

BODY: Final = "Lee, this mail went the whole way. 모든 길을 지나왔습니다."


@click.command("lab")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("var/lab"), help="Where all of it lies."
)
@click.option("--check", is_flag=True, help="End when the mail has arrived; in a folder that is removed.")
@click.option(
    "--break",
    "broken",
    type=click.Choice(tuple(labbreak.BREAKS)),
    multiple=True,
    help="Break the name server, the receiving server, the recipient's mailbox (there is none), or its disk.",
)
@click.option("--bind", is_flag=True, help="Have BIND 9 as the name server.")
@click.option("--webmail", is_flag=True, help="Run Debian's Roundcube for both domains, too.")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Only write the configurations into this folder, as conf/ in the source has them.",
)
def command(
    folder: Path, check: bool, broken: tuple[str, ...], bind: bool, webmail: bool, write: Path | None
) -> None:
    """Run two mail servers and a name server on loopback, and show a mail's way from kim to lee."""
    if write is not None:
        for name, text in configurations().items():
            (write / name).parent.mkdir(parents=True, exist_ok=True)
            (write / name).write_text(text, "utf-8")
        return
    try:
        if bind:
            program()
        if webmail:
            Webmail.look()
    except (BindMissing, WebmailMissing) as error:
        raise Failure(UNAVAILABLE, str(error)) from None

    def run(where: Path) -> None:
        _run(lambda reactor: Lab(where, reactor, check, broken, bind, webmail))

    if check:
        with TemporaryDirectory(prefix="mailaccess-lab-") as made:
            run(Path(made))
    else:
        run(folder.absolute())


def configurations() -> dict[str, str]:
    """By its path under conf/: every file that the lab writes, with the ports of the documentation."""
    ports = ports_from(2000)
    found = {
        f"lab/{domain}.toml": configuration(domain, address, ports, "mark", f"{USERS[domain]}@{domain}")
        for domain, address in labzones.ADDRESSES.items()
    }
    for name, text in labzones.files({}, ports.inner_dns, ports.dns).items():
        found[f"lab/{name}"] = text
    found["roundcube/config.inc.php"] = recipe(ports)
    return found


def _run(make: Callable[[Any], "Lab"]) -> None:
    from twisted.internet import reactor as installed  # only now: no other command needs one

    reactor: Any = installed
    lab = make(reactor)
    problem: list[BaseException | None] = []

    ended_by_signal: list[bool] = []

    def ended(result: Any) -> None:
        if isinstance(result, Trouble) and not ended_by_signal:  # else what was starting was killed with us
            problem.append(result.value)
        try:
            reactor.stop()
        except ReactorNotRunning:
            pass

    def begin() -> None:
        Deferred.fromCoroutine(lab.run()).addBoth(ended)

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(lab.stop()))
    end_once(reactor, lambda: ended_by_signal.append(True))
    reactor.run()
    if problem and isinstance(problem[0], BrokenPipeError):  # who looked has seen enough
        raise problem[0]
    if problem:
        raise Failure(TEMPORARY, f"the lab failed: {_reason(problem[0])}")


def _reason(error: BaseException | None) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


class Lab:
    """All of it. check: end after the mail has arrived.  broken: names of ``labbreak.BREAKS``."""

    def __init__(
        self,
        folder: Path,
        reactor: Any,
        check: bool,
        broken: tuple[str, ...] = (),
        bind: bool = False,
        webmail: bool = False,
    ) -> None:
        self._folder = folder
        self._reactor = reactor
        self._check = check
        self._broken = broken
        self._bind = bind
        self._with_webmail = webmail
        self._taps: dict[str, Any] = {}
        self._webmail: Webmail | None = None
        self.names: NameServer | Bind | None = None
        self.stage = Stage(reactor)
        self.ports: Ports = free_ports(("127.0.0.1", DAUM, NAVER))
        self.daum = self._server("daum.net", DAUM)
        self.naver = self._server("naver.com", NAVER)

    def _server(self, domain: str, address: str) -> LabServer:
        told = self.stage.told(domain)
        return LabServer(self._folder / domain, domain, USERS[domain], address, self.ports, told)

    async def run(self) -> None:
        """Start everything, send the mail, read it; stay, unless it is a check."""
        say = self.stage.say
        for server in (self.daum, self.naver):
            await deferToThread(server.prepare)
        await self._serve_names()
        if authentication() == "off":
            say("SPF, DKIM and DMARC are not checked: pip install 'mailaccess[checks]'")
        for server in (self.daum, self.naver):
            await self.open(server)
            say(f"mail.{server.domain} serves on {server.address}; its configuration: {server.configuration}")
        if self._with_webmail:
            self._webmail = Webmail(self._folder / "roundcube", self.ports)
            await deferToThread(self._webmail.prepare)
            await self._webmail.start(self._reactor)
            say(f"Roundcube serves on {self._webmail.address}")
        if not self._broken:
            await self.send(self.naver.account)
            await self.arrives()
        ends = [await labbreak.BREAKS[name](self) for name in self._broken]
        end = "\n".join(ends) or "The mail went the whole way."
        if self._check:
            say(f"\n{end}")
            return
        self._instructions()
        await Deferred()

    async def open(self, server: LabServer) -> None:
        """Start a server, and let others reach it by SMTP."""
        await server.start(self._reactor)
        tap = Forwarder(server.address, self.ports.inner, self._reactor, self.stage.show)
        self._taps[server.domain] = self._reactor.listenTCP(self.ports.smtp, tap, interface=server.address)

    async def close(self, server: LabServer) -> None:
        """Stop a server; nobody answers on its port."""
        await self._taps.pop(server.domain).stopListening()
        await server.stop()

    async def _serve_names(self) -> None:
        records = {server.domain: server.dkim_record for server in (self.daum, self.naver)}
        folder = self._folder / "names"
        folder.mkdir(exist_ok=True)
        for name, text in labzones.files(records, self.ports.inner_dns, self.ports.dns).items():
            (folder / name).write_text(text, "ascii")
        kind = "twisted.names"
        if self._bind:
            kind = "BIND 9"
            self.names = bind = Bind(folder, self.ports.dns, self.ports.inner_dns, self.stage.question)
            await bind.start(self._reactor)
        else:
            zones = {zone: labzones.for_twisted(found) for zone, found in labzones.zones(records).items()}
            self.names = names = NameServer(zones, self.stage.question)
            names.listen(self._reactor, port=self.ports.dns)
        self.stage.say(
            f"The name server ({kind}) answers for daum.net and naver.com on 127.0.0.1:{self.ports.dns}; "
            f"its zones: {folder}"
        )

    async def send(self, to: str) -> int:
        """Kim's client hands in a mail. Returns the place among the events before that."""
        since = self.stage.now
        message = EmailMessage()
        self._marker = f"lab-{time.time_ns()}"
        message["From"] = f"Kim <{self.daum.account}>"
        message["To"] = to
        message["Subject"] = SUBJECT
        message["Message-ID"] = f"<{self._marker}@daum.net>"
        message.set_content(BODY, cte="8bit")
        self.stage.title(f"Submission: Kim's mail client speaks to {DAUM}:{self.ports.submission}")
        await deferToThread(
            submit,
            DAUM,
            self.ports.submission,
            self.daum.account,
            self.daum.password,
            to,
            message.as_bytes().decode("utf-8").rstrip("\n"),
            self.stage.from_reactor(),
        )
        queued = await self.stage.event("daum.net", "queued", since)
        place = self.daum.folder / "queue" / "body" / queued["queue_id"]
        self.stage.title(f"Queue: the message was on disk before the 250, {place}")
        return since

    async def arrives(self, since: int = 0) -> None:
        """The mail is handed over, filed, and read by Lee by POP3 and IMAP. Raises RuntimeError."""
        stage, naver = self.stage, self.naver
        relayed = await stage.event("daum.net", "relayed", since)
        stage.title(f"SMTP: daum.net handed it to {relayed['host']}, who said: {relayed['reply']}")
        delivered = await stage.event("naver.com", "delivered", since, user=naver.account)
        stage.title(f"Maildir: naver.com filed it for {delivered['user']}: {naver.newest()}")
        for name, read, port in (
            ("POP3", read_by_pop3, self.ports.pop3),
            ("IMAP", read_by_imap, self.ports.imap),
        ):
            stage.title(f"{name}: Lee's mail client speaks to {NAVER}:{port}")
            text = await deferToThread(read, NAVER, port, naver.account, naver.password, stage.from_reactor())
            wanted = [self._marker, BODY]
            if authentication() != "off":
                wanted += ["spf=pass", "dkim=pass", "dmarc=pass"]
            for each in wanted:
                if each not in text:
                    raise RuntimeError(f"{name} does not have the mail with {each!r}")

    async def kim_reads(self) -> str:
        """Kim's newest mail."""
        kim = self.daum
        self.stage.title(f"IMAP: Kim's mail client speaks to {DAUM}:{self.ports.imap}")
        return await deferToThread(
            read_by_imap, DAUM, self.ports.imap, kim.account, kim.password, self.stage.from_reactor()
        )

    def _instructions(self) -> None:
        say = self.stage.say
        say(
            "\nBoth servers stay up until Ctrl-C; what they and the name server say to each other is shown here."
        )
        if self._webmail is not None:
            say(f"    In the browser: {self._webmail.address}")
        for server in (self.daum, self.naver):
            say(
                f"    {server.account}  password {server.password}  host {server.address}  IMAP {server.ports.imap}, "
                f"POP3 {server.ports.pop3}, submission {server.ports.submission}, no TLS"
            )
            say(f"        mailadm --config {server.configuration} queue list")

    async def stop(self) -> None:
        """End everything in order."""
        if self._webmail is not None:
            await self._webmail.stop()
        for server in (self.daum, self.naver):
            await server.stop()
        for tap in self._taps.values():
            await tap.stopListening()
        if self.names is not None:
            await self.names.stop()
