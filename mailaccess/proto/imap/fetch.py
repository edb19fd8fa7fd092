"""fetch-att: what a FETCH asks for, and the rules that read it (RFC 9051 §6.4.5, §9; RFC 7162 §3.1.4, §7).

Values only say what is wanted; ``render_fetch.section_label`` says how the answer names a section.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.partial import PartialRange, result_range
from mailaccess.proto.imap.tokens import ImapCursor

MAX_ITEMS: Final = 200
"""Different items of one FETCH; each costs work for every message."""

MAX_FIELDS: Final = 1000
"""Header fields of one section: the answer names them all again, for every message."""

MAX_PART_DEPTH: Final = 100
"""Numbers of one section-part: no message is nested deeper (``message.structure`` has that bound)."""


@dataclass(frozen=True, slots=True)
class FetchAtt:
    """Base of all fetch items."""


@dataclass(frozen=True, slots=True)
class Flags(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Uid(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class InternalDate(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Rfc822Size(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class Envelope(FetchAtt):
    pass


@dataclass(frozen=True, slots=True)
class BodyStructure(FetchAtt):
    """BODYSTRUCTURE; with ``extended=False`` it is BODY without a section."""

    extended: bool


@dataclass(frozen=True, slots=True)
class ModSeq(FetchAtt):
    """MODSEQ. RFC 7162 §3.1.4.2."""


class SectionText(Enum):
    """section-text. RFC 9051 §6.4.5.1."""

    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """What stands between the brackets.

    part: part numbers, () is the message.  text: None is the part's (or message's) whole content.
    fields: names for HEADER.FIELDS and HEADER.FIELDS.NOT, as written, in order.
    """

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class BodySection(FetchAtt):
    """BODY[section]<origin.count> and the RFC822 family.

    peek: does not set \\Seen.  partial: (origin, count) in octets, count at least 1.
    asked_as: ``RFC822``, ``RFC822.HEADER`` or ``RFC822.TEXT`` when asked by its old name, which the answer
    repeats (RFC 3501 §6.4.5); None for BODY.
    """

    section: Section
    peek: bool = False
    partial: tuple[int, int] | None = None
    asked_as: bytes | None = None


MACROS: Final[dict[bytes, tuple[FetchAtt, ...]]] = {
    b"FAST": (Flags(), InternalDate(), Rfc822Size()),
    b"ALL": (Flags(), InternalDate(), Rfc822Size(), Envelope()),
    b"FULL": (Flags(), InternalDate(), Rfc822Size(), Envelope(), BodyStructure(extended=False)),
}
"""RFC 9051 §6.4.5: they stand alone, never inside parentheses."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that stands behind the numbers of a FETCH. ``items_with_uid``: as a UID FETCH answers.

    asked_uid: UID is among the items.
    """

    items: tuple[FetchAtt, ...]
    items_with_uid: tuple[FetchAtt, ...]
    asked_uid: bool
    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


MAX_REMEMBERED: Final = 1024
"""Octets of a FETCH's items that are worth remembering; the longest that a real client repeats has 400."""


def fetch_rest(cur: ImapCursor) -> Wanted:
    """(macro / fetch-att / "(" fetch-att *(SP fetch-att) ")") [SP "(" fetch-modifiers ")"], to the end.

    Clients send a handful of item lists over and over, so what they mean is remembered by their octets.
    """
    if len(cur.octets) - cur.pos <= MAX_REMEMBERED:
        try:
            wanted = _remembered(cur.rest())
        except Expected:
            pass  # read again for the offset in this frame
        else:
            cur.pos = len(cur.octets)
            return wanted
    return _fetch_rest(cur)


@lru_cache(maxsize=256)
def _remembered(octets: bytes) -> Wanted:
    cur = ImapCursor(octets)
    wanted = _fetch_rest(cur)
    if not cur.at_end():
        cur.fail("the end of the command")
    return wanted


def _fetch_rest(cur: ImapCursor) -> Wanted:
    items = _items(cur)
    changed_since, vanished, partial = None, False, None
    if tokens.more(cur):
        tokens.space(cur)
        changed_since, vanished, partial = _modifiers(cur)
        if changed_since is not None:
            items = _unique((*items, ModSeq()))
    return Wanted(items, _unique((Uid(), *items)), Uid() in items, changed_since, vanished, partial)


def _unique(items: tuple[FetchAtt, ...]) -> tuple[FetchAtt, ...]:
    return tuple(dict.fromkeys(items))


def _items(cur: ImapCursor) -> tuple[FetchAtt, ...]:
    if not cur.skip_if(b"("):
        found = cur.match(_MACRO)
        return MACROS[found.group().upper()] if found is not None else (fetch_att(cur),)
    cur.match(tokens.SPACES)
    items: dict[FetchAtt, None] = {}
    while True:
        items[fetch_att(cur)] = None
        if len(items) > MAX_ITEMS:
            cur.fail(f"at most {MAX_ITEMS} items")
        if tokens.list_ends(cur):
            return tuple(items)


