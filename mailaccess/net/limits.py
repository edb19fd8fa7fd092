"""How many connections there may be: in all, from one address, of one account from one address, before login.

Plain bookkeeping on the reactor thread. A connection asks to ``enter``; if it may, it holds a ``Place``
until it leaves. A connection over TCP and one over a UNIX socket (address "") count alike in the total,
but a UNIX socket has no address to limit.

Several processes that serve share the counts (``tally``), but for those who have not logged in: of these each
process has its part, since one that has to make room can only drop its own.
"""

from collections.abc import Callable
from typing import Final

from mailaccess.net.tally import Tally

TOTAL: Final = "total"
PER_ADDRESS: Final = "address"
PER_USER: Final = "user"


class Place:
    """One connection's share of the limits; ``leave`` may be called more than once."""

    __slots__ = ("_drop", "_limits", "_present", "address", "user")

    def __init__(self, limits: "ConnectionLimits", address: str, drop: Callable[[], None]) -> None:
        self._limits = limits
        self._drop = drop
        self._present = True
        self.address = address
        self.user = ""

    def log_in(self, user: str) -> bool:
        """Count this connection as ``user``'s; False, and not counted, if the account has its fill here.

        One that has ended meanwhile is not counted: nobody would take it away again.
        """
        return not self._present or self._limits._log_in(self, user)

    def log_out(self) -> None:
        """The connection is nobody's again. RFC 8437 would need it, and a failed login after ``log_in``."""
        self._limits._log_out(self)

    def vouch(self) -> None:
        """The connection needs no login (LMTP, mail from a server): it is not dropped to make room."""
        self._limits._strangers.pop(self, None)

    def leave(self) -> None:
        """The connection has ended."""
        if self._present:
            self._present = False
            self._limits._leave(self)

    def drop(self) -> None:
        """Make room: close this connection."""
        self._drop()


class ConnectionLimits:
    """The counts of one process, and through ``tally`` those of others.

    total, per_address, per_user: connections over all processes; unauthenticated: of this one; 0 is no limit.
    here: the most this process has file descriptors for; past them nobody could be told that there is no place.
    changed: told how many connections are present whenever that changes.
    """

    def __init__(
        self, total: int = 0, per_address: int = 0, per_user: int = 0, unauthenticated: int = 0
    ) -> None:
        self._total = total
        self._per_address = per_address
        self._per_user = per_user
        self._unauthenticated = unauthenticated
        self._open = 0
        self.here = 0
        self.changed: Callable[[int], object] | None = None
        self.tally = Tally()
        self._strangers: dict[Place, None] = {}  # in order of arrival
        self.refused: dict[str, int] = {TOTAL: 0, PER_ADDRESS: 0, PER_USER: 0}
        self.dropped = 0

    @property
    def open(self) -> int:
        """Connections present."""
        return self._open

    @property
    def strangers(self) -> int:
        """Connections present that have not logged in."""
        return len(self._strangers)

    @property
    def no_room_here(self) -> bool:
        """Whether this process has its fill, however few there are over all."""
        return bool(self.here) and self._open >= self.here

    def enter(self, address: str, drop: Callable[[], None]) -> Place | None:
        """A place for a new connection, or None if there is none to be had.

        address: textual IP, or "" for a UNIX socket.  drop: closes the connection; called when it is the
        oldest of too many that have not logged in, for a flood of silent ones must not keep users out.
        """
        tally = self.tally
        if (self._total and tally[_OPEN] >= self._total) or self.no_room_here:
            self.refused[TOTAL] += 1
            return None
        if address and self._per_address and tally[_address(address)] >= self._per_address:
            self.refused[PER_ADDRESS] += 1
            return None
        place = self.reenter(address, drop)
        self._strangers[place] = None
        if self._unauthenticated and len(self._strangers) > self._unauthenticated:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            self.dropped += 1
            oldest.drop()
        return place

    def reenter(self, address: str, drop: Callable[[], None]) -> Place:
        """A place for a connection that has one in another process, and will give that back."""
        tally = self.tally
        place = Place(self, address, drop)
        self._open += 1
        if self.changed is not None:
            self.changed(self._open)
        tally.add(_OPEN)
        if address:
            tally.add(_address(address))
        return place

    def _log_in(self, place: Place, user: str) -> bool:
        key = _user(user, place.address)
        if self._per_user and self.tally[key] >= self._per_user:
            self.refused[PER_USER] += 1
            return False
        self._log_out(place)
        self._strangers.pop(place, None)
        place.user = user
        self.tally.add(key)
        return True

    def _log_out(self, place: Place) -> None:
        if place.user:
            self.tally.take(_user(place.user, place.address))
            place.user = ""

    def _leave(self, place: Place) -> None:
        self._open -= 1
        if self.changed is not None:
            self.changed(self._open)
        self.tally.take(_OPEN)
        self._strangers.pop(place, None)
        self._log_out(place)
        if place.address:
            self.tally.take(_address(place.address))


_OPEN: Final = "open"


def _address(address: str) -> str:
    return f"a {address}"


def _user(user: str, address: str) -> str:
    return f"u {address} {user}"
