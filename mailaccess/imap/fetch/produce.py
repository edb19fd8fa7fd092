"""A FETCH answer, piece by piece (RFC 3501 §7.4.2): bounded memory, bounded turns, never more than the client
reads.

Four roads. Column items alone are formatted from the mailbox's columns, thousands of lines at once. Whole messages,
with nothing else of theirs, are read and written one by one. With facts and header fields, messages go in batches:
one question to the store for each batch, and the next batch is asked for while this one is written. With sections
of bodies the batches are bounded by their octets as well; a message too large for memory is written while it is read.

What a batch takes from the columns is taken before the store is asked: places in columns don't outlive an
``await``.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final, TypeAlias, TypeVar

from mailaccess.imap.fetch import again, international, sections
from mailaccess.imap.fetch.items import FactItem, FieldsItem, HeaderItem, Plan, PreviewItem, SaveDateItem
from mailaccess.imap.fetch.lines import Message, Outcome, put_whole, write_line
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.imap.view import Rows, Span, chunks
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap.render import string
from mailaccess.store.api import Body

T = TypeVar("T")

SLICE: Final = 4000
"""Messages of column items formatted in one turn: 1 to 2 ms."""

KEPT: Final = 8
"""Lines that were kept are told in less than this share of the time that it takes to make them."""

BATCH: Final = 500
"""Messages asked of the store at a time where no bodies are: half of what it takes, for shorter turns."""

BODIES: Final = 64
"""Messages read at a time."""

BODY_OCTETS: Final = 2**20
"""Octets of the messages read at a time, but for a single larger one; two such batches are in memory at most."""

UNNOTICED: Final = 256 * 1024
"""Octets of messages read and written within 0.1 ms or so: others need no turn after them, where no more follow."""

LARGE: Final = 2 * 2**20
"""The store gives a message above this as an open file (``Mailbox.read``)."""

FACT_OCTETS: Final = 16 * 2**20
"""Octets of the messages whose facts are asked for at a time: a header may be as large as its message."""

TOGETHER: Final = 8
"""Octet items put together for a whole batch; a client that asks for more, perhaps for a thousand slices of
the same header, gets them one by one, so that they are never in memory all at once."""


@dataclass(slots=True)
class Batch:
    """Some messages and what was taken from the columns for them: the line's beginning."""

    uids: Sequence[int]
    heads: list[bytes]


@dataclass(slots=True)
class Loaded:
    """What the store gave for a batch: lists parallel to its messages, None for one that is gone."""

    facts: list[tuple[bytes, ...] | None] | None
    fields: list[list[bytes | None]]
    bodies: list[bytes | Body | None] | None

    def keep_facts(self, facts: list[tuple[bytes, ...] | None]) -> None:
        self.facts = facts

    def keep_bodies(self, bodies: list[bytes | Body | None]) -> None:
        self.bodies = bodies

    def message(self, place: int) -> Message | None:
        """What there is of one message; None if it is gone."""
        source = None if self.bodies is None else self.bodies[place]
        facts = () if self.facts is None else self.facts[place]
        fields = [column[place] for column in self.fields]
        if facts is None or (self.bodies is not None and source is None):
            return None
        present = [each for each in fields if each is not None]
        return Message(source, facts, present) if len(present) == len(fields) else None

    @property
    def octets(self) -> int:
        """Of the messages in memory."""
        return sum([len(each) for each in self.bodies or () if isinstance(each, bytes)])

    def close(self) -> None:
        """Close the open files."""
        for each in self.bodies or ():
            if each is not None and not isinstance(each, bytes):
                each.close()


async def produce(
    session: Selected, plan: Plan, spans: Sequence[Span], out: Replies, *, changed_since: int | None = None
) -> Outcome:
    """Write the FETCH lines of the messages at ``spans``.

    changed_since: only those whose mod-sequence is above (RFC 7162 §3.1.4.1).
    """
    outcome = Outcome()
    if plan.dated and session.mailbox.columns.undated:
        await session.mailbox.settle_dates(session.uids(spans))
    if plan.whole is not None:
        await _one_by_one(session, plan, plan.whole, spans, out, changed_since, outcome)
    elif plan.octets:
        await _in_batches(session, plan, spans, out, changed_since, outcome)
    else:
        await _from_columns(session, plan, spans, out, changed_since)
    outcome.complete &= not _lost(session, spans)
    return outcome


