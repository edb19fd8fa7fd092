"""All that the index makes of a message's header, in one go: ENVELOPE, search keys, sort keys.

A mailbox that another program filled is asked for one of them first, and soon for the others; each address list,
date and subject is read once for all three. What comes out is what ``message.envelope``, ``keys.compute`` and the
rules of ``message.searchkeys`` say, each by itself (a property test).

Pure; ``read`` alone reads files.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, cast

from mailaccess.message import address, dates, fields, searchkeys, words
from mailaccess.message.address import Address
from mailaccess.message.headers import find_end, unfolded
from mailaccess.message.lexical import ATEXT
from mailaccess.message.subject import MAX_SUBJECT, BaseSubject, base_subject
from mailaccess.message.text import SEPARATOR, fold
from mailaccess.proto.imap import structure_render
from mailaccess.store.index import beside, keys
from mailaccess.store.index.keys import MAX_TEXT, Keys
from mailaccess.store.index.rows import Read, give_way, octets
from mailaccess.store.sort import collation

MAX_SORT_TEXT: Final = 1_000
"""Octets of a text that count in comparing: a line of mail."""

MAX_REFERENCES: Final = 64 * 1024
"""Octets of identifiers kept of one message."""

ORDER_VERSION: Final = 1
"""Raised whenever a key for SORT or THREAD would come out otherwise; rows of other versions count as missing."""

GIVE_WAY_SECONDS: Final = 0.002
"""Of work on headers before the reactor's thread has its turn."""

LISTS_KEPT: Final = 2_048
MAX_LIST_KEPT: Final = 256
"""Address lists, and their octets, that are remembered for the next message: most mail is to one person, and from
few. Some 2 MB."""

SortRow = tuple[int | None, bytes, bytes, bytes, bytes, bool, bytes, bytes, bytes | None, bytes]
"""sent, sender, to, cc, subject, is_reply, display_from, display_to, message_id, refs: as ``order_keys`` has them."""


@dataclass(frozen=True, slots=True)
class Head:
    """envelope: rendered.  keys: for SEARCH.  order: for SORT and THREAD."""

    envelope: bytes
    keys: Keys
    order: SortRow


class _Listed(NamedTuple):
    """One address field: its addresses, as ENVELOPE has them (without parentheses), as SEARCH looks at them."""

    addresses: tuple[Address, ...]
    rendered: bytes
    key: bytes


_NOT_THERE: Final = _Listed((), b"", b"")
_ADDRESS_KEYS: Final = (b"from", b"to", b"cc", b"bcc")
_TEXT_KEYS: Final = (b"message-id", b"in-reply-to", b"references")
_EPOCH_DAY: Final = searchkeys.EPOCH.toordinal()
_IDENTIFIER: Final = re.compile(rb"<([^<>]*+)>")
_WHITE: Final = re.compile(rb"[ \t\r\n]+")
# What address lists are mostly made of: no controls, escapes, comments, groups, literals.
_USUAL: Final = bytes(octet for octet in range(32, 127) if octet not in b"\\'();:[]") + b"\r\n\t"
_NO_ATOM: Final = re.compile(rb"[^" + ATEXT + rb"]")
_NO_DOT_ATOM: Final = re.compile(rb"[^" + ATEXT + rb".]")


def compute(block: bytes) -> Head:
    """What is kept of the header ``block`` (with or without its blank line). Never raises for what it says."""
    found = fields.usual(block)
    lists: dict[bytes, _Listed] = {name: _list(found[name]) for name in _LISTS if name in found}
    dated = found.get(b"date")
    when = dates.stamp(dated[-1]) if dated else None
    subjects = [words.one_line(unfolded(value)) for value in found.get(b"subject", ())]
    subject_key = SEPARATOR.join([fold(text) for text in subjects]) if subjects else None
    return Head(
        _envelope(found, lists),
        Keys(_EPOCH_DAY if when is None else when[0], _search_keys(found, lists, subject_key)),
        _sort_row(found, lists, None if when is None else when[1], subjects[-1] if subjects else ""),
    )


_LISTS: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


def _list(values: list[bytes]) -> _Listed:
    """All fields of one name."""
    if len(values) == 1:
        value = values[0]
        return _short_list(value) if len(value) <= MAX_LIST_KEPT else _one_list(value)
    each = [_one_list(value) for value in values]
    return _Listed(
        tuple([item for one in each for item in one.addresses]),
        b"".join([one.rendered for one in each]),
        SEPARATOR.encode().join([one.key for one in each]),
    )


def _one_list(value: bytes) -> _Listed:
    parsed = address.parse(value)
    quick = _quick_list(value, parsed)
    if quick is not None:
        return quick
    key = fold(words.decoded(searchkeys.written(parsed)))
    return _Listed(parsed, structure_render.addresses(parsed), key.encode("utf-8", "replace"))


