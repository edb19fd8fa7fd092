"""search-key: the criteria of SEARCH (RFC 9051 §6.4.4, §9; RFC 3501; RFC 5032; RFC 5466; RFC 7162 §3.1.5;
RFC 8514).

Nesting and the number of keys are bounded. A chain of ORs, which filters over many senders send hundreds
of terms long, does not count as nesting: it is read in a loop and becomes a balanced tree.

Texts are decoded from CHARSET; without one they are UTF-8, quoted or not (K-9 and scripts do that).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.model import criteria as c
from mailaccess.model import flags
from mailaccess.model.ids import MAX_NUMBER
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import charsets, tokens
from mailaccess.proto.imap.responses import LIMIT, Bad, BadCharset, No
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported

MAX_NESTING: Final = 100
"""Parentheses, NOTs and ORs inside one another: each is a call here and in every walk over the tree."""

MAX_KEYS: Final = 2000
"""Keys of one search: each may be tried on every message."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a SEARCH says behind its return options. ``charset`` in capitals.

    uses_filter: there are ``Named`` criteria in it.  keys: how many have been read so far.
    """

    criteria: c.Criterion
    charset: str | None
    uses_modseq: bool
    uses_fuzzy: bool = False
    uses_filter: bool = False
    keys: int = 0


class _Reader:
    """What one search needs to know while it is read."""

    __slots__ = ("codec", "cur", "depth", "keys", "uses_filter", "uses_fuzzy", "uses_modseq")

    def __init__(self, cur: ImapCursor, codec: str) -> None:
        self.cur = cur
        self.codec = codec
        self.depth = 0
        self.keys = 0
        self.uses_modseq = False
        self.uses_fuzzy = False
        self.uses_filter = False


def search_program(cur: ImapCursor) -> Program:
    """search-program = ["CHARSET" SP charset SP] search-key *(SP search-key), to the end of the command."""
    if cur.match(_CHARSET) is None:
        return _program(cur, None, "utf-8")
    name, codec = _charset(cur)
    return _program(cur, name, codec)


def search_criteria(cur: ImapCursor) -> Program:
    """search-criteria = charset 1*(SP search-key): of SORT and THREAD. RFC 5256 §5."""
    name, codec = _charset(cur)
    return _program(cur, name, codec)


_CHARSET: Final = re.compile(rb"CHARSET +", re.IGNORECASE)


def _charset(cur: ImapCursor) -> tuple[str, str]:
    """The charset's name in capitals and its codec, and the space behind."""
    at = cur.pos
    name = tokens.astring(cur, "a charset").decode("ascii", "replace").upper()
    codec = charsets.codec(name)
    if codec is None:
        raise Unsupported(No("This charset is not known here", BadCharset(charsets.TOLD)), at)
    tokens.space(cur)
    return name, codec


def stored_search(octets: bytes, *, depth: int = 0, keys: int = 0) -> Program:
    """search-criteria = search-key *(SP search-key): what is kept under a filter's name. RFC 5466 §4.

    depth, keys: of the search in whose place it comes, so that the bounds hold for both together.
    Raises Expected.
    """
    return _program(ImapCursor(octets), None, "utf-8", depth, keys)


def _program(cur: ImapCursor, charset: str | None, codec: str, depth: int = 0, keys: int = 0) -> Program:
    reader = _Reader(cur, codec)
    reader.depth, reader.keys = depth, keys
    parts = [_key(reader)]
    while tokens.more(cur):
        tokens.space(cur)
        parts.append(_key(reader))
    if reader.uses_filter and charset not in _FILTER_CHARSETS:
        raise Unsupported(Bad("A search with FILTER is in UTF-8", BadCharset(("UTF-8", "US-ASCII"))), cur.pos)
    return Program(
        _all_of(parts), charset, reader.uses_modseq, reader.uses_fuzzy, reader.uses_filter, reader.keys
    )


_FILTER_CHARSETS: Final = (None, "UTF-8", "US-ASCII")  # RFC 5466 §3.1


def _all_of(parts: list[c.Criterion]) -> c.Criterion:
    return parts[0] if len(parts) == 1 else c.And(tuple(parts))


