"""The small words of IMAP: atom, astring, string, number, sequence-set, date-time, flags, mailbox
(RFC 9051 §9, RFC 3501 §9, RFC 7162 §7).

Every rule takes an ``ImapCursor`` and moves it, or raises ``Expected``. Literals stand in the frame
right behind their ``{n}`` CRLF, except streamed ones, whose octets went elsewhere.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from mailaccess.model import flags as model_flags
from mailaccess.model import names
from mailaccess.model.flags import RECENT, Flag, FlagSet
from mailaccess.model.ids import MAX_MODSEQ, MAX_NUMBER
from mailaccess.model.sequence import Range, SequenceSet
from mailaccess.proto.cursor import Cursor, Expected
from mailaccess.proto.imap.mutf7 import decode_mutf7, encode_mutf7
from mailaccess.proto.imap.responses import CANNOT, LIMIT, No, Status

__all__ = ["ImapCursor", "decode_mutf7", "encode_mutf7"]


class ImapCursor(Cursor):
    """A command frame.

    utf8: mailbox names are UTF-8 (UTF8=ACCEPT or IMAP4rev2 enabled), else modified UTF-7.
    streamed: offsets, ascending, at which the octets of a streamed literal are left out.
    old_names: mailbox names read so far that were not canonical, each behind its canonical form.
    """

    __slots__ = ("old_names", "streamed", "utf8")

    def __init__(
        self, octets: bytes, pos: int = 0, *, utf8: bool = False, streamed: tuple[int, ...] = ()
    ) -> None:
        super().__init__(octets, pos)
        self.utf8 = utf8
        self.streamed = streamed
        self.old_names: tuple[tuple[str, str], ...] = ()


class Unsupported(Expected):
    """Well-formed, but asking for what is not there: answered by ``status`` instead of BAD."""

    def __init__(self, status: Status, at: int) -> None:
        super().__init__("something that is supported here", at)
        self.status = status


# Octets beyond ASCII are in none of these, except where real clients send them (names, search texts).
_ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_ASTRING_ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f]+')  # with "]" and, as a quirk, 8-bit
_TAG: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff+]+')
_LIST_ATOM: Final = re.compile(rb'[^\x00-\x20(){"\\\x7f]+')  # with "%", "*", "]" and, as a quirk, 8-bit
_QUOTED: Final = re.compile(rb'"((?:[^"\\\x00\r\n]++|\\["\\])*)"')
_QUOTED_PAIR: Final = re.compile(rb'\\(["\\])')
_QUOTED_LAX: Final = re.compile(rb'"((?:[^"\\\x00\r\n]++|\\[^\x00\r\n])*)"')
_LITERAL: Final = re.compile(rb"(~?)\{([0-9]{1,20})\+?\}\r?\n")
_NUMBER: Final = re.compile(rb"[0-9]{1,20}")
_SEQ_NUMBER: Final = rb"(?:[1-9][0-9]{0,9}|\*)"
_SEQ_RANGE: Final = _SEQ_NUMBER + rb"(?::" + _SEQ_NUMBER + rb")?"
_SEQUENCE: Final = re.compile(_SEQ_RANGE + rb"(?:," + _SEQ_RANGE + rb")*")
_DATE: Final = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})("?)')
_DATE_TIME: Final = re.compile(
    rb'" ?([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
SPACES: Final = re.compile(rb" +")
_SPACES_AT_END: Final = re.compile(rb" +\Z")
_FLAG: Final = re.compile(rb'\\?[^\x00-\x20(){%*"\\\x7f-\xff]+')

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"),
        start=1,
    )
}


def space(cur: ImapCursor) -> None:
    """SP; more than one is read as one.

    quirk: several clients and people at a terminal send two (seen with Symbian and hand-written scripts).
    """
    if cur.match(SPACES) is None:
        cur.fail("a space")


def quirk_trailing_space_at_end(cur: ImapCursor) -> None:
    """Spaces at the end of the line: ``AUTHENTICATE CRAM-MD5 `` (mutt), and old Outlook's ``CAPABILITY ``."""
    cur.match(_SPACES_AT_END)


def more(cur: ImapCursor) -> bool:
    """Whether anything but spaces follows."""
    quirk_trailing_space_at_end(cur)
    return not cur.at_end()


