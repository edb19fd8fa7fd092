"""One connection of another program that asks for logins, or for users. No sockets, no clock.

Requests of one connection run side by side: each has an id, and its answer may come in any order. ``feed`` gives
the work that a piece of input makes, coroutines to be run at once; none of them raises. Throttling is the
authenticator's, by the address that the client tells (``rip``), and so shared with every other way to log in.

The client is trusted as far as its socket is: whoever may connect may guess passwords at the throttle's pace, and
is believed where a login comes from. So the socket's mode decides who that is.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from ipaddress import ip_address
from typing import Any, Final

from mailaccess.auth.api import Challenge, Exchange, Identity, Peer, SaslError, UnknownMechanism
from mailaccess.authsocket.house import House, Wire
from mailaccess.model.errors import (
    AccountDisabled,
    AuthenticationFailed,
    AuthenticationUnavailable,
    AuthorizationFailed,
    MailError,
)
from mailaccess.observe.events import Level
from mailaccess.proto.dovecot import replies
from mailaccess.proto.dovecot.lines import BadLine, Lines
from mailaccess.proto.dovecot.requests import (
    MAJOR,
    About,
    Auth,
    Cancel,
    ClientPid,
    Continue,
    Refused,
    Request,
    User,
    Version,
    parse,
)
from mailaccess.proto.sasl.wire import decode_initial, decode_response, encode_challenge

MAX_AT_ONCE: Final = 500
"""Requests of one connection that are not answered yet: a proxy's whole crowd, and a bound for one gone mad."""

Work = Coroutine[Any, Any, None]


class Conversation(ABC):
    """What both kinds have in common: the handshake, lines, and an end where the other side talks nonsense."""

    service = ""

    def __init__(self, house: House, wire: Wire) -> None:
        self.house = house
        self.wire = wire
        self.closed = False
        self._lines = Lines()
        self._greeted = False

    @abstractmethod
    def greet(self) -> None:
        """Say what there is to say before the client spoke."""

    def feed(self, data: bytes) -> list[Work]:
        """The work that these octets make."""
        work: list[Work] = []
        if self.closed:
            return work
        try:
            for line in self._lines.feed(data):
                request = parse(line)
                if not self._greeted:
                    self._handshake(request)
                elif request is not None and (made := self._take(request)) is not None:
                    work.append(made)
        except BadLine as error:
            self.house.log.log(
                "auth-client-error", Level.WARNING, service=self.service, error=f"The other side: {error}"
            )
            self.end()
        return work

    def end(self) -> None:
        """Nothing more is said."""
        if not self.closed:
            self.closed = True
            self.wire.close()

    def say(self, reply: bytes) -> None:
        """Unless the connection has ended meanwhile."""
        if reply and not self.closed:
            self.wire.write(reply)

    def _handshake(self, request: Request | None) -> None:
        """The first line is the version."""
        if not isinstance(request, Version):
            raise BadLine("did not begin with VERSION")
        if request.major != MAJOR:
            raise BadLine(f"speaks version {request.major}, not {MAJOR}")
        self._greeted = True
        self.wire.vouch()

    @abstractmethod
    def _take(self, request: Request) -> Work | None:
        """The work for one request. Raises BadLine."""


