"""Where the messages lie that a client will read next: most download one message after the other.

Of the rows that a read needs, those of the messages after it cost next to nothing; and what is known already is read
without a job of the account, so that it waits for no other. Nothing can be out of date in a way that matters: a file's
unique name is given to one message only, whoever finds it renamed or gone asks the index, and a message that went is
in the columns no more.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from mailaccess.store.reading import Place

AHEAD: Final = 32
"""Messages looked up ahead: 10 KB for a session that stops there."""

Located = tuple[list[Place | None], Mapping[int, bytes]]
"""Where each message is, and the folders of the mailboxes that are named there (``reading.located``)."""


class ReadAhead:
    """Of one session."""

    __slots__ = ("_folders", "_last", "_places")

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._folders: Mapping[int, bytes] = {}
        self._last = 0

    def known(self, uids: Sequence[int], there: Sequence[int]) -> Located | None:
        """Where ``uids`` are, if that is known; each is told once. there: the mailbox's UIDs, ascending."""
        if len(uids) != 1 or uids[0] not in self._places:
            return None
        (uid,) = uids
        self._last = uid
        at = self._places.pop(uid)
        place = bisect_left(there, uid)
        return ([at], self._folders) if place < len(there) and there[place] == uid else None

    def next(self, uids: Sequence[int], there: Sequence[int]) -> Sequence[int]:
        """What to look up besides ``uids``: something where one message is read, after one that stands beside it."""
        last, self._last = self._last, uids[-1] if uids else 0
        if len(uids) != 1 or not last:
            return ()
        place, after = bisect_left(there, uids[0]), bisect_right(there, uids[0])
        if place and there[place - 1] == last:
            return list(there[after : after + AHEAD])
        if after < len(there) and there[after] == last:
            return list(there[max(0, place - AHEAD) : place])
        return ()

    def keep(self, uids: Sequence[int], places: Sequence[Place | None], folders: Mapping[int, bytes]) -> None:
        """What was found of the messages that ``next`` named."""
        self._places = {uid: at for uid, at in zip(uids, places, strict=True) if at is not None}
        self._folders = folders
