"""From the index into memory: columns of a mailbox, what other processes committed, STATUS.

Plain blocking code for the account's serial jobs.
"""

import contextlib
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailaccess.model.errors import MailError
from mailaccess.model.flags import DELETED, SEEN, Flag
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.store import changing, intake, journal, layout, tree, unpacking
from mailaccess.store.api import Mark, Status
from mailaccess.store.changes import Delta
from mailaccess.store.columns import MailboxColumns
from mailaccess.store.folder import is_doubtful
from mailaccess.store.index import mailboxes, messages, packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.vault import Known, Vault

COUNTED_AT_ONCE: Final = 1_000
"""Messages whose rows are looked at on the reactor thread: 0.1 ms."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A mailbox as it is now; columns is None where the caller has them and what was posted keeps them current."""

    name: str
    mailbox_id: str
    uidvalidity: int
    uidnext: int
    highest_modseq: int
    first_recent: int
    keywords: tuple[Flag, ...]
    columns: MailboxColumns | None
    folder: bytes
    doubtful: bool
    uids_stamp: str


class Lifecycle:
    """What happens when an index is opened or left (``vault.Lifecycle``)."""

    def opened(self, vault: Vault, *, fresh: bool, rebooted: bool) -> None:
        layout.prepare_maildir(vault, vault.autocreate)
        if rebooted:
            tree.sync(
                vault, force=True
            )  # the bounds on disk may be higher than an index that lost commits says
            tree.continue_above_bounds(vault)
        if not fresh:
            journal.finish(vault)
        tree.sync(vault, force=fresh)

    def leaving(self, vault: Vault) -> None:
        vault.sync_some()
        journal.finish(vault)

    def catch_up(self, vault: Vault) -> None:
        catch_up(vault)

    def reload(self, vault: Vault, mailbox_id: str) -> Delta | None:
        return reload(vault, mailbox_id)


def finish_and_close(vault: Vault) -> None:
    """Finish what is owed and close the index; the next job opens it again."""
    Lifecycle().leaving(vault)
    vault.owing = False
    vault.close()


def load(vault: Vault, name: str, have: frozenset[str]) -> Loaded:
    """Open a mailbox. have: ids of the mailboxes whose columns the reactor thread holds."""
    box = intake.check(vault, name)
    known = vault.loaded.get(box.mailbox_id)
    columns = None
    if known is None or box.mailbox_id not in have:
        if box.messages > COUNTED_AT_ONCE:
            vault.require_thread()
        columns = read_columns(vault, box)
        vault.loaded[box.mailbox_id] = Known(box.id, box.name, box.highest_modseq, box.uidnext)
    return Loaded(
        box.name, box.mailbox_id, box.uidvalidity, box.uidnext, box.highest_modseq, box.first_recent,
        keywords_of(vault, box), columns, box.folder, is_doubtful(box),
        box.uids_stamp,
    )  # fmt: skip


def keywords_of(vault: Vault, box: Box) -> tuple[Flag, ...]:
    return tuple(mailboxes.keywords(vault.connection, box).values())


def read_columns(vault: Vault, box: Box) -> MailboxColumns:
    columns = MailboxColumns(vault.flag_sets.sets)
    if box.id in vault.packed:
        _read_packed(vault, box, columns)
        return columns
    _read_rows(vault, box, columns, 1, packed.MAX_UID)
    return columns


def _read_packed(vault: Vault, box: Box, columns: MailboxColumns) -> None:
    """Chunks, and the rows between them: no message of a chunk has one, and none came between its UIDs."""
    low = 1
    for chunk in packed.nameless(vault.connection, box.id):
        _read_rows(vault, box, columns, low, chunk.uids[0])
        modseqs = array("Q", (chunk.modseq,)) * len(chunk.uids)
        columns.append(chunk.uids, vault.flag_sets.numbers(chunk.flags), modseqs, chunk.sizes, chunk.dates)
        low = chunk.uids[-1] + 1
    _read_rows(vault, box, columns, low, packed.MAX_UID)


