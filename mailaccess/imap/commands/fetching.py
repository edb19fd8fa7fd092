"""FETCH and UID FETCH (RFC 3501 §6.4.5; CHANGEDSINCE and MODSEQ RFC 7162 §3.1.4)."""

from collections.abc import Sequence

from mailaccess.imap.answers import bad, no
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.resync import require_qresync, tell_vanished
from mailaccess.imap.dispatch import command
from mailaccess.imap.fetch.items import Plan, plan
from mailaccess.imap.fetch.produce import produce
from mailaccess.imap.limiting import TOO_MANY, last_spans, told
from mailaccess.imap.places import uids_without
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.imap.view import Span
from mailaccess.model.flags import SEEN
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import fetch as f
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Fetch
from mailaccess.proto.imap.partial import PartialRange
from mailaccess.proto.imap.responses_more import MessageLimit
from mailaccess.store.api import FlagOperation


@command("FETCH", state=Selected)
@command("UID FETCH", state=Selected, tells_expunges=True)
async def fetch(session: Selected, args: Fetch, out: Replies) -> r.Status:
    """RFC 3501 §6.4.5.

    By number, messages that are gone but not told are left out and the answer is NO (RFC 2180 §4.1.2); by UID
    they are passed over. Sections asked for without PEEK set \\Seen first, in one transaction; their answers
    carry FLAGS then.
    """
    if session.rev2 and any(isinstance(item, f.BodySection) and item.asked_as for item in args.items):
        raise bad("IMAP4rev2 has no RFC822, RFC822.HEADER and RFC822.TEXT", r.CLIENTBUG)
    items, uid = args.items, session.names_uid(args.uid)
    if args.uid and not uid and not args.asked_uid:
        items = items[1:]  # more stands there: UID was not asked for
    if args.vanished:
        await _tell_vanished(session, args, out)
    spans = session.spans(args.numbers, uid=args.uid)
    if args.partial is not None:
        spans = window(spans, args.partial)
    spans, limited = last_spans(session, spans)
    if limited is not None and args.partial is not None:
        raise no(TOO_MANY, MessageLimit(limited.limit))
    if args.changed_since is not None or f.ModSeq() in args.items:
        condstore_on(session, out)
    made = plan(items, uid=uid, flags=False, modseq=args.changed_since is not None)
    if made.sets_seen and session.writable and session.place.may("s") and await _set_seen(session, spans):
        # RFC 7162 §3.2.4: a change is told with UID and mod-sequence.
        made = plan(
            items, uid=session.names_uid(args.uid or session.condstore), flags=True, modseq=session.condstore
        )
    elif session.condstore and _tells_flags(made, items):
        made = plan(items, uid=uid, flags=False, modseq=True)
    outcome = await produce(session, made, spans, out, changed_since=args.changed_since)
    if outcome.failure is not None:
        return told(outcome.failure, limited, out)
    if not outcome.complete and not args.uid:
        return told(r.No("Some of the messages no longer exist", r.EXPUNGEISSUED), limited, out)
    return told(r.Ok("FETCH completed"), limited, out)


def window(spans: Sequence[Span], partial: PartialRange) -> list[Span]:
    """Those of the places that lie in the window. RFC 9394 §3.3."""
    chosen = partial.of(range(sum(stop - start for start, stop in spans)))
    found: list[Span] = []
    if not chosen:
        return found
    before, low, high = 0, chosen[0], chosen[-1] + 1
    for start, stop in spans:
        first, last = max(low - before, 0), min(high - before, stop - start)
        if first < last:
            found.append((start + first, start + last))
        before += stop - start
    return found


async def _tell_vanished(session: Selected, args: Fetch, out: Replies) -> None:
    """The VANISHED modifier: only of UID FETCH, with CHANGEDSINCE, after ENABLE QRESYNC. RFC 7162 §3.2.6."""
    if not args.uid or args.changed_since is None:
        raise bad("VANISHED stands with UID FETCH and CHANGEDSINCE only", r.CLIENTBUG)
    require_qresync(session, "VANISHED")
    among = session.saved if args.numbers.saved else args.numbers.resolve(session.view.last_uid())
    await tell_vanished(session, among, args.changed_since, out)


def _tells_flags(made: Plan, items: Sequence[f.FetchAtt]) -> bool:
    """Whether the answers change what a CONDSTORE-aware client knows of flags: then they owe MODSEQ too."""
    return f.Flags() in items


async def _set_seen(session: Selected, spans: Sequence[Span]) -> bool:
    """Set \\Seen where it is missing; says whether it was anywhere."""
    view, columns = session.view, session.mailbox.columns
    unseen: list[int] = []
    if view.has_losses:
        for start, stop in spans:
            for place in view.rows(start, stop).places:
                unseen.extend(uids_without(columns, SEEN, place, place + 1))
    else:
        for start, stop in spans:
            unseen.extend(uids_without(columns, SEEN, start, stop))
    if not unseen:
        return False
    uids = UidSet.of(unseen)
    await session.mailbox.set_flags(uids, FlagOperation.ADD, frozenset({SEEN}))
    session.updates.told_flags(uids)
    return True
