"""UIDBATCHES (RFC 10022): a client learns in one answer which UIDs to ask for, batch by batch."""

from typing import Final

from mailaccess.imap.answers import bad, no
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.uidbatches import UidBatches
from mailaccess.proto.imap.responses_more import UidBatchList

SMALLEST: Final = 100
"""Messages of a batch: below it the answer is longer than what it saves. 500 must be possible."""

MAX_BATCHES: Final = 100_000
"""Ranges in one answer: 2 MB."""


@command("UIDBATCHES", state=Selected, tells_expunges=True)
async def uidbatches(session: Selected, args: UidBatches, out: Replies) -> r.Status:
    """Newest first; the last batch may be smaller. Batches that do not exist are left out."""
    if args.size == 0:
        raise bad("A batch has one message at least", r.CLIENTBUG)
    first, last = args.batches or (1, MAX_BATCHES)
    if first == 0 or last < first:
        raise bad("The batches are counted from 1, the lower one first", r.CLIENTBUG)
    if args.size < SMALLEST:
        raise no(f"A batch has {SMALLEST} messages at least", r.Word("TOOSMALL"))
    if last - first >= MAX_BATCHES:
        raise no("That are too many batches", r.LIMIT)
    uids, count = session.view.uids, session.view.count
    ranges = []
    for number in range(first, min(last, -(-count // args.size)) + 1):
        high = count - (number - 1) * args.size
        ranges.append((uids[high - 1], uids[max(high - args.size, 0)]))
    out.send(UidBatchList(session.connection.tag, ranges))
    return r.Ok("UIDBATCHES completed")
