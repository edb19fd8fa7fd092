"""What happened between two looks of a session with NOTIFY (RFC 5465 §5), and is to be told: a comparison, no more.

``notifying`` looks and tells; here two ``picture``s are compared, and what the session did itself is left out as far as
it can be told apart for certain.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.picture import SERVER, Picture, Wishes
from mailaccess.model import names
from mailaccess.proto.imap.commands.listing import StatusItem
from mailaccess.proto.imap.commands.notify import EventName, MailboxFilter
from mailaccess.store.api import AnnotationMark, Mark

_EMPTY: Final = AnnotationMark((), {})


class Own:
    """What the session itself did since the last look: it is not told of that."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.trees: set[str] = set()
        self.subscriptions: set[str] = set()
        self.annotations: set[tuple[str, str]] = set()
        self.messages: Counter[str] = Counter()

    def has_name(self, name: str) -> bool:
        return name in self.names or any(each in self.trees for each in (name, *names.parents(name)))


@dataclass(frozen=True, slots=True)
class Difference:
    """One look beside the one before it."""

    wishes: Wishes
    before: Picture
    now: Picture
    own: Own

    def listed(self) -> tuple[dict[str, str | None], set[str]]:
        """The names to be told of, each with its old one if it was renamed, and those that may not be read any more.

        RFC 5465 §5.4, §5.5.
        """
        told: dict[str, str | None] = {}
        if (
            self.before.infos is not self.now.infos
            and self.before.infos != self.now.infos
            and EventName.MAILBOX_NAME in self.wishes.events
        ):
            told = self._changed_names()
        if EventName.SUBSCRIPTION_CHANGE in self.wishes.events:
            for name in sorted((self.before.subscribed ^ self.now.subscribed) - self.own.subscriptions):
                if EventName.SUBSCRIPTION_CHANGE in self.wishes.of(name) or self._was_meant(name):
                    told.setdefault(name, None)
        refused: set[str] = set()
        for name, place in self.now.places.items() if self.now.places is not self.before.places else ():
            was = self.before.places.get(name)
            if was is not None and was.rights != place.rights and self.wishes.of(name):
                if was.may("lr") and not place.may("r"):
                    refused.add(name)
                elif place.may("lr") and not was.may("r"):
                    told.setdefault(name, None)
        for name, place in self.before.places.items() if self.now.places is not self.before.places else ():
            if name not in self.now.infos and not place.owned and place.may("lr"):
                if self.wishes.of(name) and EventName.MAILBOX_NAME not in self.wishes.of(name):
                    refused.add(name)
        return told, refused

    def _was_meant(self, name: str) -> bool:
        """Whether "subscribed" meant the name before it was unsubscribed."""
        return any(
            kind is MailboxFilter.SUBSCRIBED and EventName.SUBSCRIPTION_CHANGE in events
            for (kind, _), events in self.wishes.groups
        )

    def _changed_names(self) -> dict[str, str | None]:
        """The names to be told of, each with its old one if it was renamed. RFC 5465 §5.4."""
        gone = [name for name in self.before.infos if name not in self.now.infos]
        come = [name for name in self.now.infos if name not in self.before.infos]
        ids = {
            self.before.infos[name].mailbox_id: name for name in gone if self.before.infos[name].mailbox_id
        }
        renamed = {
            name: old for name in come if (old := ids.get(self.now.infos[name].mailbox_id)) is not None
        }
        told: dict[str, str | None] = {}

        def tell(name: str, old_name: str | None = None) -> None:
            if EventName.MAILBOX_NAME in self.wishes.of(name) and not self.own.has_name(name):
                told[name] = old_name or told.get(name)

        sources, new_names = set(renamed.values()), set(renamed)
        for name in gone:
            if name not in sources and (
                self.before.infos[name].selectable or not _moved_along(name, sources)
            ):
                tell(name)
                _parent(name, tell)
        for name in come:
            old = renamed.get(name)
            if old is None:
                if self.now.infos[name].selectable or not _moved_along(name, new_names):
                    tell(name)
                    _parent(name, tell)
            elif not any(
                parent in renamed and old == renamed[parent] + name[len(parent) :]
                for parent in names.parents(name)
            ):
                if EventName.MAILBOX_NAME in self.wishes.of(old) and not self.own.has_name(name):
                    told[name] = old
                else:
                    tell(name, old)
        for name, info in self.now.infos.items():
            was = self.before.infos.get(name)
            if was is not None and was.selectable != info.selectable:
                tell(name)
        return told

    def messages(self, shown: str | None, condstore: bool) -> dict[str, list[StatusItem]]:
        """The mailboxes in which something happened, with what is told of them. RFC 5465 §5.1 to §5.3.

        shown: the selected one, of which other responses tell.
        """
        marks = {mark.mailbox_id: mark for mark in self.before.marks.values()}
        changed: dict[str, list[StatusItem]] = {}
        for name, mark in self.now.marks.items():
            was = self.before.marks.get(name)
            if was == mark or name == shown:
                continue
            if was is None or was.mailbox_id != mark.mailbox_id:
                was = marks.get(mark.mailbox_id) or Mark(mark.mailbox_id, mark.uidvalidity, 1, 0, 0)
                known = name in self.before.infos and self.before.infos[name].mailbox_id == mark.mailbox_id
                if known or was == mark or (mark.messages == 0 and mark.uidnext == 1):
                    continue  # watched from now on, renamed, or new and empty: nothing happened in it
            if _only_appended(was, mark, self.own.messages[name]):
                continue
            items = self._items(name, was, mark, condstore)
            if items:
                changed[name] = items
        return changed

    def _items(self, name: str, was: Mark, mark: Mark, condstore: bool) -> list[StatusItem]:
        events = self.wishes.of(name)
        items: list[StatusItem] = []
        new_uids = was.uidvalidity != mark.uidvalidity
        if EventName.MESSAGE_NEW in events:
            if new_uids or (was.uidnext, was.messages) != (mark.uidnext, mark.messages):
                items = [StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY]
        if EventName.FLAG_CHANGE in events and (new_uids or was.highest_modseq != mark.highest_modseq):
            items = [*(items or [StatusItem.UIDVALIDITY]), StatusItem.UNSEEN]
        if items and condstore:
            items.append(StatusItem.HIGHESTMODSEQ)
        return items

    def annotations(self) -> list[tuple[str, tuple[str, ...]]]:
        """RFC 5465 §5.6, §5.7."""
        told = []
        for name, mark in self.now.annotations.items():
            was = self.before.annotations.get(name, _EMPTY)
            if was is not mark and was.entries != mark.entries:
                entries = sorted(was.entries.keys() | mark.entries.keys())
                changed = [
                    entry
                    for entry in entries
                    if was.entries.get(entry) != mark.entries.get(entry)
                    and (name, entry) not in self.own.annotations
                    and (name in self.before.places or name == SERVER)
                ]
                if changed:
                    told.append((name, tuple(changed)))
        return told


def _moved_along(name: str, renamed: set[str]) -> bool:
    """Whether a name that holds no mail lies below one that was renamed."""
    return any(parent in renamed for parent in names.parents(name))


def _parent(name: str, tell: Callable[[str], None]) -> None:
    """The direct parent is affected too, whether it exists or not. RFC 5465 §5.4."""
    parent = name.rpartition(names.SEPARATOR)[0]
    if parent:
        tell(parent)


def first_items(events: frozenset[EventName]) -> list[StatusItem]:
    """What a STATUS before NOTIFY's tagged answer tells. RFC 5465 §3.1."""
    items = [StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY]
    if EventName.FLAG_CHANGE in events:
        items += [StatusItem.UNSEEN, StatusItem.HIGHESTMODSEQ]
    return items


def _only_appended(was: Mark, mark: Mark, times: int) -> bool:
    """Whether so many transactions that only appended lie between the two: then they were the session's own."""
    return (
        mark.uidvalidity == was.uidvalidity
        and 0 < mark.highest_modseq - was.highest_modseq <= times
        and mark.uidnext - was.uidnext == mark.messages - was.messages
    )
