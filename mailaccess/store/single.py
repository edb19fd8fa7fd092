"""The flags of one message: what a client sets again and again while its user reads.

The same as ``changing.set_flags``, which takes any set of messages through a table of ranges and statements
made for it: here the message's row is read, changed and told with statements that stay compiled, half the cost.
A change that changes nothing begins no transaction. A row that is not made yet is made first, of this message alone.
What is not plain (keywords, whose spelling is the mailbox's; bounds to be raised on disk) goes the other way.

Plain blocking code for the account's serial jobs.
"""

import sqlite3
from contextlib import nullcontext
from functools import partial
from typing import Final

from mailaccess.model.errors import MailboxGone
from mailaccess.model.flags import FlagSet, is_keyword
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.store import changing, unpacking
from mailaccess.store.api import FlagOperation, FlagsStored, Mailbox
from mailaccess.store.changes import Delta
from mailaccess.store.vault import Vault

_ROW: Final = (
    "SELECT m.flags, m.modseq, b.id, b.uidnext, b.highest_modseq, b.modseq_bound FROM mailboxes AS b"
    " LEFT JOIN messages AS m ON m.mailbox = b.id AND m.uid = ? WHERE b.mailbox_id = ?"
)
_CHANGE: Final = "UPDATE messages SET flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?"
_NUMBER: Final = "UPDATE mailboxes SET highest_modseq = ? WHERE id = ?"
_OWE: Final = "INSERT INTO owed (mailbox, uids) VALUES (?, ?)"


class _Overtaken(Exception):
    """Another process committed since the row was read."""


def set_flags(
    vault: Vault,
    mailbox_id: str,
    uids: UidSet,
    operation: FlagOperation,
    flags: FlagSet,
    unchanged_since: int | None,
    by: Mailbox,
) -> FlagsStored:
    """``changing.set_flags`` for a set of one UID."""
    uid = uids.ranges[0][0]
    connection = vault.connection
    row = connection.execute(_ROW, (uid, mailbox_id)).fetchone()
    if row is None:
        raise MailboxGone
    number, highest, bound = row[2], row[4], row[5]
    if highest + 2 >= bound or any([is_keyword(flag) for flag in flags]):
        return changing.set_flags(vault, mailbox_id, uids, operation, flags, unchanged_since, by)
    change = partial(_change, vault, mailbox_id, uids, operation, flags, unchanged_since, by)
    try:
        if row[0] is None and number in vault.packed:
            with vault.transaction():
                unpacking.unpack_one(vault, changing.opened(vault, mailbox_id, ()), uid)
                return change(connection.execute(_ROW, (uid, mailbox_id)).fetchone())
        return change(row)
    except _Overtaken:
        return changing.set_flags(vault, mailbox_id, uids, operation, flags, unchanged_since, by)


def _change(
    vault: Vault,
    mailbox_id: str,
    uids: UidSet,
    operation: FlagOperation,
    flags: FlagSet,
    unchanged_since: int | None,
    by: Mailbox,
    row: tuple[int | None, int, int, int, int, int],
) -> FlagsStored:
    """row: as ``_ROW`` gives it; read within the open transaction, where there is one."""
    old, last, number, uidnext, highest, _ = row
    if old is None:
        return FlagsStored(EMPTY, EMPTY, highest)
    if unchanged_since is not None and last > unchanged_since:
        return FlagsStored(EMPTY, uids, highest)
    now = vault.flag_sets.of_row(old)
    then = operation.applied(now, flags)
    if then == now:
        return FlagsStored(EMPTY, EMPTY, highest)
    version = vault.tree_version
    with nullcontext() if vault.connection.in_transaction else vault.transaction():
        if vault.tree_version != version:
            raise _Overtaken
        connection = vault.connection
        new = vault.flag_sets.row(connection, then)
        _write(connection, number, uids.ranges[0][0], new, highest + 1)
        vault.owing = True
        mapping = {vault.flag_sets.number(old): vault.flag_sets.number(new)}
        vault.tell(Delta(mailbox_id, highest + 1, uidnext, flagged=uids, mapping=mapping, by=by))
    return FlagsStored(uids, EMPTY, highest + 1)


def _write(connection: sqlite3.Connection, number: int, uid: int, flags: int, modseq: int) -> None:
    connection.execute(_CHANGE, (flags, modseq, number, uid))
    connection.execute(_NUMBER, (modseq, number))
    connection.execute(_OWE, (number, str(uid)))
