"""AUTH, a line at a time (RFC 4954 §4)."""

from typing import TYPE_CHECKING, Final

from mailaccess.auth.api import Challenge, Exchange, Identity, SaslError
from mailaccess.model.errors import AuthenticationFailed, AuthorizationFailed, MailError
from mailaccess.proto.sasl.wire import decode_initial, decode_response, encode_challenge
from mailaccess.proto.smtp import replies
from mailaccess.proto.smtp.replies import Reply
from mailaccess.smtp.answers import reply_to

if TYPE_CHECKING:
    from mailaccess.smtp.session import Session

MAX_FAILED_LOGINS: Final = 10
"""Failed logins in one connection: throttling slows each, this ends it."""


class Authentication:
    """One exchange. ``begin`` and ``answer`` say whether it is over; the reply has been given then."""

    def __init__(self, session: "Session", mechanism: str) -> None:
        self._session = session
        self._mechanism = mechanism
        self._exchange: Exchange | None = None

    async def begin(self, initial: bytes | None) -> bool:
        """initial: the initial response in base64, ``=`` for an empty one, None for none."""
        session = self._session
        authenticator = session.house.authenticator
        allowed = authenticator.mechanisms(plaintext=session.may_use_passwords)
        if self._mechanism not in allowed:
            known = self._mechanism in authenticator.mechanisms()
            session.error(replies.ENCRYPTION_NEEDED if known else replies.AUTH_UNKNOWN)
            return True
        try:
            self._exchange = authenticator.begin(self._mechanism, session.peer)
            octets = None if initial is None else decode_initial(initial)
        except (MailError, SaslError) as error:
            session.error(reply_to(error))
            return True
        return await self._step(octets)

    async def answer(self, line: bytes) -> bool:
        """The client's line to the last challenge."""
        try:
            octets = decode_response(line)
        except SaslError as error:
            self._session.error(reply_to(error))
            return True
        return await self._step(octets)

    async def _step(self, octets: bytes | None) -> bool:
        session = self._session
        assert self._exchange is not None
        try:
            result = await self._exchange.step(octets)
        except (AuthenticationFailed, AuthorizationFailed) as error:
            self._failed(error)
            return True
        except (MailError, SaslError) as error:
            session.error(reply_to(error))
            return True
        if isinstance(result, Challenge):
            session.reply(Reply(334, "", encode_challenge(result.data).decode("ascii")))
            return False
        self._succeeded(result)
        return True

    def _succeeded(self, identity: Identity) -> None:
        if self._session.logged_in(identity, self._mechanism):
            self._session.reply(replies.AUTHENTICATED)
        else:
            self._session.hang_up(Reply(421, "4.7.0", "Too many connections of this account"))

    def _failed(self, error: MailError) -> None:
        session = self._session
        session.failed_logins += 1
        session.error(reply_to(error))
        if session.failed_logins >= MAX_FAILED_LOGINS:
            session.hang_up(replies.TOO_MANY_ERRORS)