def _key(reader: _Reader) -> c.Criterion:
    """One search-key. An extension adds a line to ``KEYS``."""
    cur = reader.cur
    reader.keys += 1
    if reader.keys > MAX_KEYS:
        raise Unsupported(No("The search has too many keys", LIMIT), cur.pos)
    first = cur.peek()
    if first == b"(":
        return _nested(reader, _parenthesized)
    if first.isdigit() or first in (b"*", b"$"):
        return c.MessageNumbers(tokens.sequence_set(cur), uid=False)
    at = cur.pos
    rule = KEYS.get(tokens.keyword(cur, "a search key"))
    if rule is None:
        cur.fail("a known search key", at)
    return rule(reader)


def _nested(reader: _Reader, rule: Callable[[_Reader], c.Criterion]) -> c.Criterion:
    reader.depth += 1
    if reader.depth > MAX_NESTING:
        raise Unsupported(No("The search is nested too deep", LIMIT), reader.cur.pos)
    found = rule(reader)
    reader.depth -= 1
    return found


def _parenthesized(reader: _Reader) -> c.Criterion:
    """``search-key`` in parentheses: "(" search-key *(SP search-key) ")"."""
    cur = reader.cur
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    parts = [_key(reader)]
    while not tokens.list_ends(cur):
        parts.append(_key(reader))
    return _all_of(parts)


def _or(reader: _Reader) -> c.Criterion:
    """OR key key, behind the word; ``OR a OR b OR c d`` in a loop."""
    cur = reader.cur
    terms = []
    while True:
        tokens.space(cur)
        terms.append(_nested(reader, _key))
        tokens.space(cur)
        if cur.octets[cur.pos : cur.pos + 3].upper() != b"OR ":
            break
        cur.pos += 2
    terms.append(_nested(reader, _key))
    while len(terms) > 1:  # halves each time: the tree's depth is the logarithm of the chain's length
        pairs: list[c.Criterion] = [c.Or(terms[i], terms[i + 1]) for i in range(0, len(terms) - 1, 2)]
        terms = pairs + ([terms[-1]] if len(terms) % 2 else [])
    return terms[0]


def _not(reader: _Reader) -> c.Criterion:
    tokens.space(reader.cur)
    return c.Not(_nested(reader, _key))


def _fuzzy(reader: _Reader) -> c.Criterion:
    """``FUZZY`` SP search-key. RFC 6203 §7."""
    tokens.space(reader.cur)
    reader.uses_fuzzy = True
    return c.Fuzzy(_nested(reader, _key))


def _filter(reader: _Reader) -> c.Criterion:
    """``FILTER`` SP filter-name; in lower case, as annotations are. RFC 5466 §4."""
    tokens.space(reader.cur)
    name = reader.cur.take(FILTER_NAME, "the name of a filter").decode("ascii").lower()
    reader.uses_filter = True
    return c.Named(name, reader.depth)


FILTER_NAME: Final = re.compile(rb'[^\x00-\x20(){%*"\\\]/\x7f-\xff]{1,255}')
"""filter-name = 1*<any ATOM-CHAR except "/">; with its bound."""


# --- arguments ------------------------------------------------------------------------------------------


def _text(reader: _Reader) -> str:
    """An astring as text, decoded from the charset of the search."""
    cur = reader.cur
    tokens.space(cur)
    at = cur.pos
    octets = tokens.astring(cur, "a search text")
    try:
        return octets.decode(reader.codec)
    except UnicodeDecodeError:
        cur.fail("a search text in its charset" if reader.codec != "utf-8" else "a search text in UTF-8", at)


def _field_key(field: str) -> "SearchRule":
    return lambda reader: c.Header(field, _text(reader), key=True)


def _header(reader: _Reader) -> c.Criterion:
    """HEADER field text."""
    tokens.space(reader.cur)
    field = tokens.astring(reader.cur, "a header field name").decode("ascii", "replace").upper()
    return c.Header(field, _text(reader))


def _flag_key(flag: str, wanted: bool) -> "SearchRule":
    node: c.Criterion = c.HasFlag(flag) if wanted else c.Not(c.HasFlag(flag))
    return lambda reader: node


def _keyword_key(wanted: bool) -> "SearchRule":
    def rule(reader: _Reader) -> c.Criterion:
        tokens.space(reader.cur)
        flag = tokens.flag(reader.cur)
        node: c.Criterion = c.Recent() if flag == flags.RECENT else c.HasFlag(flag)
        return node if wanted else c.Not(node)

    return rule


def _date_key(field: c.DateField, comparison: c.Comparison) -> "SearchRule":
    def rule(reader: _Reader) -> c.Criterion:
        tokens.space(reader.cur)
        return c.DateIs(field, comparison, tokens.calendar_date(reader.cur))

    return rule