class Logins(Conversation):
    """AUTH, CONT, CANCEL: what ``smtpd_sasl_path`` leads to."""

    service = "auth"

    def __init__(self, house: House, wire: Wire) -> None:
        super().__init__(house, wire)
        self._exchanges: dict[int, Exchange] = {}  # by id: those that wait for CONT, oldest first
        self._running: set[int] = set()
        self._cancelled: set[int] = set()

    def greet(self) -> None:
        """The whole handshake at once, as Dovecot does: some clients speak only after it."""
        self.say(
            replies.greeting(
                self.house.authenticator.mechanisms(),
                pid=self.house.pid(),
                connection=next(self.house.connections),
                cookie=self.house.make_cookie(),
            )
        )

    def _take(self, request: Request) -> Work | None:
        match request:
            case Version() | ClientPid():
                return None
            case Auth():
                return self._begin(request)
            case Continue(id, response):
                exchange = self._exchanges.pop(id, None)
                if exchange is None:
                    if id not in self._running:  # else it was cancelled, or never asked
                        self.say(replies.fail(id, reason="There is no such exchange"))
                    return None
                self._running.add(id)
                return self._step(id, exchange, response, first=False)
            case Cancel(id):
                self._exchanges.pop(id, None)
                if id in self._running:
                    self._cancelled.add(id)
                return None
        raise BadLine("asked for users on the socket for logins")

    def _begin(self, request: Auth) -> Work | None:
        id = request.id
        if id in self._running or id in self._exchanges:
            raise BadLine("used an id twice at once")
        if len(self._running) >= MAX_AT_ONCE:
            self.say(replies.fail(id, code=replies.TEMP_FAIL, reason="Too many logins at once"))
            return None
        if len(self._exchanges) >= MAX_AT_ONCE:  # whoever left without a word makes room
            oldest = next(iter(self._exchanges))
            del self._exchanges[oldest]
            self.say(replies.fail(oldest, code=replies.TEMP_FAIL))
        try:
            exchange = self.house.authenticator.begin(request.mechanism, _peer(request.about))
        except UnknownMechanism as error:
            self.say(replies.fail(id, reason=str(error)))
            return None
        self._running.add(id)
        return self._step(id, exchange, request.response, first=True)

    async def _step(self, id: int, exchange: Exchange, response: str | None, *, first: bool) -> None:
        reply = b""
        try:
            octets = None
            if response is not None:
                octets = (decode_initial if first else decode_response)(response.encode("utf-8"))
            reply = self._after(id, exchange, await exchange.step(octets))
        except SaslError as error:
            reply = replies.fail(id, reason=str(error))
        except AccountDisabled as error:
            reply = replies.fail(id, code=replies.USER_DISABLED, reason=str(error))
        except AuthorizationFailed as error:
            reply = replies.fail(id, code=replies.AUTHZ_FAIL, reason=str(error))
        except AuthenticationFailed as error:
            reply = replies.fail(id, user=error.user)
        except MailError as error:
            reply = replies.fail(id, code=replies.TEMP_FAIL, reason=str(error))
        finally:
            self._running.discard(id)
            if id in self._cancelled:
                self._cancelled.discard(id)
                self._exchanges.pop(id, None)
                reply = b""
            self.say(reply)

    def _after(self, id: int, exchange: Exchange, result: Challenge | Identity) -> bytes:
        if isinstance(result, Identity):
            return replies.ok(id, result.name)
        self._exchanges[id] = exchange
        return replies.challenge(id, encode_challenge(result.data))


class Lookups(Conversation):
    """USER: where an account lives. Dovecot's ``auth-userdb`` socket."""

    service = "auth-userdb"

    def __init__(self, house: House, wire: Wire) -> None:
        super().__init__(house, wire)
        self._running = 0

    def greet(self) -> None:
        """Version and process."""
        self.say(replies.lookup_greeting(self.house.pid()))

    def _take(self, request: Request) -> Work | None:
        match request:
            case Version() | ClientPid():
                return None
            case User(id, name, _):
                if self._running >= MAX_AT_ONCE:
                    self.say(replies.lookup_failed(id, "Too many requests at once"))
                    return None
                self._running += 1
                return self._look_up(id, name)
            case Refused(id, name):
                self.say(replies.lookup_failed(id, f"{name} is not answered here"))
                return None
        raise BadLine("asked for a login on the socket for users")

    async def _look_up(self, id: int, name: str) -> None:
        try:
            identity = await self.house.authenticator.lookup(name)
        except AuthenticationUnavailable as error:
            self.say(replies.lookup_failed(id, str(error)))
            return
        finally:
            self._running -= 1
        self.say(replies.not_found(id) if identity is None else self._user(id, identity))

    def _user(self, id: int, identity: Identity) -> bytes:
        place = identity.location
        fields = {
            "uid": str(self.house.uid() if place.uid is None else place.uid),
            "gid": str(self.house.gid() if place.gid is None else place.gid),
            "home": str(place.home),
            "mail": f"maildir:{place.maildir}",
        }
        rule = identity.extra.get("quota_rule")
        return replies.user(id, identity.name, fields | ({"quota_rule": rule} if rule else {}))


def _peer(about: About) -> Peer:
    return Peer(about.service, _address(about.remote), _address(about.local), about.secured)


def _address(text: str) -> str:
    """What the client says is an IP address, if it is one."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
