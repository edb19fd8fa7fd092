"""How long a client may be silent: some minutes to log in, half an hour and more after that (RFC 9051 §5.4)."""

from typing import TYPE_CHECKING

from mailaccess.imap.session import Authenticated
from mailaccess.imap.wire import Timer
from mailaccess.proto.imap import responses as r

if TYPE_CHECKING:
    from mailaccess.imap.connection import Connection


class Silence:
    """The time-outs of one connection: a timer that looks at the clock when it fires, not one for each command."""

    __slots__ = ("_begun", "_connection", "_last_input", "_timer")

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._begun = self._last_input = connection.wire.now()
        self._timer: Timer | None = None

    def begin(self) -> None:
        """The client has from now on to log in."""
        self.stop()
        self._begun = self._connection.wire.now()
        self._look_in(self._connection.house.settings.login_timeout)

    def broken(self) -> None:
        """Something came from the client."""
        self._last_input = self._connection.wire.now()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self._timer = self._connection.wire.later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        connection = self._connection
        if connection.ended:
            return
        now, settings = connection.wire.now(), connection.house.settings
        if not isinstance(connection.state, Authenticated):
            left = self._begun + settings.login_timeout - now
            text = "You did not log in in time"
        else:
            last = now if connection.idling else max(self._last_input, connection.out.last_drained)
            left = last + settings.timeout - now
            text = "Autologout; idle for too long"
        if left > 0:
            self._look_in(left)
        elif connection.busy:
            # A client that stopped reading in the middle of an answer, or sending in the middle of a message.
            connection.ended = True
            connection.wire.abort()
        else:
            connection.end(r.Bye(text))
