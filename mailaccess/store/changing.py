"""Flags, expunge, copy, move: one index transaction each, however many messages.

The Maildir follows later (``journal``): a transaction leaves in ``owed`` whose files need other names, and in
``doomed`` which files are to go. Acknowledged is what is committed here: it survives kill -9, since the next
process finishes what is owed, and the deletion of the index while the server runs, since what is owed is then
finished through the open descriptor. If the index is deleted *and* the server killed within the moments before
the files follow, changes of flags and moves of those moments are undone, and nothing else: a file is unlinked
only after the copies that come from it are linked, so no message is lost.

Plain blocking code for the account's serial jobs.
"""

from array import array
from collections.abc import Sequence

from mailaccess.model import names
from mailaccess.model.errors import LimitReached, MailboxGone
from mailaccess.model.flags import DELETED, FlagSet, is_keyword
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.store import intake, tree, unpacking
from mailaccess.store.api import Copied, Expunged, FlagFilter, FlagOperation, FlagsStored, Mailbox
from mailaccess.store.bounds import MAX_UID, next_modseq, take_uids
from mailaccess.store.changes import Delta, Rows
from mailaccess.store.forgetting import forget
from mailaccess.store.index import mailboxes, messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.spelling import known_flags
from mailaccess.store.vault import Vault

EVERYTHING = UidSet(((1, MAX_UID),))


def opened(vault: Vault, mailbox_id: str, uids: Sequence[int] | UidSet | None = None) -> Box:
    """The row of a mailbox that a session has open, and rows of its messages: of ``uids``, if given, or of all.

    Raises MailboxGone.
    """
    box = mailboxes.by_mailbox_id(vault.connection, mailbox_id)
    if box is None:
        raise MailboxGone
    if box.id in vault.packed:
        if uids is None:
            unpacking.unpack(vault, box)
        elif isinstance(uids, UidSet):
            unpacking.unpack_set(vault, box, uids)
        elif uids:
            unpacking.unpack(vault, box, min(uids), max(uids))
    return box


def set_flags(
    vault: Vault,
    mailbox_id: str,
    uids: UidSet,
    operation: FlagOperation,
    flags: FlagSet,
    unchanged_since: int | None,
    by: Mailbox,
) -> FlagsStored:
    """RFC 9051 §6.4.6; with ``unchanged_since`` RFC 7162 §3.1.3."""
    with vault.transaction() as connection:
        box = opened(vault, mailbox_id, uids)
        messages.choose(connection, uids)
        failed = EMPTY
        if unchanged_since is not None:
            failed = messages.chosen_above(connection, box, unchanged_since)
            if failed:
                messages.choose(connection, uids - failed)
        mapping = _mapping(vault, box, operation, flags)
        if mapping:
            changed = messages.chosen_with(connection, box, list(mapping))
            modseq = next_modseq(vault, box)
            messages.set_flags(connection, box, mapping, modseq)
            vault.owe(box, changed)
            numbers = {
                vault.flag_sets.number(old): vault.flag_sets.number(new) for old, new in mapping.items()
            }
            vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, flagged=changed, mapping=numbers, by=by))
        else:
            changed = EMPTY
        mailboxes.save(connection, box)
        return FlagsStored(changed, failed, box.highest_modseq)


def _mapping(vault: Vault, box: Box, operation: FlagOperation, flags: FlagSet) -> dict[int, int]:
    """Which flag sets of the chosen messages become which others; those that stay are left out."""
    present = messages.chosen_flags(vault.connection, box)
    if not present:
        return {}
    if operation is FlagOperation.REMOVE:
        known = {flag.lower(): flag for flag in mailboxes.keywords(vault.connection, box).values()}
        flags = frozenset([known.get(flag.lower(), flag) if is_keyword(flag) else flag for flag in flags])
    else:
        flags = known_flags(vault, box, flags)
    mapping: dict[int, int] = {}
    for row in present:
        now = vault.flag_sets.of_row(row)
        then = operation.applied(now, flags)
        if then != now:
            mapping[row] = vault.flag_sets.row(vault.connection, then)
    return mapping