async def _in_batches(
    session: Selected,
    plan: Plan,
    spans: Sequence[Span],
    out: Replies,
    changed_since: int | None,
    outcome: Outcome,
) -> None:
    batches = _batches(session, plan, spans, changed_since)
    ahead: Awaitable[Loaded] | None = None
    batch = next(batches, None)
    try:
        while batch is not None:
            loaded = await (ahead or _load(session, plan, batch))
            ahead = None
            following = next(batches, None)
            if following is not None:
                ahead = session.connection.wire.begin(_load(session, plan, following))
            try:
                await _write(session, plan, batch, loaded, out, outcome)
            finally:
                loaded.close()
            if plan.bodies and (following is not None or loaded.octets > UNNOTICED):
                # They may have been read on this thread, and the kernel may have taken them all.
                await session.house.runner.pause()
            batch = following
    finally:
        if ahead is not None:
            (await ahead).close()


async def _one_by_one(
    session: Selected,
    plan: Plan,
    label: bytes,
    spans: Sequence[Span],
    out: Replies,
    changed_since: int | None,
    outcome: Outcome,
) -> None:
    """Whole messages, which go out as they come in: what is read last is what the processor has at hand."""
    unnoticed = 0
    for rows in _slices(session, spans, BODIES, changed_since):
        batch = _batch(session, plan, rows)
        bodies = await session.mailbox.bodies(batch.uids)
        try:
            for place, head in enumerate(batch.heads):
                body: bytes | Body | None = bodies.present(place)
                if body is None:
                    body = await bodies.read(place)
                if isinstance(body, bytes):
                    if unnoticed > BODY_OCTETS:
                        unnoticed = 0
                        await session.house.runner.pause()
                    put_whole(plan, label, head, body, out)
                    unnoticed += len(body)
                    if out.is_piece:
                        await out.room()
                elif body is None:
                    outcome.complete = False
                else:
                    with closing(body):
                        await write_line(session, plan, head, Message(body, (), ()), out, outcome)
        finally:
            bodies.close()


def _lost(session: Selected, spans: Sequence[Span]) -> bool:
    return session.view.has_losses and bool(session.view.losses() & session.uids(spans))


async def _from_columns(
    session: Selected, plan: Plan, spans: Sequence[Span], out: Replies, changed_since: int | None
) -> None:
    unnoticed = 0
    for rows in _slices(session, spans, SLICE, changed_since):
        if unnoticed >= SLICE:
            unnoticed = 0
            await session.house.runner.pause()
        lines, made = again.lines(session, plan, rows)
        out.octets(lines)
        await out.room()
        unnoticed += len(rows.uids) if made else len(rows.uids) // KEPT
    if unnoticed >= SLICE:
        await session.house.runner.pause()


def _slices(
    session: Selected, spans: Sequence[Span], length: int, changed_since: int | None
) -> Iterator[Rows]:
    """The messages at ``spans``, at most ``length`` at a time."""
    for chunk in chunks(spans, length):
        rows = _changed(session, session.view.rows_of(chunk), changed_since)
        if rows.uids:
            yield rows


def _changed(session: Selected, rows: Rows, changed_since: int | None) -> Rows:
    """Those with a mod-sequence above ``changed_since``."""
    if changed_since is None or not rows.uids:
        return rows
    modseqs = rows.take(session.mailbox.columns.modseqs)
    if max(modseqs) <= changed_since:
        return Rows((), (), ())
    if min(modseqs) > changed_since:
        return rows
    kept = [place for place, modseq in enumerate(modseqs) if modseq > changed_since]
    return Rows(
        [rows.numbers[place] for place in kept],
        [rows.uids[place] for place in kept],
        [rows.places[place] for place in kept],
    )


# --- batches ----------------------------------------------------------------------------------------------


def _batches(
    session: Selected, plan: Plan, spans: Sequence[Span], changed_since: int | None
) -> Iterator[Batch]:
    bound = BODY_OCTETS if plan.bodies else FACT_OCTETS
    for rows in _slices(session, spans, BODIES if plan.bodies else BATCH, changed_since):
        sizes = list(rows.take(session.mailbox.columns.sizes))
        batch = _batch(session, plan, rows)
        if sum(sizes) <= bound:
            yield batch
            continue
        start = octets = 0
        for place, size in enumerate(sizes):
            if plan.bodies and size > LARGE:
                size = 0  # it is not read into memory
            if place > start and octets + size > bound:
                yield Batch(batch.uids[start:place], batch.heads[start:place])
                start, octets = place, 0
            octets += size
        yield Batch(batch.uids[start:], batch.heads[start:])