def list_ends(cur: ImapCursor) -> bool:
    """Behind an element of a parenthesized list: over ")" (True) or over the space before the next (False).

    quirk: spaces before the parenthesis, as in ``FETCH 1 (FLAGS )``, are read over.
    """
    spaces = cur.match(SPACES)
    if cur.skip_if(b")"):
        return True
    if spaces is None:
        cur.fail('a space or ")"')
    return False


def atom(cur: ImapCursor, what: str = "an atom") -> bytes:
    """``atom`` = 1*ATOM-CHAR."""
    return cur.take(_ATOM, what)


def tag(cur: ImapCursor) -> bytes:
    """``tag`` = 1*<any ASTRING-CHAR except "+">."""
    return cur.take(_TAG, "a tag")


def keyword(cur: ImapCursor, what: str) -> bytes:
    """An atom in capitals: command words compare without regard to case."""
    return cur.take(_ATOM, what).upper()


def number(cur: ImapCursor, what: str = "a number") -> int:
    """``number``: 0 to 2**32 - 1."""
    at = cur.pos
    value = int(cur.take(_NUMBER, what))
    if value > MAX_NUMBER:
        cur.fail(f"{what} below 2^32", at)
    return value


def number64(cur: ImapCursor, what: str = "a number") -> int:
    """``number64``: 0 to 2**63 - 1. RFC 9051 §9."""
    at = cur.pos
    value = int(cur.take(_NUMBER, what))
    if value > MAX_MODSEQ:
        cur.fail(f"{what} below 2^63", at)
    return value


def nz_number(cur: ImapCursor, what: str = "a number above 0") -> int:
    """``nz-number``: 1 to 2**32 - 1."""
    at = cur.pos
    value = number(cur, what)
    if value == 0:
        cur.fail(what, at)
    return value


def mod_sequence_value(cur: ImapCursor) -> int:
    """mod-sequence-value: 1 to 2**63 - 1. RFC 7162 §7."""
    at = cur.pos
    value = number64(cur, "a mod-sequence")
    if value == 0:
        cur.fail("a mod-sequence above 0", at)
    return value


def mod_sequence_valzer(cur: ImapCursor) -> int:
    """mod-sequence-valzer: 0 to 2**63 - 1. RFC 7162 §7."""
    return number64(cur, "a mod-sequence")


# --- strings --------------------------------------------------------------------------------------------


def at_string(cur: ImapCursor) -> bool:
    """Whether a quoted string or a literal stands here."""
    return cur.peek() in (b'"', b"{", b"~")


def quoted(cur: ImapCursor) -> bytes:
    """``quoted``, with its quoted-pairs resolved; octets beyond ASCII pass.

    quirk: a backslash before any other character is dropped, for clients that escape too much.
    """
    found = cur.match(_QUOTED)
    if found is not None:
        octets = found.group(1)
        return _QUOTED_PAIR.sub(rb"\1", octets) if b"\\" in octets else octets
    found = cur.match(_QUOTED_LAX)
    if found is None:
        cur.fail("a closed quoted string")
    return re.sub(rb"\\(.)", rb"\1", found.group(1))


def literal(cur: ImapCursor) -> bytes:
    """``literal`` (not literal8): the octets behind ``{n}``."""
    return _literal(cur, binary=False)


def literal8(cur: ImapCursor) -> bytes:
    """``literal`` or literal8. RFC 3516 §4.4."""
    return _literal(cur, binary=True)


def _literal(cur: ImapCursor, binary: bool) -> bytes:
    at = cur.pos
    found = cur.match(_LITERAL)
    if found is None or cur.pos in cur.streamed:
        cur.fail("a string", at)
    if found.group(1) and not binary:
        cur.fail("a literal that is not binary", at)
    start, size = cur.pos, int(found.group(2))
    if len(cur.octets) - start < size:
        cur.fail("a whole literal", at)
    cur.pos = start + size
    octets = cur.octets[start : cur.pos]
    if not binary and b"\0" in octets:
        cur.fail("a literal without NUL", at)  # CHAR8 = %x01-ff
    return octets