def expunge(
    vault: Vault, mailbox_id: str, only: UidSet | None, by: Mailbox, *, whatever_flags: bool = False
) -> Expunged:
    """Remove the messages marked \\Deleted among ``only`` (None: all); ``whatever_flags``: all of ``only``."""
    with vault.transaction() as connection:
        box = opened(vault, mailbox_id, () if only is None else only)
        if only is None:
            unpacking.unpack_deleted(vault, box)
        messages.choose(connection, EVERYTHING if only is None else only)
        if whatever_flags:
            gone = UidSet.of(messages.chosen_uids(connection, box))
        else:
            gone = messages.chosen_with(connection, box, vault.flag_sets.rows_with(DELETED))
        if not gone:
            return Expunged(EMPTY, box.highest_modseq)
        messages.choose(connection, gone)
        messages.doom(connection, box)
        vault.owing = True
        modseq = forget(vault, box, gone, by=by)
        mailboxes.save(connection, box)
        return Expunged(gone, modseq)


def copy(
    vault: Vault,
    mailbox_id: str,
    uids: UidSet,
    destination: str,
    *,
    move: bool,
    by: Mailbox | None,
    keep: FlagFilter | None = None,
) -> Copied:
    """COPY and MOVE. RFC 9051 §6.4.7, RFC 6851 §3; UIDs pairwise for RFC 4315 §3."""
    there = tree.find(vault, destination)
    if there.scanned == 0:
        there = intake.check(vault, destination)
    with vault.transaction() as connection:
        source = opened(vault, mailbox_id, uids)
        target = source if there.id == source.id else mailboxes.by_id(connection, there.id)
        if target is None:
            raise MailboxGone
        messages.choose(connection, uids)
        sources = array("I", messages.chosen_uids(connection, source))
        if not sources:
            return Copied(target.uidvalidity, (), ())
        if target.messages + len(sources) > intake.MAX_MESSAGES:
            raise LimitReached("The mailbox is full")
        chosen = UidSet.of(sources)
        messages.choose(connection, chosen)
        count, octets = messages.count(connection, source)
        if not move:
            vault.require_room(octets, count)
        first = take_uids(vault, target, count)
        modseq = next_modseq(vault, target)
        messages.duplicate(connection, source, target, first, modseq, int(vault.clock()), shared=not move)
        new = UidSet(((first, first + count - 1),))
        _carry_keywords(vault, source, target, new, modseq, keep)
        target.messages += count
        target.octets += octets
        vault.owe(target, new)
        vault.tell(_appended(vault, target, new, modseq, by if move and target is source else None))
        if move:
            messages.choose(connection, chosen)
            forget(vault, source, chosen, by=by)
        mailboxes.save(connection, target)
        if source is not target:
            mailboxes.save(connection, source)
        return Copied(target.uidvalidity, sources, array("I", range(first, first + count)))


def move_inbox(vault: Vault, new: str) -> None:
    """RENAME of INBOX: its messages go to the new mailbox. RFC 9051 §6.3.6."""
    inbox = intake.check(vault, names.INBOX)
    copy(vault, inbox.mailbox_id, EVERYTHING, new, move=True, by=None)


def _carry_keywords(
    vault: Vault, source: Box, target: Box, new: UidSet, modseq: int, keep: FlagFilter | None
) -> None:
    """Keywords that the target does not know yet, or spells otherwise, are made its own; flags that ``keep``
    leaves out are not taken along.
    """
    if source is target and keep is None:
        return
    connection = vault.connection
    messages.choose(connection, new)
    mapping: dict[int, int] = {}
    for row in messages.chosen_flags(connection, target):
        flags = vault.flag_sets.of_row(row)
        known = known_flags(vault, target, flags if keep is None else keep(flags))
        if known != flags:
            mapping[row] = vault.flag_sets.row(connection, known)
    if mapping:
        messages.set_flags(connection, target, mapping, modseq)


def _appended(vault: Vault, box: Box, new: UidSet, modseq: int, by: Mailbox | None) -> Delta:
    if box.mailbox_id not in vault.loaded:
        return Delta(box.mailbox_id, modseq, box.uidnext)
    rows = vault.connection.execute(
        "SELECT uid, flags, modseq, size, internal FROM messages"
        " WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
        (box.id, *new.ranges[0]),
    )
    return Delta(box.mailbox_id, modseq, box.uidnext, appended=as_columns(vault, rows.fetchall()), by=by)


def as_columns(vault: Vault, rows: list[tuple[int, int, int, int, int]]) -> Rows:
    """Rows of (uid, flags, modseq, size, internal) as columns."""
    uids, flags, modseqs, sizes, dates = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Rows(
        array("I", uids),
        vault.flag_sets.numbers(array("I", flags)),
        array("Q", modseqs),
        array("Q", sizes),
        array("q", dates),
    )
