"""What no mailbox's index tells sessions of: annotations (RFC 5464 §4.4.2), access keys (RFC 4467), rights.

The house has one board. A session that enables METADATA puts a ``Notes`` on it, which lives as long as the
session does; SETMETADATA writes to the others' notes; the dispatcher tells them before a tagged answer, IDLE at
once. Where several processes serve, each passes on as an ``Announcement`` what its sessions did, and hears the
others'; what is announced has been committed, so whoever hears of it finds it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

from mailaccess.imap.replies import Replies
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.responses_more import MetadataChanged, UrlMech

MAX_NOTED: Final = 200
"""Entries noted and not told yet: a client that never asks must not make us remember more. The rest is lost, as
the RFC allows (a server need not tell at all).
"""

MAX_PASSED_ON: Final = 64 * 1024
"""Characters of entries' names told to other processes at once: two hundred of a sensible length, and no megabytes
for everybody because one client invented long names.
"""


class News(Enum):
    """What an announcement is about."""

    ANNOTATIONS = "annotations"
    KEY = "key"
    RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What happened in an account.

    account: its name; of a key, of whose URLs are void.  mailbox: of annotations its name, "" being the server; of a
    key its id.  entries: the annotations.
    """

    news: News
    account: str
    mailbox: str = ""
    entries: tuple[str, ...] = ()


def _pass_on_to_nobody(announcement: Announcement) -> None:
    """One process serves alone."""


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
    pass_on: tells the other processes that serve.
    """

    __slots__ = ("_notes", "pass_on", "selections", "watches")

    def __init__(self) -> None:
        self._notes: WeakSet[Notes] = WeakSet()
        self.watches: WeakSet[Watching] = WeakSet()
        self.selections: WeakKeyDictionary[Telling, tuple[str, str]] = WeakKeyDictionary()
        self.pass_on: Callable[[Announcement], None] = _pass_on_to_nobody

    def listen(self, account: str) -> Notes:
        """Notes for one session of an account."""
        notes = Notes(account)
        self._notes.add(notes)
        return notes

    def changed(self, account: str, mailbox: str, entries: Iterable[str], *, by: Notes | None) -> None:
        """Let all sessions of the account know, but the one that did it."""
        names = tuple(entries)
        self._note(account, mailbox, names, by)
        self.pass_on(Announcement(News.ANNOTATIONS, account, mailbox, _bounded(names)))

    def _note(self, account: str, mailbox: str, entries: tuple[str, ...], by: Notes | None) -> None:
        for notes in tuple(self._notes):
            if notes.account == account and notes is not by:
                notes.note(mailbox, entries)

    def key_replaced(self, user: str, mailbox_id: str, *, by: Telling | None) -> None:
        """The user's URLs of a mailbox are void: all sessions that have it selected are told. RFC 4467 §7."""
        self._tell_key(user, mailbox_id, by)
        self.pass_on(Announcement(News.KEY, user, mailbox_id))

    def _tell_key(self, user: str, mailbox_id: str, by: Telling | None) -> None:
        for telling, selected in tuple(self.selections.items()):
            if selected == (user, mailbox_id) and telling is not by:
                telling.say(r.Ok("The key was replaced", UrlMech()))

    def rights_changed(self, account: str) -> None:
        """A list of the account was changed: RFC 5465 §5.4 counts rights given as mailboxes made."""
        self._tell_watches()
        self.pass_on(Announcement(News.RIGHTS, account))

    def _tell_watches(self) -> None:
        for watch in tuple(self.watches):
            watch.rights_changed()

    def heard(self, announcement: Announcement) -> None:
        """Something happened in another process: all sessions of this one that it concerns are told."""
        account, mailbox = announcement.account, announcement.mailbox
        match announcement.news:
            case News.ANNOTATIONS:
                self._note(account, mailbox, announcement.entries, None)
            case News.KEY:
                self._tell_key(account, mailbox, None)
            case News.RIGHTS:
                self._tell_watches()


def _bounded(entries: tuple[str, ...]) -> tuple[str, ...]:
    """As many of them as are passed on."""
    kept: list[str] = []
    room = MAX_PASSED_ON
    for entry in entries[:MAX_NOTED]:
        room -= len(entry)
        if room < 0:
            break
        kept.append(entry)
    return tuple(kept)


def tell(notes: Notes, out: Replies) -> None:
    """METADATA without values. RFC 5464 §4.4.2."""
    for mailbox, entries in notes.take():
        out.send(MetadataChanged(mailbox, entries))
