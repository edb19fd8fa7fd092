"""What the background makes of new messages while they have no rows, and as they get them.

First a glance at all of them: the fields of their headers that lists, sorts and searches ask for, into memory
(``index.picked``). It takes a fortieth of making all that the index keeps of a message, so 10,000 are done within a
second of the first look into their mailbox, and the first question about all of them opens no file to read its header.
Then their rows are made, here, while the process beside the server makes BODYSTRUCTURE of the same messages: the other
thing that a list wants, for which a file has to be read to its end.

Plain blocking code for the account's serial jobs.
"""

from collections.abc import Sequence
from typing import Final

from mailaccess.store import unpacking
from mailaccess.store.api import Fact
from mailaccess.store.index import beside, cache, described, headfiles, mailboxes, packed
from mailaccess.store.index.rows import keeping
from mailaccess.store.reading import Reader
from mailaccess.store.vault import Vault

GLANCED_AT_ONCE: Final = 500
"""Messages in one job, or some more: 10 to 20 ms, nearly all of it in the process beside the server."""

CHUNKS_WORTH: Final = 2
"""Of a mailbox that is glanced at: some hundred messages. A first question about fewer takes some milliseconds, and
hundreds of small mailboxes would take the room of the large one."""

MAILBOXES_AT_ONCE: Final = 32
"""In one job: 1 ms to look for their chunks."""

MOST: Final = 0.75
"""The other process's share. What is left takes this one as long as the other takes, rows included; nobody waits, or it
would not be done now."""

DONE: Final = packed.MAX_UID
"""As the UID up to which a mailbox was looked at: it has no more."""


def glance_some(vault: Vault) -> bool:
    """Look at some messages of mailboxes that are packed; whether there may be more to look at."""
    left = [mailbox for mailbox in vault.packed if vault.glanced.get(mailbox, 0) < DONE]
    if not left:
        return False
    reader = _ChunkReader(vault)
    for mailbox in left[:MAILBOXES_AT_ONCE]:
        after = vault.glanced.get(mailbox, 0)
        if not after and not packed.has_chunks(vault.connection, mailbox, CHUNKS_WORTH):
            after = DONE
        while after < DONE and len(reader.known) < GLANCED_AT_ONCE:
            chunks = packed.chunks(vault.connection, mailbox, after + 1, most=1)
            after = chunks[0].uids[-1] if chunks else DONE
            for chunk in chunks:
                reader.add(mailbox, chunk)
        vault.glanced[mailbox] = after
    if reader.known:
        headfiles.picks(reader, list(reader.known), beside.ALL)
        if vault.picked.is_full:
            vault.glanced.update(dict.fromkeys(left, DONE))
    return bool(left)


def prepare_some(vault: Vault) -> bool:
    """Make rows of a chunk, and BODYSTRUCTURE of its messages if another process can; whether there are more chunks."""
    for mailbox in list(vault.packed)[:1]:
        box = mailboxes.by_id(vault.connection, mailbox)
        if box is None:
            vault.packed.discard(mailbox)
            continue
        reader = _ChunkReader(vault)
        for chunk in packed.chunks(vault.connection, mailbox, most=1):
            reader.add(mailbox, chunk)
        contents, wanted = list(reader.known), (Fact.BODYSTRUCTURE,)
        own, take = beside.split(reader.ask_described, contents, MOST, wanted)
        made: dict[int, tuple[bytes, ...]] = {}
        try:
            unpacking.unpack(vault, box, most=1)
            if len(own) < len(contents):
                made = described.made_here(own, wanted, reader)
        finally:
            made |= take()
        if made:
            with keeping(vault.connection):
                cache.store_structures(
                    vault.connection, [(content, value) for content, (value,) in made.items()]
                )
    return bool(vault.packed)


class _ChunkReader(Reader):
    """Knows messages by their chunks."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.known: dict[int, tuple[int, int, bytes, int]] = {}

    def add(self, mailbox: int, chunk: packed.Chunk) -> None:
        each = zip(chunk.places, chunk.names, chunk.sizes, strict=True)
        for content, (place, name, size) in enumerate(each, chunk.content):
            self.known[content] = mailbox, place, name, size

    def _rows(self, contents: Sequence[int]) -> list[tuple[int, int, int, bytes, int]]:
        return [(content, *self.known[content]) for content in contents]
