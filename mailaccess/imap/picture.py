"""What a session with NOTIFY compares: the mailboxes that its event groups mean, at one moment (RFC 5465 §5, §6).

A picture holds names, rights, subscriptions and, of those mailboxes whose events the client wants and may have, a
mark. Two pictures tell everything that happened between them, so nothing is queued while a client does not read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailaccess.imap.choosing import Source, Visible, means, visible
from mailaccess.imap.namespaces import Place
from mailaccess.imap.session import Authenticated
from mailaccess.model import names
from mailaccess.model.errors import MailError
from mailaccess.observe.events import Level
from mailaccess.proto.imap.commands.notify import MESSAGE_EVENTS, EventGroup, EventName, MailboxFilter
from mailaccess.store.api import Account, AnnotationMark, MailboxInfo, Mark

MAX_WATCHED: Final = 2_000
"""Mailboxes that one session is told of: comparing so many takes 2 ms, and holding them half a megabyte."""

SELECTED_FILTERS: Final = (MailboxFilter.SELECTED, MailboxFilter.SELECTED_DELAYED)

SERVER: Final = ""
"""The server's own annotations, beside mailboxes' names."""

NOTHING: Final[frozenset[EventName]] = frozenset()


class Overflow(Exception):
    """More is to be watched than one session may watch."""


class Wishes:
    """The event groups of one NOTIFY. selected: the group of the selected mailbox, None where there is none."""

    def __init__(self, groups: Sequence[EventGroup], heads: Sequence[str]) -> None:
        self.selected = next((group for group in groups if group.filter in SELECTED_FILTERS), None)
        others = [group for group in groups if group.filter not in SELECTED_FILTERS and group.events]
        self.groups = [((group.filter, frozenset(group.mailboxes)), group.events) for group in others]
        self.sources: list[Source] = [source for source, _ in self.groups]
        self.events = frozenset(event for _, events in self.groups for event in events)
        self._heads = frozenset(heads)
        self._subscribed: frozenset[str] = frozenset()
        self._known: dict[str, frozenset[EventName]] = {}

    @property
    def asks_subscriptions(self) -> bool:
        return EventName.SUBSCRIPTION_CHANGE in self.events or any(
            kind is MailboxFilter.SUBSCRIBED for kind, _ in self.sources
        )

    @property
    def has_foreign(self) -> bool:
        """Whether a mailbox of another account might be meant."""
        return any(given or kind is MailboxFilter.SUBSCRIBED for kind, given in self.sources)

    def subscribed(self, now: frozenset[str]) -> None:
        """What is meant from here on follows these subscriptions. RFC 5465 §6.4."""
        if now != self._subscribed:
            self._subscribed = now
            self._known.clear()

    def of(self, name: str) -> frozenset[EventName]:
        """The events wanted of a mailbox that is not the selected one. RFC 5465 §6: of all groups that mean it."""
        found = self._known.get(name)
        if found is None:
            own = name.partition(names.SEPARATOR)[0] not in self._heads
            found = NOTHING.union(
                *[
                    events
                    for source, events in self.groups
                    if means(source, name, own=own, subscribed=self._subscribed)
                ]
            )
            if len(self._known) < 2 * MAX_WATCHED:
                self._known[name] = found
        return found


@dataclass(slots=True)
class Picture:
    """One moment. marks: of what may be read.  annotations: likewise, and the server's own under ``SERVER``."""

    seen: Visible
    subscribed: frozenset[str]
    marks: dict[str, Mark] = field(default_factory=dict)
    annotations: dict[str, AnnotationMark] = field(default_factory=dict)

    @property
    def infos(self) -> Mapping[str, MailboxInfo]:
        return self.seen.infos

    @property
    def places(self) -> Mapping[str, Place]:
        return self.seen.places


async def take(
    session: Authenticated, wishes: Wishes, before: Picture | None, listen: Callable[[Account], None]
) -> Picture:
    """The moment after everything that ``listen`` has been told of up to now.

    listen: called with each account that is looked at, before it is. Raises Overflow, MailError.
    """
    listen(session.account)
    subscribed = await session.account.subscriptions() if wishes.asks_subscriptions else frozenset()
    wishes.subscribed(subscribed)
    known = before.seen if before is not None else None
    seen = await visible(session, wishes.sources, subscribed, known)
    if sum([1 for name in seen.infos if wishes.of(name)]) > MAX_WATCHED:
        raise Overflow
    picture = Picture(seen, subscribed)
    by_account: dict[int, list[Place]] = {}
    for name, place in seen.places.items():
        if place.may("lr") and wishes.of(name):
            by_account.setdefault(id(place.account), []).append(place)
    for some in by_account.values():
        listen(some[0].account)
        try:
            await _mark(picture, wishes, some, before)
        except MailError as error:
            if some[0].owned:
                raise
            _keep(picture, some, before)  # told of as it was, until it can be looked at again
            session.house.log.log(
                "imap-notify-failed",
                Level.WARNING,
                user=session.identity.name,
                namespace=some[0].root,
                error=error.detail or str(error),
            )
        await session.house.runner.pause()
    if EventName.SERVER_METADATA_CHANGE in wishes.events:
        mine: dict[str | None, AnnotationMark] = {}
        if before is not None and SERVER in before.annotations:
            mine[None] = before.annotations[SERVER]
        found = await session.account.annotation_marks([None], mine)
        picture.annotations[SERVER] = found[None]
    return picture


async def _mark(picture: Picture, wishes: Wishes, some: Sequence[Place], before: Picture | None) -> None:
    account = some[0].account
    if wishes.events & MESSAGE_EVENTS:
        marks = await account.marks()
        for place in some:
            if place.name in marks and wishes.of(place.shown) & MESSAGE_EVENTS:
                picture.marks[place.shown] = marks[place.name]
    if EventName.MAILBOX_METADATA_CHANGE in wishes.events:
        asked = [place for place in some if EventName.MAILBOX_METADATA_CHANGE in wishes.of(place.shown)]
        old = before.annotations if before is not None else {}
        known: dict[str | None, AnnotationMark] = {
            place.name: old[place.shown] for place in asked if place.shown in old
        }
        found = await account.annotation_marks([place.name for place in asked], known)
        for place in asked:
            if place.name in found:
                picture.annotations[place.shown] = found[place.name]


def _keep(picture: Picture, some: Sequence[Place], before: Picture | None) -> None:
    for place in some:
        if before is not None and place.shown in before.marks:
            picture.marks[place.shown] = before.marks[place.shown]
        if before is not None and place.shown in before.annotations:
            picture.annotations[place.shown] = before.annotations[place.shown]
