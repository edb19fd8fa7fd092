"""Which mailboxes a filter of NOTIFY and ESEARCH means to one client (RFC 5465 §6, RFC 7377 §2.2).

Personal ones are those without the prefix of another namespace; all of them may get mail by delivery here
(``+detail``, Sieve), so "inboxes" are the same. Names are those that the client sees, foreign ones with their prefix.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.namespaces import Place
from mailaccess.imap.session import Authenticated
from mailaccess.model import names
from mailaccess.model.rights import ALL, Rights
from mailaccess.proto.imap.commands.notify import MailboxFilter
from mailaccess.store.api import MailboxInfo

Source = tuple[MailboxFilter, Collection[str]]

_OWN: Final = (MailboxFilter.PERSONAL, MailboxFilter.INBOXES)


def means(source: Source, name: str, *, own: bool, subscribed: frozenset[str]) -> bool:
    """Whether a filter means the mailbox of that name. The selected mailbox is not asked for here."""
    kind, given = source
    if kind in _OWN:
        return own
    if kind is MailboxFilter.SUBSCRIBED:
        return name in subscribed
    if kind is MailboxFilter.MAILBOXES:
        return name in given
    if kind is MailboxFilter.SUBTREE:
        return name in given or any(parent in given for parent in names.parents(name))
    if kind is MailboxFilter.SUBTREE_ONE:
        return name in given or name.rpartition(names.SEPARATOR)[0] in given
    return False


def asks_subscriptions(sources: Iterable[Source]) -> bool:
    """Whether what is meant depends on subscriptions."""
    return any(kind is MailboxFilter.SUBSCRIBED for kind, _ in sources)


@dataclass(frozen=True, slots=True)
class Visible:
    """All names that filters may mean and the client may list, and the places of those that hold mail.

    made_of: by which one sees that it is still the same.
    """

    infos: Mapping[str, MailboxInfo]
    places: Mapping[str, Place]
    made_of: tuple[object, Mapping[str, Rights]]


async def visible(
    session: Authenticated,
    sources: Sequence[Source],
    subscribed: frozenset[str],
    known: Visible | None = None,
) -> Visible:
    """What is visible now; ``known``, where that is the same.

    Other namespaces are asked only if a filter names something there.
    """
    namespaces = session.namespaces
    named = {name for _, given in sources for name in given}
    if asks_subscriptions(sources):
        named |= subscribed
    firsts = {name.partition(names.SEPARATOR)[0] for name in named}
    listing = await namespaces.listing([head for head in namespaces.heads() if head in firsts])
    rights = await namespaces.own_rights()
    if known is not None and known.made_of[0] is listing.infos and known.made_of[1] == rights:
        return known  # a listing with mailboxes of others is made anew each time
    account = session.account
    infos = {info.name: info for info in listing.infos}
    places: dict[str, Place] = {}
    for name, info in infos.items():
        if info.selectable:
            place = listing.foreign.get(name)
            places[name] = place or Place(account, name, name, rights.get(name, ALL), True)
    return Visible(infos, places, (listing.infos, rights))
