"""What another program changed in a mailbox's folder: what lies there beside what the index says (``maildir/scan``).

Plain blocking code for the account's serial jobs.
"""

from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import Final

from mailaccess.store.folder import GRAIN, Disk
from mailaccess.store.index import packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names, scan
from mailaccess.store.vault import Vault

Key = tuple[int, int]
"""(mailbox's row, uid), or (0, id) for a row of ``doomed``."""

Row = tuple[int, bytes, int, int]
"""place, file, and the two of ``Key``."""

FEW: Final = 4
"""New files for each of which the rows are looked through for a twin: 10 ms for 100,000 of them, in C."""

ROWS_AT_ONCE: Final = 4_000
CHUNKS_AT_ONCE: Final = 16
"""Read at once of what the index says: 4,000 names."""


def differences(vault: Vault, box: Box, times: tuple[int, int]) -> scan.Differences[Key]:
    """What differs. Where only ``new/`` changed, as it does when another program delivers, ``cur/`` with its perhaps
    100,000 files is not read: unless one of the new files may be the twin of one there.
    """
    if times[1] == box.cur_mtime <= box.scanned - GRAIN:
        found = scan.compare(Disk(vault, box.folder, only_new=True), lambda: _known_new(vault, box))
        if len(found.new) <= FEW and not any([_has_twin(vault, box, name) for _, name in found.new]):
            return found
    return scan.compare(Disk(vault, box.folder), lambda: _known(vault, box))


def _has_twin(vault: Vault, box: Box, name: bytes) -> bool:
    unique = names.unique(name)
    row = vault.connection.execute(
        "SELECT 1 FROM messages WHERE mailbox = ? AND substr(file, 1, ?) = ? LIMIT 1",
        (box.id, len(unique), unique),
    ).fetchone()
    return row is not None or (box.id in vault.packed and packed.may_have(vault.connection, box.id, unique))


def _known(vault: Vault, box: Box) -> Iterator[scan.Piece[Key]]:
    yield from _rows(vault, box, "< 2")
    low = 1
    while box.id in vault.packed:
        chunks = packed.chunks(vault.connection, box.id, low, most=CHUNKS_AT_ONCE)
        for chunk in chunks:
            yield from _pieces(list(zip(chunk.places, chunk.names, repeat(box.id), chunk.uids, strict=False)))
        if len(chunks) < CHUNKS_AT_ONCE:
            return
        low = chunks[-1].uids[-1] + 1


def _known_new(vault: Vault, box: Box) -> Iterator[scan.Piece[Key]]:
    """What is in new/."""
    yield from _rows(vault, box, "= 0")
    if box.id in vault.packed:
        packed_new = packed.in_new(vault.connection, box.id)
        yield from _pieces([(place, name, box.id, uid) for place, name, uid in packed_new])


def _rows(vault: Vault, box: Box, which: str) -> Iterator[scan.Piece[Key]]:
    """Where each file of the folder should be. Shared files are known by the row they belong to."""
    rows = vault.connection.execute(
        f"SELECT place, file, mailbox, uid FROM messages WHERE mailbox = ? AND home = ? AND place {which} UNION ALL"
        f" SELECT place, file, mailbox, uid FROM messages WHERE home = ? AND home <> mailbox AND place {which}"
        f" UNION ALL SELECT place, file, 0, id FROM doomed WHERE home = ? AND place {which}",
        (box.id, box.id, box.id, box.id),
    )
    while some := rows.fetchmany(ROWS_AT_ONCE):
        yield from _pieces(some)


def _pieces(rows: list[Row]) -> Iterator[scan.Piece[Key]]:
    """Rows by place."""
    for place in (0, 1):
        there = [row for row in rows if row[0] == place]
        if there:
            yield scan.Piece(place, [row[1] for row in there], partial(_key, there))


def _key(rows: list[Row], at: int) -> Key:
    return rows[at][2:]