def streamed_literal(cur: ImapCursor) -> tuple[int, bool, int]:
    """(size, binary, number) of a literal whose octets were streamed elsewhere."""
    found = cur.match(_LITERAL)
    if found is None or cur.pos not in cur.streamed:
        cur.fail("a literal with the message", None if found is None else found.start())
    return int(found.group(2)), bool(found.group(1)), cur.streamed.index(cur.pos)


def string(cur: ImapCursor, what: str = "a string") -> bytes:
    """``string`` = quoted / literal."""
    first = cur.peek()
    if first == b'"':
        return quoted(cur)
    if first == b"{":
        return literal(cur)
    cur.fail(what)


def astring(cur: ImapCursor, what: str = "a string") -> bytes:
    """``astring`` = 1*ASTRING-CHAR / string.

    quirk: octets beyond ASCII pass unquoted too (bare UTF-8 names and search texts); who reads them decides.
    """
    found = cur.match(_ASTRING_ATOM)
    if found is not None:
        return found.group()
    return string(cur, what)


def nstring(cur: ImapCursor, what: str = "a string or NIL") -> bytes | None:
    """``nstring`` = string / nil."""
    if at_string(cur):
        return string(cur, what)
    at = cur.pos
    if keyword(cur, what) != b"NIL":
        cur.fail(what, at)
    return None


# --- sets -----------------------------------------------------------------------------------------------


def sequence_set(cur: ImapCursor) -> SequenceSet:
    """sequence-set, or ``$`` for the result of the last search (RFC 5182 §2). Linear in its length.

    The ends stay as written, in either order, and ``*`` stays a symbol: only a session's view knows the
    number it stands for.
    """
    if cur.skip_if(b"$"):
        return SequenceSet(saved=True)
    at = cur.pos
    text = cur.take(_SEQUENCE, "a set of message numbers")
    if text.isdigit():  # the common case: one number
        value = int(text)
        if value > MAX_NUMBER:
            cur.fail("numbers below 2^32", at)
        return SequenceSet((Range(value, value),))
    ranges = []
    for item in text.split(b","):
        first, colon, last = item.partition(b":")
        low = None if first == b"*" else int(first)
        high = low if not colon else None if last == b"*" else int(last)
        if (low or 0) > MAX_NUMBER or (high or 0) > MAX_NUMBER:
            cur.fail("numbers below 2^32", at)
        ranges.append(Range(low, high))
    return SequenceSet(tuple(ranges))


# --- dates ----------------------------------------------------------------------------------------------


def calendar_date(cur: ImapCursor) -> date:
    """``date`` = date-text / DQUOTE date-text DQUOTE, e.g. ``1-Feb-1994``; the day must exist."""
    at = cur.pos
    found = cur.match(_DATE)
    if found is None or len(found.group(1)) != len(found.group(5)):
        cur.fail("a date such as 1-Feb-1994", at)
    month = _MONTHS.get(found.group(3).lower(), 0)
    try:
        return date(int(found.group(4)), month, int(found.group(2)))
    except ValueError:
        cur.fail("a date that exists", at)


def date_time(cur: ImapCursor) -> datetime:
    """date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE.

    quirk: a day of one digit may come without its space. A leap second counts as the second before.
    """
    at = cur.pos
    found = cur.match(_DATE_TIME)
    if found is None:
        cur.fail('a date and time such as " 1-Feb-1994 21:52:25 -0800"', at)
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        if int(zone_minutes) > 59:
            raise ValueError
        zone = timezone(-offset if sign == b"-" else offset) if offset else UTC
        when = datetime(
            int(year),
            _MONTHS.get(month.lower(), 0),
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=zone,
        )
        if int(second) > 60:
            raise ValueError
        when.astimezone(UTC)  # the first and last day of the calendar may not exist in UTC
    except (ValueError, OverflowError):
        cur.fail("a date and time that exist", at)
    return when


# --- flags ----------------------------------------------------------------------------------------------


def flag(cur: ImapCursor) -> Flag:
    """``flag``: a system flag (canonical case) or a keyword (as written)."""
    at = cur.pos
    octets = cur.take(_FLAG, "a flag")
    try:
        return model_flags.canonical(octets.decode("ascii"))
    except ValueError:
        if len(octets) > model_flags.MAX_KEYWORD_LENGTH and not octets.startswith(b"\\"):
            raise Unsupported(No("The keyword is too long", LIMIT), at) from None
        cur.fail("a known system flag or a keyword", at)


