"""One connection to another server, on Twisted's ESMTP client.

Twisted's class brings lines, multi-line replies, time-outs and TLS; its state machine, which asks for the next
message synchronously and gives one reply for all recipients, is not used: commands are awaited here, several at
once where PIPELINING is offered (RFC 2920), and each recipient's own reply is kept. STARTTLS is used where it
is offered; where it is required, the certificate must be right for the host's name (RFC 3207, RFC 7817).
"""

import base64
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.mail import smtp
from twisted.python.failure import Failure
from zope.interface import implementer

from mailaccess.net.flow import Flow
from mailaccess.proto.smtp.unitext import to_ascii
from mailaccess.relay.answer import Answer, cleaned
from mailaccess.relay.routes import OFF, REQUIRED, Login

TIMEOUT: Final = 300
"""Seconds for a reply (RFC 5321 §4.5.3.2: 5 minutes for most, 10 for the end of DATA)."""

DATA_END_TIMEOUT: Final = 600

MAX_REPLY: Final = 100
"""Lines of one reply."""

LAST: Final = 64 * 1024
"""Octets of a message's end that are written together with the dot behind them."""

AT_ONCE: Final = 100
"""Recipients of one transaction: as many as every server must take (RFC 5321 §4.5.3.1.8)."""


class Broken(Exception):
    """The connection is of no more use; the text says why. status: RFC 3463."""

    def __init__(self, why: str, status: str = "4.4.1") -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Parcel:
    """What MAIL says. size: octets.  eight_bit, utf8: what the message needs.  ret, envid: RFC 3461."""

    sender: str
    size: int
    eight_bit: bool = False
    utf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class To:
    """What a RCPT says. notify, orcpt: RFC 3461 §4.1, §4.2."""

    address: str
    notify: tuple[str, ...] = ()
    orcpt: str = ""


