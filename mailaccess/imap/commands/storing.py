"""STORE and UID STORE (RFC 3501 §6.4.6; UNCHANGEDSINCE RFC 7162 §3.1.3)."""

from collections.abc import Sequence
from typing import Final

from mailaccess.imap import alike
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import last_spans, told
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.imap.view import Span, chunks
from mailaccess.model.errors import NotPermitted
from mailaccess.model.flags import SYSTEM_FLAGS, FlagSet
from mailaccess.model.rights import FLAG_RIGHTS, permitted
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Store, StoreOperation
from mailaccess.proto.imap.render import status
from mailaccess.store.api import FlagOperation, FlagsStored

SLICE: Final = 2000
"""Messages answered between two pauses: about a millisecond."""

_OPERATIONS: Final = {
    StoreOperation.ADD: FlagOperation.ADD,
    StoreOperation.REMOVE: FlagOperation.REMOVE,
    StoreOperation.REPLACE: FlagOperation.REPLACE,
}


@command("STORE", state=Selected)
@command("UID STORE", state=Selected, tells_expunges=True)
async def store(session: Selected, args: Store, out: Replies) -> r.Status:
    """RFC 3501 §6.4.6. One transaction; what fails UNCHANGEDSINCE is told with its flags, as RFC 7162 §3.1.3
    asks.

    By number, messages that are gone but not told are left out and the answer is NO (RFC 2180 §4.2); EXPUNGE
    may not be told before it.
    """
    require_writable(session)
    flags = permitted(session.place.rights, args.flags)
    if not session.place.rights & FLAG_RIGHTS or (args.flags and not flags):
        raise NotPermitted
    if args.unchanged_since is not None:
        condstore_on(session, out)
    spans, limited = last_spans(session, session.spans(args.numbers, uid=args.uid))
    uids = session.uids(spans)
    lost = uids & session.view.losses() if session.view.has_losses else EMPTY
    if lost:
        uids -= lost
    failed = EMPTY
    if args.unchanged_since is None and session.connection.framer.pending and len(uids) == 1:
        uid = uids.ranges[0][0]
        behind = alike.following(session, uid, by_uid=args.uid)
        if behind:
            return await _store_together(session, args, flags, uid, behind, out)
    if uids:
        stored = await _set_flags(session, uids, args, flags)
        failed = stored.failed
        session.updates.tell_keywords(out)
        await _tell(session, args, uids, stored.changed, failed, out)
    code: r.Code | None = None
    if failed:
        code = r.Modified(failed if args.uid else session.view.numbers_of(failed))
    if lost and not args.uid:
        return told(r.No("Some of the messages no longer exist", code or r.EXPUNGEISSUED), limited, out)
    return told(r.Ok("Some messages had changed" if failed else "STORE completed", code), limited, out)


async def _store_together(
    session: Selected,
    args: Store,
    flags: FlagSet,
    uid: int,
    behind: Sequence[alike.Following],
    out: Replies,
) -> r.Status:
    """Carry out the STORE of ``uid`` and those ``behind`` it as one, and answer all but the last of them.

    After an error those behind it have not been carried out, and will be one by one.
    """
    connection = session.connection
    uids = UidSet.of(sorted([uid, *[each.uid for each in behind]]))
    stored = await _set_flags(session, uids, args, flags)
    connection.framer.pass_over(behind[-1].line)
    connection.together = len(behind)
    session.updates.tell_keywords(out)
    lines = _lines_together(session, args, uids, stored.changed)
    completed = r.Ok("STORE completed")
    pieces: list[bytes] = []
    for each in behind:
        pieces.append(lines.get(uid, b""))
        pieces.append(status(connection.tag, completed))
        uid, connection.tag = each.uid, each.tag
    pieces.append(lines.get(uid, b""))
    out.octets(b"".join(pieces))
    return completed


