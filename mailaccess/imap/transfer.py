"""COPY and MOVE from one account to another (RFC 9051 §6.4.7, RFC 6851).

The store's own copy stays within an account's index, so here messages are read in one account and appended in
the other, batch by batch: at most ``BATCH_OCTETS`` in memory, each batch on disk when it is appended. If one
fails, what was appended before goes again, so that a COPY is all or nothing for everybody but a reader who
looked meanwhile; only a killed server leaves a part of the copies, and the originals, which go last, with it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from mailaccess.imap.namespaces import Place
from mailaccess.imap.session import Selected
from mailaccess.model.errors import MailError, TemporaryFailure
from mailaccess.model.flags import FlagSet
from mailaccess.model.rights import permitted
from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import Level
from mailaccess.store.api import Account, Body, Change, Copied, Mailbox, NewMessage, Upload

BATCH: Final = 64
"""Messages appended together."""

BATCH_OCTETS: Final = 2 * 2**20
"""Octets read together (the store's bound for one ``read``); a larger message goes piece by piece, alone."""

PIECE: Final = 256 * 1024
"""Octets of a large message read at a time."""


async def copy_across(session: Selected, uids: UidSet, target: Place) -> Copied:
    """Copy messages of the selected mailbox into another account's: flags and INTERNALDATE as they are.

    Flags that one has no right to set there are left out (RFC 4314 §4). Raises what ``Account.append`` raises;
    then nothing has been copied.
    """
    source = session.mailbox
    columns = source.columns
    present = [(uid, columns.sizes[place]) for uid in uids if (place := columns.position(uid)) >= 0]
    account = target.account
    await account.require(target.name)
    await account.check_quota(sum([size for _, size in present]), len(present))
    sources: list[int] = []
    targets: list[int] = []
    uidvalidity = 0
    try:
        for batch in _batches(present):
            copied, appended = await _copy_batch(source, batch, target, session.house.message_size)
            if copied:
                sources += copied
                targets += appended.targets
                uidvalidity = appended.uidvalidity
            await session.house.runner.pause()
    except Exception:
        if targets:
            await _take_back(session, account, target, uidvalidity, targets)
        raise
    return Copied(uidvalidity, sources, targets)


def _batches(present: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    octets = 0
    for uid, size in present:
        if batch and (len(batch) >= BATCH or octets + size > BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(uid)
        octets += size
    if batch:
        yield batch


async def _copy_batch(
    source: Mailbox, uids: Sequence[int], target: Place, limit: int
) -> tuple[list[int], Copied]:
    """The UIDs that were still there, and what they became."""
    await source.settle_dates(UidSet.of(uids))
    known = [_facts(source, uid) for uid in uids]
    bodies = await source.read(uids)
    copied: list[int] = []
    messages: list[NewMessage] = []
    uploads: list[Upload] = []
    try:
        for uid, body, facts in zip(uids, bodies, known, strict=True):
            if body is None or facts is None:
                continue
            flags, date = facts
            # A message that is here already is not refused for its size.
            size = len(body) if isinstance(body, bytes) else body.size
            upload = target.account.upload(max(limit, size))
            uploads.append(upload)
            await _fill(upload, body)
            copied.append(uid)
            messages.append(NewMessage(upload, permitted(target.rights, flags), date))
        if not messages:
            return [], Copied(0, (), ())
        appended = await target.account.append(target.name, messages)
        return copied, Copied(appended.uidvalidity, copied, appended.uids)
    finally:
        for body in bodies:
            if body is not None and not isinstance(body, bytes):
                body.close()
        for upload in uploads:
            await upload.discard()


def _facts(source: Mailbox, uid: int) -> tuple[FlagSet, int] | None:
    """Flags and INTERNALDATE now."""
    columns = source.columns
    place = columns.position(uid)
    if place < 0:
        return None
    return columns.flag_sets[columns.flag_ids[place]], columns.dates[place]


async def _fill(upload: Upload, body: "bytes | Body") -> None:
    if isinstance(body, bytes):
        await upload.write(body)
        return
    offset = 0
    while offset < body.size:
        piece = await body.read(offset, PIECE)
        if not piece:  # the copy would be all that is left of it after a MOVE
            raise TemporaryFailure(detail="the message is shorter than it was")
        await upload.write(piece)
        offset += len(piece)


async def _take_back(
    session: Selected, account: Account, target: Place, uidvalidity: int, uids: Sequence[int]
) -> None:
    """Remove what was appended before a failure; what stands against it is in the log."""
    try:
        mailbox = await account.open_mailbox(target.name, _deaf)
        try:
            if mailbox.uidvalidity == uidvalidity:
                await mailbox.remove(UidSet.of(uids))
        finally:
            await mailbox.close()
    except MailError as error:
        session.house.log.log(
            "imap-copy-not-undone",
            Level.WARNING,
            user=session.identity.name,
            messages=len(uids),
            error=error.detail or str(error),
        )


def _deaf(change: Change) -> None:
    """Nobody listens."""
