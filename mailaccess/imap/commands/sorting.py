"""SORT and THREAD (RFC 5256; DISPLAY keys RFC 5957; ESORT RFC 5267 §3; PARTIAL RFC 9394)."""

from collections.abc import Sequence
from typing import Final

from mailaccess.imap import filters
from mailaccess.imap.answers import bad
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.searching import (
    NO_RESULTS,
    checked,
    highest,
    known_only,
    resolve,
    with_relevancy,
)
from mailaccess.imap.contexts import Context, check_tag, keep
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import require_all_searched
from mailaccess.imap.progress import signs_of_life
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.proto.imap import render_more
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import SearchReturn
from mailaccess.proto.imap.commands.sorting import Sort, Thread
from mailaccess.proto.imap.responses_more import SortResult
from mailaccess.store.api import SortCriterion, SortKey, ThreadAlgorithm, ThreadTree

SLICE: Final = 5_000
"""Messages whose numbers are looked up between two pauses: 2 ms."""

THREADS: Final = 2_000
"""Threads written between two pauses."""


@command("SORT", state=Selected)
@command("UID SORT", state=Selected, tells_expunges=True)
async def sort(session: Selected, args: Sort, out: Replies) -> r.Status:
    """RFC 5256 §3. With return options the answer is ESEARCH: RFC 5267 §3."""
    session.require_uid(args.uid)
    args = await checked(session, args)
    if args.uses_modseq:
        condstore_on(session, out)
    options = args.return_options
    if options is not None and SearchReturn.UPDATE in options:
        check_tag(session)
    saving = options is not None and SearchReturn.SAVE in options
    resolved = resolve(session, args.criteria, session.saved)
    require_all_searched(session, resolved)
    if saving:
        session.saved = EMPTY  # a SAVE that fails leaves nothing, one that is BAD all: RFC 5182 §2.1
    criteria = known_only(session, resolved)
    order = [
        SortCriterion(SortKey[each.key.name], each.reverse, session.features.collation) for each in args.order
    ]
    relevancies: dict[int, int] | None = None
    with signs_of_life(session.connection):
        if options is not None and SearchReturn.RELEVANCY in options:
            relevancies = {}
            found = await session.mailbox.sort(criteria, order, relevancies)
        else:
            found = await session.mailbox.sort(criteria, order)
    numbers = found if args.uid else await _numbers(session, found)
    if options is None:
        out.send(SortResult(numbers, highest(session, found) if args.uses_modseq else None))
        return r.Ok("SORT completed")
    if saving:
        session.saved = _to_save(args, options, found)
    wanted = options - NO_RESULTS
    if wanted or not saving:
        modseq = highest(session, found) if args.uses_modseq and found else None
        response = _esearch(session, args, wanted or {SearchReturn.ALL}, numbers, modseq)
        out.send(
            response if relevancies is None else with_relevancy(response, found, args.partial, relevancies)
        )
    if SearchReturn.UPDATE in options:
        keep(
            session, Context(session.connection.tag, args.uid, resolved, order, found, args.update_items), out
        )
    return r.Ok("SORT completed")


async def _numbers(session: Selected, uids: Sequence[int]) -> list[int]:
    """The message numbers of UIDs in any order."""
    numbers: list[int] = []
    for start in range(0, len(uids), SLICE):
        if start:
            await session.house.runner.pause()
        number = session.view.number
        numbers += [each for uid in uids[start : start + SLICE] if (each := number(uid))]
    return numbers


def _to_save(args: Sort, options: frozenset[SearchReturn], found: Sequence[int]) -> UidSet:
    """What ``$`` becomes: a set, which keeps no order. RFC 5182 §2.4, RFC 9394 §3.2."""
    narrow = options & {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL}
    if not narrow or options & {SearchReturn.ALL, SearchReturn.COUNT}:
        return UidSet.of(found)
    kept = set(args.partial.of(found)) if args.partial is not None else set()
    if SearchReturn.MIN in options:
        kept.update(found[:1])
    if SearchReturn.MAX in options:
        kept.update(found[-1:])
    return UidSet.of(kept)


def _esearch(
    session: Selected,
    args: Sort,
    wanted: frozenset[SearchReturn] | set[SearchReturn],
    numbers: Sequence[int],
    modseq: int | None,
) -> r.ESearch:
    """RFC 5267 §3.1: MIN and MAX are the first and the last in the order asked."""
    return r.ESearch(
        session.connection.tag,
        args.uid,
        minimum=numbers[0] if SearchReturn.MIN in wanted and numbers else None,
        maximum=numbers[-1] if SearchReturn.MAX in wanted and numbers else None,
        count=len(numbers) if SearchReturn.COUNT in wanted else None,
        modseq=modseq,
        ordered=numbers if SearchReturn.ALL in wanted and numbers else None,
        partial=None if args.partial is None else (str(args.partial), args.partial.of(numbers)),
    )


@command("THREAD", state=Selected)
@command("UID THREAD", state=Selected, tells_expunges=True)
async def thread(session: Selected, args: Thread, out: Replies) -> r.Status:
    """RFC 5256 §3. Written slice by slice: a large mailbox has 10,000 threads and more."""
    session.require_uid(args.uid)
    if args.algorithm not in ThreadAlgorithm.__members__:
        raise bad("The threading algorithms are " + ", ".join(ThreadAlgorithm.__members__), r.CANNOT)
    args = await filters.expanded(session, args)
    if args.uses_modseq:
        condstore_on(session, out)
    criteria = resolve(session, args.criteria, session.saved)
    require_all_searched(session, criteria)
    criteria = known_only(session, criteria)
    with signs_of_life(session.connection):
        trees = await session.mailbox.thread(
            criteria, ThreadAlgorithm[args.algorithm], session.features.collation
        )
    out.octets(b"* THREAD " if trees else b"* THREAD")
    for start in range(0, len(trees), THREADS):
        if start:
            await session.house.runner.pause()
        some = trees[start : start + THREADS]
        if not args.uid:
            _number(session, some)
        out.octets(render_more.thread_lists(some))
        await out.room()
    out.octets(b"\r\n")
    return r.Ok("THREAD completed")


def _number(session: Selected, trees: Sequence[ThreadTree]) -> None:
    """Put the message numbers in the place of UIDs."""
    number = session.view.number
    waiting = list(trees)
    while waiting:
        tree = waiting.pop()
        for place, item in enumerate(tree):
            if type(item) is int:
                tree[place] = number(item)
            else:
                waiting.append(item)
