"""Rows of messages that a first look left in chunks (``firstlook``), and what only their files can tell.

INTERNALDATE is the file's modification time, as with Dovecot; it is looked at when somebody asks for it or the row is
made, and kept from then on. The size in a name is checked against the file at the same time: where it can't be true,
the message is measured, and whoever has the mailbox open is told.

Plain blocking code for the account's serial jobs.
"""

import re
from array import array
from contextlib import nullcontext
from itertools import repeat
from typing import Final

from mailaccess.model.errors import MailboxGone
from mailaccess.model.flags import DELETED
from mailaccess.model.sequence import UidSet
from mailaccess.store.changes import Delta
from mailaccess.store.describing import measured
from mailaccess.store.index import fulltext, mailboxes, messages, packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.index.packed import Chunk
from mailaccess.store.maildir import names
from mailaccess.store.maildir.names import unique
from mailaccess.store.values import UNDATED
from mailaccess.store.vault import Vault

CHUNKS_AT_ONCE: Final = 32
"""In one job, where many are unpacked: 0.1 s for which others have to wait."""

RANGES_AT_ONCE: Final = 64
"""Ranges of UIDs that are looked for one by one."""

_STORED: Final = re.compile(rb",S=([0-9]+),W=")


def unpack(
    vault: Vault,
    box: Box,
    low: int = 1,
    high: int = packed.MAX_UID,
    most: int = -1,
    flags: frozenset[int] | None = None,
) -> None:
    """Make rows of the mailbox's packed messages whose UIDs may lie between; of at most so many chunks.

    flags: only of chunks in which a message has one of these sets. Within the open transaction, or one of its own.
    ``box.octets`` follows; the mailbox's row has it already.
    """
    if box.id not in vault.packed or (vault.at_once and not packed.has(vault.connection, box.id, low, high)):
        return
    vault.require_thread()
    connection = vault.connection
    with nullcontext() if connection.in_transaction else vault.transaction():
        for chunk in packed.chunks(connection, box.id, low, high, most):
            if flags is None or not flags.isdisjoint(chunk.flags):
                packed.remove(connection, box.id, chunk)
                _unpack(vault, box, chunk)
        _note_end(vault, box)


def unpack_one(vault: Vault, box: Box, uid: int) -> None:
    """``unpack`` of one message and no other, wherever the job runs: its chunk becomes two."""
    if box.id not in vault.packed:
        return
    connection = vault.connection
    with nullcontext() if connection.in_transaction else vault.transaction():
        for chunk in packed.chunks(connection, box.id, uid, uid):
            if uid in chunk.uids:
                at = chunk.uids.index(uid)
                packed.remove(connection, box.id, chunk)
                for part in (chunk.part(0, at), chunk.part(at + 1, len(chunk.uids))):
                    if part.uids:
                        packed.add(connection, box.id, part)
                _unpack(vault, box, chunk.part(at, at + 1))
        _note_end(vault, box)


def unpack_set(vault: Vault, box: Box, uids: UidSet) -> None:
    """``unpack`` of these messages, and those around them."""
    if box.id not in vault.packed or not uids:
        return
    ranges = uids.ranges
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        unpack_one(vault, box, ranges[0][0])
    elif len(ranges) <= RANGES_AT_ONCE:
        for low, high in ranges:
            unpack(vault, box, low, high)
    else:
        unpack(vault, box, ranges[0][0], ranges[-1][1])


def unpack_deleted(vault: Vault, box: Box) -> None:
    """``unpack`` of what has \\Deleted, and messages around it."""
    unpack(vault, box, flags=frozenset(vault.flag_sets.rows_with(DELETED)))


def unpack_more(vault: Vault, mailbox_id: str, uids: UidSet) -> bool:
    """``unpack`` of some chunks that these messages may be in; whether there are more."""
    box = mailboxes.by_mailbox_id(vault.connection, mailbox_id)
    if box is None:
        raise MailboxGone
    if box.id not in vault.packed or not uids:
        return False
    low, high = uids.ranges[0][0], uids.ranges[-1][1]
    unpack(vault, box, low, high, CHUNKS_AT_ONCE)
    return packed.has(vault.connection, box.id, low, high)


