"""SORT and THREAD (RFC 5256 §3, §5; RFC 5957 for DISPLAY; RFC 5267 §3 for ESORT)."""

from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from mailaccess.model.criteria import All, Criterion
from mailaccess.proto.imap import search as search_grammar
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.commands.messages import SearchReturn, refused, search_return
from mailaccess.proto.imap.fetch import FetchAtt
from mailaccess.proto.imap.partial import PartialRange
from mailaccess.proto.imap.responses import Status
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported

MAX_CRITERIA: Final = 20
"""Sort criteria of one command: twice as many as there are keys."""


class SortKey(Enum):
    """sort-key. RFC 5256 §3, RFC 5957 §3, RFC 6203 §6."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class SortCriterion:
    key: SortKey
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """SORT. What is searched is as in ``messages.Search``; ``charset`` is never left out."""

    order: tuple[SortCriterion, ...]
    criteria: Criterion
    charset: str | None
    uid: bool = False
    return_options: frozenset[SearchReturn] | None = None
    uses_modseq: bool = False
    partial: PartialRange | None = None
    uses_filter: bool = False
    refusal: Status | None = None
    update_items: tuple[FetchAtt, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread(Command):
    """THREAD. ``algorithm`` in capitals, known or not."""

    algorithm: str
    criteria: Criterion
    charset: str | None
    uid: bool = False
    uses_modseq: bool = False
    uses_filter: bool = False


def _sort(cur: ImapCursor, *, uid: bool = False) -> Sort:
    """``sort`` = "SORT" [SP search-return-opts] SP sort-criteria SP search-criteria"""
    tokens.space(cur)
    wanted = search_return(cur)
    options = wanted.options
    order = _sort_criteria(cur)
    tokens.space(cur)
    at = cur.pos
    try:
        program = search_grammar.search_criteria(cur)
    except Unsupported as error:
        return Sort(order, All(), None, uid, options, refusal=refused(cur, options, error))
    relevant = any(each.key is SortKey.RELEVANCY for each in order) or (
        options is not None and SearchReturn.RELEVANCY in options
    )
    if relevant and not program.uses_fuzzy and not program.uses_filter:
        cur.fail("a FUZZY key beside RELEVANCY", at)  # RFC 6203 §6
    return Sort(
        order,
        program.criteria,
        program.charset,
        uid,
        options,
        program.uses_modseq,
        wanted.partial,
        program.uses_filter,
        update_items=wanted.update_items,
    )


def _sort_criteria(cur: ImapCursor) -> tuple[SortCriterion, ...]:
    """sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"; each may have REVERSE before it."""
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    found: list[SortCriterion] = []
    while True:
        at = cur.pos
        word = tokens.keyword(cur, "a sort key")
        reverse = word == b"REVERSE"
        if reverse:
            tokens.space(cur)
            at = cur.pos
            word = tokens.keyword(cur, "a sort key")
        key = _SORT_KEYS.get(word)
        if key is None:
            cur.fail("a known sort key", at)
        found.append(SortCriterion(key, reverse))
        if len(found) > MAX_CRITERIA:
            cur.fail(f"at most {MAX_CRITERIA} sort keys", at)
        if tokens.list_ends(cur):
            return tuple(found)


_SORT_KEYS: Final = {key.value.encode("ascii"): key for key in SortKey}


def _thread(cur: ImapCursor, *, uid: bool = False) -> Thread:
    """``thread`` = "THREAD" SP thread-alg SP search-criteria"""
    tokens.space(cur)
    algorithm = tokens.keyword(cur, "a threading algorithm").decode("ascii")
    tokens.space(cur)
    program = search_grammar.search_criteria(cur)
    return Thread(algorithm, program.criteria, program.charset, uid, program.uses_modseq, program.uses_filter)


RULES: Rules = {
    b"SORT": _sort,
    b"UID SORT": partial(_sort, uid=True),
    b"THREAD": _thread,
    b"UID THREAD": partial(_thread, uid=True),
}
