"""NOTIFY (RFC 5465): a session is told at once, also between commands, of what it asked to be told of.

The selected mailbox keeps its ``Updates``; ``dispatch.tell`` asks here which of them are wanted. Of everything else the
session's accounts say that something may have changed; a look then takes a new ``picture`` and tells what differs from
the one before (``differences``), but for what the client did itself.

The client is told before a command's tagged answer, in IDLE, or, when it says nothing, some time after the change.
"""

from bisect import bisect_right
from collections.abc import Container
from typing import Final

from mailaccess.imap.commands.listing import Tree, status_entry
from mailaccess.imap.differences import Difference, Own, first_items
from mailaccess.imap.fetch.unasked import tell_items
from mailaccess.imap.namespaces import FRESH, Listing, Place
from mailaccess.imap.picture import SERVER, Overflow, Picture, Wishes, take
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.wire import Timer
from mailaccess.model import names
from mailaccess.model.errors import MailError
from mailaccess.observe.events import Level
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import Command, append, mailboxes, messages, metadata
from mailaccess.proto.imap.commands.listing import StatusItem
from mailaccess.proto.imap.commands.notify import EventGroup, EventName, MailboxFilter
from mailaccess.proto.imap.responses_more import NOTIFICATIONOVERFLOW, MetadataChanged
from mailaccess.store.api import Account, Hearing

SETTLE: Final = 0.1
"""Seconds between a change and the look at it: changes that follow are told together."""

FEW: Final = 1_000
"""Mailboxes for each of which a look waits another millisecond: looks take a bounded share of the time."""

TOGETHER: Final = 32
"""Mailboxes whose STATUS is asked for at a time."""

TOO_MUCH: Final = "There is too much to tell"


