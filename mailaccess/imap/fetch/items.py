"""What a FETCH needs, worked out once for the command (RFC 3501 §6.4.5, §7.4.2).

A FETCH line is written as the items that come from the mailbox's columns (numbers, flags, dates: formatted
for a whole slice at once), then the items that are octets (cached facts, header fields, sections), each in
the order in which it was asked for. The order of items in an answer is the server's to choose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mailaccess.imap.session import Selected
from mailaccess.imap.view import Rows
from mailaccess.proto.imap import fetch as f
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap.fetch_binary import Binary, BinarySize
from mailaccess.proto.imap.fetch_facts import EmailId, Preview, SaveDate, ThreadId
from mailaccess.store.api import Fact

ColumnRule = Callable[[Selected, Rows], render_fetch.Column]


def _uid(session: Selected, rows: Rows) -> render_fetch.Column:
    return (render_fetch.UID, rows.uids)


def _flags(session: Selected, rows: Rows) -> render_fetch.Column:
    ids = rows.take(session.mailbox.columns.flag_ids)
    return (render_fetch.FLAGS, session.updates.flags.column(ids, rows.uids, session.updates.recent))


def _modseq(session: Selected, rows: Rows) -> render_fetch.Column:
    return (render_fetch.MODSEQ, rows.take(session.mailbox.columns.modseqs))


def _size(session: Selected, rows: Rows) -> render_fetch.Column:
    return (render_fetch.SIZE, rows.take(session.mailbox.columns.sizes))


def _date(session: Selected, rows: Rows) -> render_fetch.Column:
    dates = rows.take(session.mailbox.columns.dates)
    return (render_fetch.DATE, list(map(render_fetch.date_text_of, dates)))


_COLUMN_RULES: Final[dict[type[f.FetchAtt], ColumnRule]] = {
    f.Uid: _uid,
    f.Flags: _flags,
    f.ModSeq: _modseq,
    f.Rfc822Size: _size,
    f.InternalDate: _date,
}

SOURCES: Final[dict[ColumnRule, str]] = {
    _uid: "uids",
    _flags: "flag_ids",
    _modseq: "modseqs",
    _size: "sizes",
    _date: "dates",
}
"""The column that each rule reads."""


_FACTS: Final[dict[f.FetchAtt, tuple[bytes, Fact]]] = {
    f.Envelope(): (b"ENVELOPE", Fact.ENVELOPE),
    f.BodyStructure(extended=True): (b"BODYSTRUCTURE", Fact.BODYSTRUCTURE),
    f.BodyStructure(extended=False): (b"BODY", Fact.BODY),
    EmailId(): (b"EMAILID", Fact.EMAIL_ID),
    ThreadId(): (b"THREADID", Fact.THREAD_ID),
}


@dataclass(frozen=True, slots=True)
class FactItem:
    """An item whose value the index keeps, rendered. ``place``: in ``Plan.facts``."""

    label: bytes
    place: int


@dataclass(frozen=True, slots=True)
class FieldsItem:
    """HEADER.FIELDS or HEADER.FIELDS.NOT of the message itself, which the store keeps or makes."""

    label: bytes
    fields: tuple[bytes, ...]
    exclude: bool
    partial: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class HeaderItem:
    """BODY[HEADER] of the message itself, a fact. ``place``: in ``Plan.facts``."""

    label: bytes
    place: int
    partial: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SectionItem:
    """Any other section: cut out of the message's octets."""

    label: bytes
    section: f.Section
    partial: tuple[int, int] | None

    @property
    def is_whole(self) -> bool:
        """BODY[]: no structure needed."""
        return not self.section.part and self.section.text is None


@dataclass(frozen=True, slots=True)
class BinaryItem:
    """BINARY and, with ``size_only``, BINARY.SIZE: a part's content decoded. RFC 3516 §4.2."""

    label: bytes
    part: tuple[int, ...]
    partial: tuple[int, int] | None
    size_only: bool


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """PREVIEW: a fact that is text. RFC 8970 §3."""

    label: bytes
    place: int


@dataclass(frozen=True, slots=True)
class SaveDateItem:
    """SAVEDATE: a fact that is a date. RFC 8514 §4.2."""

    label: bytes
    place: int


