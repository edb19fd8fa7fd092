"""An in-memory store behind the contract of ``store.api``.

For dialogues that need what a real store never does on demand: a call that waits, one that fails, a message
that is gone between two looks. Everything else runs on the real store.
"""

import contextlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from mailaccess.message import headers, stored, structure
from mailaccess.message.envelope import envelope
from mailaccess.model import criteria as c
from mailaccess.model import errors, names
from mailaccess.model.account import QuotaLimit
from mailaccess.model.flags import DELETED, SEEN, is_keyword
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import structure_render
from mailaccess.store import api
from mailaccess.store.api import Change, Fact, FlagOperation


class FakeColumns:
    def __init__(self):
        self.uids, self.flag_ids = array("I"), array("I")
        self.modseqs, self.sizes, self.dates = array("Q"), array("Q"), array("q")
        self.flag_sets = [frozenset()]
        self.undated = False

    def __len__(self):
        return len(self.uids)

    def position(self, uid):
        place = bisect_left(self.uids, uid)
        return place if place < len(self.uids) and self.uids[place] == uid else -1

    def flag_id(self, flags):
        if flags not in self.flag_sets:
            self.flag_sets.append(flags)
        return self.flag_sets.index(flags)


class FakeBody:
    def __init__(self, octets):
        self.octets, self.size, self.closed = octets, len(octets), False

    async def read(self, offset, length):
        return self.octets[offset : offset + length]

    def close(self):
        self.closed = True


class FakeUpload:
    def __init__(self, limit):
        self.limit, self.octets, self.discarded = limit, b"", False
        self.settled = None

    @property
    def size(self):
        return len(self.octets)

    async def write(self, data):
        self.octets += data
        if len(self.octets) > self.limit:
            raise errors.TooBig

    async def settle(self, date):
        self.settled = date

    async def discard(self):
        self.discarded = True


class Room:
    """What all handles of one mailbox share."""

    def __init__(self, name, number):
        self.name, self.number, self.selectable = name, number, True
        self.special_use = frozenset()
        self.columns, self.uidnext, self.modseq = FakeColumns(), 1, 1
        self.bodies, self.keywords, self.handles = {}, [], []
        self.unclaimed = set()
        self.expunged = []
        self.memory = {}

    def add(self, octets, flags=frozenset(), date=0):
        uid = self.uidnext
        self.uidnext += 1
        self.modseq += 1
        columns = self.columns
        columns.uids.append(uid)
        columns.flag_ids.append(columns.flag_id(frozenset(flags)))
        columns.modseqs.append(self.modseq)
        columns.sizes.append(len(octets))
        columns.dates.append(date)
        self.bodies[uid] = octets
        self.learn(flags)
        self.unclaimed.add(uid)
        return uid

    def learn(self, flags):
        self.keywords.extend(sorted(flag for flag in flags if is_keyword(flag) and flag not in self.keywords))

    def tell(self, **what):
        change = Change(modseq=self.modseq, **what)
        for handle in list(self.handles):
            handle.listener(change)

    def remove(self, uids, by):
        gone = UidSet.of([uid for uid in uids if self.columns.position(uid) >= 0])
        for uid in gone:
            place = self.columns.position(uid)
            for column in ("uids", "flag_ids", "modseqs", "sizes", "dates"):
                del getattr(self.columns, column)[place]
            self.bodies.pop(uid)
        if gone:
            self.modseq += 1
            self.expunged.append((self.modseq, gone))
            self.tell(expunged=gone, by=by)
        return gone


class FakeBodies:
    """Every second message has to be waited for."""

    def __init__(self, mailbox, uids):
        assert len(uids) <= 64
        self.mailbox = mailbox
        self.uids = uids

    def present(self, place):
        octets = self.mailbox.room.bodies.get(self.uids[place]) if place % 2 else None
        return None if octets is None or len(octets) > 2**20 else octets

    async def read(self, place):
        return (await self.mailbox.read([self.uids[place]]))[0]

    def close(self):
        pass