def _quick_list(value: bytes, parsed: tuple[Address, ...]) -> _Listed | None:
    """Addresses in which nothing needs an escape, by what ``written`` and ``structure_render`` make of such."""
    if value.translate(None, _USUAL):
        return None
    rendered: list[bytes] = []
    written: list[bytes] = []
    for name, route, mailbox, host in parsed:
        if route is not None or not mailbox or not host or _NO_DOT_ATOM.search(mailbox):
            return None
        if name is None:
            rendered.append(b'(NIL NIL "%b" "%b")' % (mailbox, host))
            written.append(b"<%b@%b>" % (mailbox, host))
            continue
        if not name or b"\t" in name or b"  " in name:
            return None
        rendered.append(b'("%b" NIL "%b" "%b")' % (name, mailbox, host))
        plain = b"=?" in name or not (b" " in name or b"." in name or _NO_ATOM.search(name))
        written.append((b"%b <%b@%b>" if plain else b'"%b" <%b@%b>') % (name, mailbox, host))
    key = b", ".join(written)
    if b"=?" in key:
        key = fold(words.decoded(key)).encode("utf-8", "replace")
    else:
        key = key.lower()
    return _Listed(parsed, b"".join(rendered), key)


_short_list = lru_cache(LISTS_KEPT)(_one_list)


def _envelope(found: dict[bytes, list[bytes]], lists: dict[bytes, _Listed]) -> bytes:
    """Of a text field that stands more than once the last one counts, as in ``message.envelope``."""
    texts = [
        structure_render.nstring(unfolded(found[name][-1]) if name in found else None)
        for name in (b"date", b"subject", b"in-reply-to", b"message-id")
    ]
    origin = lists.get(b"from", _NOT_THERE).rendered
    rendered = [
        origin,
        lists.get(b"sender", _NOT_THERE).rendered or origin,
        lists.get(b"reply-to", _NOT_THERE).rendered or origin,
        *[lists.get(name, _NOT_THERE).rendered for name in (b"to", b"cc", b"bcc")],
    ]
    middle = b" ".join([b"(%b)" % each if each else b"NIL" for each in rendered])
    return b"(%b %b %b %b %b)" % (texts[0], texts[1], middle, texts[2], texts[3])


def _search_keys(
    found: dict[bytes, list[bytes]], lists: dict[bytes, _Listed], subject: str | None
) -> tuple[bytes | None, ...]:
    """In the order of ``keys.COLUMNS``."""
    result: list[bytes | None] = []
    for name in _ADDRESS_KEYS:
        result.append(lists[name].key[:MAX_TEXT] if name in lists else None)
    result.append(None if subject is None else subject.encode("utf-8", "replace")[:MAX_TEXT])
    for name in _TEXT_KEYS:
        if name in found:
            values = [_line(value) for value in found[name]]
            result.append((values[0] if len(values) == 1 else SEPARATOR.encode().join(values))[:MAX_TEXT])
        else:
            result.append(None)
    return tuple(result)


def _line(value: bytes) -> bytes:
    """A field's text on one line, folded, in UTF-8."""
    if value.isascii() and b"=?" not in value:
        return _WHITE.sub(b" ", value).strip(b" ").lower()
    return fold(words.one_line(unfolded(value))).encode("utf-8", "replace")


def _sort_row(
    found: dict[bytes, list[bytes]], lists: dict[bytes, _Listed], sent: int | None, subject: str
) -> SortRow:
    base = _base(subject)
    sender, to, cc = [lists.get(name, _NOT_THERE).addresses for name in (b"from", b"to", b"cc")]
    identifiers = _identifiers(found[b"message-id"][-1], 1) if b"message-id" in found else []
    ancestors: list[bytes] = []
    if b"references" in found:
        ancestors = _identifiers(found[b"references"][0], searchkeys.MAX_MESSAGE_IDS)
    if not ancestors and b"in-reply-to" in found:
        ancestors = _identifiers(found[b"in-reply-to"][0], 1)
    return (
        sent,
        _mailbox(sender),
        _mailbox(to),
        _mailbox(cc),
        _comparable(fold(base.text)),
        base.is_reply,
        _name(sender),
        _name(to),
        identifiers[0] if identifiers else None,
        _joined(ancestors),
    )


def _base(subject: str) -> BaseSubject:
    """As ``base_subject``, which takes its time where there may be something to take off."""
    if (
        ":" in subject
        or "[" in subject
        or subject[-1:] in (")", " ")
        or subject[:1] == " "
        or "  " in subject
        or "\t" in subject
        or "\r" in subject
        or "\n" in subject
    ):
        return base_subject(subject)
    return BaseSubject(subject[:MAX_SUBJECT], False)


