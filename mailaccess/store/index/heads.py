"""All that the index makes of a message's header, in one go: ENVELOPE, search keys, sort keys.

A mailbox that another program filled is asked for one of them first, and soon for the others; each address list,
date and subject is read once for all three. What comes out is what ``message.envelope``, ``keys.compute`` and the
rules of ``message.searchkeys`` say, each by itself (a property test).

Pure; ``headfiles`` reads files.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from mailaccess.message import address, dates, fields, searchkeys, words
from mailaccess.message.address import Address
from mailaccess.message.headers import unfolded
from mailaccess.message.lexical import ATEXT
from mailaccess.message.subject import MAX_SUBJECT, BaseSubject, base_subject
from mailaccess.message.text import SEPARATOR, fold
from mailaccess.proto.imap import structure_render
from mailaccess.store.index import keys
from mailaccess.store.index.keys import MAX_TEXT, Keys
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

    @property
    def sent(self) -> int:
        """As ``Keys.sent``."""
        return self.keys.sent

    def value(self, place: int) -> bytes | None:
        """One of ``keys.values``."""
        return self.keys.values[place]

    def sort_value(self, place: int) -> int | bytes | None:
        """One of ``order``."""
        return self.order[place]


class Look:
    """What a header tells, as a ``Head`` does, each thing made when it is asked for.

    found: ``fields.usual``.
    """

    __slots__ = ("_based", "_dated", "_found", "_lists")

    def __init__(self, found: dict[bytes, list[bytes]]) -> None:
        self._found = found
        self._lists: dict[bytes, tuple[Address, ...]] = {}
        self._dated: tuple[tuple[int, int] | None] | None = None
        self._based: BaseSubject | None = None

    @property
    def envelope(self) -> bytes:
        return _envelope(self._found)

    @property
    def sent(self) -> int:
        when = self._when()
        return _EPOCH_DAY if when is None else when[0]

    @property
    def order(self) -> SortRow:
        return cast(SortRow, tuple([self.sort_value(place) for place in range(len(_SORT_VALUES))]))

    def value(self, place: int) -> bytes | None:
        return _search_key(self._found, place)

    def sort_value(self, place: int) -> int | bytes | None:
        return _SORT_VALUES[place](self)

    def head(self) -> Head:
        """All of it."""
        values = tuple([_search_key(self._found, place) for place in range(len(_KEYS))])
        return Head(self.envelope, Keys(self.sent, values), self.order)

    def _when(self) -> tuple[int, int] | None:
        if self._dated is None:
            values = self._found.get(b"date")
            self._dated = (dates.stamp(values[-1]) if values else None,)
        return self._dated[0]

    def _addresses(self, name: bytes) -> tuple[Address, ...]:
        found = self._lists.get(name)
        if found is None:
            values = self._found.get(name, ())
            found = self._lists[name] = tuple([item for value in values for item in _parse(value)])
        return found

    def _base(self) -> BaseSubject:
        if self._based is None:
            values = self._found.get(b"subject")
            self._based = _base(words.one_line(unfolded(values[-1])) if values else "")
        return self._based

    # One for each of SortRow

    def _sent(self) -> int | None:
        when = self._when()
        return None if when is None else when[1]

    def _sender(self) -> bytes:
        return _mailbox(self._addresses(b"from"))

    def _to(self) -> bytes:
        return _mailbox(self._addresses(b"to"))

    def _cc(self) -> bytes:
        return _mailbox(self._addresses(b"cc"))

    def _subject(self) -> bytes:
        return _comparable(fold(self._base().text))

    def _is_reply(self) -> bool:
        return self._base().is_reply

    def _display_from(self) -> bytes:
        return _name(self._addresses(b"from"))

    def _display_to(self) -> bytes:
        return _name(self._addresses(b"to"))

    def _message_id(self) -> bytes | None:
        found = self._found.get(b"message-id")
        identifiers = _identifiers(found[-1], 1) if found else []
        return identifiers[0] if identifiers else None

    def _refs(self) -> bytes:
        ancestors: list[bytes] = []
        if b"references" in self._found:
            ancestors = _identifiers(self._found[b"references"][0], searchkeys.MAX_MESSAGE_IDS)
        if not ancestors and b"in-reply-to" in self._found:
            ancestors = _identifiers(self._found[b"in-reply-to"][0], 1)
        return _joined(ancestors)


_SORT_VALUES: Final[tuple[Callable[[Look], int | bytes | None], ...]] = (
    Look._sent,
    Look._sender,
    Look._to,
    Look._cc,
    Look._subject,
    Look._is_reply,
    Look._display_from,
    Look._display_to,
    Look._message_id,
    Look._refs,
)
_KEYS: Final = tuple(name.encode() for name in keys.COLUMNS)
_EPOCH_DAY: Final = searchkeys.EPOCH.toordinal()
_IDENTIFIER: Final = re.compile(rb"<([^<>]*+)>")
_WHITE: Final = re.compile(rb"[ \t\r\n]+")
# What address lists are mostly made of: no controls, escapes, comments, groups, literals.
_USUAL: Final = bytes(octet for octet in range(32, 127) if octet not in b"\\'();:[]") + b"\r\n\t"
_NO_ATOM: Final = re.compile(rb"[^" + ATEXT + rb"]")
_NO_DOT_ATOM: Final = re.compile(rb"[^" + ATEXT + rb".]")


def compute(block: bytes) -> Head:
    """What is kept of the header ``block`` (with or without its blank line). Never raises for what it says."""
    return Look(fields.usual(block)).head()


def _parse(value: bytes) -> tuple[Address, ...]:
    return _parse_short(value) if len(value) <= MAX_LIST_KEPT else address.parse(value)


_parse_short = lru_cache(LISTS_KEPT)(address.parse)


def _rendered(value: bytes) -> bytes:
    return _render_short(value) if len(value) <= MAX_LIST_KEPT else _render(value)


def _render(value: bytes) -> bytes:
    """An address field as ENVELOPE has it, without parentheses."""
    parsed = _parse(value)
    if value.translate(None, _USUAL) or not all(map(_is_plain, parsed)):
        return structure_render.addresses(parsed)
    return b"".join(
        [
            b'(NIL NIL "%b" "%b")' % (mailbox or b"", host or b"")
            if name is None
            else b'("%b" NIL "%b" "%b")' % (name, mailbox or b"", host or b"")
            for name, _, mailbox, host in parsed
        ]
    )


_render_short = lru_cache(LISTS_KEPT)(_render)


def _is_plain(of: Address) -> bool:
    """Nothing in it needs an escape, in a value of _USUAL octets."""
    name, route, mailbox, host = of
    if route is not None or not mailbox or not host or _NO_DOT_ATOM.search(mailbox):
        return False
    return name is None or bool(name and b"\t" not in name and b"  " not in name)


def _address_key(value: bytes) -> bytes:
    return _key_short(value) if len(value) <= MAX_LIST_KEPT else _key(value)


def _key(value: bytes) -> bytes:
    """An address field as SEARCH looks at it."""
    parsed = _parse(value)
    if value.translate(None, _USUAL) or not all(map(_is_plain, parsed)):
        return fold(words.decoded(searchkeys.written(parsed))).encode("utf-8", "replace")
    written: list[bytes] = []
    for name, _, mailbox, host in parsed:
        if name is None:
            written.append(b"<%b@%b>" % (mailbox or b"", host or b""))
            continue
        plain = b"=?" in name or not (b" " in name or b"." in name or _NO_ATOM.search(name))
        written.append((b"%b <%b@%b>" if plain else b'"%b" <%b@%b>') % (name, mailbox or b"", host or b""))
    key = b", ".join(written)
    return fold(words.decoded(key)).encode("utf-8", "replace") if b"=?" in key else key.lower()


_key_short = lru_cache(LISTS_KEPT)(_key)


def _subject_key(value: bytes) -> bytes:
    return fold(words.one_line(unfolded(value))).encode("utf-8", "replace")


def _envelope(found: dict[bytes, list[bytes]]) -> bytes:
    """Of a text field that stands more than once the last one counts, as in ``message.envelope``."""
    texts = [
        structure_render.nstring(unfolded(found[name][-1]) if name in found else None)
        for name in (b"date", b"subject", b"in-reply-to", b"message-id")
    ]
    lists = [b"".join(map(_rendered, found[name])) if name in found else b"" for name in _LISTS]
    lists[1] = lists[1] or lists[0]
    lists[2] = lists[2] or lists[0]
    middle = b" ".join([b"(%b)" % each if each else b"NIL" for each in lists])
    return b"(%b %b %b %b %b)" % (texts[0], texts[1], middle, texts[2], texts[3])


_LISTS: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


def _search_key(found: dict[bytes, list[bytes]], place: int) -> bytes | None:
    """That of ``keys.COLUMNS[place]``."""
    name = _KEYS[place]
    values = found.get(name)
    if values is None:
        return None
    form = _address_key if name in _LISTS else _subject_key if name == b"subject" else _line
    if len(values) == 1:
        return form(values[0])[:MAX_TEXT]
    return SEPARATOR.encode().join([form(value) for value in values])[:MAX_TEXT]


def _line(value: bytes) -> bytes:
    """A field's text on one line, folded, in UTF-8."""
    if value.isascii() and b"=?" not in value:
        return _WHITE.sub(b" ", value).strip(b" ").lower()
    return fold(words.one_line(unfolded(value))).encode("utf-8", "replace")


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


assert keys.COLUMNS == ("from", "to", "cc", "bcc", "subject", "message-id", "in-reply-to", "references")
