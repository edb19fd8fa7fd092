"""How many messages one command may work on (RFC 9738): the newest, and the client is told where to go on.

Off unless the configuration has a limit. COPY and APPEND, which are all or nothing, fail past it; the others work
on the last messages of those asked for.
"""

from collections.abc import Sequence
from typing import Final

from mailaccess.imap.answers import no
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.view import Span
from mailaccess.model.criteria import And, Criterion, Uids
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.responses_more import MessageLimit

TOO_MANY: Final = "Too many messages for one command"


def last_spans(session: Selected, spans: list[Span]) -> tuple[list[Span], MessageLimit | None]:
    """The last places of those asked for, as many as one command may work on."""
    limit = session.house.settings.message_limit
    if not limit or sum(stop - start for start, stop in spans) <= limit:
        return spans, None
    kept: list[Span] = []
    left = limit
    for start, stop in reversed(spans):
        kept.append((max(start, stop - left), stop))
        left -= stop - kept[-1][0]
        if not left:
            break
    kept.reverse()
    return kept, MessageLimit(limit, session.view.uids[kept[0][0]])


def last_uids(session: Selected, uids: UidSet) -> tuple[UidSet, MessageLimit | None]:
    """The same of UIDs."""
    limit = session.house.settings.message_limit
    if not limit or len(uids) <= limit:
        return uids, None
    kept = _last(uids, limit)
    return kept, MessageLimit(limit, kept.ranges[0][0])


def _last(uids: UidSet, count: int) -> UidSet:
    kept: list[tuple[int, int]] = []
    for first, last in reversed(uids.ranges):
        kept.append((max(first, last - count + 1), last))
        count -= last - kept[-1][0] + 1
        if not count:
            break
    return UidSet(tuple(reversed(kept)))


def searched(session: Selected, criteria: Criterion) -> tuple[Criterion, MessageLimit | None]:
    """The criteria among the last messages that a search may look at. Those count, not what is found."""
    limit = session.house.settings.message_limit
    if not limit:
        return criteria, None
    parts = criteria.parts if isinstance(criteria, And) else (criteria,)
    uids: Sequence[int] = session.view.uids
    for part in parts:
        if isinstance(part, Uids):
            uids = part.uids.among(uids)
    if len(uids) <= limit:
        return criteria, None
    kept = UidSet.of(uids[-limit:])
    return And((Uids(kept), *parts)), MessageLimit(limit, kept.ranges[0][0])


def require_all_searched(session: Selected, criteria: Criterion) -> None:
    """For SORT and THREAD, of which the newest part is no use. Raises Refusal. RFC 9738 §3.3."""
    if searched(session, criteria)[1] is not None:
        raise no(TOO_MANY, MessageLimit(session.house.settings.message_limit))


def require_savable(session: Authenticated, count: int, uids: UidSet | None = None) -> None:
    """For COPY (with its messages) and APPEND. Raises Refusal."""
    settings = session.house.settings
    limit = settings.message_limit or settings.save_limit
    if limit and count > limit:
        raise no(TOO_MANY, MessageLimit(limit, None if uids is None else _last(uids, limit).ranges[0][0]))


def told(status: r.Status, limited: MessageLimit | None, out: Replies) -> r.Status:
    """The completion that says how far the command came; untagged where that has another code to tell."""
    if limited is None:
        return status
    text = f"Done for the last {limited.limit} messages"
    if status.code is None and isinstance(status, r.Ok):
        return r.Ok(text, limited)
    out.send(r.No(text, limited))
    return status
