"""What the process beside the server is asked: to read message files and say what the index keeps of them.

Asked and answered in plain tuples of octets and numbers, which ``marshal`` carries: both ends are one version of one
program (``VERSIONS``). Files that are gone, in the way, or larger than SMALL have no answer.
"""

import os
import stat
from collections.abc import Iterator
from typing import Any, Final

from mailaccess.message.headers import find_end
from mailaccess.store.api import Fact
from mailaccess.store.index import cache, described, fulltext, heads, keys, picked, wordblocks
from mailaccess.store.index.cache import Computed
from mailaccess.store.index.heads import Head
from mailaccess.store.index.keys import Keys
from mailaccess.store.wireform import HEAD, SMALL, read_all, to_wire

VERSIONS: Final = (2, cache.VERSION, heads.ORDER_VERSION, keys.VERSION, fulltext.VERSION, wordblocks.VERSION)
"""Told by the process when it is ready: one of another version, after an upgrade under a running server, is left."""

HEADS: Final = "heads"
PICKED: Final = "picked"
DESCRIBED: Final = "described"
WHOLE: Final = "whole"
WORDS: Final = "words"

FACTS: Final = 1
TEXTS: Final = 2
BODIES: Final = 4
"""What of a whole message is wanted, added up."""

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

HeadAsked = tuple[int, bytes]
"""content, path."""

WholeAsked = tuple[int, bytes, int, int]
"""content, path, octets of the wire form, what is wanted."""

DescribedAsked = tuple[int, bytes, int, tuple[str, ...]]
"""content, path, octets of the wire form, the facts that are wanted."""

Packed = tuple[bytes, bytes]
"""Compressed folded text of headers and of bodies."""


def answer(kind: str, asked: list[Any]) -> list[tuple[Any, ...]]:
    """What the process answers."""
    if kind == HEADS:
        return [_head_out(content, block, heads.compute(block)) for content, block in blocks_of(asked)]
    if kind == PICKED:
        return [(content, picked.fields_of(block)) for content, block in blocks_of(asked)]
    if kind == WORDS:
        return [(block, words_of(block, messages, kinds)) for block, messages, kinds in asked]
    return described_of(asked) if kind == DESCRIBED else wholes_of(asked)


def blocks_of(asked: list[HeadAsked]) -> Iterator[tuple[int, bytes]]:
    """The headers, in wire form."""
    for content, path in asked:
        data = _read(path, HEAD)
        end = find_end(data, 0, len(data)) if data is not None else -1
        if data is not None and end >= 0:
            yield content, to_wire(data[:end])


def described_of(asked: list[DescribedAsked]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for content, path, size, names in asked:
        data = _read(path, SMALL + 1)
        if data is not None and len(data) <= SMALL:
            found.append((content, described.describe(data, size, [Fact(name) for name in names])))
    return found


def wholes_of(asked: list[WholeAsked]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for content, path, size, wanted in asked:
        data = _read(path, SMALL + 1)
        if data is None or len(data) > SMALL:
            continue
        found.append(
            (
                content,
                size,
                _computed_out(cache.compute(data if len(data) == size else to_wire(data)))
                if wanted & FACTS
                else None,
                fulltext.packed_stored(data, size, whole=bool(wanted & TEXTS))
                if wanted & (TEXTS + BODIES)
                else None,
            )
        )
    return found


def words_of(
    block: int, messages: list[tuple[int, bytes, int]], kinds: list[int]
) -> list[tuple[int, int, bytes, bytes, bytes, bytes, bytes]]:
    """Rows of ``wordblocks``; messages: (content, path, octets of the wire form)."""

    def stored() -> Iterator[tuple[int, bytes, int]]:
        for content, path, size in messages:
            data = _read(path, SMALL + 1)
            if data is not None and len(data) <= SMALL:
                yield content, data, size

    return fulltext.words_stored(block, stored(), kinds)


def _read(path: bytes, most: int) -> bytes | None:
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if most == HEAD or status.st_size >= most:
            return os.pread(descriptor, most, 0)
        return read_all(descriptor, status.st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _head_out(content: int, block: bytes, head: Head) -> tuple[Any, ...]:
    return content, block, head.envelope, head.keys.sent, head.keys.values, head.order


def head_in(item: tuple[Any, ...]) -> tuple[int, bytes, Head]:
    """(content, header octets, what is kept of them), from an answer."""
    content, block, envelope, sent, values, order = item
    return content, block, Head(envelope, Keys(sent, values), order)


def _computed_out(of: Computed) -> tuple[Any, ...]:
    return (
        of.envelope, of.bodystructure, of.body, of.structure, of.header, of.preview,
        of.keys.sent, of.keys.values, of.order,
    )  # fmt: skip


def computed_in(item: tuple[Any, ...]) -> Computed:
    """From an answer."""
    envelope, bodystructure, body, structure, header, preview, sent, values, order = item
    return Computed(envelope, bodystructure, body, structure, header, preview, Keys(sent, values), order)
