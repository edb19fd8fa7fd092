"""Searches whose results a client keeps: what comes to them and what leaves them is told (RFC 5267 §4.3).

A context holds the result as it was last told, as UIDs in their order. Whenever a session is told what other
sessions did, each context is searched again and the difference told: what leaves because it was expunged
before the EXPUNGE, everything else after the EXISTS and FETCH that caused it. What a message sorts by never
changes, so what stays keeps its order, and positions follow from walking over both lists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailaccess.imap.answers import bad
from mailaccess.imap.replies import Replies
from mailaccess.model.criteria import And, Criterion, Uids
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.fetch import FetchAtt
from mailaccess.proto.imap.responses_more import ContextChange, NoUpdate
from mailaccess.store.api import SortCriterion

if TYPE_CHECKING:
    from mailaccess.imap.session import Selected

MAX_CONTEXTS: Final = 8
"""Contexts of one session: each is a search at every change."""

RUNS: Final = 200
"""Runs of results in one line: below 10 KB."""

Run = tuple[int, Sequence[int]]
"""A position from 1 on (0: wherever they belong in mailbox order), and the results that stand from there on."""


@dataclass(slots=True)
class Context:
    """tag, uid: of the searching command.  order: None for a SEARCH.  found: UIDs, as told.

    items: what is told of a new message that comes to the result (RFC 5465 §7).
    """

    tag: bytes
    uid: bool
    criteria: Criterion
    order: Sequence[SortCriterion] | None
    found: list[int]
    items: tuple[FetchAtt, ...] = ()


def check_tag(session: "Selected") -> None:
    """UPDATE under a tag that a context has already. Raises Refusal. RFC 5267 §4.3."""
    if any(context.tag == session.connection.tag for context in session.contexts):
        raise bad("A search of this tag is being told of already", r.CLIENTBUG)


def keep(session: "Selected", context: Context, out: Replies) -> None:
    """Have a search told of from now on, or refuse: RFC 5267 §4.3.1."""
    if len(session.contexts) >= MAX_CONTEXTS:
        out.send(r.No("There are too many contexts", NoUpdate(context.tag)))
    else:
        session.contexts.append(context)


async def tell_losses(session: "Selected", out: Replies) -> None:
    """What is expunged leaves the results while its numbers hold. RFC 5267 §4.3.4."""
    if not session.contexts or not session.view.has_losses:
        return
    losses = session.view.losses()
    for context in session.contexts:
        kept = [uid for uid in context.found if uid not in losses]
        await _tell(session, context, kept, out)


async def results(session: "Selected") -> list[tuple[Context, list[int]]]:
    """The contexts, each with what it finds now."""
    found: list[tuple[Context, list[int]]] = []
    for context in list(session.contexts):
        told = UidSet(((1, session.view.last),)) if session.view.last else EMPTY
        criteria = And((Uids(told), context.criteria))
        if context.order is None:
            now = await session.mailbox.search(criteria)
        else:
            now = await session.mailbox.sort(criteria, context.order)
        found.append((context, now))
    return found


def joined(found: Sequence[tuple[Context, list[int]]], last: int) -> dict[int, tuple[FetchAtt, ...]]:
    """The messages above UID ``last`` that come to a result, with what its client wants to be told of them."""
    items: dict[int, dict[FetchAtt, None]] = {}
    for context, now in found:
        if context.items:
            for uid in set(now).difference(context.found):
                if uid > last:
                    items.setdefault(uid, {}).update(dict.fromkeys(context.items))
    return {uid: tuple(wanted) for uid, wanted in sorted(items.items())}


async def tell_changes(session: "Selected", found: Sequence[tuple[Context, list[int]]], out: Replies) -> None:
    """What else came to the results, or left them."""
    for context, now in found:
        await _tell(session, context, now, out)


async def _tell(session: "Selected", context: Context, now: list[int], out: Replies) -> None:
    before = context.found
    if now == before:
        return
    there, known = set(now), set(before)
    kept = [uid for uid in before if uid in there]
    if kept != [uid for uid in now if uid in known]:
        kept, there, known = [], set(), set()  # another order than before: everything anew
    gone = list(_runs(before, there))
    new = list(_runs(now, known))
    context.found = now
    if context.order is None:
        await _send(session, context, [(0, uids) for _, uids in gone], out, added=False)
        await _send(session, context, [(0, uids) for _, uids in new], out, added=True)
    else:
        # From the last one on, so that no position moves before it is told.
        await _send(session, context, gone[::-1], out, added=False)
        await _send(session, context, new, out, added=True)


def _runs(uids: Sequence[int], others: set[int]) -> Iterator[Run]:
    """Those of ``uids`` that are not among ``others``, neighbours together."""
    run: list[int] = []
    for place, uid in enumerate(uids):
        if uid in others:
            if run:
                yield place - len(run) + 1, run
                run = []
        else:
            run.append(uid)
    if run:
        yield len(uids) - len(run) + 1, run


async def _send(session: "Selected", context: Context, runs: list[Run], out: Replies, *, added: bool) -> None:
    number = session.view.number
    for start in range(0, len(runs), RUNS):
        some = runs[start : start + RUNS]
        if not context.uid:
            some = [(place, [number(uid) for uid in uids]) for place, uids in some]
        if context.order is None:
            some = [(0, [each for _, uids in some for each in uids])]
        out.send(ContextChange(context.tag, context.uid, added, some))
        await out.room()