OctetItem = FactItem | FieldsItem | HeaderItem | SectionItem | BinaryItem | PreviewItem | SaveDateItem


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer one FETCH.

    columns: rules for the items from columns.  octets: the other items.  bodies: whether messages are read.
    facts: what to ask of ``Mailbox.facts``; ``structure``: the place of STRUCTURE, where a section needs it.
    sets_seen: a section without PEEK is asked for.  dated: INTERNALDATE is.
    """

    columns: tuple[ColumnRule, ...]
    octets: tuple[OctetItem, ...]
    facts: tuple[Fact, ...]
    structure: int | None
    bodies: bool
    sets_seen: bool
    dated: bool

    @property
    def whole(self) -> bytes | None:
        """The label of BODY[], where it is all that is asked besides columns: what mail programs download with."""
        if len(self.octets) == 1:
            item = self.octets[0]
            if isinstance(item, SectionItem) and item.is_whole and item.partial is None:
                return item.label
        return None

    def parts(self, session: Selected, rows: Rows) -> list[render_fetch.Column]:
        """The values of the column items for some messages."""
        return [rule(session, rows) for rule in self.columns]


def tells_flags(plan: Plan) -> bool:
    """Whether FLAGS are among what the columns answer."""
    return _flags in plan.columns


REMEMBERED: Final = 2000
"""Octets of header field names, and numbers of parts, in a plan that is kept: mail programs ask for the same
few sets again and again, and what is longer than this nobody shall make us keep."""


def plan(items: tuple[f.FetchAtt, ...], *, uid: bool, flags: bool, modseq: bool) -> Plan:
    """The plan for these items; ``uid``, ``flags`` and ``modseq`` add those where they were not asked for."""
    weight = 10 * len(items)
    for item in items:
        if isinstance(item, f.BodySection):
            weight += 10 * len(item.section.part) + sum(map(len, item.section.fields))
        elif isinstance(item, (Binary, BinarySize)):
            weight += 10 * len(item.part)
    if weight > REMEMBERED:
        return _plan(items, uid, flags, modseq)
    return _remembered(items, uid, flags, modseq)


@lru_cache(maxsize=256)
def _remembered(items: tuple[f.FetchAtt, ...], uid: bool, flags: bool, modseq: bool) -> Plan:
    return _plan(items, uid, flags, modseq)


def _plan(items: tuple[f.FetchAtt, ...], uid: bool, flags: bool, modseq: bool) -> Plan:
    rules = [rule for item in items if (rule := _COLUMN_RULES.get(type(item))) is not None]
    for wanted, rule in ((uid, _uid), (flags, _flags), (modseq, _modseq)):
        if wanted and rule not in rules:
            rules.append(rule)
    facts: list[Fact] = []
    octets: list[OctetItem] = []
    sets_seen = False
    for item in items:
        if isinstance(item, f.BodySection):
            sets_seen |= not item.peek
            octets.append(_section_item(item, facts))
        elif isinstance(item, Binary):
            sets_seen |= not item.peek
            octets.append(
                BinaryItem(_binary_label(b"BINARY", item.part, item.partial), item.part, item.partial, False)
            )
        elif isinstance(item, BinarySize):
            octets.append(BinaryItem(_binary_label(b"BINARY.SIZE", item.part, None), item.part, None, True))
        elif isinstance(item, Preview):
            octets.append(PreviewItem(b"PREVIEW", _place(facts, Fact.PREVIEW)))
        elif isinstance(item, SaveDate):
            octets.append(SaveDateItem(b"SAVEDATE", _place(facts, Fact.SAVE_DATE)))
        elif item in _FACTS:
            label, fact = _FACTS[item]
            octets.append(FactItem(label, _place(facts, fact)))
    sections = [item for item in octets if isinstance(item, (SectionItem, BinaryItem))]
    structure = None
    if any(isinstance(item, BinaryItem) or not item.is_whole for item in sections):
        structure = _place(facts, Fact.STRUCTURE)
    return Plan(
        tuple(rules), tuple(octets), tuple(facts), structure, bool(sections), sets_seen, _date in rules
    )


def _place(facts: list[Fact], fact: Fact) -> int:
    if fact not in facts:
        facts.append(fact)
    return facts.index(fact)


def _binary_label(name: bytes, part: tuple[int, ...], partial: tuple[int, int] | None) -> bytes:
    """As in the answer: with the origin, without the count. RFC 3516 §7."""
    origin = b"" if partial is None else b"<%d>" % partial[0]
    return b"%b[%b]%b" % (name, b".".join(b"%d" % number for number in part), origin)


def _section_item(item: f.BodySection, facts: list[Fact]) -> OctetItem:
    label = render_fetch.section_label(item)
    section = item.section
    if not section.part:
        if section.text is f.SectionText.HEADER:
            return HeaderItem(label, _place(facts, Fact.HEADER), item.partial)
        if section.text in (f.SectionText.HEADER_FIELDS, f.SectionText.HEADER_FIELDS_NOT):
            fields = tuple(name.upper() for name in section.fields)
            exclude = section.text is f.SectionText.HEADER_FIELDS_NOT
            return FieldsItem(label, fields, exclude, item.partial)
    return SectionItem(label, section, item.partial)
