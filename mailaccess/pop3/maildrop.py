"""The maildrop of one session: the messages as they were at login, numbered from 1 (RFC 1939 §5).

UIDs and sizes are copied at login and never change; what other sessions do meanwhile shows only as a
message that can no longer be read.
"""

from array import array
from collections.abc import Iterator
from typing import Final

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Lock, Mailbox

LINES_AT_ONCE: Final = 2000
"""Lines of LIST and UIDL rendered before others have their turn: a millisecond."""


class Maildrop:
    """mailbox: the open INBOX.  lock: the account's; both are given back by ``close``."""

    def __init__(self, user: str, mailbox: Mailbox, lock: Lock) -> None:
        self.user = user
        self.mailbox = mailbox
        self._lock = lock
        self.uids: array[int] = mailbox.columns.uids[:]
        self.sizes: array[int] = mailbox.columns.sizes[:]
        self.deleted: set[int] = set()
        """Message numbers marked by DELE."""
        self.retrieved: set[int] = set()
        """UIDs of messages that were sent to their end."""
        self.octets = sum(self.sizes)
        """The sizes of the messages not marked, together."""
        self._suffix = f"{mailbox.uidvalidity:08x}"

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def count(self) -> int:
        """Messages not marked."""
        return len(self.uids) - len(self.deleted)

    def mark(self, number: int) -> None:
        """DELE a message that is not marked yet."""
        self.deleted.add(number)
        self.octets -= self.sizes[number - 1]

    def unmark(self) -> int:
        """RSET: how many were marked."""
        unmarked = len(self.deleted)
        self.octets += sum(self.sizes[number - 1] for number in self.deleted)
        self.deleted.clear()
        return unmarked

    def unique_id(self, number: int) -> str:
        """RFC 1939 §7 (UIDL), in Dovecot's default format."""
        return f"{self.uids[number - 1]:08x}{self._suffix}"

    def listing(self) -> Iterator[bytes]:
        """LIST's lines, some thousand at a time."""
        for numbers in self._slices():
            yield "".join([f"{number} {self.sizes[number - 1]}\r\n" for number in numbers]).encode("ascii")

    def unique_ids(self) -> Iterator[bytes]:
        """UIDL's lines, some thousand at a time."""
        uids, suffix = self.uids, self._suffix
        for numbers in self._slices():
            yield "".join([f"{number} {uids[number - 1]:08x}{suffix}\r\n" for number in numbers]).encode(
                "ascii"
            )

    def _slices(self) -> Iterator[list[int]]:
        for start in range(1, len(self.uids) + 1, LINES_AT_ONCE):
            numbers = range(start, min(start + LINES_AT_ONCE, len(self.uids) + 1))
            yield (
                [number for number in numbers if number not in self.deleted]
                if self.deleted
                else list(numbers)
            )

    def marked(self) -> UidSet:
        """The UIDs of the messages marked by DELE."""
        return UidSet.of(self.uids[number - 1] for number in self.deleted)

    def seen(self) -> UidSet:
        """The UIDs to mark \\Seen."""
        return UidSet.of(self.retrieved)

    async def close(self) -> None:
        """Give back the mailbox and the lock."""
        try:
            await self.mailbox.close()
        finally:
            self._lock.release()
