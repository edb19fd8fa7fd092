"""Which mailbox of which account a client's name means, and what it may do there (RFC 2342, RFC 4314).

A client's own mailboxes have no prefix. Other accounts' are ``Other Users/kim@naver.com/INBOX``
(``sharing.other_users``), those of nobody ``Public/...`` (``sharing.public``). Every handler that is given a
name asks ``session.namespaces`` for its ``Place`` and goes on with the account, the name in it and the rights::

    place = await session.namespaces.place(args.mailbox)       # NoSuchMailbox
    place.require("r")                                         # NotPermitted, or NoSuchMailbox without "l"
    await place.account.status(place.name)

What somebody has no right at all to does not exist for him, and is not asked whether it does: another account
is opened only if ``Store.sharers`` names it. Own mailboxes need not exist to have a place: the store says what
is wrong with them. ``listing`` gives all that a LIST may show.

NOTIFY and MULTISEARCH resolve names here too; ``Place.shown`` is what answers call the mailbox.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mailaccess.auth.api import Identity
from mailaccess.imap.house import House
from mailaccess.model import names
from mailaccess.model.errors import MailError, NoSuchMailbox, NotPermitted
from mailaccess.model.rights import ALL, NO_ACL, NONE, Acl, Rights, Who
from mailaccess.observe.events import Level
from mailaccess.proto.imap.responses import NamespaceRoot
from mailaccess.store.api import Account, MailboxInfo

OWN_FRESH: Final = 30.0
"""Seconds for which own lists are taken for true that another program may have changed: only an administrator
restricts an owner.
"""

FRESH: Final = 2.0
"""The same for lists of others: a right that is taken away by another process ends so soon."""

MAX_GROUPS: Final = 100
"""Groups of one account that count."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox as one client means it.

    name: within ``account``.  shown: with the prefix of its namespace.  owned: it is the client's own.
    root: the quota root's name (RFC 9208 §3.2): "" for the own account's.
    """

    account: Account
    name: str
    shown: str
    rights: Rights
    owned: bool
    root: str = ""

    def may(self, rights: str) -> bool:
        """Whether all of ``rights`` are there."""
        return self.rights.issuperset(rights)

    def require(self, rights: str) -> None:
        """Raises NotPermitted where one of ``rights`` is missing, NoSuchMailbox where that would tell too much.

        RFC 4314 §6.
        """
        if not self.rights.issuperset(rights):
            raise NotPermitted if "l" in self.rights else NoSuchMailbox


@dataclass(frozen=True, slots=True)
class Listing:
    """What one client may see. infos: under the shown names, INBOX first.  foreign: places by shown name."""

    infos: Sequence[MailboxInfo]
    foreign: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Another account, or a namespace of nobody: its prefix without the separator, and whose it is."""

    prefix: str
    account: Account
    public: bool

    def place(self, name: str, acls: Mapping[str, Acl], who: Who) -> Place:
        rights = acls.get(name, NO_ACL).rights(who, owned=False)
        return Place(self.account, name, self.prefix + names.SEPARATOR + name, rights, False, self.prefix)