class Watch:
    """From a NOTIFY to the next one. NOTIFY NONE is a watch without groups.

    new, expunges, flags: what is told of the selected mailbox; expunges: also between commands if ``at_once``.
    ripe: there is something to look at, and it has settled.
    """

    def __init__(self, session: Authenticated, groups: tuple[EventGroup, ...]) -> None:
        self.connection = session.connection
        self.wishes = Wishes(groups, session.namespaces.heads())
        selected = self.wishes.selected
        events = selected.events if selected is not None else frozenset()
        self.new = EventName.MESSAGE_NEW in events
        self.expunges = EventName.MESSAGE_EXPUNGE in events
        self.flags = EventName.FLAG_CHANGE in events
        self.at_once = selected is not None and selected.filter is MailboxFilter.SELECTED
        self.items = selected.new_items if selected is not None else ()
        self.dirty = False
        self._account = session.account
        self._timer: Timer | None = None
        self._late: Timer | None = None
        self._heard_foreign = False
        self._hearings: dict[int, tuple[Account, Hearing]] = {}
        self._used: set[int] = set()
        self._picture: Picture | None = None
        self._own = Own()
        self._own_uids: set[int] = set()
        if groups:
            session.house.board.watches.add(self)

    # --- what happens ---------------------------------------------------------------------------------

    def heard(self) -> None:
        """Something may have changed."""
        self.dirty = True
        if self._timer is None:
            many = len(self._picture.places) if self._picture is not None else 0
            self._timer = self.connection.wire.later(SETTLE + many / FEW / 10, self._settled)

    def _heard_of_others(self) -> None:
        self._heard_foreign = True
        self.heard()

    def _settled(self) -> None:
        self._timer = None
        self.connection.stir()

    @property
    def ripe(self) -> bool:
        return self.dirty and self._timer is None

    def rights_changed(self) -> None:
        """Somebody's access control list was changed."""
        if self.wishes.has_foreign:
            self.heard()

    def _look_again(self) -> None:
        """Lists of others may be as old as FRESH: what another process changed in them shows by now."""
        self._late = None
        self.heard()

    def due(self, state: Authenticated) -> bool:
        """Whether there is something to tell between commands, of the selected mailbox or of others."""
        if self.ripe:
            return True
        return isinstance(state, Selected) and (
            state.updates.gone or state.updates.due(expunges=self.expunges and self.at_once)
        )

    def did(self, session: Authenticated, command: Command, status: r.Status | None) -> None:
        """The session carried out a command of its own."""
        own = self._own
        match command:
            case mailboxes.Create(mailbox=name) | mailboxes.Delete(mailbox=name):
                own.names.update((name, *names.parents(name)))
            case mailboxes.Rename(source, target):
                own.names.update((*names.parents(source), *names.parents(target)))
                own.trees.update((source, target))
            case mailboxes.Subscribe(mailbox=name) | mailboxes.Unsubscribe(mailbox=name):
                own.subscriptions.add(name)
            case metadata.SetMetadata(mailbox, values):
                own.annotations.update((mailbox or SERVER, entry) for entry, _ in values)
            case append.Append(mailbox=name) | messages.Copy(mailbox=name) | messages.Move(mailbox=name):
                own.messages[name] += 1
                code = status.code if status is not None else None
                # Only ``tell_new`` asks for these, and takes them away.
                if self.items and isinstance(session, Selected) and session.shown == name:
                    if isinstance(code, r.AppendUid):
                        self._own_uids.update(code.uids)
                    elif isinstance(code, r.CopyUid):
                        self._own_uids.update(code.target)
            case _:
                return
        if not self.dirty:
            self._own = Own()

    def close(self) -> None:
        """Watch nothing any more."""
        for timer in (self._timer, self._late):
            if timer is not None:
                timer.cancel()
        self._timer = self._late = None
        for _, hearing in self._hearings.values():
            hearing.close()
        self._hearings.clear()
        self._picture = None
        self.dirty = False

    # --- looking --------------------------------------------------------------------------------------

    async def begin(self, session: Authenticated, out: Replies, *, status: bool) -> None:
        """The first look: what may not be watched is told, and with ``status`` what the others are like now.

        Raises Overflow, MailError. RFC 5465 §3.1.
        """
        if not self.wishes.sources:
            return
        picture = self._picture = await self._take(session)
        tree = self._tree(picture)
        for name, place in picture.places.items():
            if self.wishes.of(name) and place.may("l") and not place.may("r"):
                out.send(self._listed(tree, name, no_access=True))
                await out.room()
        if status:
            asked = [name for name in picture.marks if name != _shown(session)]
            await self._tell_status(session, {name: first_items(self.wishes.of(name)) for name in asked}, out)

    async def look(self, session: Authenticated, out: Replies) -> None:
        """Tell what has changed since the last look."""
        self.dirty = False
        before = self._picture
        if before is None:
            return
        try:
            now = await self._take(session)
        except Overflow:
            out.send(r.Ok(TOO_MUCH, NOTIFICATIONOVERFLOW))
            self.close()
            self.connection.notify(Watch(session, ()))
            return
        except MailError as error:
            session.house.log.log("imap-notify-failed", Level.WARNING, error=error.detail or str(error))
            return
        own, self._own = self._own, Own()
        self._picture = now
        if self._heard_foreign and self._late is None:
            self._late = self.connection.wire.later(2 * FRESH, self._look_again)
        self._heard_foreign = False
        difference = Difference(self.wishes, before, now, own)
        await self._tell_names(difference, now, out)
        await self._tell_status(session, difference.messages(_shown(session), session.condstore), out)
        for name, entries in difference.annotations():
            out.send(MetadataChanged(name, entries))
            await out.room()

    async def _take(self, session: Authenticated) -> Picture:
        self._used.clear()
        picture = await take(session, self.wishes, self._picture, self._listen)
        for key in self._hearings.keys() - self._used:
            self._hearings.pop(key)[1].close()
        for account, hearing in self._hearings.values():
            hearing.watch(
                [place.name for name, place in picture.places.items()
                 if place.account is account and name in picture.marks]
            )  # fmt: skip
        return picture

    def _listen(self, account: Account) -> None:
        key = id(account)
        self._used.add(key)
        if key not in self._hearings:
            heard = self.heard if account is self._account else self._heard_of_others
            self._hearings[key] = account, account.overhear(heard)
            if self._picture is not None:
                self.heard()  # what happened while nobody listened there is looked for once more

    # --- telling of names -----------------------------------------------------------------------------

    def _tree(self, picture: Picture) -> Tree:
        return Tree(Listing(tuple(picture.infos.values()), picture.places), picture.subscribed)

    def _listed(
        self, tree: Tree, name: str, *, old_name: str | None = None, no_access: bool = False
    ) -> r.ListEntry:
        """LIST of one name as it is now. RFC 5465 §5.4, §5.5."""
        attributes = tree.attributes(name)
        if name in tree.subscribed:
            attributes.insert(0, "\\Subscribed")
        if no_access:
            attributes.append("\\NoAccess")
        return r.ListEntry(name, tuple(attributes), old_name=old_name)

    async def _tell_names(self, difference: Difference, now: Picture, out: Replies) -> None:
        told, refused = difference.listed()
        if told or refused:
            tree = self._tree(now)
            for name in dict.fromkeys((*told, *sorted(refused))):
                old_name = told.get(name)
                out.send(self._listed(tree, name, old_name=old_name, no_access=name in refused))
                await out.room()

    # --- telling of messages --------------------------------------------------------------------------

    async def _tell_status(
        self, session: Authenticated, wanted: dict[str, list[StatusItem]], out: Replies
    ) -> None:
        picture = self._picture
        asked: dict[int, list[Place]] = {}
        for name in wanted:
            place = picture.places[name] if picture is not None else None
            if place is not None:
                asked.setdefault(id(place.account), []).append(place)
        for places in asked.values():
            for start in range(0, len(places), TOGETHER):
                some = places[start : start + TOGETHER]
                found = await some[0].account.statuses([place.name for place in some])
                for place in some:
                    if place.name in found:
                        items = wanted[place.shown]
                        out.send(status_entry(session, place.shown, items, found[place.name]))
                await out.room()

    async def tell_new(self, session: Selected, last: int, but: Container[int], out: Replies) -> None:
        """FETCH of the selected mailbox's messages above UID ``last``, which were just told. RFC 5465 §5.2.

        but: those of which that was told already.
        """
        own, self._own_uids = self._own_uids, set()
        if self.items:
            uids = session.view.uids
            new = uids[bisect_right(uids, last) :]
            await tell_items(
                session, [uid for uid in new if uid not in own and uid not in but], self.items, out
            )

    # --- telling of annotations -----------------------------------------------------------------------

    @property
    def tells_annotations(self) -> bool:
        """Whether METADATA is told here, so that ENABLE METADATA need not tell it again."""
        return EventName.MAILBOX_METADATA_CHANGE in self.wishes.events


def _shown(session: Authenticated) -> str | None:
    return session.shown if isinstance(session, Selected) else None
