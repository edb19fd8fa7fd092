"""LIST with its extensions, LSUB, STATUS (RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9; RFC 5258; RFC 5819)."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands import metadata
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.status import StatusItem
from mailaccess.proto.imap.tokens import ImapCursor

__all__ = ["RULES", "List", "Lsub", "ReturnOption", "SelectOption", "Status", "StatusItem"]

MAX_PATTERNS: Final = 100
"""Patterns of one LIST: each is matched against every mailbox."""


class SelectOption(Enum):
    """What narrows a LIST. RFC 9051 §6.3.9.1, RFC 6154 §5.2."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ReturnOption(Enum):
    """What a LIST tells besides. RFC 9051 §6.3.9.2, RFC 8440 §3. STATUS is ``List.status``."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"
    MYRIGHTS = "MYRIGHTS"


@dataclass(frozen=True, slots=True)
class List(Command):
    """LIST, plain or extended.

    reference, patterns: Unicode, ``*`` and ``%`` are wildcards; patterns are not made canonical.
    extended: written in the extended form, whose answers differ a little (RFC 5258 §3).
    status: the items of RETURN (STATUS (...)); empty when not asked.
    metadata: the entries of RETURN (METADATA (...)) (RFC 9590 §3).
    A single empty pattern asks for the separator and root (RFC 9051 §6.3.9).
    """

    reference: str
    patterns: tuple[str, ...]
    select_options: frozenset[SelectOption] = frozenset()
    return_options: frozenset[ReturnOption] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """LSUB. RFC 3501 §6.3.9."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Status(Command):
    """STATUS. ``items`` in the order asked, each once."""

    mailbox: str
    items: tuple[StatusItem, ...]


def _list(cur: ImapCursor) -> List:
    """``list`` = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]."""
    tokens.space(cur)
    extended = False
    select: frozenset[SelectOption] = frozenset()
    if cur.peek() == b"(":
        extended = True
        select = _select_options(cur)
        tokens.space(cur)
    reference = tokens.reference(cur)
    tokens.space(cur)
    patterns: tuple[str, ...]
    if cur.skip_if(b"("):
        extended = True
        patterns = _patterns(cur)
    else:
        patterns = (tokens.list_mailbox(cur),)
    returned: frozenset[ReturnOption] = frozenset()
    status: tuple[StatusItem, ...] = ()
    annotations: tuple[str, ...] = ()
    if tokens.more(cur):
        tokens.space(cur)
        at = cur.pos
        if tokens.keyword(cur, "RETURN") != b"RETURN":
            cur.fail("RETURN or the end of the command", at)
        extended = True
        tokens.space(cur)
        returned, status, annotations = _return_options(cur)
    return List(reference, patterns, select, returned, status, extended, annotations)


def _patterns(cur: ImapCursor) -> tuple[str, ...]:
    """``patterns`` = "(" list-mailbox *(SP list-mailbox) ")", behind its parenthesis."""
    found = []
    while True:
        found.append(tokens.list_mailbox(cur))
        if len(found) > MAX_PATTERNS:
            cur.fail(f"at most {MAX_PATTERNS} patterns")
        if tokens.list_ends(cur):
            return tuple(found)


def _select_options(cur: ImapCursor) -> frozenset[SelectOption]:
    """list-select-opts = "(" [option *(SP option)] ")".

    RECURSIVEMATCH needs another beside it (RFC 5258 §3.1).
    """
    at = cur.pos
    cur.skip(b"(", '"("')
    found = set()
    cur.match(tokens.SPACES)
    if not cur.skip_if(b")"):
        while True:
            here = cur.pos
            option = _SELECT_OPTIONS.get(tokens.keyword(cur, "a LIST selection option"))
            if option is None:
                cur.fail("a known LIST selection option", here)
            found.add(option)
            if tokens.list_ends(cur):
                break
    if SelectOption.RECURSIVEMATCH in found and not found & {
        SelectOption.SUBSCRIBED,
        SelectOption.SPECIAL_USE,
    }:
        cur.fail("RECURSIVEMATCH beside SUBSCRIBED or SPECIAL-USE", at)
    return frozenset(found)


def _return_options(
    cur: ImapCursor,
) -> tuple[frozenset[ReturnOption], tuple[StatusItem, ...], tuple[str, ...]]:
    """``return-option`` list in parentheses; STATUS brings its items (RFC 5819 §4)."""
    cur.skip(b"(", '"("')
    found = set()
    status: tuple[StatusItem, ...] = ()
    annotations: tuple[str, ...] = ()
    cur.match(tokens.SPACES)
    if cur.skip_if(b")"):
        return frozenset(), (), ()
    while True:
        at = cur.pos
        word = tokens.keyword(cur, "a LIST return option")
        if word == b"STATUS":
            tokens.space(cur)
            status = _status_items(cur)
        elif word == b"METADATA":
            tokens.space(cur)
            annotations = metadata.entries(cur)
        elif (option := _RETURN_OPTIONS.get(word)) is not None:
            found.add(option)
        else:
            cur.fail("a known LIST return option", at)
        if tokens.list_ends(cur):
            return frozenset(found), status, annotations


def _lsub(cur: ImapCursor) -> Lsub:
    """``lsub`` = "LSUB" SP mailbox SP list-mailbox"""
    tokens.space(cur)
    reference = tokens.reference(cur)
    tokens.space(cur)
    return Lsub(reference, tokens.list_mailbox(cur))


def _status(cur: ImapCursor) -> Status:
    """``status`` = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"."""
    tokens.space(cur)
    name = tokens.mailbox(cur)
    tokens.space(cur)
    return Status(name, _status_items(cur))


def _status_items(cur: ImapCursor) -> tuple[StatusItem, ...]:
    start = cur.pos
    plain = cur.match(_PLAIN_ITEMS)
    known = _known_items(plain.group()) if plain is not None else None
    if known is not None:
        return known
    cur.pos = start
    return _read_items(cur)


@lru_cache(maxsize=256)
def _known_items(text: bytes) -> tuple[StatusItem, ...] | None:
    """The items that ``text`` asks for: a client always asks for the same. None: the rule below says what is wrong."""
    try:
        return _read_items(ImapCursor(text))
    except Expected:
        return None


_PLAIN_ITEMS: Final = re.compile(rb"\([A-Za-z-]{1,20}(?: [A-Za-z-]{1,20}){0,15}\)")


def _read_items(cur: ImapCursor) -> tuple[StatusItem, ...]:
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    found: dict[StatusItem, None] = {}
    while True:
        at = cur.pos
        item = _STATUS_ITEMS.get(tokens.keyword(cur, "a STATUS item"))
        if item is None:
            cur.fail("a known STATUS item", at)
        found[item] = None
        if tokens.list_ends(cur):
            return tuple(found)


_SELECT_OPTIONS: Final = {option.value.encode("ascii"): option for option in SelectOption}
_RETURN_OPTIONS: Final = {option.value.encode("ascii"): option for option in ReturnOption}
_STATUS_ITEMS: Final = {item.value.encode("ascii"): item for item in StatusItem}

RULES: Rules = {b"LIST": _list, b"LSUB": _lsub, b"STATUS": _status}
