"""SMTP and LMTP over Twisted: what their clients are told. The only file of the room that knows of Twisted."""

from typing import Any, Final

from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.net.served import Client
from mailaccess.net.serving import ServingProtocol
from mailaccess.proto.smtp import replies
from mailaccess.smtp.house import House
from mailaccess.smtp.policy import Policy
from mailaccess.smtp.session import Session

FULL: Final = replies.FULL.render()
"""What a connection is told that finds no place."""

READ_AHEAD: Final = 256 * 1024
"""Octets of input held while a command waits: a piece of a message."""


class SmtpProtocol(ServingProtocol[Session]):
    """One connection. tls: what STARTTLS uses (``net.tls.ServerTls``); None: not offered."""

    read_ahead = READ_AHEAD

    def __init__(
        self,
        house: House,
        policy: Policy,
        place: Place | None = None,
        *,
        tls: Any = None,
        reactor: Any = None,
    ) -> None:
        super().__init__(policy.service, house.settings.timeout, house.log, place, tls, reactor)
        self._house = house
        self._policy = policy

    def make_session(self, address: str, local_address: str, *, secure: bool) -> Session:
        """See ``ServingProtocol``."""
        client = Client(address, local_address)
        offered = self._tls is not None
        return Session(self._house, self._policy, self, client, tls_offered=offered, secure=secure)

    def tell_stopping(self, session: Session) -> None:
        """The server stops."""
        session.hang_up(replies.SHUTTING_DOWN)

    def tell_error(self, session: Session) -> None:
        """With the session's id, which the log has too."""
        session.hang_up(replies.Reply(421, "4.3.0", f"Internal error, reference {session.id}"))

    def tell_timeout(self, session: Session, flow: Flow) -> None:
        """RFC 5321 §4.5.3.2.7."""
        session.hang_up(replies.TIMED_OUT)
