"""Remembers copies that lie in a mailbox although their sender was not told so.

SMTP answers a message for several recipients with one reply. When one copy fails for the moment and the
others are stored, the reply must be 451, and the sender will send to all again; likewise when the
connection breaks between the last fsync and the reply (RFC 1047). What was stored is noted here, and when
the same octets come from the same sender for the same account again, that copy counts as delivered and is
not stored twice. A note is used up by its retry. Notes are in memory only: after a restart a retry makes a
duplicate, which is better than a loss.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

MAX_NOTES: Final = 10_000
"""Notes kept, oldest forgotten first; each is some 150 octets."""

KEPT: Final = 5 * 24 * 3600.0
"""Seconds: as long as senders try (RFC 5321 §4.5.4.1: at least 4 to 5 days)."""


class Repeats:
    """clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._notes: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._notes)

    def note(self, content: bytes, sender: str, user: str, detail: str) -> None:
        """content: a digest of the message's octets as the sender sent them."""
        while len(self._notes) >= MAX_NOTES:
            del self._notes[next(iter(self._notes))]
        self._notes[_key(content, sender, user, detail)] = self._clock() + KEPT

    def take(self, content: bytes, sender: str, user: str, detail: str) -> bool:
        """Whether that copy was stored before; the note is used up."""
        until = self._notes.pop(_key(content, sender, user, detail), None)
        return until is not None and self._clock() < until


def _key(content: bytes, sender: str, user: str, detail: str) -> bytes:
    text = "\0".join((sender, user, detail)).encode("utf-8", "surrogatepass")
    return blake2b(content + text, digest_size=16).digest()
