"""LIST with its extensions, LSUB, STATUS (RFC 3501 §6.3.8 to §6.3.10; RFC 5258; RFC 5819; RFC 6154; RFC
8438; RFC 8440).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from mailaccess.imap.answers import bad
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.metadata import tell_annotations
from mailaccess.imap.dispatch import command
from mailaccess.imap.namespaces import Listing, Place
from mailaccess.imap.patterns import Pattern
from mailaccess.imap.replies import PIECE, Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model import names
from mailaccess.model.rights import ALL, Rights, shown
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import listing as c
from mailaccess.proto.imap.commands.listing import ReturnOption, SelectOption, StatusItem
from mailaccess.proto.imap.render import render
from mailaccess.proto.imap.responses_more import OwnRights
from mailaccess.store.api import Account, Mailboxes
from mailaccess.store.api import Status as Numbers

TOGETHER: Final = 32
"""Mailboxes whose STATUS is asked for at a time in a LIST."""

LISTS_KEPT: Final = 4
"""Answers to LIST kept with a hierarchy, of one PIECE at most each."""

_Entry = tuple[str, tuple[str, ...], tuple[str, ...]]
_NOSELECT = "\\Noselect"
_NONEXISTENT = "\\NonExistent"


class Tree:
    """The names that one client may see, with what LIST says of each."""

    def __init__(self, listing: Listing, subscribed: frozenset[str] = frozenset()) -> None:
        self.infos = {info.name: info for info in listing.infos}
        self.foreign = listing.foreign
        self.subscribed = subscribed
        self._with_children = {name.rpartition(names.SEPARATOR)[0] for name in self.infos}

    def attributes(self, name: str) -> list[str]:
        """In the order: selectability, children (RFC 3348), special use (RFC 6154 §2, in every LIST and LSUB:
        Outlook and older clients never ask for it).
        """
        info = self.infos.get(name)
        if info is None:
            return [_NONEXISTENT]
        told = [] if info.selectable else [_NOSELECT]
        told.append("\\HasChildren" if name in self._with_children else "\\HasNoChildren")
        told.extend(sorted(info.special_use))
        return told

    def in_order(self, chosen: set[str]) -> list[str]:
        """INBOX first, then by name; that is the order of the hierarchy."""
        told = [name for name in self.infos if name in chosen]
        if len(told) < len(chosen):
            return sorted(chosen, key=lambda name: (name != names.INBOX, name))
        return told


@command("LIST", state=Authenticated, tells_expunges=True)
async def list_names(session: Authenticated, args: c.List, out: Replies) -> r.Status:
    """RFC 3501 §6.3.8, RFC 5258 §3, RFC 5819 §2."""
    if args.patterns == ("",) and not args.extended:
        # Asks for the separator and the root of the reference's hierarchy, which is always "".
        out.send(r.ListEntry("", (_NOSELECT,)))
        return r.Ok("LIST completed")
    check_items(session, args.status)
    wants_subscribed = (
        SelectOption.SUBSCRIBED in args.select_options or ReturnOption.SUBSCRIBED in args.return_options
    )
    patterns = [Pattern(args.reference + pattern) for pattern in args.patterns]
    listing = await _listing(session, patterns)
    wants_places = bool(args.metadata or args.status) or ReturnOption.MYRIGHTS in args.return_options
    if not wants_subscribed and not wants_places:
        await _list_plainly(listing, args, patterns, out)
        return r.Ok("LIST completed")
    tree = Tree(listing, await session.account.subscriptions() if wants_subscribed else frozenset())
    if StatusItem.HIGHESTMODSEQ in args.status:
        condstore_on(session, out)
    places = Places(session, tree, await session.namespaces.own_rights() if wants_places else {})
    entries = iter(_entries_kept(listing, tree, args, patterns))
    while some := list(islice(entries, TOGETHER)):
        numbers = await _numbers(places, some) if args.status else {}
        for name, attributes, child_info in some:
            out.octets(_line(name, attributes, child_info, lsub=False, utf8=out.utf8))
            if wants_places and (place := places.of(name)) is not None:
                if ReturnOption.MYRIGHTS in args.return_options and not _only_above(args, tree, name):
                    out.send(OwnRights(name, shown(place.rights)))
                if name in numbers:
                    out.octets(_status(session, name, args.status, numbers[name], out))  # RFC 5819 §2
                if args.metadata:
                    await tell_annotations(place, args.metadata, out)
            if out.is_piece:
                await out.room()
    return r.Ok("LIST completed")


class Places:
    """The places of a LIST's names."""

    def __init__(self, session: Authenticated, tree: Tree, rights: Mapping[str, Rights]) -> None:
        self.session = session
        self._tree = tree
        self._rights = rights

    def of(self, name: str) -> Place | None:
        """None for what holds no messages, or does not exist."""
        info = self._tree.infos.get(name)
        if info is None or not info.selectable:
            return None
        foreign = self._tree.foreign.get(name)
        if foreign is not None:
            return foreign
        return Place(self.session.account, name, name, self._rights.get(name, ALL), True)


