"""SEARCH and UID SEARCH (RFC 3501 §6.4.4).

ESEARCH RFC 4731; SEARCHRES RFC 5182; MODSEQ RFC 7162 §3.1.5; PARTIAL RFC 9394.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from mailaccess.imap import filters
from mailaccess.imap.answers import Refusal, bad
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.contexts import Context, check_tag, keep
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import searched, told
from mailaccess.imap.progress import signs_of_life
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.view import View
from mailaccess.model.collation import Collation
from mailaccess.model.criteria import (
    And,
    Body,
    Collated,
    Criterion,
    Header,
    MessageNumbers,
    Recent,
    Text,
    Uids,
    rewrite,
)
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Search, SearchReturn
from mailaccess.proto.imap.commands.multisearch import MultiSearch
from mailaccess.proto.imap.commands.sorting import Sort
from mailaccess.proto.imap.partial import PartialRange
from mailaccess.store.api import Columns


@command("SEARCH", state=Selected)
@command("UID SEARCH", state=Selected, tells_expunges=True)
async def search(session: Selected, args: Search, out: Replies) -> r.Status:
    """RFC 3501 §6.4.4. Only messages that the client knows are found, by the numbers it knows."""
    session.require_uid(args.uid)
    args = await checked(session, args)
    if args.uses_modseq:
        condstore_on(session, out)
    if args.charset is not None and "UTF8=ACCEPT" in session.features.enabled:
        raise bad("There is only UTF-8 after ENABLE UTF8=ACCEPT", r.CLIENTBUG)  # RFC 6855 §3
    options = args.return_options
    if session.rev2 and options is None:
        options = frozenset((SearchReturn.ALL,))  # RFC 9051 §6.4.4: no SEARCH response any more
    if options is not None and SearchReturn.UPDATE in options:
        check_tag(session)
    saving = options is not None and SearchReturn.SAVE in options
    criteria, limited = searched(session, resolve(session, args.criteria, session.saved))
    if saving:
        session.saved = EMPTY  # a SAVE that fails leaves nothing, one that is BAD all: RFC 5182 §2.1
    relevancies: dict[int, int] | None = None
    with signs_of_life(session.connection):
        if options is not None and SearchReturn.RELEVANCY in options:
            relevancies = {}
            found = known(session, await session.mailbox.search(criteria, relevancies))
        else:
            found = known(session, await session.mailbox.search(criteria))
    if options is None:
        numbers = found if args.uid else session.view.numbers(found)
        out.send(r.SearchResult(numbers, highest(session, found) if args.uses_modseq else None))
        return told(_completed(session, args), limited, out)
    if saving:
        session.saved = to_save(args, found, options)
    wanted = options - NO_RESULTS
    if wanted or not saving:
        numbers = found if args.uid else session.view.numbers(found)
        columns = session.mailbox.columns
        response = esearch(
            session.connection.tag, columns, args, found, numbers, wanted or {SearchReturn.ALL}
        )
        out.send(
            response if relevancies is None else with_relevancy(response, found, args.partial, relevancies)
        )
    if SearchReturn.UPDATE in options:
        keep(
            session, Context(session.connection.tag, args.uid, criteria, None, found, args.update_items), out
        )
    return told(_completed(session, args), limited, out)


A = TypeVar("A", Search, Sort, MultiSearch)


async def checked(session: Authenticated, args: A) -> A:
    """A search that can be, with its filters in it. Raises Refusal; ``$`` is empty after a NO to SAVE.

    RFC 5182 §2.1.
    """
    try:
        if args.refusal is not None:
            raise Refusal(args.refusal)
        return await filters.expanded(session, args)
    except Refusal as refusal:
        saving = args.return_options is not None and SearchReturn.SAVE in args.return_options
        if saving and isinstance(session, Selected) and isinstance(refusal.status, r.No):
            session.saved = EMPTY
        raise


def _completed(session: Selected, args: Search) -> r.Ok:
    """By number, EXPUNGE may not be told now; that there is one to tell may. RFC 5530 §3."""
    losses = session.view.has_losses and not args.uid
    return r.Ok("SEARCH completed", r.EXPUNGEISSUED if losses else None)


NO_RESULTS: Final = frozenset((SearchReturn.SAVE, SearchReturn.CONTEXT, SearchReturn.UPDATE))
"""Return options that tell nothing of the result."""


def with_relevancy(
    response: r.ESearch, found: Sequence[int], partial: PartialRange | None, relevancies: Mapping[int, int]
) -> r.ESearch:
    """The same with the scores of the messages that it tells of, in their order. RFC 6203 §4, §6."""
    told = found if partial is None else partial.of(found)
    return replace(response, relevancy=[relevancies.get(uid, 1) for uid in told])


def resolve(session: Selected, criteria: Criterion, saved: UidSet) -> Criterion:
    """Message numbers, ``$`` and RECENT as the UIDs they stand for in this session. Raises BadNumber."""
    return resolve_in(session, criteria, session.view, saved, session.updates.recent)


def resolve_in(
    session: Authenticated, criteria: Criterion, view: View, saved: UidSet, recent: UidSet
) -> Criterion:
    """The same in another mailbox than the selected one, seen by ``view``."""
    collation = session.features.collation

    def leaf(node: Criterion) -> Criterion:
        match node:
            case MessageNumbers(numbers, uid):
                session.require_uid(uid or numbers.saved)
                if numbers.saved or uid:
                    return Uids(view.uid_set(view.spans(numbers, uid=uid, saved=saved)))
                # Numbers beyond the last are passed over: clients search 1:500 in mailboxes of 300.
                ends = UidSet(((1, view.count),)) if view.count else EMPTY
                chosen = numbers.resolve(max(view.count, 1)) & ends
                return Uids(view.uid_set((first - 1, last) for first, last in chosen.ranges))
            case Recent():
                if session.rev2:
                    raise bad("IMAP4rev2 has no NEW, OLD and RECENT", r.CLIENTBUG)  # RFC 9051 Appendix E
                return Uids(recent)
            case Header() | Body() | Text() if collation is not Collation.UNICODE_CASEMAP:
                return Collated(node, collation)  # RFC 5255 §4.6
        return node

    return rewrite(criteria, leaf)


def known_only(session: Selected, criteria: Criterion) -> Criterion:
    """The same among the messages that the client knows."""
    told = UidSet(((1, session.view.last),)) if session.view.last else EMPTY
    return And((Uids(told), criteria))


def known(session: Selected, uids: list[int]) -> list[int]:
    """Without those that have come and not been told."""
    last = session.view.last
    return uids if not uids or uids[-1] <= last else uids[: bisect_right(uids, last)]


def highest(session: Selected, uids: Iterable[int]) -> int | None:
    """The highest mod-sequence among these messages. RFC 7162 §3.1.5."""
    return highest_of(session.mailbox.columns, uids)


def highest_of(columns: Columns, uids: Iterable[int]) -> int | None:
    """The highest mod-sequence among messages of these columns."""
    places = (columns.position(uid) for uid in uids)
    return max((columns.modseqs[place] for place in places if place >= 0), default=None)


def to_save(args: Search, found: list[int], options: frozenset[SearchReturn]) -> UidSet:
    """What ``$`` becomes: with MIN, MAX or PARTIAL alone only those. RFC 5182 §2.4, RFC 9394 §3.2."""
    if SearchReturn.ALL in options or SearchReturn.COUNT in options or not found:
        return UidSet.of(found)
    if not options & {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL}:
        return UidSet.of(found)
    kept = set(args.partial.of(found)) if args.partial is not None else set()
    if SearchReturn.MIN in options:
        kept.add(found[0])
    if SearchReturn.MAX in options:
        kept.add(found[-1])
    return UidSet.of(kept)


def esearch(
    tag: bytes,
    columns: Columns,
    args: Search,
    found: list[int],
    numbers: list[int],
    wanted: frozenset[SearchReturn] | set[SearchReturn],
) -> r.ESearch:
    """RFC 4731 §3.1; which mod-sequence is told, §3.2. found: UIDs; numbers: the same as they are told."""
    lowest = SearchReturn.MIN in wanted and found
    last = SearchReturn.MAX in wanted and found
    everything = SearchReturn.ALL in wanted
    modseq = None
    if args.uses_modseq and found:
        if everything or SearchReturn.COUNT in wanted:
            modseq = highest_of(columns, found)
        else:
            told = [] if args.partial is None else args.partial.of(found)
            modseq = highest_of(columns, [*told, *found[: 1 if lowest else 0], *(found[-1:] if last else [])])
    return r.ESearch(
        tag,
        args.uid,
        minimum=numbers[0] if lowest and numbers else None,
        maximum=numbers[-1] if last and numbers else None,
        all=UidSet.of(numbers) if everything and numbers else None,
        count=len(numbers) if SearchReturn.COUNT in wanted else None,
        modseq=modseq,
        partial=None if args.partial is None else (str(args.partial), args.partial.of(numbers)),
    )
