"""Takes messages out of the index: rows, counts, what is remembered of them, what sessions are told.

What becomes of their files is the caller's affair. Blocking code for the account's serial jobs.
"""

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Mailbox
from mailaccess.store.bounds import next_modseq
from mailaccess.store.changes import Delta
from mailaccess.store.index import messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.vault import Vault


def forget(vault: Vault, box: Box, gone: UidSet, *, by: Mailbox | None = None) -> int:
    """Expunge rows whose files are taken care of; returns the mod-sequence. The caller saves ``box``."""
    connection = vault.connection
    messages.choose(connection, gone)
    count, octets = messages.count(connection, box)
    if not count:
        return 0
    modseq = next_modseq(vault, box)
    messages.delete(connection, box)
    messages.remember_expunged(connection, box, gone, modseq)
    box.messages -= count
    box.octets -= octets
    connection.execute("UPDATE account SET unswept = unswept + ?", (count,))
    vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, expunged=gone, by=by))
    return modseq
