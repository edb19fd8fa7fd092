"""Where in a mailbox's columns messages with or without a flag stand, at the speed of memory."""

from array import array
from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

from mailaccess.model.flags import SEEN, Flag
from mailaccess.store.api import Columns, Mailbox

FEW: Final = 8
"""Flag sets searched for one by one; with more of them one look at every message is cheaper."""

NEAR: Final = 512
"""Messages looked at first: in most mailboxes it is among them, and what is looked at is copied."""

STRAY: Final = 16
"""Matches across two numbers before the search goes on number by number."""


def ids_without(columns: Columns, flag: Flag) -> set[int]:
    """The flag-set ids whose messages do not carry ``flag``."""
    return {number for number, flags in enumerate(columns.flag_sets) if flag not in flags}


def first_without(columns: Columns, flag: Flag) -> int:
    """The place of the first message without ``flag``; -1 if all have it."""
    wanted = ids_without(columns, flag)
    ids = columns.flag_ids
    if len(wanted) > FEW:
        return next((place for place, each in enumerate(ids) if each in wanted), -1)
    found = len(ids)
    for each in wanted:
        place = _index(ids, each, found)
        if place >= 0:
            found = place
    return found if found < len(ids) else -1


_first_unseen: Final[WeakKeyDictionary[Columns, tuple[int, int, int]]] = WeakKeyDictionary()
"""The mod-sequence, the number of messages, and the place then."""


def first_unseen(mailbox: Mailbox) -> int:
    """``first_without`` \\Seen; looked for once for each state of a mailbox that is in memory.

    In a large one whose unseen messages are the latest it takes a millisecond or two.
    """
    columns = mailbox.columns
    modseq, count = mailbox.highest_modseq, len(columns)
    known = _first_unseen.get(columns)
    if known is not None and known[0] == modseq and known[1] == count:
        return known[2]
    place = first_without(columns, SEEN)
    _first_unseen[columns] = modseq, count, place
    return place


def _index(ids: "array[int]", wanted: int, stop: int) -> int:
    """``ids.index`` by a search for octets, which makes no object of every number."""
    start, length = 0, NEAR
    while start < stop:
        end = min(start + length, stop)
        place = _index_within(ids, wanted, start, end)
        if place >= 0:
            return place
        start, length = end, length * 16
    return -1


def _index_within(ids: "array[int]", wanted: int, start: int, stop: int) -> int:
    width = ids.itemsize
    octets = memoryview(ids).cast("B")[start * width : stop * width].tobytes()
    needle = array(ids.typecode, (wanted,)).tobytes()
    at = octets.find(needle)
    for _ in range(STRAY):
        if at < 0:
            return -1
        if at % width == 0:
            return start + at // width
        at = octets.find(needle, at + 1)
    try:
        return ids.index(wanted, start + at // width, stop) if at >= 0 else -1
    except ValueError:
        return -1


def uids_without(columns: Columns, flag: Flag, start: int, stop: int) -> list[int]:
    """The UIDs of the messages at places ``start`` to ``stop`` that do not carry ``flag``."""
    wanted = ids_without(columns, flag)
    if not wanted:
        return []
    ids: Sequence[int] = columns.flag_ids[start:stop]
    return [uid for uid, each in zip(columns.uids[start:stop], ids, strict=True) if each in wanted]


def uids_with(columns: Columns, flag: Flag) -> list[int]:
    """The UIDs of the messages that carry ``flag``."""
    wanted = {number for number, flags in enumerate(columns.flag_sets) if flag in flags}
    return [uid for uid, each in zip(columns.uids, columns.flag_ids, strict=True) if each in wanted]
