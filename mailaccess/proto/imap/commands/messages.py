"""Commands on messages of the selected mailbox (RFC 9051 §6.4; RFC 4315; RFC 4731; RFC 6851; RFC 7162)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

from mailaccess.model.criteria import All, Criterion
from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap import fetch as fetch_grammar
from mailaccess.proto.imap import search as search_grammar
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rule, Rules
from mailaccess.proto.imap.fetch import FetchAtt
from mailaccess.proto.imap.partial import PartialRange, result_range
from mailaccess.proto.imap.responses import Status
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """EXPUNGE; UID EXPUNGE (RFC 9051 §6.4.9) when ``uids`` is not None."""

    uids: SequenceSet | None = None


class SearchReturn(Enum):
    """search-return-opt. RFC 4731 §3.1, RFC 5182 §2, RFC 9394 §3.1, RFC 5267 §4.2, §4.3, RFC 6203 §4."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"
    PARTIAL = "PARTIAL"
    CONTEXT = "CONTEXT"
    UPDATE = "UPDATE"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class Search(Command):
    """SEARCH. ``criteria`` still holds ``MessageNumbers`` and ``Recent``, which the view resolves.

    return_options: None is the old form, answered by ``* SEARCH``; else ``* ESEARCH`` (RETURN () is {ALL}).
    charset: as named by the client in capitals, None when not given.
    uses_modseq: a MODSEQ key stands somewhere, so the answer owes mod-sequences (RFC 7162 §3.1.5).
    partial: what PARTIAL asks for, None without it.
    uses_filter: ``criteria`` holds ``Named``, which ``imap.filters`` resolves.
    refusal: the NO that answers it; only with SAVE, which has to know of it (RFC 5182 §2.1).
    update_items: what is told of new messages that come to the result (RFC 5465 §7).
    """

    criteria: Criterion
    uid: bool = False
    return_options: frozenset[SearchReturn] | None = None
    charset: str | None = None
    uses_modseq: bool = False
    partial: PartialRange | None = None
    uses_filter: bool = False
    refusal: Status | None = None
    update_items: tuple[FetchAtt, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """FETCH. Macros are resolved, repetitions removed; with ``uid`` the first of ``items`` is ``Uid``.

    asked_uid: UID stood among the items.

    changed_since: the modifier of RFC 7162 §3.1.4.1 (0 is allowed: Apple Mail); it implies MODSEQ, which is
    among ``items`` then.  vanished: RFC 7162 §3.2.6.  partial: RFC 9394 §3.3, with ``uid`` only.
    """

    numbers: SequenceSet
    items: tuple[FetchAtt, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None
    asked_uid: bool = False


class StoreOperation(Enum):
    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True)
class Store(Command):
    """STORE. ``unchanged_since``: RFC 7162 §3.1.3; ``flags`` are without ``\\Recent`` (not storable)."""

    numbers: SequenceSet
    operation: StoreOperation
    flags: FlagSet
    silent: bool = False
    uid: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Copy(Command):
    numbers: SequenceSet
    mailbox: str
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Move(Command):
    """MOVE. RFC 6851 §3.1."""

    numbers: SequenceSet
    mailbox: str
    uid: bool = False


def _uid_expunge(cur: ImapCursor) -> Expunge:
    """``uid-expunge`` = "UID" SP "EXPUNGE" SP sequence-set. RFC 4315 §2.1."""
    tokens.space(cur)
    return Expunge(tokens.sequence_set(cur))


def _search(cur: ImapCursor, *, uid: bool = False) -> Search:
    """``search`` = "SEARCH" [SP search-return-opts] SP search-program. RFC 9051 §9, RFC 4731 §3."""
    tokens.space(cur)
    return search_rest(cur, search_return(cur), uid=uid)


def search_rest(cur: ImapCursor, wanted: "Wanted", *, uid: bool) -> Search:
    """``search-program``, behind its return options."""
    at, options = cur.pos, wanted.options
    try:
        program = search_grammar.search_program(cur)
    except Unsupported as error:
        return Search(All(), uid, options, refusal=refused(cur, options, error))
    if options is not None and SearchReturn.RELEVANCY in options:
        if not program.uses_fuzzy and not program.uses_filter:
            cur.fail("a FUZZY key beside RELEVANCY", at)  # RFC 6203 §4
    return Search(
        program.criteria,
        uid,
        options,
        program.charset,
        program.uses_modseq,
        wanted.partial,
        program.uses_filter,
        update_items=wanted.update_items,
    )


def refused(cur: ImapCursor, options: frozenset[SearchReturn] | None, error: Unsupported) -> Status:
    """The answer to a search that cannot be, whose SAVE takes effect all the same; else raises ``error``."""
    if options is None or SearchReturn.SAVE not in options:
        raise error
    cur.pos = len(cur.octets)
    return error.status


_RETURN: Final = re.compile(rb"RETURN +(?=\()", re.IGNORECASE)


class Wanted(NamedTuple):
    """Return options; None where they don't stand, and what belongs to PARTIAL and to UPDATE."""

    options: frozenset[SearchReturn] | None = None
    partial: PartialRange | None = None
    update_items: tuple[FetchAtt, ...] = ()


def search_return(cur: ImapCursor) -> Wanted:
    """``search-return-opts`` = "RETURN" SP "(" [option *(SP option)] ")" SP; None where they don't stand.

    An empty list means ALL (RFC 4731 §3.1). PARTIAL brings its range, once, and not beside ALL (RFC 9394 §3.1);
    UPDATE may bring attributes (RFC 5465 §8: modifier-update).
    """
    if cur.match(_RETURN) is None:
        return Wanted()
    partial = None
    items: tuple[FetchAtt, ...] = ()
    cur.skip(b"(", '"("')
    found: set[SearchReturn] = set()
    cur.match(tokens.SPACES)
    if not cur.skip_if(b")"):
        while True:
            at = cur.pos
            option = _SEARCH_RETURNS.get(tokens.keyword(cur, "a SEARCH return option"))
            if option is None:
                cur.fail("a known SEARCH return option", at)
            if option is SearchReturn.PARTIAL:
                tokens.space(cur)
                partial = result_range(cur)
            if option is SearchReturn.UPDATE and cur.match(_BEFORE_LIST) is not None:
                items = fetch_grammar.fetch_atts(cur)
            if option in found or {option, *found} >= _NOT_BOTH:
                cur.fail("PARTIAL or ALL, each option once", at)
            found.add(option)
            if tokens.list_ends(cur):
                break
    tokens.space(cur)
    return Wanted(frozenset(found) or frozenset({SearchReturn.ALL}), partial, items)


_BEFORE_LIST: Final = re.compile(rb" +(?=\()")


_NOT_BOTH: Final = frozenset((SearchReturn.PARTIAL, SearchReturn.ALL))
_SEARCH_RETURNS: Final = {option.value.encode("ascii"): option for option in SearchReturn}


def _fetch(cur: ImapCursor, *, uid: bool = False) -> Fetch:
    """``fetch`` = "FETCH" SP sequence-set SP (macro / fetch-att / list) [SP "(" fetch-modifiers ")"]"""
    tokens.space(cur)
    numbers = tokens.sequence_set(cur)
    tokens.space(cur)
    wanted = fetch_grammar.fetch_rest(cur)
    if wanted.partial is not None and not uid:
        cur.fail("PARTIAL with UID FETCH only")
    items = wanted.items_with_uid if uid else wanted.items
    return Fetch(numbers, items, uid, wanted.changed_since, wanted.vanished, wanted.partial, wanted.asked_uid)


def _store(cur: ImapCursor, *, uid: bool = False) -> Store:
    """``store`` = "STORE" SP sequence-set [SP "(" store-modifiers ")"] SP store-att-flags. RFC 7162 §7."""
    tokens.space(cur)
    numbers = tokens.sequence_set(cur)
    tokens.space(cur)
    unchanged_since = None
    if cur.skip_if(b"("):
        at = cur.pos
        if tokens.keyword(cur, "UNCHANGEDSINCE") != b"UNCHANGEDSINCE":
            cur.fail("UNCHANGEDSINCE", at)
        tokens.space(cur)
        unchanged_since = tokens.mod_sequence_valzer(cur)
        cur.skip(b")", '")"')
        tokens.space(cur)
    at = cur.pos
    operation, silent = _STORE_ATT.get(
        cur.take(_STORE_WORD, "FLAGS, +FLAGS or -FLAGS").upper(), (None, False)
    )
    if operation is None:
        cur.fail("FLAGS, +FLAGS or -FLAGS", at)
    tokens.space(cur)
    flags = tokens.flag_list(cur) if cur.peek() == b"(" else tokens.bare_flags(cur)
    return Store(numbers, operation, flags, silent, uid, unchanged_since)


_STORE_WORD: Final = re.compile(rb"[-+A-Za-z.]+")
_STORE_ATT: Final = {
    operation.value.encode("ascii") + suffix: (operation, bool(suffix))
    for operation in StoreOperation
    for suffix in (b"", b".SILENT")
}


def _copy(cur: ImapCursor, *, uid: bool = False) -> Copy:
    """``copy`` = "COPY" SP sequence-set SP mailbox"""
    tokens.space(cur)
    numbers = tokens.sequence_set(cur)
    tokens.space(cur)
    return Copy(numbers, tokens.mailbox(cur), uid)


def _move(cur: ImapCursor, *, uid: bool = False) -> Move:
    """``move`` = "MOVE" SP sequence-set SP mailbox. RFC 6851 §5."""
    tokens.space(cur)
    numbers = tokens.sequence_set(cur)
    tokens.space(cur)
    return Move(numbers, tokens.mailbox(cur), uid)


def _both(name: bytes, rule: Callable[..., Command]) -> dict[bytes, Rule]:
    """A command and its UID form."""
    return {name: rule, b"UID " + name: partial(rule, uid=True)}


RULES: Rules = {
    b"EXPUNGE": lambda cur: Expunge(),
    b"UID EXPUNGE": _uid_expunge,
    **_both(b"SEARCH", _search),
    **_both(b"FETCH", _fetch),
    **_both(b"STORE", _store),
    **_both(b"COPY", _copy),
    **_both(b"MOVE", _move),
}