def _lines_together(session: Selected, args: Store, uids: UidSet, changed: UidSet) -> dict[int, bytes]:
    """The FETCH answers of some messages by their UIDs, as ``_tell`` would tell them of each."""
    modseq = session.condstore
    if args.silent and not modseq:
        return {}
    told = changed if args.silent else uids
    if not args.silent:
        session.updates.told_flags(uids)
    with_uid = session.names_uid(args.uid or modseq)
    spans = session.view.spans_of(told)
    known, octets = _flag_lines(session, spans, flags=not args.silent, uid=with_uid, modseq=modseq)
    return dict(zip(known, octets.splitlines(keepends=True), strict=True))


async def _set_flags(session: Selected, uids: UidSet, args: Store, flags: FlagSet) -> FlagsStored:
    """RFC 4314 §4: flags that one has no right to change stay as they are, also when all are replaced."""
    mailbox, rights = session.mailbox, session.place.rights
    if args.operation is not StoreOperation.REPLACE or rights >= FLAG_RIGHTS:
        return await mailbox.set_flags(
            uids, _OPERATIONS[args.operation], flags, unchanged_since=args.unchanged_since
        )
    others = permitted(rights, frozenset((*SYSTEM_FLAGS, *mailbox.keywords))) - flags
    taken = await mailbox.set_flags(uids, FlagOperation.REMOVE, others, unchanged_since=args.unchanged_since)
    given = await mailbox.set_flags(uids - taken.failed, FlagOperation.ADD, flags)
    return FlagsStored(taken.changed | given.changed, taken.failed, given.modseq)


async def _tell(
    session: Selected, args: Store, uids: UidSet, changed: UidSet, failed: UidSet, out: Replies
) -> None:
    """The FETCH answers: flags of all unless .SILENT; then mod-sequences of the changed, if the client wants
    those.
    """
    modseq = session.condstore
    with_uid = session.names_uid(args.uid or modseq)  # RFC 7162 §3.2.4
    if not args.silent:
        session.updates.told_flags(uids)
        await tell_flags(session, session.view.spans_of(uids), out, flags=True, uid=with_uid, modseq=modseq)
        return
    if failed:
        session.updates.told_flags(failed)
        await tell_flags(session, session.view.spans_of(failed), out, flags=True, uid=with_uid, modseq=modseq)
    if modseq:
        # With UNCHANGEDSINCE also of those that had the flags already: RFC 7162 §3.1.3.
        told = changed if args.unchanged_since is None else uids - failed
        await tell_flags(session, session.view.spans_of(told), out, flags=False, uid=with_uid, modseq=True)


async def tell_flags(
    session: Selected, spans: Sequence[Span], out: Replies, *, flags: bool, uid: bool, modseq: bool
) -> None:
    """FETCH answers from columns for the messages at ``spans``, slice by slice."""
    first = True
    for chunk in chunks(spans, SLICE):
        if not first:
            await session.house.runner.pause()
        first = False
        _, octets = _flag_lines(session, chunk, flags=flags, uid=uid, modseq=modseq)
        if octets:
            out.octets(octets)
        await out.room()


def _flag_lines(
    session: Selected, spans: Sequence[Span], *, flags: bool, uid: bool, modseq: bool
) -> tuple[Sequence[int], bytes]:
    """FETCH answers for those of the messages at ``spans`` that still exist; and their UIDs."""
    columns = session.mailbox.columns
    rows = session.view.rows_of(spans)
    if not rows.uids:
        return (), b""
    parts: list[render_fetch.Column] = []
    if uid:
        parts.append((render_fetch.UID, rows.uids))
    if flags:
        ids = rows.take(columns.flag_ids)
        texts = session.updates.flags.column(ids, rows.uids, session.updates.recent)
        parts.append((render_fetch.FLAGS, texts))
    if modseq:
        parts.append((render_fetch.MODSEQ, rows.take(columns.modseqs)))
    return rows.uids, session.updates.lines(rows.numbers, rows.uids, parts)
