"""Some facts of messages, made of their files as they lie there: for whoever waits, and by the background ahead of it.

What ``cache.compute`` makes of the wire form, without making that form, nor anything that nobody asked for.

Plain blocking code for the account's serial jobs; part of it is done by the process beside the server, if there is one.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from mailaccess.message import fields, lineends, structure
from mailaccess.message.headers import find_end
from mailaccess.proto.imap import structure_render
from mailaccess.store.api import Fact
from mailaccess.store.index import beside
from mailaccess.store.index.heads import Look
from mailaccess.store.index.rows import give_way
from mailaccess.store.wireform import to_wire

SHORT: Final = frozenset((Fact.ENVELOPE, Fact.BODYSTRUCTURE, Fact.BODY, Fact.STRUCTURE))
"""Facts that are made by themselves, and not kept, where the background will make and keep everything."""

DESCRIBED_AT_ONCE: Final = 8
"""Messages of which some facts are made before the reactor's thread has its turn: 1 to 2 ms."""


class Stored(Protocol):
    """What a reader may have besides."""

    def stored(self, contents: Sequence[int], /) -> Iterator[tuple[int, bytes, int]]:
        """Contents with the octets of their files as they lie there, and how many there are in wire form.

        Without those that are gone, in the way, or large.
        """
        ...


def make(
    contents: Sequence[int], wanted: Sequence[Fact], read: Stored, share: float = beside.OWN_HALF
) -> dict[int, tuple[bytes, ...]]:
    """These facts, of SHORT, of contents; of those left out, another way may find some.

    share: of the contents, what the process beside the server does.
    """
    own, take = beside.split(getattr(read, "ask_described", None), contents, share, tuple(wanted))
    answered: dict[int, tuple[bytes, ...]] = {}
    try:
        done = made_here(own, wanted, read)
    finally:
        answered = take()
    done |= answered
    rest = [each for each in contents[len(own) :] if each not in answered]
    return done | made_here(rest, wanted, read) if rest else done


def made_here(contents: Sequence[int], wanted: Sequence[Fact], read: Stored) -> dict[int, tuple[bytes, ...]]:
    """As ``make``, without help."""
    done: dict[int, tuple[bytes, ...]] = {}
    for number, (content, stored, size) in enumerate(read.stored(contents), 1):
        done[content] = describe(stored, size, wanted)
        if number % DESCRIBED_AT_ONCE == 0:
            give_way()
    return done


def describe(stored: bytes, size: int, wanted: Sequence[Fact]) -> tuple[bytes, ...]:
    """Facts, of SHORT, of a message as it lies in its file; size: octets of its wire form.

    What ``cache.compute`` makes of the wire form, which is not made here where LF line ends are all there is to it.
    """
    plain = len(stored) != size and lineends.is_plain(stored)
    wire = stored if plain or len(stored) == size else to_wire(stored)
    told = lineends.parse(stored, size) if plain else structure.parse(wire)
    values: list[bytes] = []
    for fact in wanted:
        if fact is Fact.ENVELOPE:
            end = find_end(wire, 0, len(wire))
            block = wire[:end] if end >= 0 else wire
            values.append(Look(fields.usual(to_wire(block) if plain else block)).envelope)
        elif fact is Fact.BODYSTRUCTURE:
            values.append(structure_render.bodystructure(told))
        elif fact is Fact.BODY:
            values.append(structure_render.body(told))
        else:
            values.append(structure.dump(told))
    return tuple(values)
