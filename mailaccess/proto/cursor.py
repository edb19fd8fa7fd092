"""One frame of octets and a place in it: the base of every grammar.

A rule takes what it knows from the place on and moves it; what it can't read it reports as ``Expected``,
with a noun that completes "expected ..." and the offset. Patterns are matched in place, so reading a
frame costs no copies and nothing is looked at twice.
"""

import re
from typing import NoReturn


class Expected(Exception):
    """The octets at ``at`` are not what the grammar wants there.

    ``what`` is a noun phrase for the peer, without octets of the frame: it may hold a password.
    """

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what, at)
        self.what = what
        self.at = at


class Cursor:
    """``octets`` and the offset ``pos`` of what is read next."""

    __slots__ = ("octets", "pos")

    def __init__(self, octets: bytes, pos: int = 0) -> None:
        self.octets = octets
        self.pos = pos

    def fail(self, what: str, at: int | None = None) -> NoReturn:
        """Raise ``Expected`` for the current place, or for ``at``."""
        raise Expected(what, self.pos if at is None else at)

    def at_end(self) -> bool:
        return self.pos >= len(self.octets)

    def peek(self) -> bytes:
        """The next octet, empty at the end."""
        return self.octets[self.pos : self.pos + 1]

    def rest(self) -> bytes:
        """Everything from here on, without moving."""
        return self.octets[self.pos :]

    def match(self, pattern: "re.Pattern[bytes]") -> "re.Match[bytes] | None":
        """Move over ``pattern`` if it stands here."""
        found = pattern.match(self.octets, self.pos)
        if found is not None:
            self.pos = found.end()
        return found

    def take(self, pattern: "re.Pattern[bytes]", what: str) -> bytes:
        """Move over ``pattern`` and give the octets it covers. Raises Expected."""
        found = pattern.match(self.octets, self.pos)
        if found is None:
            raise Expected(what, self.pos)
        self.pos = found.end()
        return found.group()

    def skip_if(self, octets: bytes) -> bool:
        """Move over exactly ``octets`` if they stand here."""
        if self.octets.startswith(octets, self.pos):
            self.pos += len(octets)
            return True
        return False

    def skip(self, octets: bytes, what: str) -> None:
        """Move over exactly ``octets``. Raises Expected."""
        if not self.octets.startswith(octets, self.pos):
            raise Expected(what, self.pos)
        self.pos += len(octets)
