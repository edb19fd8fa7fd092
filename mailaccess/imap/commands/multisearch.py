"""ESEARCH (RFC 7377): the same search in many mailboxes, an answer for each that has something.

Mailboxes are searched one after the other in the order of the hierarchy, each opened and closed for it, so that
memory does not grow with their number. Those that the client may not read are passed over without a word.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mailaccess.imap.answers import bad, no
from mailaccess.imap.choosing import asks_subscriptions, means, visible
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.searching import (
    NO_RESULTS,
    checked,
    esearch,
    known,
    resolve,
    resolve_in,
    to_save,
    with_relevancy,
)
from mailaccess.imap.contexts import Context, check_tag, keep
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import TOO_MANY
from mailaccess.imap.namespaces import Place
from mailaccess.imap.progress import signs_of_life
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.view import View
from mailaccess.model.errors import MailboxGone, MailboxNotSelectable, NoSuchMailbox
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import SearchReturn
from mailaccess.proto.imap.commands.multisearch import MultiSearch
from mailaccess.proto.imap.commands.notify import MailboxFilter
from mailaccess.proto.imap.responses_more import MessageLimit
from mailaccess.store.api import Mailbox

MAX_SEARCHED: Final = 2_000
"""Mailboxes of one command: each is opened, 1 ms and more, and may have to be read."""

_SELECTED: Final = (MailboxFilter.SELECTED, ())


@command("ESEARCH", state=Authenticated, tells_expunges=True)
async def multisearch(session: Authenticated, args: MultiSearch, out: Replies) -> r.Status:
    """RFC 7377 §2. UPDATE is of the selected mailbox alone, SAVE where nothing else is searched (§2.2)."""
    options = args.return_options or frozenset((SearchReturn.ALL,))
    selected = session if isinstance(session, Selected) else None
    only_selected = set(args.sources) == {_SELECTED}
    if selected is None and (_SELECTED in args.sources or SearchReturn.UPDATE in options):
        raise bad("No mailbox is selected")
    if SearchReturn.SAVE in options and not only_selected:
        raise bad("SAVE is for the selected mailbox alone", r.CLIENTBUG)
    if args.charset is not None and "UTF8=ACCEPT" in session.features.enabled:
        raise bad("There is only UTF-8 after ENABLE UTF8=ACCEPT", r.CLIENTBUG)  # RFC 6855 §3
    args = replace(await checked(session, args), return_options=options)
    if args.uses_modseq:
        condstore_on(session, out)
    if selected is not None and SearchReturn.UPDATE in options:
        check_tag(selected)
    left = session.house.settings.message_limit or None
    with signs_of_life(session.connection):
        searched: set[str] = set()
        if selected is not None and _SELECTED in args.sources:
            searched.add(selected.shown)
            left = _spend(session, left, selected.view.count)
            await _search_selected(selected, args, out)
        if not only_selected:
            places = await _places(session, args)
            for place in places:
                if place.shown not in searched:
                    left = await _search_place(session, place, args, left, out)
                    await out.room()
                    await session.house.runner.pause()
    return r.Ok("ESEARCH completed")


async def _places(session: Authenticated, args: MultiSearch) -> list[Place]:
    """What is to be searched, each once. RFC 7377 §2.2: l is needed where a mailbox is not named itself."""
    sources = [source for source in args.sources if source != _SELECTED]
    wants = asks_subscriptions(sources)
    subscribed = await session.account.subscriptions() if wants else frozenset()
    found: dict[str, Place] = {}
    for name, place in (await visible(session, sources, subscribed)).places.items():
        meant = any(means(source, name, own=place.owned, subscribed=subscribed) for source in sources)
        if meant and place.may("r") and (place.may("l") or name in _named(args)):
            found[name] = place
    for name in _named(args):
        if name not in found:
            try:
                place = await session.namespaces.place(name)
            except NoSuchMailbox:
                continue
            if place.may("r") and not place.owned:
                found[name] = place
    if len(found) > MAX_SEARCHED:
        raise no(f"At most {MAX_SEARCHED} mailboxes are searched at once", r.LIMIT)
    return list(found.values())


def _named(args: MultiSearch) -> Iterable[str]:
    """The names that stand in the command for themselves."""
    return dict.fromkeys(name for _, given in args.sources for name in given)


def _spend(session: Authenticated, left: int | None, messages: int) -> int | None:
    """Count messages as searched. Raises Refusal past what one command may work on. RFC 7377 §2.4, RFC 9738."""
    if left is None:
        return None
    if messages > left:
        raise no(TOO_MANY, MessageLimit(session.house.settings.message_limit))
    return left - messages


async def _search_selected(session: Selected, args: MultiSearch, out: Replies) -> None:
    options = args.return_options or frozenset()
    saving = SearchReturn.SAVE in options
    criteria = resolve(session, args.criteria, session.saved)
    if saving:
        session.saved = EMPTY  # RFC 5182 §2.1
    relevancies: dict[int, int] = {}
    found = known(session, await session.mailbox.search(criteria, _scores(options, relevancies)))
    if saving:
        session.saved = to_save(args, found, options)
    _tell(session, args, session.shown, session.mailbox, found, relevancies, out)
    if SearchReturn.UPDATE in options:
        keep(session, Context(session.connection.tag, True, criteria, None, found, args.update_items), out)


def _scores(options: frozenset[SearchReturn], scores: dict[int, int]) -> dict[int, int] | None:
    return scores if SearchReturn.RELEVANCY in options else None


async def _search_place(
    session: Authenticated, place: Place, args: MultiSearch, left: int | None, out: Replies
) -> int | None:
    """One mailbox that need not be selected; nothing where it is gone meanwhile. Gives what ``left`` is then."""
    try:
        mailbox = await place.account.open_mailbox(place.name, lambda change: None)
    except (NoSuchMailbox, MailboxNotSelectable, MailboxGone):
        return left
    try:
        left = _spend(session, left, len(mailbox.columns))
        unclaimed = mailbox.recent()
        recent = UidSet.of(mailbox.columns.uids[-unclaimed:]) if unclaimed else EMPTY
        criteria = resolve_in(session, args.criteria, View(mailbox), EMPTY, recent)
        relevancies: dict[int, int] = {}
        found = await mailbox.search(criteria, _scores(args.return_options or frozenset(), relevancies))
        _tell(session, args, place.shown, mailbox, found, relevancies, out)
    except MailboxGone:
        pass
    finally:
        await mailbox.close()
    return left


def _tell(
    session: Authenticated,
    args: MultiSearch,
    shown: str,
    mailbox: Mailbox,
    found: list[int],
    relevancies: dict[int, int],
    out: Replies,
) -> None:
    """Nothing of a mailbox without matches. RFC 7377 §2.1."""
    options = args.return_options or frozenset()
    wanted = options - NO_RESULTS
    if not found or (not wanted and SearchReturn.SAVE in options):
        return
    tag = session.connection.tag
    response = esearch(tag, mailbox.columns, args, found, found, wanted or {SearchReturn.ALL})
    response = replace(response, mailbox=shown, uidvalidity=mailbox.uidvalidity)
    scored = SearchReturn.RELEVANCY in options
    out.send(with_relevancy(response, found, args.partial, relevancies) if scored else response)
