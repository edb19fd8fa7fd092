"""What an account does by itself between the jobs that somebody waits for.

The journal is worked off in small batches, contents without messages are swept, folders of deleted mailboxes
are removed (texts are indexed by ``indexer``, for all accounts together). One coroutine an account at a time;
it gives way after each batch, stops when nothing is left, and tries again later where the disk refuses.
"""

from typing import Final

from mailaccess.model.errors import MailError
from mailaccess.store import glance, journal
from mailaccess.store.index import ahead, cache, fulltext, wordblocks
from mailaccess.store.journal import Progress
from mailaccess.store.lane import step_aside
from mailaccess.store.reading import Reader
from mailaccess.store.surroundings import Engine
from mailaccess.store.vault import Vault

RETRY_SECONDS: Final = 5.0
"""After a failed operation on disk."""

BUSY_SECONDS: Final = 0.05
"""Between two batches while somebody asks for jobs, each of which may have to wait for one: 2,500 files a second."""

SYNCED_AT_ONCE: Final = 4
"""Files that one job brings to disk, while others of the account wait: two fsyncs each."""

SWEEP_AFTER: Final = 1_000
"""Expunged messages after which contents without messages are looked for: one pass over the account."""

SWEPT_AT_ONCE: Final = 200

MANY: Final = 12
"""Messages to index for which another process is asked to open the account: it takes as long as two of them."""

_SWEPT: Final = ("cache", "fulltext", "fulltext_pending")
_ORPHANS: Final = (
    "SELECT * FROM (SELECT content FROM {table} AS c WHERE content > ?"
    " AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.content = c.content) ORDER BY content LIMIT ?)"
)


async def work(account: Engine) -> float | None:
    """Do what there is to do. Returns the seconds after which to try again, or None."""
    try:
        if account.vault.checkpoint_due:
            await account.run_unasked(Vault.checkpoint)
        position: int | None = 0
        while account.vault.owing and not account.ended:
            asked = account.asked
            progress, position = await account.run_unasked(settle_and_sweep)
            if progress is Progress.STALLED:
                return RETRY_SECONDS
            if progress is Progress.DONE:
                break
            await account.runner.pause()
            if account.asked > asked:
                return BUSY_SECONDS
        while position is not None and not account.ended:
            position = await account.run_unasked(sweep, position)
            await account.runner.pause()
    except MailError:  # it is in the log already
        return RETRY_SECONDS
    return None


def settle(vault: Vault) -> Progress:
    """Do some of what is owed to the Maildir; mostly it is one file's name, after which nothing is left."""
    if not vault.sync_some(SYNCED_AT_ONCE):
        return Progress.MORE
    progress = journal.settle(vault)
    if progress is Progress.MORE and not journal.owes(vault):
        progress = Progress.DONE
    if progress is Progress.DONE:
        vault.owing = False
    return progress


def settle_and_sweep(vault: Vault) -> tuple[Progress, int | None]:
    """``settle``, and where nothing is left of that the first piece of ``sweep``: mostly there is nothing to sweep."""
    progress = settle(vault)
    return progress, sweep(vault, 0) if progress is Progress.DONE else 0


def index_texts(vault: Vault) -> int:
    """Index some of the messages that came in; how many are left."""
    step_aside()
    return 1 if glance.glance_some(vault) else make_some(vault)


def index_few(vault: Vault) -> int | None:
    """``index_texts`` where there is little to do; None where the process that indexes is to do the rest.

    Rows are made here in any case, and structures beside them: most first questions want them, and two processes have
    them sooner than one.
    """
    step_aside()
    if glance.glance_some(vault) or glance.prepare_some(vault):
        return 1
    connection = vault.connection
    row = connection.execute("SELECT count(*) FROM (SELECT 1 FROM fulltext_pending LIMIT ?)", (MANY,))
    pending = row.fetchone()[0]
    if pending >= MANY or (not pending and fulltext.makes_words(connection)):
        vault.shows_the_same()  # which is remembered: what the other process commits will be seen not to matter
        return None
    return make_some(vault)


def make_some(vault: Vault, limit: int = fulltext.BATCH) -> int:
    """``index_texts`` without a glance. limit: messages whose texts are made."""
    connection = vault.connection
    if vault.packed and glance.prepare_some(vault):
        return 1
    vault.glanced.clear()
    pending = connection.execute("SELECT 1 FROM fulltext_pending LIMIT 1").fetchone()
    if pending is not None and vault.structured is not None:
        vault.structured = ahead.describe_structures(connection, Reader(vault), vault.structured)
        if vault.structured is not None:
            return 1
    if pending is not None and vault.described is not None:
        vault.described = ahead.describe_headers(connection, Reader(vault), vault.described)
        if vault.described is not None:
            return 1
        vault.picked.clear()
    left = fulltext.index_pending(connection, Reader(vault), limit)
    if not left:
        vault.picked.clear()  # of messages that went before they were indexed
    return left


def sweep(vault: Vault, after: int) -> int | None:
    """Drop some of what is kept of contents above ``after`` that no message has.

    Returns where to go on, or None when there is nothing to do or all was looked at: one pass in all.
    """
    connection = vault.connection
    if after == 0 and connection.execute("SELECT unswept FROM account").fetchone()[0] < SWEEP_AFTER:
        return None
    contents = [
        row[0]
        for row in connection.execute(
            f"SELECT content FROM ({' UNION '.join([_ORPHANS.format(table=table) for table in _SWEPT])})"
            " ORDER BY content LIMIT ?",
            ((after, SWEPT_AT_ONCE) * len(_SWEPT) + (SWEPT_AT_ONCE,)),
        )
    ]
    with vault.transaction():
        if contents:
            cache.forget(connection, contents)
            wordblocks.note(connection, contents)
            return int(contents[-1])
        connection.execute("UPDATE account SET unswept = 0")
    return None
