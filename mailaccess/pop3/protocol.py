"""POP3 over Twisted: what its clients are told, and when. The only file of the room that knows of Twisted."""

from collections.abc import Awaitable
from typing import Any, Final

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from mailaccess.net.endpoints import Door
from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.net.served import Client, Mover
from mailaccess.net.serving import ServingProtocol
from mailaccess.pop3 import texts
from mailaccess.pop3.house import House
from mailaccess.pop3.moving import Luggage
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
        self._luggage: Luggage | None = None

    def resume(self, luggage: Luggage) -> None:
        """The connection comes from another process; to be called before it is made."""
        self._luggage = luggage

    def connectionMade(self) -> None:
        """Greet; a client that does not log in has less time."""
        super().connectionMade()
        self._login_timer = self.later(self._house.settings.login_timeout, self._not_logged_in)

    def begin(self, session: Session) -> None:
        """Greet, or go on where another process has left off."""
        luggage, self._luggage = self._luggage, None
        if luggage is None:
            session.greet()
        else:
            session.resume(luggage)
            self._begin(session)

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

    # The session's wire, beyond ``ServingProtocol``'s.

    def belongs_elsewhere(self, user: str) -> bool:
        """See ``pop3.moving.Wire``."""
        mover = self._mover
        return mover is not None and mover.wants(self.transport, user)

    def move(self, luggage: Luggage) -> Awaitable[bool]:
        """See ``pop3.moving.Wire``."""
        mover, place = self._mover, self._place
        assert mover is not None and place is not None
        place.vouch()
        return mover.move(self.transport, "pop3", place.address, luggage.user, luggage)

    @property
    def _mover(self) -> Mover | None:
        door = self.factory
        return door.mover if isinstance(door, Door) else None

    def hold_input(self) -> None:
        """Read nothing more from the client until ``take_input``."""
        self._transport.pauseProducing()

    def take_input(self) -> None:
        """Go on reading."""
        self._transport.resumeProducing()
