"""Changed annotations, told to an account's other sessions that enabled METADATA (RFC 5464 §4.4.2).

The house has one board. A session that enables METADATA puts a ``Notes`` on it, which lives as long as the
session does; SETMETADATA writes to the others' notes; the dispatcher tells them before a tagged answer, IDLE at
once.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

from mailaccess.imap.replies import Replies
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.responses_more import MetadataChanged, UrlMech

MAX_NOTED: Final = 200
"""Entries noted and not told yet: a client that never asks must not make us remember more. The rest is lost, as
the RFC allows (a server need not tell at all).
"""


class Notes:
    """What one session has yet to be told: names of entries by mailbox, "" being the server's own.

    wake: called, if set, when there is something (IDLE).
    """

    __slots__ = ("__weakref__", "_changed", "_count", "account", "wake")

    def __init__(self, account: str) -> None:
        self.account = account
        self._changed: dict[str, dict[str, None]] = {}
        self._count = 0
        self.wake: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        return bool(self._changed)

    def note(self, mailbox: str, entries: Iterable[str]) -> None:
        """These have changed; each is told once."""
        known = self._changed.setdefault(mailbox, {})
        for entry in entries:
            if entry not in known and self._count < MAX_NOTED:
                known[entry] = None
                self._count += 1
        if not known:
            del self._changed[mailbox]
        elif self.wake is not None:
            self.wake()

    def take(self) -> list[tuple[str, tuple[str, ...]]]:
        """Everything noted, which counts as told."""
        changed, self._changed, self._count = self._changed, {}, 0
        return [(mailbox, tuple(entries)) for mailbox, entries in changed.items()]


class Watching(Protocol):
    """A session that uses NOTIFY."""

    def rights_changed(self) -> None:
        """Somebody's access control list was changed."""
        ...


class Telling(Protocol):
    """What a session has to be told of its mailbox."""

    def say(self, response: r.Response) -> None:
        """Tell this at the next occasion."""
        ...


class Board:
    """All notes of a process: few sessions have some, and annotations change seldom.

    selections: sessions that may make URLs (RFC 4467), with the user and the selected mailbox's id.
    """

    __slots__ = ("_notes", "selections", "watches")

    def __init__(self) -> None:
        self._notes: WeakSet[Notes] = WeakSet()
        self.watches: WeakSet[Watching] = WeakSet()
        self.selections: WeakKeyDictionary[Telling, tuple[str, str]] = WeakKeyDictionary()

    def listen(self, account: str) -> Notes:
        """Notes for one session of an account."""
        notes = Notes(account)
        self._notes.add(notes)
        return notes

    def changed(self, account: str, mailbox: str, entries: Iterable[str], *, by: Notes | None) -> None:
        """Let all sessions of the account know, but the one that did it."""
        names = tuple(entries)
        for notes in tuple(self._notes):
            if notes.account == account and notes is not by:
                notes.note(mailbox, names)

    def key_replaced(self, user: str, mailbox_id: str, *, by: Telling | None) -> None:
        """The user's URLs of a mailbox are void: all sessions that have it selected are told. RFC 4467 §7."""
        for telling, selected in tuple(self.selections.items()):
            if selected == (user, mailbox_id) and telling is not by:
                telling.say(r.Ok("The key was replaced", UrlMech()))

    def rights_changed(self) -> None:
        """A list of whatever account was changed: RFC 5465 §5.4 counts rights given as mailboxes made."""
        for watch in tuple(self.watches):
            watch.rights_changed()


def tell(notes: Notes, out: Replies) -> None:
    """METADATA without values. RFC 5464 §4.4.2."""
    for mailbox, entries in notes.take():
        out.send(MetadataChanged(mailbox, entries))