def _batch(session: Selected, plan: Plan, rows: Rows) -> Batch:
    lines = session.updates.lines(rows.numbers, rows.uids, plan.parts(session, rows))
    # No item from a column holds the end of a line, so it tells the lines' beginnings apart.
    return Batch(list(rows.uids), lines.split(render_fetch.TAIL)[:-1])


async def _load(session: Selected, plan: Plan, batch: Batch) -> Loaded:
    """Ask the store for everything the batch needs, all questions at once: each has a way to go and come
    back.
    """
    mailbox, uids, begin = session.mailbox, batch.uids, session.connection.wire.begin
    if not plan.bodies and not session.rev2 and not any(isinstance(item, FieldsItem) for item in plan.octets):
        return Loaded(await mailbox.facts(uids, plan.facts), [], None)
    facts = begin(mailbox.facts(uids, plan.facts)) if plan.facts else None
    fields = [
        begin(mailbox.header_fields(uids, item.fields, exclude=item.exclude))
        for item in plan.octets
        if isinstance(item, FieldsItem)
    ]
    bodies = begin(mailbox.read(uids)) if plan.bodies else None
    loaded = Loaded(None, [], None)
    failures: list[Exception] = []
    # The open files come first: whatever fails after them, they are closed.
    if bodies is not None:
        await _kept(bodies, loaded.keep_bodies, failures)
    if facts is not None:
        await _kept(facts, loaded.keep_facts, failures)
    for each in fields:
        await _kept(each, loaded.fields.append, failures)
    if session.rev2 and loaded.facts is not None and not failures and international.places(plan):
        try:
            await international.restructure(session, plan, uids, loaded.facts)
        except Exception as error:
            failures.append(error)
    if failures:
        loaded.close()
        raise failures[0]
    return loaded


async def _kept(awaited: Awaitable[T], keep: Callable[[T], None], failures: list[Exception]) -> None:
    try:
        keep(await awaited)
    except Exception as error:
        failures.append(error)


# --- writing ----------------------------------------------------------------------------------------------


async def _write(
    session: Selected, plan: Plan, batch: Batch, loaded: Loaded, out: Replies, outcome: Outcome
) -> None:
    """The lines of one batch."""
    if loaded.bodies is not None or len(plan.octets) > TOGETHER:
        for place, head in enumerate(batch.heads):
            await write_line(session, plan, head, loaded.message(place), out, outcome)
        return
    columns = _columns(plan, loaded)
    rows: Iterator[tuple[bytes, ...]] = zip(batch.heads, *columns, repeat(render_fetch.TAIL), strict=False)
    told = len(batch.heads)
    if any(None in column for column in columns if isinstance(column, list)):
        present = [row for row in rows if None not in row]
        told = len(present)
        rows = iter(present)
    out.octets(b"".join(chain.from_iterable(rows)))
    await out.room()
    outcome.complete &= told == len(batch.heads)


Column: TypeAlias = "list[bytes | None] | repeat[bytes]"


def _columns(plan: Plan, loaded: Loaded) -> list[Column]:
    """The octet items of a batch as written, item by item: labels and values. None where a message is gone."""
    columns: list[Column] = []
    facts = loaded.facts or []
    fields = iter(loaded.fields)
    space = b" " if plan.columns else b""
    for item in plan.octets:
        label = space + item.label + b" "
        space = b" "
        match item:
            case FactItem(_, place):
                columns += repeat(label), [None if each is None else each[place] for each in facts]
            case PreviewItem(_, place):
                columns += repeat(label), [None if each is None else string(each[place]) for each in facts]
            case SaveDateItem(_, place):
                dates = [None if each is None else render_fetch.save_date(each[place]) for each in facts]
                columns += repeat(label), dates
            case HeaderItem(_, place, partial):
                columns += _literals(
                    label, [None if each is None else each[place] for each in facts], partial
                )
            case FieldsItem():
                columns += _literals(label, next(fields), item.partial)
    return columns


def _literals(
    label: bytes, values: list[bytes | None], partial: tuple[int, int] | None
) -> tuple[Column, Column]:
    if partial is not None:
        values = [None if each is None else sections.cut(each, partial) for each in values]
    label = label.replace(b"%", b"%%") + b"{%d}\r\n"  # a field's name may hold a percent sign
    return [None if each is None else label % len(each) for each in values], values
