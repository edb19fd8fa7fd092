"""Headers read from the beginnings of files, and what is told of them (``heads``): all that is kept of them, or what a
question asks.

Plain blocking code for the account's serial jobs; part of it is done by the process beside the server, if there is one.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

from mailaccess.message.headers import find_end
from mailaccess.store.index import beside, heads, picked
from mailaccess.store.index.heads import Head, Look
from mailaccess.store.index.picked import Fields, Picked
from mailaccess.store.index.rows import Read, give_way, octets
from mailaccess.store.window import Octets

PICKED_AT_ONCE: Final = 64
"""Headers read before the reactor's thread has its turn: 2 ms."""

LOOKED_AT_ONCE: Final = 128
"""Headers in memory looked at before the reactor's thread has its turn: 1 to 2 ms."""


def read_and_computed(
    read: Read, contents: Sequence[int], share: float = beside.OWN_HALF
) -> list[tuple[int, bytes, Head]]:
    """(content, header octets, what is kept of them) of each; those whose file is gone are left out.

    share: of the contents, what the process beside the server does.
    """
    own, take = beside.split(getattr(read, "ask_heads", None), contents, share)
    answered: dict[int, tuple[int, bytes, Head]] = {}
    try:
        done = _computed_here(read, own)
    finally:
        answered = take()
    done += answered.values()
    rest = [content for content in contents[len(own) :] if content not in answered]
    return done + _computed_here(read, rest) if rest else done


def looks(read: Read, contents: Sequence[int]) -> Iterator[tuple[int, Look]]:
    """What the headers of contents tell, as far as one asks; nothing is kept but in memory (``picked``).

    read: one that has ``memory``.  Those whose file is gone are left out.
    """
    if not contents:
        return
    known = picks(read, contents)
    for number, content in enumerate(contents, 1):
        if number % LOOKED_AT_ONCE == 0:
            give_way()
        of = known.get(content)
        if of is not None:
            yield content, Look(picked.usual(of))


def picks(read: Read, contents: Sequence[int], share: float = beside.OWN_HALF) -> dict[int, Fields]:
    """The fields of contents that lists ask for, from memory or else from files, and then they are in memory.

    read: one that has ``memory``.  Those whose file is gone are left out.
    """
    pick = cast(Pick, read)
    memory = pick.memory
    known = {content: of for content in contents if (of := memory.get(content)) is not None}
    missing = [content for content in contents if content not in known]
    if missing:
        own, take = beside.split(getattr(read, "ask_fields", None), missing, share)
        answered: dict[int, Fields] = {}
        try:
            found = _picked(pick, own)
        finally:
            answered = take()
        found |= answered
        rest = [content for content in missing[len(own) :] if content not in answered]
        if rest:
            found |= _picked(pick, rest)
        memory.put(found)
        known |= found
    return known


class Pick(Protocol):
    """What a reader may have besides."""

    @property
    def memory(self) -> Picked: ...

    def __call__(self, content: int, /) -> Octets | None: ...


def _picked(read: Pick, contents: Sequence[int]) -> dict[int, Fields]:
    found: dict[int, Fields] = {}
    for start in range(0, len(contents), PICKED_AT_ONCE):
        if start:
            give_way()
        for content, block in read_blocks(read, contents[start : start + PICKED_AT_ONCE]):
            found[content] = picked.fields_of(block)
    return found


def _computed_here(read: Read, contents: Sequence[int]) -> list[tuple[int, bytes, Head]]:
    done: list[tuple[int, bytes, Head]] = []
    turn = time.monotonic() + heads.GIVE_WAY_SECONDS
    for content, block in read_blocks(read, contents):
        done.append((content, block, heads.compute(block)))
        if time.monotonic() > turn:
            give_way()
            turn = time.monotonic() + heads.GIVE_WAY_SECONDS
    return done


def read_blocks(read: Read, contents: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(content, header octets with the blank line) of each; those whose file is gone are left out.

    A reader that can read the beginnings of many files (``heads``) is not asked for more.
    """
    known: dict[int, bytes] = {}
    heads = getattr(read, "heads", None)
    if heads is not None:
        known = heads(contents)
    for content in contents:
        block = known.get(content)
        if block is None:
            wire = octets(read, content)
            if wire is None:
                continue
            end = find_end(cast(bytes, wire), 0, len(wire))
            block = wire[: end if end >= 0 else len(wire)]
        yield content, block
