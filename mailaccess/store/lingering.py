"""Mailboxes that nobody has open, kept in memory in case somebody selects them again.

Selecting a mailbox whose columns are in memory costs one look at its folder, and else the reading of them. But
what is kept holds its whole account, some 20 KB, and 36 octets a message: past ``MESSAGES_KEPT`` the least recently
used go at once, after ``KEPT_SECONDS`` all but the latest, and when the server has nothing to do, most.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.store.changes import OpenMailbox
from mailaccess.store.surroundings import Closable

MESSAGES_KEPT: Final = 1_000_000
"""36 MB."""

MAILBOXES_KEPT: Final = 2_000
"""Each is watched too, and the kernel allows a user 8,192 watches or more."""

KEPT_SECONDS: Final = 600.0
"""Mail programs that do not wait in IDLE look every minute, or every five or ten."""

MESSAGES_AT_REST: Final = 200_000
"""7 MB: what a few large mailboxes take."""

MAILBOXES_AT_REST: Final = 50
"""One MB of accounts: a small server never lets go of any."""


@dataclass(frozen=True, slots=True)
class _Kept:
    account: Closable
    state: OpenMailbox
    messages: int
    since: float


class Lingering:
    """Used on the reactor thread. clock: seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._messages = 0

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, account: Closable, state: OpenMailbox) -> None:
        """Somebody has it open again; nothing where it was not kept."""
        found = self._kept.pop(_key(account, state), None)
        if found is not None:
            self._messages -= found.messages

    def keep(self, account: Closable, state: OpenMailbox) -> None:
        """Nobody has it open any more."""
        self.take(account, state)
        kept = _Kept(account, state, len(state.columns), self._clock())
        self._kept[_key(account, state)] = kept
        self._messages += kept.messages
        self._shrink(MESSAGES_KEPT, MAILBOXES_KEPT)

    def age(self) -> None:
        """Let go of those that nobody asked for in ``KEPT_SECONDS``, but for the latest."""
        before = self._clock() - KEPT_SECONDS
        while len(self._kept) > MAILBOXES_AT_REST and next(iter(self._kept.values())).since < before:
            self._drop_oldest()

    def rest(self) -> None:
        """Nobody asks for anything: keep the latest only."""
        self._shrink(MESSAGES_AT_REST, MAILBOXES_AT_REST)

    def clear(self) -> None:
        """The server stops: the accounts close by themselves."""
        self._kept.clear()
        self._messages = 0

    def _shrink(self, messages: int, mailboxes: int) -> None:
        while (self._messages > messages or len(self._kept) > mailboxes) and len(self._kept) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, oldest = self._kept.popitem(last=False)
        self._messages -= oldest.messages
        oldest.account.forget(oldest.state)


def _key(account: Closable, state: OpenMailbox) -> tuple[str, str]:
    return os.fspath(account.location.maildir), state.mailbox_id