class FakeMailbox:
    def __init__(self, account, room, listener):
        self.account, self.room, self.listener = account, room, listener
        room.handles.append(self)
        self.uidvalidity = 1000 + room.number
        self.mailbox_id = f"M{room.number}"

    name = property(lambda self: self.room.name)
    columns = property(lambda self: self.room.columns)
    uidnext = property(lambda self: self.room.uidnext)
    highest_modseq = property(lambda self: self.room.modseq)
    keywords = property(lambda self: self.room.keywords)

    async def claim_recent(self):
        await self.account.wait("claim_recent")
        claimed, self.room.unclaimed = UidSet.of(self.room.unclaimed), set()
        return claimed

    def recent(self):
        return len(self.room.unclaimed)

    async def settle_dates(self, uids):
        pass

    async def refresh(self):
        await self.account.wait("refresh")

    async def set_flags(self, uids, operation, flags, *, unchanged_since=None):
        await self.account.wait("set_flags")
        columns, changed, failed = self.columns, [], []
        self.room.learn(flags)
        self.room.modseq += 1
        for uid in uids.among(columns.uids):
            place = columns.position(uid)
            if unchanged_since is not None and columns.modseqs[place] > unchanged_since:
                failed.append(uid)
                continue
            old = columns.flag_sets[columns.flag_ids[place]]
            kept = {FlagOperation.ADD: old | flags, FlagOperation.REMOVE: old - flags}
            new = kept.get(operation, frozenset(flags))
            if new != old:
                columns.flag_ids[place] = columns.flag_id(new)
                columns.modseqs[place] = self.room.modseq
                changed.append(uid)
        if changed:
            self.room.tell(changed=changed, by=self)
        return api.FlagsStored(UidSet.of(changed), UidSet.of(failed), self.room.modseq)

    async def expunge(self, only=None):
        columns = self.columns
        marked = [
            uid
            for uid, flags in zip(columns.uids, columns.flag_ids, strict=True)
            if DELETED in columns.flag_sets[flags] and (only is None or uid in only)
        ]
        return api.Expunged(self.room.remove(marked, self), self.room.modseq)

    async def remove(self, uids):
        return api.Expunged(self.room.remove(uids, self), self.room.modseq)

    async def copy(self, uids, destination, *, keep=None):
        target = self.account.room(destination)
        sources = uids.among(self.columns.uids)
        made = []
        for uid in sources:
            place = self.columns.position(uid)
            flags = self.columns.flag_sets[self.columns.flag_ids[place]]
            flags = flags if keep is None else keep(flags)
            made.append(target.add(self.room.bodies[uid], flags, self.columns.dates[place]))
        if made:
            target.tell(appended=made)
        return api.Copied(1000 + target.number, sources, made)

    async def move(self, uids, destination, *, keep=None):
        copied = await self.copy(uids, destination, keep=keep)
        self.room.remove(copied.sources, self)
        return copied

    async def facts(self, uids, wanted):
        await self.account.wait("facts")
        assert len(uids) <= 1000
        return [self._facts(uid, wanted) if uid in self.room.bodies else None for uid in uids]

    def _facts(self, uid, wanted):
        octets = self.room.bodies[uid]
        root = structure.parse(octets)
        header = structure.root_header(octets, root)
        makers = {
            Fact.ENVELOPE: lambda: structure_render.envelope(envelope(header)),
            Fact.BODYSTRUCTURE: lambda: structure_render.bodystructure(root),
            Fact.BODY: lambda: structure_render.body(root),
            Fact.STRUCTURE: lambda: stored.dump(root),
            Fact.HEADER: lambda: octets[root.start : root.body],
            Fact.PREVIEW: lambda: octets[root.body :][:200],
        }
        return tuple(makers[fact]() for fact in wanted)

    async def header_fields(self, uids, fields, *, exclude=False):
        await self.account.wait("header_fields")
        found = []
        for uid in uids:
            octets = self.room.bodies.get(uid)
            if octets is None:
                found.append(None)
                continue
            root = structure.parse(octets)
            found.append(headers.Header(octets[: root.body]).select(fields, inverted=exclude))
        return found

    async def read(self, uids):
        await self.account.wait("read")
        assert len(uids) <= 64
        bodies = [self.room.bodies.get(uid) for uid in uids]
        return [FakeBody(each) if each is not None and len(each) > 2**20 else each for each in bodies]

    async def bodies(self, uids):
        return FakeBodies(self, uids)

    def recall(self, key):
        return self.room.memory.get(key)

    def remember(self, key, value, octets):
        self.room.memory[key] = value

    async def search(self, criteria):
        await self.account.wait("search")
        return [uid for uid in self.columns.uids if self._matches(uid, criteria)]

    def _matches(self, uid, node):
        place = self.columns.position(uid)
        match node:
            case c.All():
                return True
            case c.And(parts):
                return all(self._matches(uid, part) for part in parts)
            case c.Or(left, right):
                return self._matches(uid, left) or self._matches(uid, right)
            case c.Not(part):
                return not self._matches(uid, part)
            case c.HasFlag(flag):
                return flag in self.columns.flag_sets[self.columns.flag_ids[place]]
            case c.Uids(uids):
                return uid in uids
            case c.ModSeqSince(modseq):
                return self.columns.modseqs[place] >= modseq
            case c.Header(_, text) | c.Text(text) | c.Body(text):
                return text.encode() in self.room.bodies[uid]
        raise AssertionError(f"unresolved {node}")

    async def expunged_since(self, modseq):
        ranges = [span for at, gone in self.room.expunged if at > modseq for span in gone.ranges]
        return UidSet.from_ranges(ranges)

    async def close(self):
        self.room.handles.remove(self)