def _read_rows(vault: Vault, box: Box, columns: MailboxColumns, low: int, high: int) -> None:
    """Rows with UIDs from ``low`` to below ``high``."""
    rows = vault.connection.execute(
        "SELECT uid, flags, modseq, size, internal FROM messages WHERE mailbox = ? AND uid >= ? AND uid < ?"
        " ORDER BY uid",
        (box.id, low, high),
    ).fetchall()
    if rows:
        uids, flags, modseqs, sizes, dates = zip(*rows, strict=True)
        columns.append(uids, vault.flag_sets.numbers(array("I", flags)), modseqs, sizes, dates)


def resize(vault: Vault, resized: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> None:
    """Post the sizes that another process found to be others than told: by mailbox id, UIDs with sizes."""
    for mailbox_id, pairs in resized:
        vault.send(Delta(mailbox_id, resized=pairs))


def catch_up(vault: Vault) -> None:
    """Post what other processes committed to the mailboxes that are in memory."""
    for mailbox_id, known in list(vault.loaded.items()):
        box = mailboxes.by_mailbox_id(vault.connection, mailbox_id)
        if box is None:
            vault.send(Delta(mailbox_id, gone=True))
            continue
        if box.highest_modseq == known.modseq and box.uidnext == known.uidnext and box.name == known.name:
            continue
        vault.send(_difference(vault, box, known))


def _difference(vault: Vault, box: Box, known: Known) -> Delta:
    """What happened in a mailbox since what ``known`` says."""
    delta = Delta(
        box.mailbox_id, box.highest_modseq, box.uidnext, first_recent=box.first_recent, name=box.name
    )
    delta.keywords = keywords_of(vault, box)
    gone = messages.expunged_since(vault.connection, box, known.modseq)
    if gone is None or box.id in vault.packed:
        delta.whole = read_columns(vault, box)
        return delta
    query = (
        "SELECT uid, flags, modseq, size, internal FROM messages"
        " WHERE mailbox = ? AND uid {} ? AND modseq > ? ORDER BY uid"
    )
    new = vault.connection.execute(query.format(">="), (box.id, known.uidnext, known.modseq)).fetchall()
    old = vault.connection.execute(query.format("<"), (box.id, known.uidnext, known.modseq)).fetchall()
    delta.appended = changing.as_columns(vault, new) if new else None
    delta.rows = [(uid, vault.flag_sets.number(flags), modseq) for uid, flags, modseq, _, _ in old]
    delta.expunged = gone - UidSet(((known.uidnext, 2**32 - 1),)) if gone else EMPTY
    return delta


def reload(vault: Vault, mailbox_id: str) -> Delta | None:
    """After the index was rebuilt: all of a mailbox anew; None where nobody has it in memory."""
    if (
        vault.loaded.pop(mailbox_id, None) is None
    ):  # so that what the check finds is told once, with the whole
        return None
    box = mailboxes.by_mailbox_id(vault.connection, mailbox_id)
    if box is None:
        return Delta(mailbox_id, gone=True)
    box = intake.check(vault, box.name)
    vault.loaded[mailbox_id] = Known(box.id, box.name, box.highest_modseq, box.uidnext)
    return Delta(
        mailbox_id, box.highest_modseq, box.uidnext, box.first_recent, keywords=keywords_of(vault, box),
        name=box.name, whole=read_columns(vault, box),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Looked:
    """A mailbox's numbers with what they were seen by: ``Vault.state_of`` it, and ``signs`` of its folder.

    As long as both are the same and no other process committed anything, the numbers are.
    """

    status: Status
    folder: bytes
    state: tuple[int, int, int]
    signs: tuple[str, int, int]


def signs(vault: Vault, folder: bytes) -> tuple[str, int, int]:
    """What three ``stat`` calls tell of a mailbox's folder: its ``mailaccess-uids``, ``new/`` and ``cur/``."""
    path, files = vault.folder(folder), vault.files
    return vault.uids_stamp(folder), files.mtime(path + b"/new"), files.mtime(path + b"/cur")


def status(vault: Vault, name: str) -> Looked:
    """RFC 9051 §6.3.11, from the index alone once other programs' changes are taken in."""
    box = intake.check(vault, name)
    state = vault.state_of(box.mailbox_id)
    stamp = (box.uidvalidity, box.uidnext, box.highest_modseq, box.first_recent)
    numbers = vault.counts.get(box.mailbox_id, stamp)
    if numbers is None:
        if box.messages > COUNTED_AT_ONCE:
            vault.require_thread()
        numbers = _count(vault, box)
        vault.counts.keep(box.mailbox_id, stamp, numbers)
    return Looked(numbers, box.folder, state, (box.uids_stamp, box.new_mtime, box.cur_mtime))


def marks(vault: Vault) -> tuple[dict[str, bytes], dict[str, Mark]]:
    """The folder and the mark of each mailbox, by name: from the index alone."""
    rows = vault.connection.execute(
        "SELECT name, folder, mailbox_id, uidvalidity, uidnext, messages, highest_modseq FROM mailboxes"
    ).fetchall()
    return {row[0]: row[1] for row in rows}, {row[0]: Mark._make(row[2:]) for row in rows}


def statuses(vault: Vault, names: Sequence[str]) -> dict[str, Looked]:
    """Several; those that can't be told are left out."""
    found = {}
    for name in names:
        with contextlib.suppress(MailError):
            found[name] = status(vault, name)
    return found


def statuses_from(vault: Vault, name: str, after: str, more: int) -> tuple[dict[str, Looked], str | None]:
    """That of ``name``, and those of ``more`` mailboxes behind ``after`` in the order of names; the last of these,
    or None where there is none behind it.
    """
    found = {name: status(vault, name)}
    following = mailboxes.names_behind(vault.connection, after, more)
    found.update(statuses(vault, [other for other in following if other != name]))
    return found, following[-1] if len(following) == more else None


def _count(vault: Vault, box: Box) -> Status:
    connection = vault.connection
    unseen = deleted = deleted_size = total = size = 0
    seen_rows = frozenset(vault.flag_sets.rows_with(SEEN))
    deleted_rows = frozenset(vault.flag_sets.rows_with(DELETED))
    with vault.snapshot():  # another process may make rows of chunks this moment
        groups = connection.execute(
            "SELECT flags, count(*), sum(size) FROM messages WHERE mailbox = ? GROUP BY flags", (box.id,)
        ).fetchall()
        chunks = packed.nameless(connection, box.id) if box.id in vault.packed else []
        recent = connection.execute(
            "SELECT count(*) FROM messages WHERE mailbox = ? AND uid >= ?", (box.id, box.first_recent)
        ).fetchone()[0]
    for flags, count, octets in [*groups, *packed.groups(chunks)]:
        total += count
        size += octets
        if flags not in seen_rows:
            unseen += count
        if flags in deleted_rows:
            deleted += count
            deleted_size += octets
    recent += sum([len(chunk.uids) - bisect_left(chunk.uids, box.first_recent) for chunk in chunks])
    return Status(
        total, recent, unseen, deleted, box.uidnext, box.uidvalidity, box.highest_modseq, size, deleted_size,
        box.mailbox_id,
    )  # fmt: skip


def claim_recent(vault: Vault, mailbox_id: str) -> UidSet:
    """The messages that nobody was told of as \\Recent; from now on somebody was. Their files leave new/."""
    with vault.transaction() as connection:
        box = changing.opened(vault, mailbox_id, ())
        unpacking.unpack(vault, box, box.first_recent)
        first, box.first_recent = box.first_recent, box.uidnext
        rows = connection.execute(
            "SELECT uid, place FROM messages WHERE mailbox = ? AND uid >= ? ORDER BY uid", (box.id, first)
        ).fetchall()
        vault.owe(box, UidSet.of([uid for uid, place in rows if not place & 1]))
        mailboxes.save(connection, box)
        vault.tell(Delta(box.mailbox_id, box.highest_modseq, box.uidnext, first_recent=box.first_recent))
        return UidSet.of([row[0] for row in rows])


def expunged_since(vault: Vault, mailbox_id: str, modseq: int) -> UidSet | None:
    return messages.expunged_since(vault.connection, changing.opened(vault, mailbox_id, ()), modseq)