_MACRO: Final = re.compile(rb"(?:ALL|FAST|FULL)(?=[ ]|\Z)", re.IGNORECASE)
_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_PART: Final = re.compile(rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*")
_PARTIAL: Final = re.compile(rb"<([0-9]{1,19})\.([0-9]{1,19})>")


def fetch_att(cur: ImapCursor) -> FetchAtt:
    """One fetch-att. An extension adds a line to ``SIMPLE`` or ``WITH_ARGUMENTS`` below."""
    at = cur.pos
    name = cur.take(_NAME, "a FETCH item").upper()
    simple = SIMPLE.get(name)
    if simple is not None:
        return simple
    rule = WITH_ARGUMENTS.get(name)
    if rule is None:
        cur.fail("a known FETCH item", at)
    return rule(cur)


def _body(cur: ImapCursor) -> FetchAtt:
    """BODY, or BODY section [partial]."""
    return _section_item(cur, peek=False) if cur.peek() == b"[" else BodyStructure(extended=False)


def _body_peek(cur: ImapCursor) -> FetchAtt:
    return _section_item(cur, peek=True)


def _section_item(cur: ImapCursor, *, peek: bool) -> BodySection:
    """``section`` ["<" number "." nz-number ">"]"""
    wanted = section(cur)
    return BodySection(wanted, peek, partial_range(cur))


def partial_range(cur: ImapCursor) -> tuple[int, int] | None:
    """``partial`` = "<" number "." nz-number ">", or nothing."""
    found = cur.match(_PARTIAL)
    if found is None:
        if cur.peek() == b"<":
            cur.fail("a partial such as <0.2048>")
        return None
    if int(found.group(2)) == 0:
        cur.fail("a count above 0 in the partial", found.start())
    return int(found.group(1)), int(found.group(2))


def section(cur: ImapCursor) -> Section:
    """``section`` = "[" [section-msgtext / (section-part ["." section-text])] "]"."""
    cur.skip(b"[", '"["')
    part: tuple[int, ...] = ()
    found = cur.match(_PART)
    if found is not None:
        numbers = found.group().split(b".")
        if len(numbers) > MAX_PART_DEPTH:
            cur.fail("a part that is not nested so deep", found.start())
        part = tuple(map(int, numbers))
        if cur.skip_if(b"]"):
            return Section(part)
        cur.skip(b".", '"." or "]"')
    elif cur.skip_if(b"]"):
        return Section()
    at = cur.pos
    text = _SECTION_TEXTS.get(cur.take(_NAME, "a section such as HEADER or TEXT").upper())
    if text is None or (text is SectionText.MIME and not part):
        cur.fail("a section such as HEADER or TEXT", at)
    fields: tuple[bytes, ...] = ()
    if text in (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT):
        tokens.space(cur)
        fields = _header_list(cur)
    cur.skip(b"]", '"]"')
    return Section(part, text, fields)


def _header_list(cur: ImapCursor) -> tuple[bytes, ...]:
    """header-list = "(" header-fld-name *(SP header-fld-name) ")"."""
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    fields = []
    while True:
        fields.append(tokens.astring(cur, "a header field name"))
        if len(fields) > MAX_FIELDS:
            cur.fail(f"at most {MAX_FIELDS} fields")
        if tokens.list_ends(cur):
            return tuple(fields)


def _modifiers(cur: ImapCursor) -> tuple[int | None, bool, PartialRange | None]:
    """fetch-modifiers: CHANGEDSINCE n, VANISHED (RFC 7162 §7), PARTIAL range (RFC 9394 §3.3), each once.

    quirk: CHANGEDSINCE 0 passes, which Apple Mail sends for "everything".
    """
    cur.skip(b"(", '"("')
    changed_since: int | None = None
    vanished = False
    partial: PartialRange | None = None
    while True:
        at = cur.pos
        match tokens.keyword(cur, "a FETCH modifier"):
            case b"CHANGEDSINCE" if changed_since is None:
                tokens.space(cur)
                changed_since = tokens.mod_sequence_valzer(cur)
            case b"VANISHED" if not vanished:
                vanished = True
            case b"PARTIAL" if partial is None:
                tokens.space(cur)
                partial = result_range(cur)
            case _:
                cur.fail("a known FETCH modifier, once", at)
        if tokens.list_ends(cur):
            break
    if vanished and changed_since is None:
        cur.fail("CHANGEDSINCE beside VANISHED", at)  # RFC 7162 §3.2.6
    return changed_since, vanished, partial


_SECTION_TEXTS: Final = {text.value.encode("ascii"): text for text in SectionText}

SIMPLE: Final[dict[bytes, FetchAtt]] = {
    b"FLAGS": Flags(),
    b"UID": Uid(),
    b"INTERNALDATE": InternalDate(),
    b"RFC822.SIZE": Rfc822Size(),
    b"ENVELOPE": Envelope(),
    b"BODYSTRUCTURE": BodyStructure(extended=True),
    b"MODSEQ": ModSeq(),
    b"RFC822": BodySection(Section(), asked_as=b"RFC822"),
    b"RFC822.HEADER": BodySection(Section(text=SectionText.HEADER), peek=True, asked_as=b"RFC822.HEADER"),
    b"RFC822.TEXT": BodySection(Section(text=SectionText.TEXT), asked_as=b"RFC822.TEXT"),
}
"""Items that are one word. RFC822.HEADER does not set \\Seen (RFC 3501 §6.4.5)."""

WITH_ARGUMENTS: Final[dict[bytes, Callable[[ImapCursor], FetchAtt]]] = {
    b"BODY": _body,
    b"BODY.PEEK": _body_peek,
}


def fetch_atts(cur: ImapCursor) -> tuple[FetchAtt, ...]:
    """Attributes for what is told unasked: "(" fetch-att *(SP fetch-att) ")". RFC 5465 §8."""
    cur.skip(b"(", '"("')
    found: dict[FetchAtt, None] = {}
    while True:
        found[fetch_att(cur)] = None
        if len(found) > MAX_ITEMS:
            cur.fail(f"at most {MAX_ITEMS} items")
        if tokens.list_ends(cur):
            return tuple(found)