async def _listing(session: Authenticated, patterns: Sequence[Pattern]) -> Listing:
    """All names that matter to the patterns: other namespaces are asked only if one may match there."""
    namespaces = session.namespaces
    heads = [
        head for head in namespaces.heads() if any(pattern.may_match_below(head) for pattern in patterns)
    ]
    return await namespaces.listing(heads)


def _only_above(args: c.List, tree: Tree, name: str) -> bool:
    """Whether a name is told only for those below it: then its rights are not. RFC 8440 §4."""
    return SelectOption.SUBSCRIBED in args.select_options and name not in tree.subscribed


async def _list_plainly(listing: Listing, args: c.List, patterns: list[Pattern], out: Replies) -> None:
    """What depends on nothing but the hierarchy: clients ask for it at each start, mostly for all of it."""
    key = (args, out.utf8)
    kept = listing.infos.kept if isinstance(listing.infos, Mailboxes) else {}
    octets = kept.get(key)
    if octets is not None:
        out.octets(octets)
        await out.room()
        return
    pieces = []
    size = 0
    for name, attributes, child_info in _entries(Tree(listing), args, patterns):
        line = _line(name, attributes, child_info, lsub=False, utf8=out.utf8)
        size += len(line)
        if size <= PIECE:
            pieces.append(line)
        out.octets(line)
        await out.room()
    if size <= PIECE and len(kept) < LISTS_KEPT:
        kept[key] = b"".join(pieces)


@lru_cache(maxsize=4096)
def _line(
    name: str, attributes: tuple[str, ...], child_info: tuple[str, ...], *, lsub: bool, utf8: bool
) -> bytes:
    """One answer, rendered: clients list the same names again and again."""
    return render(r.ListEntry(name, attributes, lsub=lsub, child_info=child_info), utf8=utf8)


def _entries(tree: Tree, args: c.List, patterns: list[Pattern]) -> Iterator[_Entry]:
    """The answers to a LIST: name, attributes, CHILDINFO."""
    select = args.select_options
    subscribed_only = SelectOption.SUBSCRIBED in select
    candidates: Iterable[str] = tree.subscribed if subscribed_only else tree.infos
    if SelectOption.SPECIAL_USE in select:
        candidates = [name for name in candidates if name in tree.infos and tree.infos[name].special_use]
    chosen = {name for name in candidates if any(pattern.matches(name) for pattern in patterns)}
    above = _above(candidates, chosen, patterns) if SelectOption.RECURSIVEMATCH in select else {}
    tells_subscribed = subscribed_only or ReturnOption.SUBSCRIBED in args.return_options
    told = {
        option.value for option in (SelectOption.SUBSCRIBED, SelectOption.SPECIAL_USE) if option in select
    }
    # A name that is there only for those below it is told only if one of them is not (RFC 5258 §3.5).
    for name in tree.in_order(chosen | {parent for parent, hidden in above.items() if hidden}):
        attributes = tree.attributes(name)
        if tells_subscribed and name in tree.subscribed:
            attributes.insert(0, "\\Subscribed")
        child_info = tuple(sorted(told, reverse=True)) if name in above else ()
        yield name, tuple(attributes), child_info


def _entries_kept(listing: Listing, tree: Tree, args: c.List, patterns: list[Pattern]) -> Iterable[_Entry]:
    """``_entries``, out of memory where they depend on nothing but the hierarchy: clients poll with LIST-STATUS."""
    infos = listing.infos
    if tree.subscribed or not isinstance(infos, Mailboxes):
        return _entries(tree, args, patterns)
    key = ("entries", args)
    found: list[_Entry] | None = infos.kept.get(key)
    if found is None:
        found = list(_entries(tree, args, patterns))
        if len(infos.kept) < LISTS_KEPT:
            infos.kept[key] = found
    return found


def _above(candidates: Iterable[str], chosen: set[str], patterns: list[Pattern]) -> dict[str, bool]:
    """The names that match and have a candidate below them, and whether one of those is not listed itself."""
    above: dict[str, bool] = {}
    for name in candidates:
        for parent in names.parents(name):
            if any(pattern.matches(parent) for pattern in patterns):
                above[parent] = above.get(parent, False) or name not in chosen
    return above