@implementer(IHandshakeListener)
class Connection(smtp.ESMTPClient):
    """Await ``open`` first, then ``send`` messages, then ``quit``.

    tls: opportunistic, required, off.  context: for STARTTLS.  login: for AUTH, after TLS only.
    lmtp: speak LMTP (RFC 2033): LHLO, and a reply for each recipient after the content.
    """

    MAX_LENGTH = 8192  # a reply line is at most 512 octets (RFC 5321 §4.5.3.1.5); some say more
    debug = False  # Twisted would keep every line in a log

    def __init__(
        self,
        hostname: str,
        reactor: Any,
        *,
        tls: str,
        context: Any,
        login: Login | None = None,
        lmtp: bool = False,
    ) -> None:
        super().__init__(None, context, hostname.encode("ascii", "replace"))
        self._reactor = reactor
        self._tls = tls
        self._login = login
        self._lmtp = lmtp
        self._answers: deque[Deferred[Answer]] = deque([Deferred()])  # the greeting's
        self._greeting = self._answers[0]
        self._handshake: Deferred[None] | None = None
        self._flow: Flow | None = None
        self._why = ""
        self._patience: float = TIMEOUT
        self._is_broken = False
        self.offered: dict[str, str] = {}
        self.secure = False
        self.tls_failed = False
        """The handshake broke the connection: without TLS it might work."""
        self.turned_away = False
        """The last MAIL was not accepted, for now: another host may."""
        self.sent = 0

    # Twisted's side.

    def connectionMade(self) -> None:
        """Wait for the greeting."""
        transport: Any = self.transport
        self._flow = Flow(transport, self._reactor)
        if hasattr(
            transport, "setTcpNoDelay"
        ):  # no UNIX socket has; else the last piece waits 40 ms for an ACK
            transport.setTcpNoDelay(True)
        self.setTimeout(TIMEOUT)
        self._expected: Any = range(1000)
        self._okresponse = self._failresponse = self._answered

    def lineReceived(self, line: bytes) -> None:
        """As Twisted's, with a bound; what stands behind a reply that is none belongs to no command."""
        if self._is_broken:
            return
        if len(self.resp) >= MAX_REPLY:
            self._break("The reply has too many lines")
            return
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """No reply is that long."""
        self._break("A reply line is too long")

    def resetTimeout(self) -> None:
        """Twisted's name, for each line. Only a whole reply counts: one in drops would hold us for hours."""

    def sendError(self, exc: Exception) -> None:
        """What came is no reply."""
        self._break("What came is not SMTP")

    def timeoutConnection(self) -> None:
        """The other side says nothing."""
        self._break("The server did not answer in time")

    def handshakeCompleted(self) -> None:
        """TLS is there."""
        self.secure = True
        if self._handshake is not None:
            handshake, self._handshake = self._handshake, None
            handshake.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Whoever waits for a reply is told that none will come."""
        self.setTimeout(None)
        if self._flow is not None:
            self._flow.connection_lost()
        if not self._why:
            if reason.check(ConnectionDone):
                self._why = "The server closed the connection"
            elif reason.check(SSL.Error):
                self._why = f"TLS failed: {_tls_reason(reason.value)}"
            else:
                self._why = f"The connection was lost: {cleaned(reason.getErrorMessage().encode())}"
        if self._handshake is not None:
            self.tls_failed = True
            handshake, self._handshake = self._handshake, None
            handshake.errback(Broken(self._why, "4.7.5"))
        answers, self._answers = self._answers, deque()
        for waiting in answers:
            waiting.callback(Answer(-1, self._why))

    def _answered(self, code: int, text: bytes) -> None:
        if not self._answers:
            self._break("The server spoke without being asked")
            return
        answered = self._answers.popleft()
        if self._answers:
            self.setTimeout(self._patience)  # for the next one
        answered.callback(Answer(code, cleaned(text)))

    def _break(self, why: str) -> None:
        self._why = self._why or why
        self._is_broken = True
        transport: Any = self.transport
        transport.abortConnection()

    # Commands.

    def _ask(self, *lines: str, timeout: float = TIMEOUT) -> "list[Deferred[Answer]]":
        """Send lines; a Deferred for the answer of each."""
        return self._send("".join(f"{line}\r\n" for line in lines).encode("utf-8"), len(lines), timeout)

    def _send(self, octets: bytes, answers: int, timeout: float) -> "list[Deferred[Answer]]":
        waiting: list[Deferred[Answer]] = [Deferred() for _ in range(answers)]
        if self._flow is None or self._flow.lost:
            for each in waiting:
                each.callback(Answer(-1, self._why or "The connection is closed"))
            return waiting
        self._answers.extend(waiting)
        self._patience = timeout
        self.setTimeout(timeout)
        self._flow.write(octets)
        return waiting

    async def _say(self, line: str, timeout: float = TIMEOUT) -> Answer:
        (waiting,) = self._ask(line, timeout=timeout)
        return await waiting

    async def open(self) -> None:
        """Greeting, EHLO, STARTTLS, AUTH. Raises Broken: this server cannot be used now."""
        greeting = await self._greeting
        if greeting.code != 220:
            raise await self._useless(f"The server said: {greeting}" if greeting.code > 0 else greeting.text)
        await self._hello()
        if self.secure:
            pass  # from the first octet
        elif self._tls != OFF and "STARTTLS" in self.offered:
            await self._start_tls()
        elif self._tls == REQUIRED:
            raise await self._useless("TLS is required, and the server does not offer it", "4.7.10")
        if self._login is not None:
            await self._log_in(self._login)

    async def _hello(self) -> None:
        name = self.identity.decode("ascii")
        answer = await self._say(f"{'LHLO' if self._lmtp else 'EHLO'} {name}")
        if answer.ok:
            words = (line.split(None, 1) for line in answer.text.split("\n")[1:] if line.strip())
            self.offered = {each[0].upper(): each[1] if len(each) > 1 else "" for each in words}
            return
        if answer.permanent and not self._lmtp:
            answer = await self._say(f"HELO {name}")
        if not answer.ok:
            raise await self._useless(f"EHLO was refused: {answer}")

    async def _start_tls(self) -> None:
        answer = await self._say("STARTTLS")
        if answer.code != 220:
            if self._tls == REQUIRED or answer.code < 0:
                raise await self._useless(f"STARTTLS was refused: {answer}")
            return
        handshake: Deferred[None] = Deferred()
        self._handshake = handshake
        self.offered = {}
        self.clearLineBuffer()  # what came before the handshake may be an attacker's
        transport: Any = self.transport
        transport.startTLS(self.context)
        await handshake
        await self._hello()

    async def _log_in(self, login: Login) -> None:
        mechanisms = self.offered.get("AUTH", "").upper().split()
        user, password = login.user.encode(), login.password.reveal()
        if "PLAIN" in mechanisms:
            answer = await self._say("AUTH PLAIN " + _base64(b"\0".join((b"", user, password))))
        elif "LOGIN" in mechanisms:
            answer = await self._say("AUTH LOGIN")
            for part in (user, password):
                if answer.code == 334:
                    answer = await self._say(_base64(part))
        else:
            raise await self._useless("The server offers neither AUTH PLAIN nor LOGIN")
        if not answer.ok:
            raise await self._useless(f"The login was refused: {answer}", "4.7.8")

    async def _useless(self, why: str, status: str = "4.4.1") -> Broken:
        self._why = self._why or why
        self.quit()
        return Broken(why, status)

    @property
    def usable(self) -> bool:
        """Whether another message may be sent here."""
        return self._flow is not None and not self._flow.lost and not self._answers

    async def send(self, parcel: Parcel, to: Sequence[To], body: AsyncIterator[bytes]) -> list[Answer]:
        """One transaction for at most AT_ONCE recipients: what became of each, in their order."""
        lines = [self._mail(parcel), *(self._rcpt(each, parcel.utf8) for each in to)]
        start: Answer | None = None
        if "PIPELINING" in self.offered:  # RFC 2920 §3.1: DATA may be the last of a group
            *answers, start = [await waiting for waiting in self._ask(*lines, "DATA")]
        else:
            answers = []
            for line in lines:
                answers.append(await self._say(line))
                if not answers[0].ok:
                    break
        self.sent += 1
        self.turned_away = not answers[0].ok and not answers[0].permanent
        verdicts = answers[1:] if answers[0].ok else [answers[0]] * len(to)
        accepted = sum(each.ok for each in verdicts)
        if accepted:
            if start is None:
                start = await self._say("DATA")
            ends = iter(await self._content(body, accepted, start))
            return [next(ends) if each.ok else each for each in verdicts]
        if start is not None and start.code == 354:
            await self._nothing()
        await self._reset()
        return verdicts

    async def _nothing(self) -> None:
        """The server wants the message though it took no recipient: a lone dot ends it. RFC 2920 §3.1."""
        if self._lmtp:
            self._break(
                "The server asked for a message without recipients"
            )  # RFC 2033 §4.2 has no answer to it
        else:
            await self._say(".")

    def _mail(self, parcel: Parcel) -> str:
        line = f"MAIL FROM:<{parcel.sender}>"
        if "SIZE" in self.offered:
            line += f" SIZE={parcel.size}"
        if parcel.eight_bit and "8BITMIME" in self.offered:
            line += " BODY=8BITMIME"
        if parcel.utf8 and "SMTPUTF8" in self.offered:
            line += " SMTPUTF8"
        if "DSN" in self.offered:
            line += f" RET={parcel.ret}" if parcel.ret else ""
            line += f" ENVID={parcel.envid}" if parcel.envid else ""
        return line

    def _rcpt(self, to: To, utf8: bool) -> str:
        line = f"RCPT TO:<{to.address}>"
        if "DSN" in self.offered:
            line += f" NOTIFY={','.join(to.notify)}" if to.notify else ""
            orcpt = to.orcpt if utf8 else to_ascii(to.orcpt)  # RFC 6533 §3: UTF-8 only beside SMTPUTF8
            line += f" ORCPT={orcpt}" if orcpt else ""
        return line

    async def _reset(self) -> None:
        if self.usable:
            await self._say("RSET")

    async def _content(self, body: AsyncIterator[bytes], accepted: int, start: Answer) -> list[Answer]:
        """The message with its dots stuffed, and the end. RFC 5321 §4.1.1.4, §4.5.2.

        start: what DATA was answered with.
        An answer for each recipient that was accepted: LMTP's own, or SMTP's one for all (RFC 2033 §4.2).
        """
        if start.code != 354:
            await self._reset()
            return [Answer(-1, f"DATA was answered with {start}") if start.ok else start] * accepted
        flow = self._flow
        assert flow is not None
        kept = b"\r\n"  # what could begin a line that starts with a dot; the first is DATA's own line end
        skip = 2
        last = b""  # sent with what follows: most messages and their end are one write
        try:
            async for piece in body:
                if last:
                    self.setTimeout(TIMEOUT)
                    await flow.send(last)
                octets = kept + piece
                kept = next((end for end in (b"\r\n", b"\r") if octets.endswith(end)), b"")
                octets = octets[: len(octets) - len(kept)].replace(b"\r\n.", b"\r\n..")
                last = octets[skip:] if octets else b""
                skip = 0 if octets else skip
            if len(last) > LAST:
                await flow.send(last)
                last = b""
        except ConnectionResetError:
            return [Answer(-1, self._why or "The connection was lost")] * accepted
        except Exception:
            self._break(
                "The message could not be read from the queue"
            )  # never end a message that is not whole
            raise
        end = last + (kept if not skip else b"") + b".\r\n"
        first = self._send(end, 1, DATA_END_TIMEOUT)
        if not self._lmtp:
            return [await first[0]] * accepted
        more: list[Deferred[Answer]] = [Deferred() for _ in range(accepted - 1)]
        if not flow.lost:
            self._answers.extend(more)
        else:
            for each in more:
                each.callback(Answer(-1, self._why or "The connection was lost"))
        return [await each for each in (*first, *more)]

    def quit(self) -> None:
        """Say goodbye and close; nobody waits for the answer."""
        if self._flow is not None and not self._flow.lost:
            self._ask("QUIT")
            self._flow.close()

    def abort(self, why: str) -> None:
        """Close at once."""
        if self._flow is not None and not self._flow.lost:
            self._break(why)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _tls_reason(error: BaseException | None) -> str:
    stack: Any = error.args[0] if error is not None and error.args else ()
    try:
        return str(stack[-1][-1])
    except (IndexError, TypeError):
        return "the handshake did not end"
