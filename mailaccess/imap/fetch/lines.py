"""One FETCH line item by item: sections cut out, parts decoded, large messages written while they are read.

No more than one item is in memory at a time, and none larger than a message that the store gives as octets:
what is longer is a stretch of an open file.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailaccess.imap.fetch import international, sections
from mailaccess.imap.fetch.items import (
    BinaryItem,
    FactItem,
    FieldsItem,
    HeaderItem,
    OctetItem,
    Plan,
    PreviewItem,
    SaveDateItem,
    SectionItem,
)
from mailaccess.imap.fetch.sections import Decoded, Stretch, UnknownEncoding
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.message.part import Part
from mailaccess.observe.events import Level
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.render import string
from mailaccess.store.api import Body

STEP: Final = 128 * 1024
"""Octets of a large message read at a time."""


@dataclass(slots=True)
class Outcome:
    """How a FETCH went. complete: all messages were there.

    failure: what another answer than OK is due to.
    """

    complete: bool = True
    failure: r.No | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What the store gave of one message: its octets (or an open file), its facts, its sets of header
    fields.
    """

    source: bytes | Body | None
    facts: tuple[bytes, ...]
    fields: Sequence[bytes] = field(default=())


async def write_line(
    session: Selected, plan: Plan, head: bytes, message: Message | None, out: Replies, outcome: Outcome
) -> None:
    """The line of one message, ``head`` being its beginning; none if the message is gone or can't be
    decoded.
    """
    if message is None:
        outcome.complete = False
        return
    root = _root(plan, message)
    if session.rev2:
        root = international.opened(root, message.source)
    try:
        encodings = {
            item: await sections.encoding_of(item, message.source, root)
            for item in plan.octets
            if isinstance(item, BinaryItem)
        }
    except UnknownEncoding:
        outcome.failure = r.No("A part has a transfer encoding unknown here", r.UNKNOWN_CTE)
        return
    try:
        await _items(plan, head, message, root, encodings, out)
    except ConnectionResetError:
        raise
    except Exception as error:
        # The line is begun, a literal's length announced perhaps: all that is left is to end the connection.
        connection = session.connection
        connection.house.log.log("imap-read-failed", Level.ERROR, user=connection.user, error=repr(error))
        connection.wire.abort()
        raise ConnectionResetError("the message could not be read to its end") from error


async def _items(
    plan: Plan,
    head: bytes,
    message: Message,
    root: Part | None,
    encodings: Mapping[BinaryItem, bytes | None],
    out: Replies,
) -> None:
    out.octets(head)
    separator = b" " if plan.columns else b""
    fields = iter(message.fields)
    for item in plan.octets:
        out.octets(separator)
        separator = b" "
        if isinstance(item, FieldsItem):
            _section(item.label, sections.cut(next(fields), item.partial), out)
        else:
            await _item(item, message, root, encodings, out)
        await out.room()
    out.octets(render_fetch.TAIL)
    await out.room()


def put_whole(plan: Plan, label: bytes, head: bytes, body: bytes, out: Replies) -> None:
    """The line of a message of which BODY[] alone is asked (``Plan.whole``), and which is in memory."""
    out.octets(b"%b%b%b {%d}\r\n" % (head, b" " if plan.columns else b"", label, len(body)))
    out.octets(body)
    out.octets(render_fetch.TAIL)


def _root(plan: Plan, message: Message) -> Part | None:
    """The message's structure, where the plan needs it."""
    if plan.structure is None:
        return None
    source = message.source
    return sections.root_part(message.facts[plan.structure], source if isinstance(source, bytes) else None)


async def _item(
    item: OctetItem,
    message: Message,
    root: Part | None,
    encodings: Mapping[BinaryItem, bytes | None],
    out: Replies,
) -> None:
    source = message.source
    match item:
        case FactItem(label, place):
            out.octets(render_fetch.item(label, message.facts[place]))
        case PreviewItem(label, place):
            out.octets(render_fetch.item(label, string(message.facts[place])))
        case SaveDateItem(label, place):
            out.octets(render_fetch.item(label, render_fetch.save_date(message.facts[place])))
        case HeaderItem(label, place, partial):
            _section(label, sections.cut(message.facts[place], partial), out)
        case SectionItem():
            if isinstance(source, bytes):
                _section(item.label, sections.from_octets(item, source, root), out)
            elif source is not None:
                value = await sections.from_body(item, source, root)
                if isinstance(value, Stretch):
                    out.octets(render_fetch.section_open(item.label, value.length))
                    await _stream(value.pieces(STEP), value.length, out)
                else:
                    _section(item.label, value, out)
        case BinaryItem():
            await _binary(item, source, root, encodings[item], out)


def _section(label: bytes, octets: bytes | None, out: Replies) -> None:
    """A section in memory, without copying it; None is NIL."""
    if octets is None:
        out.octets(render_fetch.section(label, None))
    else:
        out.octets(render_fetch.section_open(label, len(octets)))
        out.octets(octets)


async def _binary(
    item: BinaryItem,
    source: bytes | Body | None,
    root: Part | None,
    encoding: bytes | None,
    out: Replies,
) -> None:
    """BINARY and BINARY.SIZE; as literal8 where there may be NUL in it. RFC 3516 §4.2."""
    value: bytes | Decoded | None = None
    if isinstance(source, bytes):
        value = sections.decoded(item, source, root, encoding)
    elif source is not None:
        value = await sections.decoded_from_body(item, source, root, encoding, STEP)
    if item.size_only:
        size = 0 if value is None else value.length if isinstance(value, Decoded) else len(value)
        out.octets(b"%b %d" % (item.label, size))
    elif isinstance(value, Decoded):
        out.octets(render_fetch.section_open(item.label, value.length, binary=True))
        await _stream(value.pieces(STEP), value.length, out)
    elif value is None:
        out.octets(render_fetch.section(item.label, None))
    else:
        out.octets(render_fetch.section_open(item.label, len(value), binary=b"\0" in value))
        out.octets(value)


async def _stream(pieces: AsyncIterator[bytes], length: int, out: Replies) -> None:
    """Exactly ``length`` octets, read as the client takes them. Raises EOFError where there are fewer."""
    left = length
    async for piece in pieces:
        out.octets(piece[:left])
        left -= min(left, len(piece))
        await out.room()
    if left:
        raise EOFError("the message is shorter than it was")
