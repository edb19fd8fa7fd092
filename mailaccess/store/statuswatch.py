"""Mailboxes watched for STATUS: those that are asked for again and again, over all accounts of a process."""

from collections import OrderedDict
from typing import Final

from mailaccess.store import loading
from mailaccess.store.background import Watch

WATCHED: Final = 1_000
"""Mailboxes of all accounts watched for STATUS: the kernel allows a user 8,192 watches or more."""


class Kept:
    """The last STATUS of a mailbox. quiet: its folders are watched, and were since they were last looked at."""

    __slots__ = ("at", "looked", "quiet", "watch")

    def __init__(self, looked: loading.Looked, at: float) -> None:
        self.looked = looked
        self.at = at
        self.quiet = False
        self.watch: Watch | None = None

    def stir(self) -> None:
        """The kernel told of something."""
        self.quiet = False

    def close(self) -> None:
        self.quiet = False
        if self.watch is not None:
            self.watch.close()
            self.watch = None


class Watches:
    """Which mailboxes are watched for STATUS: of a whole process, the first of them give way to others."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Kept, None] = OrderedDict()

    def add(self, kept: Kept) -> None:
        self._kept[kept] = None
        if len(self._kept) > WATCHED:
            self._kept.popitem(last=False)[0].close()

    def end(self, kept: Kept) -> None:
        if kept in self._kept:
            del self._kept[kept]
            kept.close()
