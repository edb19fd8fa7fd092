"""Messages read one after the other while they are sent (``api.Bodies``): each is in memory when its turn comes and no
longer, so that what was read is still in the processor's cache when it is written.

Where they lie is known at the beginning. What the kernel has in memory is read on the reactor thread; for what it has
not, one job reads a stretch from there on, and has the stretch after it come from the disk meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mailaccess.store import reading
from mailaccess.store.api import Body
from mailaccess.store.reading import Place
from mailaccess.store.surroundings import Engine

STRETCH: Final = 512 * 1024
"""Octets read in one job, but for a single larger message."""


class Bodies:
    """uids, places: in parallel; None for a message that is gone.  folders: of the mailboxes that are named there."""

    __slots__ = ("_account", "_folders", "_held", "_mailbox_id", "_places", "_uids")

    def __init__(
        self,
        account: Engine,
        mailbox_id: str,
        uids: Sequence[int],
        places: Sequence[Place | None],
        folders: Mapping[int, bytes],
    ) -> None:
        self._account = account
        self._mailbox_id = mailbox_id
        self._uids = uids
        self._places = places
        self._folders = folders
        self._held: dict[int, bytes | Body | None] = {}

    def present(self, place: int) -> bytes | None:
        if self._held and place in self._held:
            held = self._held[place]
            if isinstance(held, bytes):
                del self._held[place]
                return held
            return None
        at = self._places[place]
        return None if at is None else reading.present(self._account.vault, at, self._folders)

    async def read(self, place: int) -> "bytes | Body | None":
        if place not in self._held:
            if self._places[place] is None:
                return None
            self.close()
            account, uids = self._account, self._uids
            end = self._stretch(place)
            found = await account.run(
                reading.read,
                self._mailbox_id,
                uids[place:end],
                account.runner,
                uids[end : self._stretch(end)],
            )
            self._held = dict(enumerate(found, place))
        return self._held.pop(place)

    def _stretch(self, start: int) -> int:
        """Where the messages that are read with the one at ``start`` end."""
        room, end = STRETCH, start
        while end < len(self._places):
            at = self._places[end]
            room -= at[3] if at is not None else 0
            if room < 0 and end > start:
                break
            end += 1
        return end

    def close(self) -> None:
        for each in self._held.values():
            if each is not None and not isinstance(each, bytes):
                each.close()
        self._held = {}