async def _numbers(places: Places, entries: Sequence[_Entry]) -> dict[str, Numbers]:
    """STATUS of the mailboxes among the entries, of those that are still there and can be read now."""
    asked: dict[int, tuple[Account, dict[str, str]]] = {}
    for name, _, _ in entries:
        place = places.of(name)
        if place is not None and place.may("r"):
            asked.setdefault(id(place.account), (place.account, {}))[1][place.name] = name
    found: dict[str, Numbers] = {}
    for account, shown_as in asked.values():
        told = await account.statuses(list(shown_as))
        found |= {shown_as[name]: numbers for name, numbers in told.items()}
    return found


@command("LSUB", state=Authenticated, tells_expunges=True)
async def lsub(session: Authenticated, args: c.Lsub, out: Replies) -> r.Status:
    """RFC 3501 §6.3.9.

    A ``%`` at the end also names those above subscribed mailboxes that are not subscribed themselves, as
    \\Noselect; a subscribed name that does not exist is \\Noselect too.
    """
    if not args.pattern:
        out.send(r.ListEntry("", (_NOSELECT,), lsub=True))
        return r.Ok("LSUB completed")
    pattern = Pattern(args.reference + args.pattern)
    tree = Tree(await _listing(session, [pattern]), await session.account.subscriptions())
    chosen = {name for name in tree.subscribed if pattern.matches(name)}
    above: set[str] = set()
    if args.pattern.endswith("%"):
        parents = {parent for name in tree.subscribed for parent in names.parents(name)}
        above = {parent for parent in parents - chosen if pattern.matches(parent)}
    for name in tree.in_order(chosen | above):
        attributes = tree.attributes(name)
        if name in above or attributes == [_NONEXISTENT]:
            attributes = [_NOSELECT]
        out.octets(_line(name, tuple(attributes), (), lsub=True, utf8=out.utf8))
        await out.room()
    return r.Ok("LSUB completed")


@command("STATUS", state=Authenticated, tells_expunges=True)
async def status(session: Authenticated, args: c.Status, out: Replies) -> r.Status:
    """RFC 3501 §6.3.10; HIGHESTMODSEQ makes the session CONDSTORE-aware (RFC 7162 §3.1)."""
    check_items(session, args.items)
    place = await session.namespaces.place(args.mailbox)
    place.require("r")
    numbers = await place.account.status(place.name)
    if StatusItem.HIGHESTMODSEQ in args.items:
        condstore_on(session, out)
    out.octets(_status(session, place.shown, args.items, numbers, out))
    return r.Ok("STATUS completed")


def _status(
    session: Authenticated, name: str, items: tuple[StatusItem, ...], numbers: Numbers, out: Replies
) -> bytes:
    return _status_line(name, items, numbers, session.house.message_size, out.utf8)


@lru_cache(maxsize=4096)
def _status_line(
    name: str, items: tuple[StatusItem, ...], numbers: Numbers, append_limit: int, utf8: bool
) -> bytes:
    """One answer, rendered: most mailboxes are as they were when the client asked last."""
    return render(_status_response(name, items, numbers, append_limit), utf8=utf8)


def check_items(session: Authenticated, items: Sequence[StatusItem]) -> None:
    """IMAP4rev2 has no RECENT. Raises Refusal. RFC 9051 Appendix E."""
    if session.rev2 and StatusItem.RECENT in items:
        raise bad("IMAP4rev2 has no RECENT", r.CLIENTBUG)


def status_entry(
    session: Authenticated, name: str, items: Sequence[StatusItem], numbers: Numbers
) -> r.StatusEntry:
    return _status_response(name, items, numbers, session.house.message_size)


def _status_response(
    name: str, items: Sequence[StatusItem], numbers: Numbers, append_limit: int
) -> r.StatusEntry:
    known: dict[StatusItem, int | str | None] = {
        StatusItem.MESSAGES: numbers.messages,
        StatusItem.RECENT: numbers.recent,
        StatusItem.UIDNEXT: numbers.uidnext,
        StatusItem.UIDVALIDITY: numbers.uidvalidity,
        StatusItem.UNSEEN: numbers.unseen,
        StatusItem.DELETED: numbers.deleted,
        StatusItem.SIZE: numbers.size,
        StatusItem.HIGHESTMODSEQ: numbers.highest_modseq,
        StatusItem.APPENDLIMIT: append_limit,
        StatusItem.MAILBOXID: numbers.mailbox_id,
        StatusItem.DELETED_STORAGE: numbers.deleted_size,
    }
    return r.StatusEntry(name, tuple((item, known[item]) for item in items))