class Namespaces:
    """Of one login. Holds nothing: accounts and the store remember what they were asked."""

    __slots__ = ("_account", "_house", "_identity", "who")

    def __init__(self, house: House, identity: Identity, account: Account) -> None:
        self._house = house
        self._identity = identity
        self._account = account
        self.who = who_is(identity, house.default_domain)

    # One name

    async def place(self, name: str) -> Place:
        """The place of ``name`` (canonical). Raises NoSuchMailbox for what is not own and gives no rights."""
        if not self._is_foreign(name):
            return await self._own(name)
        tree, rest = await self._tree(name)
        place = tree.place(rest, await tree.account.acls(FRESH), self.who)
        if not place.rights:
            raise NoSuchMailbox
        return place

    async def new_place(self, name: str) -> Place:
        """Where a mailbox ``name`` may be made: RFC 4314 §4 asks ``k`` of the nearest mailbox above it.

        Raises NotPermitted, also where there is nothing above it that the client may know.
        """
        if not self._is_foreign(name):
            return await self._own_new(name)
        try:
            tree, rest = await self._tree(name)
        except NoSuchMailbox:
            raise NotPermitted from None
        acls = await tree.account.acls(FRESH)
        there = {info.name for info in await tree.account.mailboxes() if info.selectable}
        above = [parent for parent in reversed(names.parents(rest)) if parent in there]
        if tree.public:
            above.append(names.INBOX)  # the namespace's root, whose list stands above all
        if not above or "k" not in acls.get(above[0], NO_ACL).rights(self.who, owned=False):
            raise NotPermitted
        shown = tree.prefix + names.SEPARATOR + rest
        return Place(tree.account, rest, shown, ALL, False, tree.prefix)

    async def again(self, place: Place, name: str) -> Place:
        """A place of another account as it is now, under the name that its mailbox has now."""
        tree = _Tree(place.root, place.account, False)
        return tree.place(name, await place.account.acls(FRESH), self.who)

    async def _own(self, name: str) -> Place:
        acls = await self._account.acls(OWN_FRESH)
        acl = acls.get(name) if acls else None
        rights = ALL if acl is None else acl.rights(self.who, owned=True)
        return Place(self._account, name, name, rights, True)

    async def _own_new(self, name: str) -> Place:
        above = names.parents(name)
        acls = await self._account.acls(OWN_FRESH) if above else {}
        if any("k" not in acls[each].rights(self.who, owned=True) for each in above if each in acls):
            there = {info.name for info in await self._account.mailboxes() if info.selectable}
            nearest = next((parent for parent in reversed(above) if parent in there), "")
            if "k" not in acls.get(nearest, NO_ACL).rights(self.who, owned=True):
                raise NotPermitted
        return Place(self._account, name, name, ALL, True)

    def _is_foreign(self, name: str) -> bool:
        head = name.partition(names.SEPARATOR)[0]
        return bool(head) and (head == self._house.sharing.other_users or head in self._house.public)

    async def _tree(self, name: str) -> tuple[_Tree, str]:
        """The account that holds a foreign name, and the rest of the name. Raises NoSuchMailbox."""
        head, _, rest = name.partition(names.SEPARATOR)
        location = self._house.public.get(head)
        if location is not None:
            tree = _Tree(head, await self._house.store.open(location), True)
            if rest == names.INBOX:
                raise NoSuchMailbox  # the root of such a namespace holds no mail
        else:
            user, _, rest = rest.partition(names.SEPARATOR)
            tree = await self._other(user)
        rest = names.canonical(rest)
        if names.problem(rest) is not None:
            raise NoSuchMailbox
        return tree, rest

    async def _other(self, user: str) -> _Tree:
        identity = await self._house.authenticator.lookup(user) if user else None
        if identity is None or identity.name == self._identity.name:
            raise NoSuchMailbox
        if identity.name not in await self._house.store.sharers(self.who):
            raise NoSuchMailbox
        return await self._opened(identity)

    async def _opened(self, identity: Identity) -> _Tree:
        prefix = self._house.sharing.other_users + names.SEPARATOR + identity.name
        return _Tree(prefix, await self._house.store.open(identity.location), False)

    # All names

    async def listing(self, heads: Sequence[str] | None = None) -> Listing:
        """What a LIST may show. heads: the first levels of other namespaces that matter; None: all."""
        own: Sequence[MailboxInfo] = await self._account.mailboxes()
        if any(_has(own, head) for head in self.heads()):
            own = [info for info in own if not self._is_foreign(info.name)]
        foreign: dict[str, Place] = {}
        infos: dict[str, MailboxInfo] = {}
        for tree in await self._trees(heads):
            try:
                await self._list(tree, infos, foreign)
            except MailError as error:
                self._tell_failure(tree.prefix, error)
        return Listing([*own, *[infos[name] for name in sorted(infos)]] if infos else own, foreign)

    async def listing_around(self, name: str) -> Listing:
        """As ``listing``, of the account alone that ``name`` lies in: for what is told of one name."""
        if not self._is_foreign(name):
            return await self.listing(())
        infos: dict[str, MailboxInfo] = {}
        foreign: dict[str, Place] = {}
        try:
            await self._list((await self._tree(name))[0], infos, foreign)
        except MailError as error:
            self._tell_failure(name, error)
        return Listing([infos[each] for each in sorted(infos)], foreign)

    async def _trees(self, heads: Sequence[str] | None) -> list[_Tree]:
        house = self._house
        trees: list[_Tree] = []
        for prefix, location in house.public.items():
            if heads is None or prefix in heads:
                try:
                    trees.append(_Tree(prefix, await house.store.open(location), True))
                except MailError as error:
                    self._tell_failure(prefix, error)
        others = house.sharing.other_users
        if others and (heads is None or others in heads):
            try:
                sharers = await house.store.sharers(self.who)
            except MailError as error:
                self._tell_failure(others, error)
                sharers = ()
            for name in sharers:
                if name != self._identity.name:
                    try:
                        identity = await house.authenticator.lookup(name)
                        if identity is not None and identity.name == name:
                            trees.append(await self._opened(identity))
                    except MailError as error:
                        self._tell_failure(name, error)
        return trees

    async def _list(self, tree: _Tree, infos: dict[str, MailboxInfo], foreign: dict[str, Place]) -> None:
        acls = await tree.account.acls(FRESH)
        visible: dict[str, Place] = {}
        for name in acls:
            place = tree.place(name, acls, self.who)
            if "l" in place.rights and not (tree.public and name == names.INBOX):
                visible[name] = place
        if not visible:
            return
        for info in await tree.account.mailboxes():
            found = visible.get(info.name)
            if found is not None and info.selectable:
                # Special uses are the owner's: a client must not take a foreign Sent for its own.
                infos[found.shown] = MailboxInfo(found.shown, True, frozenset(), info.mailbox_id)
                foreign[found.shown] = found
        for place in visible.values():
            for parent in names.parents(place.shown):
                infos.setdefault(parent, MailboxInfo(parent, False, frozenset(), ""))

    def _tell_failure(self, what: str, error: MailError) -> None:
        self._house.log.log(
            "imap-namespace-failed",
            Level.WARNING,
            user=self._identity.name,
            namespace=what,
            error=error.detail or str(error),
        )

    def heads(self) -> tuple[str, ...]:
        """The first levels of all namespaces but the own."""
        others = self._house.sharing.other_users
        return (*((others,) if others else ()), *self._house.public)

    def roots(self) -> tuple[tuple[NamespaceRoot, ...], tuple[NamespaceRoot, ...]]:
        """Other users' and shared namespaces, as NAMESPACE tells them. RFC 2342 §5."""
        others = self._house.sharing.other_users
        return (
            (NamespaceRoot(others + names.SEPARATOR, names.SEPARATOR),) if others else (),
            tuple([NamespaceRoot(head + names.SEPARATOR, names.SEPARATOR) for head in self._house.public]),
        )

    async def own_rights(self) -> Mapping[str, Rights]:
        """The rights on those of one's own mailboxes that have a list."""
        acls = await self._account.acls(OWN_FRESH)
        return {name: acl.rights(self.who, owned=True) for name, acl in acls.items()}

    async def quota_root(self, root: str) -> Account:
        """The account of a quota root's name. Raises NoSuchMailbox unless one may read something there."""
        if not root:
            return self._account
        head, _, user = root.partition(names.SEPARATOR)
        location = self._house.public.get(root)
        if location is not None:
            account = await self._house.store.open(location)
        elif head and head == self._house.sharing.other_users:
            account = (await self._other(user)).account
        else:
            raise NoSuchMailbox
        acls = await account.acls(FRESH)
        if not any("r" in acl.rights(self.who, owned=False) for acl in acls.values()):
            raise NoSuchMailbox
        return account


def _has(own: Sequence[MailboxInfo], name: str) -> bool:
    """Whether the name stands in the hierarchy: INBOX is its first, the others are in order, parents among them."""
    at = bisect_left(own, name, lo=min(len(own), 1), key=lambda info: info.name)
    return at < len(own) and own[at].name == name


def who_is(identity: Identity, default_domain: str = "") -> Who:
    """An account as lists know it: its name, also without the first local domain; Dovecot's ``acl_groups``."""
    user, _, domain = identity.name.partition("@")
    called = {identity.name, user} if domain == default_domain else {identity.name}
    groups = [group.lower() for group in identity.extra.get("acl_groups", "").split(",") if group]
    return Who(frozenset(called), frozenset(groups[:MAX_GROUPS]) if groups else NONE)
