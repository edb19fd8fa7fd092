"""LIST with its extensions, LSUB, STATUS (RFC 3501 §6.3.8 to §6.3.10; RFC 5258; RFC 5819; RFC 6154; RFC
8438).
"""

from collections.abc import Iterable, Sequence

from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.dispatch import command
from mailaccess.imap.patterns import Pattern
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model import names
from mailaccess.model.errors import MailError
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import listing as c
from mailaccess.proto.imap.commands.listing import ReturnOption, SelectOption, StatusItem
from mailaccess.store.api import MailboxInfo
from mailaccess.store.api import Status as Numbers

_NOSELECT = "\\Noselect"
_NONEXISTENT = "\\NonExistent"


class Tree:
    """The names of one account with what LIST says of each."""

    def __init__(self, mailboxes: Sequence[MailboxInfo], subscribed: frozenset[str] = frozenset()) -> None:
        self.infos = {info.name: info for info in mailboxes}
        self.subscribed = subscribed
        self._with_children = {parent for name in self.infos for parent in names.parents(name)[-1:]}

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

    def in_order(self, chosen: Iterable[str]) -> list[str]:
        """INBOX first, then by name."""
        return sorted(chosen, key=lambda name: (name != names.INBOX, name))


@command("LIST", state=Authenticated, tells_expunges=True)
async def list_names(session: Authenticated, args: c.List, out: Replies) -> r.Status:
    """RFC 3501 §6.3.8, RFC 5258 §3, RFC 5819 §2."""
    if args.patterns == ("",) and not args.extended:
        # Asks for the separator and the root of the reference's hierarchy, which is always "".
        out.send(r.ListEntry("", (_NOSELECT,)))
        return r.Ok("LIST completed")
    account = session.account
    wants_subscribed = (
        SelectOption.SUBSCRIBED in args.select_options or ReturnOption.SUBSCRIBED in args.return_options
    )
    tree = Tree(await account.mailboxes(), await account.subscriptions() if wants_subscribed else frozenset())
    if StatusItem.HIGHESTMODSEQ in args.status:
        condstore_on(session, out)
    patterns = [Pattern(args.reference + pattern) for pattern in args.patterns]
    for entry in _entries(tree, args, patterns):
        out.send(entry)
        info = tree.infos.get(entry.name)
        if args.status and info is not None and info.selectable:
            await _list_status(session, entry.name, args.status, out)
        await out.room()
    return r.Ok("LIST completed")


def _entries(tree: Tree, args: c.List, patterns: list[Pattern]) -> Iterable[r.ListEntry]:
    """The answers to a LIST."""
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
        yield r.ListEntry(name, tuple(attributes), child_info=child_info)


def _above(candidates: Iterable[str], chosen: set[str], patterns: list[Pattern]) -> dict[str, bool]:
    """The names that match and have a candidate below them, and whether one of those is not listed itself."""
    above: dict[str, bool] = {}
    for name in candidates:
        for parent in names.parents(name):
            if any(pattern.matches(parent) for pattern in patterns):
                above[parent] = above.get(parent, False) or name not in chosen
    return above


async def _list_status(session: Authenticated, name: str, items: Sequence[StatusItem], out: Replies) -> None:
    """STATUS of one name in a LIST; a mailbox that has gone meanwhile is passed over. RFC 5819 §2."""
    try:
        numbers = await session.account.status(name)
    except MailError:
        return
    out.send(_status_entry(session, name, items, numbers))


@command("LSUB", state=Authenticated, tells_expunges=True)
async def lsub(session: Authenticated, args: c.Lsub, out: Replies) -> r.Status:
    """RFC 3501 §6.3.9.

    A ``%`` at the end also names those above subscribed mailboxes that are not subscribed themselves, as
    \\Noselect; a subscribed name that does not exist is \\Noselect too.
    """
    if not args.pattern:
        out.send(r.ListEntry("", (_NOSELECT,), lsub=True))
        return r.Ok("LSUB completed")
    tree = Tree(await session.account.mailboxes(), await session.account.subscriptions())
    pattern = Pattern(args.reference + args.pattern)
    chosen = {name for name in tree.subscribed if pattern.matches(name)}
    above: set[str] = set()
    if args.pattern.endswith("%"):
        parents = {parent for name in tree.subscribed for parent in names.parents(name)}
        above = {parent for parent in parents - chosen if pattern.matches(parent)}
    for name in tree.in_order(chosen | above):
        attributes = tree.attributes(name)
        if name in above or attributes == [_NONEXISTENT]:
            attributes = [_NOSELECT]
        out.send(r.ListEntry(name, tuple(attributes), lsub=True))
        await out.room()
    return r.Ok("LSUB completed")


@command("STATUS", state=Authenticated, tells_expunges=True)
async def status(session: Authenticated, args: c.Status, out: Replies) -> r.Status:
    """RFC 3501 §6.3.10; HIGHESTMODSEQ makes the session CONDSTORE-aware (RFC 7162 §3.1)."""
    numbers = await session.account.status(args.mailbox)
    if StatusItem.HIGHESTMODSEQ in args.items:
        condstore_on(session, out)
    out.send(_status_entry(session, args.mailbox, args.items, numbers))
    return r.Ok("STATUS completed")


def _status_entry(
    session: Authenticated, name: str, items: Sequence[StatusItem], numbers: Numbers
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
        StatusItem.APPENDLIMIT: session.house.message_size,
        StatusItem.MAILBOXID: numbers.mailbox_id,
        StatusItem.DELETED_STORAGE: numbers.deleted_size,
    }
    return r.StatusEntry(name, tuple((item, known[item]) for item in items))