def _number_key(kind: Callable[[int], c.Criterion], read: Callable[[ImapCursor], int]) -> "SearchRule":
    def rule(reader: _Reader) -> c.Criterion:
        tokens.space(reader.cur)
        return kind(read(reader.cur))

    return rule


def _uid(reader: _Reader) -> c.Criterion:
    tokens.space(reader.cur)
    return c.MessageNumbers(tokens.sequence_set(reader.cur), uid=True)


def _uids_beyond(reader: _Reader) -> c.Criterion:
    """UIDAFTER uniqueid. RFC 9738 §3.2."""
    tokens.space(reader.cur)
    uid = tokens.nz_number(reader.cur)
    return c.Uids(UidSet(((uid + 1, MAX_NUMBER),)) if uid < MAX_NUMBER else UidSet())


def _uids_below(reader: _Reader) -> c.Criterion:
    """UIDBEFORE uniqueid. RFC 9738 §3.2."""
    tokens.space(reader.cur)
    uid = tokens.nz_number(reader.cur)
    return c.Uids(UidSet(((1, uid - 1),)) if uid > 1 else UidSet())


def _modseq(reader: _Reader) -> c.Criterion:
    """MODSEQ [entry-name SP entry-type-req] mod-sequence-valzer. RFC 7162 §3.1.5.

    There is one mod-sequence for a message here, so the entry is read and passed over, as the RFC allows.
    """
    cur = reader.cur
    tokens.space(cur)
    if cur.peek() == b'"':
        tokens.quoted(cur)
        tokens.space(cur)
        at = cur.pos
        if tokens.keyword(cur, "priv, shared or all") not in (b"PRIV", b"SHARED", b"ALL"):
            cur.fail("priv, shared or all", at)
        tokens.space(cur)
    reader.uses_modseq = True
    return c.ModSeqSince(tokens.mod_sequence_valzer(cur))


_OBJECT_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,255}(?=[ )]|\Z)")


def _object_key(kind: Callable[[str], c.Criterion]) -> "SearchRule":
    def rule(reader: _Reader) -> c.Criterion:
        """``objectid`` = 1*255(ALPHA / DIGIT / "_" / "-"). RFC 8474 §7."""
        tokens.space(reader.cur)
        return kind(reader.cur.take(_OBJECT_ID, "an object id").decode("ascii"))

    return rule


SearchRule = Callable[[_Reader], c.Criterion]

KEYS: Final[dict[bytes, SearchRule]] = {
    b"ALL": lambda reader: c.All(),
    b"NEW": lambda reader: c.And((c.Recent(), c.Not(c.HasFlag(flags.SEEN)))),
    b"OLD": lambda reader: c.Not(c.Recent()),
    b"RECENT": lambda reader: c.Recent(),
    b"KEYWORD": _keyword_key(True),
    b"UNKEYWORD": _keyword_key(False),
    b"NOT": _not,
    b"FUZZY": _fuzzy,
    b"FILTER": _filter,
    b"OR": _or,
    b"UID": _uid,
    b"UIDAFTER": _uids_beyond,
    b"UIDBEFORE": _uids_below,
    b"HEADER": _header,
    b"BODY": lambda reader: c.Body(_text(reader)),
    b"TEXT": lambda reader: c.Text(_text(reader)),
    b"LARGER": _number_key(c.Larger, tokens.number64),
    b"SMALLER": _number_key(c.Smaller, tokens.number64),
    b"OLDER": _number_key(c.Older, tokens.nz_number),  # RFC 5032 §2
    b"YOUNGER": _number_key(c.Younger, tokens.nz_number),
    b"MODSEQ": _modseq,
    b"EMAILID": _object_key(c.EmailId),
    b"THREADID": _object_key(c.ThreadId),
    b"SAVEDATESUPPORTED": lambda reader: c.SaveDates(),
}
for _flag in flags.SYSTEM_FLAGS:
    _word = _flag[1:].upper().encode("ascii")
    KEYS[_word] = _flag_key(_flag, True)
    KEYS[b"UN" + _word] = _flag_key(_flag, False)
for _name in ("BCC", "CC", "FROM", "SUBJECT", "TO"):
    KEYS[_name.encode("ascii")] = _field_key(_name)
for _comparison in c.Comparison:
    for _prefix, _field in (
        (b"", c.DateField.INTERNAL),
        (b"SENT", c.DateField.SENT),
        (b"SAVED", c.DateField.SAVED),
    ):
        KEYS[_prefix + _comparison.name.encode("ascii")] = _date_key(_field, _comparison)
