"""The numbers of a mailbox: given out below bounds that are on disk before anybody learns of them.

Plain blocking code for the account's serial jobs, within their transactions; the caller saves the mailbox's row.
"""

from typing import Final

from mailaccess.model.errors import LimitReached
from mailaccess.model.sequence import UidSet
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names, uids
from mailaccess.store.vault import Vault

UIDS_RESERVED: Final = 1_000
MODSEQS_RESERVED: Final = 10_000
"""How far the bounds in ``mailaccess-uids`` are raised at a time: an fsync for so many messages or changes."""

MAX_UID: Final = 2**32 - 1


def take_uids(vault: Vault, box: Box, count: int) -> int:
    """``count`` new UIDs: the first of them. Raises LimitReached."""
    first = box.uidnext
    if first + count > MAX_UID:
        raise LimitReached("The mailbox has no more UIDs")
    box.uidnext = first + count
    reserve(vault, box)
    return first


def next_modseq(vault: Vault, box: Box) -> int:
    box.highest_modseq += 1
    reserve(vault, box)
    return box.highest_modseq


def reserve(vault: Vault, box: Box) -> None:
    """Have the bounds on disk above the numbers in use, before anybody learns of those."""
    if box.uidnext <= box.uid_bound and box.highest_modseq < box.modseq_bound:
        return
    if box.uidnext > box.uid_bound:
        box.uid_bound = min(box.uidnext + UIDS_RESERVED, MAX_UID)
    if box.highest_modseq >= box.modseq_bound:
        box.modseq_bound = box.highest_modseq + MODSEQS_RESERVED
    write_uids(vault, box)


def write_uids(vault: Vault, box: Box, *, sync: bool = True) -> None:
    """Bring ``mailaccess-uids`` up to date with the index, and on disk, if ``sync``."""
    vault.require_thread()
    keywords = mailboxes.keywords(vault.connection, box)
    carries: dict[int, UidSet] = {}
    for number, keyword in keywords.items():
        if number >= names.LETTERED:
            rows = vault.flag_sets.rows_with(keyword)
            if rows:
                found = vault.connection.execute(
                    f"SELECT uid FROM messages WHERE mailbox = ? AND flags IN ({','.join(map(str, rows))})",
                    (box.id,),
                )
                carries[number] = UidSet.of([row[0] for row in found])
    path = vault.folder(box.folder) + b"/" + uids.FILE
    if box.scanned == 0:  # the index does not know the messages yet: what the file says of them stays
        carries = _carries_on_disk(vault, path)
    vault.files.replace(
        path,
        uids.render(
            uids.Uids(
                box.uidvalidity,
                box.mailbox_id,
                box.uid_bound,
                box.modseq_bound,
                box.special_use,
                keywords,
                carries,
                0 if box.folder else highest_uidvalidity(vault),
            )
        ),
        sync=sync,
    )
    box.uids_stamp = vault.uids_stamp(box.folder)


def highest_uidvalidity(vault: Vault) -> int:
    """Of all mailboxes that the account ever had, as far as it knows."""
    row = vault.connection.execute("SELECT uidvalidity FROM account").fetchone()
    return int(row[0])


def _carries_on_disk(vault: Vault, path: bytes) -> dict[int, UidSet]:
    try:
        known = uids.parse(vault.files.read(path))
    except FileNotFoundError:
        return {}
    return known.carries if known is not None else {}
