"""What an account does by itself between the jobs that somebody waits for.

The journal is worked off in small batches, contents without messages are swept, folders of deleted mailboxes
are removed (texts are indexed by ``indexer``, for all accounts together). One coroutine an account at a time;
it gives way after each batch, stops when nothing is left, and tries again later where the disk refuses.
"""

from typing import Final

from mailaccess.model.errors import MailError
from mailaccess.store import journal
from mailaccess.store.index import cache, fulltext
from mailaccess.store.journal import Progress
from mailaccess.store.reading import Reader
from mailaccess.store.surroundings import Engine
from mailaccess.store.vault import Vault

RETRY_SECONDS: Final = 5.0
"""After a failed operation on disk."""

SWEEP_AFTER: Final = 1_000
"""Expunged messages after which contents without messages are looked for: one pass over the account."""

SWEPT_AT_ONCE: Final = 500


async def work(account: Engine) -> float | None:
    """Do what there is to do. Returns the seconds after which to try again, or None."""
    try:
        while account.vault.owing:
            progress = await account.run_unasked(settle)
            if progress is Progress.STALLED:
                return RETRY_SECONDS
            await account.runner.pause()
        while await account.run_unasked(sweep):
            await account.runner.pause()
    except MailError:  # it is in the log already
        return RETRY_SECONDS
    return None


def settle(vault: Vault) -> Progress:
    progress = journal.settle(vault)
    if progress is Progress.DONE:
        vault.owing = False
    return progress


def index_texts(vault: Vault) -> int:
    """Index some of the messages that came in; how many are left."""
    if vault.connection.execute("SELECT 1 FROM fulltext_pending LIMIT 1").fetchone() is None:
        return 0
    return fulltext.index_pending(vault.connection, Reader(vault))


def sweep(vault: Vault) -> bool:
    """Drop some of what is kept of contents that no message has; whether there may be more."""
    row = vault.connection.execute("SELECT unswept FROM account").fetchone()
    if row[0] < SWEEP_AFTER:
        return False
    contents = [
        row[0]
        for row in vault.connection.execute(
            "SELECT content FROM cache AS c WHERE NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.content = c.content)"
            " UNION SELECT content FROM fulltext AS f WHERE NOT EXISTS"
            " (SELECT 1 FROM messages AS m WHERE m.content = f.content)"
            " UNION SELECT content FROM fulltext_pending AS p WHERE NOT EXISTS"
            " (SELECT 1 FROM messages AS m WHERE m.content = p.content) LIMIT ?",
            (SWEPT_AT_ONCE,),
        )
    ]
    with vault.transaction() as connection:
        if contents:
            cache.forget(connection, contents)
        if len(contents) < SWEPT_AT_ONCE:
            connection.execute("UPDATE account SET unswept = 0")
            return False
    return True
