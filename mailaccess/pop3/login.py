"""USER and PASS, AUTH a line at a time, and opening the maildrop (RFC 1939 §7, RFC 5034, RFC 3206)."""

from typing import TYPE_CHECKING, Final

from mailaccess.auth.api import (
    Cancelled,
    Challenge,
    Exchange,
    Identity,
    PasswordCredentials,
    SaslError,
    UnknownMechanism,
)
from mailaccess.model.errors import (
    AuthenticationFailed,
    AuthenticationUnavailable,
    AuthorizationFailed,
    InUse,
    MailError,
)
from mailaccess.model.names import INBOX
from mailaccess.model.secret import Secret
from mailaccess.observe.events import Level
from mailaccess.pop3 import texts
from mailaccess.pop3.maildrop import Maildrop
from mailaccess.proto.pop3 import grammar
from mailaccess.proto.sasl.wire import decode_initial, decode_response, encode_challenge
from mailaccess.store.api import Change

if TYPE_CHECKING:
    from mailaccess.pop3.session import Session

MAX_FAILED_LOGINS: Final = 10
"""Failed logins in one connection: throttling slows each, this ends it."""


def _ignore(change: Change) -> None:
    """A maildrop does not change during a session."""


class Login:
    """The authorization state of one session."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._name: str | None = None
        self._exchange: Exchange | None = None
        self._mechanism = ""
        self._failures = 0

    @property
    def waits_for_response(self) -> bool:
        """Whether the next line answers a SASL challenge."""
        return self._exchange is not None

    def forget(self) -> None:
        """STLS: nothing said before it counts. RFC 2595 §4."""
        self._name = self._exchange = None

    def user(self, argument: bytes | None) -> None:
        """RFC 1939 §7, RFC 6856 §2.2. The answer does not tell whether there is such a user."""
        session = self._session
        if not session.may_use_passwords:
            session.err(texts.NEED_TLS, code="AUTH")
            return
        try:
            name = (argument or b"").strip(b" \t").decode("utf-8")
        except UnicodeDecodeError:
            session.err(texts.BAD_NAME)
            return
        if not name:
            session.bad(texts.SYNTAX, "USER name")
            return
        self._name = name
        session.ok(texts.NAME_ACCEPTED)

    async def password(self, argument: bytes | None) -> None:
        """PASS: everything behind the blank is the password, blanks too."""
        session = self._session
        name, self._name = self._name, None
        if not session.may_use_passwords:
            session.err(texts.NEED_TLS, code="AUTH")
            return
        if name is None:
            session.bad(texts.USER_FIRST)
            return
        credentials = PasswordCredentials(name, Secret(argument or b""), session.peer, mechanism="USER")
        try:
            identity = await session.house.authenticator.verify(credentials)
        except MailError as error:
            self._refused(error)
            return
        await self._go_on(identity, "USER")

    async def auth(self, mechanism: str, initial: bytes | None) -> None:
        """AUTH with a mechanism; ``initial`` is base64, ``=`` for an empty response. RFC 5034 §4."""
        session = self._session
        authenticator = session.house.authenticator
        if mechanism not in session.mechanisms():
            if mechanism in authenticator.mechanisms():
                session.err(texts.NEED_TLS, code="AUTH")
            else:
                session.err(texts.NO_MECHANISM)
            return
        try:
            exchange = authenticator.begin(mechanism, session.peer)
            octets = None if initial is None else decode_initial(initial)
        except (MailError, SaslError) as error:
            self._refused(error)
            return
        self._mechanism = mechanism
        await self._step(exchange, octets)

    async def response(self, line: bytes) -> None:
        """The client's line to a challenge."""
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        try:
            octets = decode_response(line)
        except SaslError as error:
            self._refused(error)
            return
        await self._step(exchange, octets)

    async def _step(self, exchange: Exchange, octets: bytes | None) -> None:
        try:
            result = await exchange.step(octets)
        except (MailError, SaslError) as error:
            self._refused(error)
            return
        if isinstance(result, Challenge):
            self._exchange = exchange
            self._session.say(grammar.challenge(encode_challenge(result.data)))
            return
        await self._go_on(result, self._mechanism)

    async def _go_on(self, identity: Identity, mechanism: str) -> None:
        if not await self._session.moved(identity, mechanism):
            await self.enter(identity, mechanism)

    async def enter(self, identity: Identity, mechanism: str) -> None:
        """Lock and open the maildrop, and go over to the transaction state."""
        session = self._session
        if not session.wire.log_in(identity.name):
            session.err(texts.TOO_MANY_CONNECTIONS, code="SYS/TEMP")
            return
        try:
            drop = await self._open(identity)
        except InUse:
            session.log("pop3-in-use", user=identity.name)
            session.err(texts.IN_USE, code="IN-USE")
            return
        except MailError as error:
            session.log("pop3-failed", Level.ERROR, user=identity.name, error=error.detail or str(error))
            session.err(texts.TEMPORARY, code="SYS/TEMP")
            return
        session.log("pop3-login", user=identity.name, method=mechanism, messages=len(drop))
        session.enter(drop)

    async def _open(self, identity: Identity) -> Maildrop:
        account = await self._session.house.store.open(identity.location)
        lock = await account.lock("pop3")
        try:
            mailbox = await account.open_mailbox(INBOX, _ignore)
        except BaseException:
            lock.release()
            raise
        return Maildrop(identity.name, mailbox, lock)

    def _refused(self, error: Exception) -> None:
        """Tell what went wrong. RFC 3206 §4: AUTH is the user's mistake, SYS/TEMP is not."""
        session = self._session
        match error:
            case AuthenticationFailed():
                session.err(texts.FAILED, code="AUTH")
            case AuthorizationFailed():
                session.err(texts.NOT_ALLOWED, code="AUTH")
            case AuthenticationUnavailable():
                session.err(texts.UNAVAILABLE, code="SYS/TEMP")
                return
            case Cancelled():
                session.err(texts.CANCELLED)
                return
            case UnknownMechanism():
                session.err(texts.NO_MECHANISM)
                return
            case SaslError():
                session.bad(texts.MALFORMED)
                return
            case _:
                session.err(texts.TEMPORARY, code="SYS/TEMP")
                return
        self._failures += 1
        if self._failures >= MAX_FAILED_LOGINS:
            session.hang_up(texts.TOO_MANY_LOGINS)