class FakeAccount:
    """What IMAP asks of an account; POP3's lock is not among it."""

    def __init__(self, location):
        self.location = location
        self.rooms, self.subscribed, self.counter = {}, set(), 0
        self.waits, self.uploads = {}, []
        self.quota_left, self.limit = None, QuotaLimit()
        self.make(names.INBOX)

    async def wait(self, what):
        """A test puts an awaitable (or an exception to raise) under the name of a call."""
        waiting = self.waits.pop(what, None)
        if isinstance(waiting, Exception):
            raise waiting
        if waiting is not None:
            await waiting

    def make(self, name, selectable=True):
        self.counter += 1
        room = self.rooms[name] = Room(name, self.counter)
        room.selectable = selectable
        return room

    def room(self, name):
        if name not in self.rooms:
            raise errors.NoSuchMailbox
        if not self.rooms[name].selectable:
            raise errors.MailboxNotSelectable
        return self.rooms[name]

    async def mailboxes(self):
        ordered = sorted(self.rooms, key=lambda name: (name != names.INBOX, name))
        return api.Mailboxes(
            api.MailboxInfo(
                name, self.rooms[name].selectable, self.rooms[name].special_use, f"M{self.rooms[name].number}"
            )
            for name in ordered
        )

    async def subscriptions(self):
        return frozenset(self.subscribed)

    async def set_subscribed(self, name, subscribed):
        (self.subscribed.add if subscribed else self.subscribed.discard)(name)

    async def create(self, name, special_use=frozenset()):
        if names.problem(name):
            raise errors.BadMailboxName(names.problem(name) or "")
        if name in self.rooms and self.rooms[name].selectable:
            raise errors.MailboxExists
        for parent in names.parents(name):
            if parent not in self.rooms:
                self.make(parent, selectable=False)
        room = self.make(name)
        room.special_use = special_use
        return api.MailboxInfo(name, True, special_use, f"M{room.number}")

    async def delete(self, name):
        if name == names.INBOX:
            raise errors.BadMailboxName("INBOX cannot be deleted")
        if name not in self.rooms:
            raise errors.NoSuchMailbox
        room = self.rooms[name]
        children = any(names.is_below(other, name) for other in self.rooms)
        if children and not room.selectable:
            raise errors.MailboxHasChildren
        del self.rooms[name]
        if children:
            self.make(name, selectable=False)
        room.tell(gone=True)

    async def rename(self, old, new):
        if old not in self.rooms:
            raise errors.NoSuchMailbox
        if new in self.rooms:
            raise errors.MailboxExists
        if old == names.INBOX:
            source, target = self.rooms[old], self.make(new)
            for uid in list(source.bodies):
                target.add(source.bodies[uid])
            source.remove(list(source.bodies), None)
            return
        for name in [name for name in self.rooms if name == old or names.is_below(name, old)]:
            room = self.rooms.pop(name)
            room.name = new + name[len(old) :]
            self.rooms[room.name] = room

    async def require(self, name):
        self.room(name)

    async def statuses(self, names):
        found = {}
        for name in names:
            with contextlib.suppress(errors.MailError):
                found[name] = await self.status(name)
        return found

    async def status(self, name):
        room = self.room(name)
        flags = [room.columns.flag_sets[each] for each in room.columns.flag_ids]
        return api.Status(
            messages=len(flags),
            recent=len(room.unclaimed),
            unseen=sum(SEEN not in each for each in flags),
            deleted=sum(DELETED in each for each in flags),
            uidnext=room.uidnext,
            uidvalidity=1000 + room.number,
            highest_modseq=room.modseq,
            size=sum(room.columns.sizes),
            deleted_size=0,
            mailbox_id=f"M{room.number}",
        )

    async def open_mailbox(self, name, listener):
        return FakeMailbox(self, self.room(name), listener)

    def upload(self, limit):
        self.uploads.append(FakeUpload(limit))
        return self.uploads[-1]

    async def append(self, name, messages):
        await self.wait("append")
        room = self.room(name)
        uids = [room.add(each.upload.octets, each.flags, each.date or 0) for each in messages]
        room.tell(appended=uids)
        return api.Appended(1000 + room.number, uids, room.modseq)

    async def check_quota(self, octets, messages=1):
        if self.quota_left is not None and octets > self.quota_left:
            raise errors.OverQuota

    async def quota(self):
        sizes = [len(octets) for room in self.rooms.values() for octets in room.bodies.values()]
        return api.Quota(sum(sizes), len(sizes), self.limit)

    async def acls(self, max_age=0):
        return {}


@dataclass
class FakeStore:
    accounts: dict = field(default_factory=dict)

    async def open(self, location):
        if location.name not in self.accounts:
            self.accounts[location.name] = FakeAccount(location)
        return self.accounts[location.name]

    async def sharers(self, who):
        return ()

    def forget_rights(self, owner):
        return None

    async def close(self):
        return None