def dates(vault: Vault, mailbox_id: str, low: int, high: int) -> list[tuple["array[int]", "array[int]"]]:
    """INTERNALDATE of the messages with UIDs from ``low`` to ``high``: UIDs with their dates, ascending in each pair.

    The dates of more messages may come along. Raises MailboxGone.
    """
    vault.require_thread()
    connection = vault.connection
    found: list[tuple[array[int], array[int]]] = []
    with vault.transaction():
        box = mailboxes.by_mailbox_id(connection, mailbox_id)
        if box is None:
            raise MailboxGone
        for chunk in packed.chunks(connection, box.id, low, high) if box.id in vault.packed else ():
            if chunk.dates[0] == UNDATED:
                _examine(vault, box, chunk)
                packed.remove(connection, box.id, chunk)
                packed.add(connection, box.id, chunk)
            found.append((chunk.uids, chunk.dates))
        rows = connection.execute(
            "SELECT uid, internal FROM messages WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
            (box.id, low, high),
        ).fetchall()
    if rows:
        found.append((array("I", [row[0] for row in rows]), array("q", [row[1] for row in rows])))
    return found


def _unpack(vault: Vault, box: Box, chunk: Chunk) -> None:
    connection = vault.connection
    if chunk.dates[0] == UNDATED:
        _examine(vault, box, chunk)
    contents = range(chunk.content, chunk.content + len(chunk.names))
    messages.insert(
        connection,
        zip(
            repeat(box.id), chunk.uids, chunk.flags, repeat(chunk.modseq), chunk.dates,
            map(names.seconds, chunk.names), chunk.sizes, contents, repeat(box.id), chunk.places, chunk.names,
            strict=False,
        ),
    )  # fmt: skip
    fulltext.enqueue(connection, contents)
    vault.structured = min(vault.structured or chunk.content, chunk.content - 1)
    vault.described = min(vault.described or chunk.content, chunk.content - 1)


def _note_end(vault: Vault, box: Box) -> None:
    if not packed.has(vault.connection, box.id):
        vault.packed.discard(box.id)


def _examine(vault: Vault, box: Box, chunk: Chunk) -> None:
    """INTERNALDATE of each, and the sizes of those whose names can't be true."""
    paths = [vault.path(box.folder, place, b"") for place in (0, 1)]
    files = [paths[place] + name for place, name in zip(chunk.places, chunk.names, strict=True)]
    stats = vault.files.stat_plain(files)
    if None in stats:
        _look_for(vault, box, chunk, files)
        stats = vault.files.stat_plain(files)
    chunk.dates = array(
        "q",
        [
            int(found.st_mtime) if found is not None else names.seconds(name) or int(vault.clock())
            for found, name in zip(stats, chunk.names, strict=True)
        ],
    )
    named = map(int, _STORED.findall(b"/".join(chunk.names)))
    changed: list[tuple[int, int]] = []
    for at, (found, stored) in enumerate(zip(stats, named, strict=True)):
        if found is not None and (found.st_size != stored or chunk.sizes[at] < stored):
            size = measured(vault.files, files[at], found.st_size)
            if size != chunk.sizes[at]:
                changed.append((chunk.uids[at], size))
                box.octets += size - chunk.sizes[at]
                chunk.sizes[at] = size
    if changed:
        vault.connection.execute("UPDATE mailboxes SET octets = ? WHERE id = ?", (box.octets, box.id))
        vault.tell(Delta(box.mailbox_id, resized=changed))


def _look_for(vault: Vault, box: Box, chunk: Chunk, files: list[bytes]) -> None:
    """Where files are that another program renamed since: in ``files``. The intake takes notice of it by itself."""
    folders = [vault.path(box.folder, place, b"") for place in (0, 1)]
    there = {unique(name): folder + name for folder in folders for name in vault.files.listdir(folder)}
    for at, name in enumerate(chunk.names):
        files[at] = there.get(unique(name), files[at])