def flag_list(cur: ImapCursor) -> FlagSet:
    """flag-list = "(" [flag *(SP flag)] ")". ``\\Recent`` is dropped: clients copy it from what they fetched.

    Keywords that differ in case only count once, as first written.
    """
    start = cur.pos
    end = cur.octets.find(b")", start, start + MAX_REMEMBERED)
    if end > 0:
        try:
            flags = _remembered_flags(cur.octets[start : end + 1])
        except Expected:
            pass  # read again for the offset in this frame
        else:
            cur.pos = end + 1
            return flags
    return _flag_list(cur)


MAX_FLAGS: Final = 1000
"""Flags of one list: more than a mailbox may have keywords."""

MAX_REMEMBERED: Final = 200
"""Octets of a flag list worth remembering: clients send the same few over and over."""


@lru_cache(maxsize=256)
def _remembered_flags(octets: bytes) -> FlagSet:
    return _flag_list(ImapCursor(octets))


def _flag_list(cur: ImapCursor) -> FlagSet:
    cur.skip(b"(", '"("')
    found: dict[str, Flag] = {}
    cur.match(SPACES)
    if cur.skip_if(b")"):
        return frozenset()
    while True:
        _add_flag(cur, found)
        if list_ends(cur):
            return frozenset(found.values())


def bare_flags(cur: ImapCursor) -> FlagSet:
    """``flag`` *(SP flag): the form without parentheses that STORE allows."""
    found: dict[str, Flag] = {}
    while True:
        _add_flag(cur, found)
        if cur.match(SPACES) is None or cur.at_end():
            return frozenset(found.values())


def _add_flag(cur: ImapCursor, found: dict[str, Flag]) -> None:
    value = flag(cur)
    if value != RECENT:
        found.setdefault(value.lower(), value)
        if len(found) > MAX_FLAGS:
            cur.fail(f"at most {MAX_FLAGS} flags")


# --- mailbox names --------------------------------------------------------------------------------------


MAX_NAME: Final = 8192
"""Octets of a mailbox name as it travels: beyond what the longest possible name has in modified UTF-7."""


def mailbox(cur: ImapCursor) -> str:
    """``mailbox`` = "INBOX" / astring, as canonical text (``model.names.canonical``)."""
    at = cur.pos
    written = _name_text(cur, astring(cur, "a mailbox name"), at)
    name = names.canonical(written)
    if name != written:
        cur.old_names = (*cur.old_names, (name, written))
    return name


def reference(cur: ImapCursor) -> str:
    """The reference of LIST and LSUB: a mailbox name that is not made canonical, mostly empty."""
    at = cur.pos
    return _name_text(cur, astring(cur, "a reference name"), at)


def list_mailbox(cur: ImapCursor) -> str:
    """list-mailbox = 1*list-char / string: a name that may hold ``*`` and ``%``; not made canonical."""
    at = cur.pos
    found = cur.match(_LIST_ATOM)
    return _name_text(cur, found.group() if found is not None else string(cur, "a mailbox pattern"), at)


def _name_text(cur: ImapCursor, octets: bytes, at: int) -> str:
    """Octets of a name as text: modified UTF-7, or UTF-8 once that is enabled.

    quirk: UTF-8 that was never enabled is taken as such (old K-9, scripts) instead of being refused.
    """
    if len(octets) > MAX_NAME:
        raise Unsupported(No("The mailbox name is too long", CANNOT), at)
    if octets.isascii() and not (b"&" in octets and not cur.utf8):
        return octets.decode("ascii")
    try:
        return octets.decode("utf-8") if cur.utf8 or not octets.isascii() else decode_mutf7(octets)
    except ValueError:
        # NO, not BAD: people type such names, and too many BADs end a connection. Dovecot does the same.
        encoding = "modified UTF-7" if octets.isascii() else "UTF-8"
        raise Unsupported(No(f"The mailbox name is not valid {encoding}", CANNOT), at) from None
