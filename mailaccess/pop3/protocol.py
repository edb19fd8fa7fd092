"""POP3 over Twisted: what its clients are told, and when. The only file of the room that knows of Twisted."""

from typing import Any, Final

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.net.served import Client
from mailaccess.net.serving import ServingProtocol
from mailaccess.pop3 import texts
from mailaccess.pop3.house import House
from mailaccess.pop3.session import Session
from mailaccess.proto.pop3 import grammar

FULL: Final = grammar.err(texts.FULL, "SYS/TEMP")
"""What a connection is told that finds no place."""


class Pop3Protocol(ServingProtocol[Session]):
    """One connection. tls: what STLS uses (``net.tls.ServerTls``); None: not offered."""

    read_ahead = 64 * 1024

    def __init__(
        self, house: House, place: Place | None = None, *, tls: Any = None, reactor: Any = None
    ) -> None:
        super().__init__("pop3", house.settings.timeout, house.log, place, tls, reactor)
        self._house = house
        self._login_timer: Any = None

    def connectionMade(self) -> None:
        """Greet; a client that does not log in has less time."""
        super().connectionMade()
        self._login_timer = self.later(self._house.settings.login_timeout, self._not_logged_in)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give back the maildrop; nothing is deleted."""
        if self._login_timer is not None and self._login_timer.active():
            self._login_timer.cancel()
        super().connectionLost(reason)

    def make_session(self, address: str, local_address: str, *, secure: bool) -> Session:
        """See ``ServingProtocol``."""
        client = Client(address, local_address)
        return Session(self._house, self, client, tls_offered=self._tls is not None, secure=secure)

    def tell_stopping(self, session: Session) -> None:
        """The server stops; nothing is deleted."""
        session.hang_up(texts.STOPPING, code="SYS/TEMP")

    def tell_error(self, session: Session) -> None:
        """With the session's id, which the log has too."""
        session.hang_up(texts.INTERNAL, session.id, code="SYS/TEMP")

    def tell_timeout(self, session: Session, flow: Flow) -> None:
        """RFC 1939 §3: the connection is closed without a word, and nothing is deleted."""
        flow.abort()

    def _not_logged_in(self) -> None:
        if self.session is not None and not self.session.logged_in:
            self.close()