def _identifiers(value: bytes, most: int) -> list[bytes]:
    """As ``searchkeys.message_ids``, which takes its time where something is quoted."""
    if b'"' in value or b"\\" in value or len(value) > searchkeys.MAX_REFERENCES:
        return searchkeys.message_ids(value)[:most]
    result: list[bytes] = []
    for token in value.split():  # nearly always each stands by itself
        if token[:1] != b"<" or token[-1:] != b">" or token.count(b"<") + token.count(b">") != 2:
            break
        if b"@" in token:
            result.append(token[1:-1])
            if len(result) == most:
                break
    else:
        return result
    if len(result) == most:
        return result
    result.clear()
    for text in _IDENTIFIER.findall(value):
        if b"@" in text:
            result.append(b"".join(text.split()))
            if len(result) == most:
                break
    return result


def _mailbox(addresses: tuple[Address, ...]) -> bytes:
    mailbox = addresses[0].mailbox if addresses else b""
    if mailbox is not None and mailbox.isascii():
        return mailbox[:MAX_SORT_TEXT].upper()
    return _comparable(searchkeys.mailbox_of(addresses))


def _name(addresses: tuple[Address, ...]) -> bytes:
    if not addresses:
        return b""
    name, _, mailbox, host = addresses[0]
    if mailbox is not None and host is not None:
        if not name:
            name = b"%b@%b" % (mailbox, host)
        elif b"=?" in name:
            return (
                _decoded_name(name) if len(name) <= MAX_LIST_KEPT else _comparable(fold(words.decoded(name)))
            )
        if name.isascii():
            return name[:MAX_SORT_TEXT].upper()
    return _comparable(searchkeys.name_of(addresses))


@lru_cache(LISTS_KEPT)
def _decoded_name(name: bytes) -> bytes:
    return _comparable(fold(words.decoded(name)))


def _comparable(text: str) -> bytes:
    if text.isascii():
        return text[:MAX_SORT_TEXT].upper().encode()
    return collation(text[:MAX_SORT_TEXT]).encode("utf-8", "replace")[:MAX_SORT_TEXT]


def _joined(identifiers: Sequence[bytes]) -> bytes:
    """The newest that fit: they tell the nearest ancestors."""
    result = b" ".join(identifiers)
    return result if len(result) <= MAX_REFERENCES else result[-MAX_REFERENCES:].partition(b" ")[2]


def store(connection: sqlite3.Connection, rows: Sequence[tuple[int, Keys, SortRow]]) -> None:
    """Keep the keys of contents, replacing older ones; within the caller's transaction."""
    keys.store(connection, [(content, of) for content, of, _ in rows])
    store_order(connection, [(content, order) for content, _, order in rows])


def store_order(connection: sqlite3.Connection, rows: Iterable[tuple[int, SortRow]]) -> None:
    """As ``store``, the keys for SORT and THREAD alone."""
    connection.executemany(
        f"INSERT OR REPLACE INTO order_keys VALUES (?, {ORDER_VERSION}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(content, *order) for content, order in rows],
    )


def read_and_computed(
    read: Read, contents: Sequence[int], share: float = beside.OWN_HALF
) -> list[tuple[int, bytes, Head]]:
    """(content, header octets, what is kept of them) of each; those whose file is gone are left out.

    share: of the contents, what the process beside the server does.
    """
    own, take = beside.split(getattr(read, "ask_heads", None), contents, share)
    answered: dict[int, tuple[int, bytes, Head]] = {}
    try:
        done = _computed_here(read, own)
    finally:
        answered = take()
    done += answered.values()
    rest = [content for content in contents[len(own) :] if content not in answered]
    return done + _computed_here(read, rest) if rest else done


def _computed_here(read: Read, contents: Sequence[int]) -> list[tuple[int, bytes, Head]]:
    done: list[tuple[int, bytes, Head]] = []
    turn = time.monotonic() + GIVE_WAY_SECONDS
    for content, block in read_blocks(read, contents):
        done.append((content, block, compute(block)))
        if time.monotonic() > turn:
            give_way()
            turn = time.monotonic() + GIVE_WAY_SECONDS
    return done


def read_blocks(read: Read, contents: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(content, header octets with the blank line) of each; those whose file is gone are left out.

    A reader that can read the beginnings of many files (``heads``) is not asked for more.
    """
    known: dict[int, bytes] = {}
    heads = getattr(read, "heads", None)
    if heads is not None:
        known = heads(contents)
    for content in contents:
        block = known.get(content)
        if block is None:
            wire = octets(read, content)
            if wire is None:
                continue
            end = find_end(cast(bytes, wire), 0, len(wire))
            block = wire[: end if end >= 0 else len(wire)]
        yield content, block


assert keys.COLUMNS == ("from", "to", "cc", "bcc", "subject", "message-id", "in-reply-to", "references")
