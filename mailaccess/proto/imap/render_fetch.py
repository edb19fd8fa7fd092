"""FETCH responses to octets: items, sections, and whole columns at once (RFC 9051 §7.5.2).

A FETCH line is ``head(seq)``, items with a space between, ``TAIL``. A large section is written as
``section_open`` (which announces its size) and then its octets in pieces by whoever has them.
For thousands of messages ``columns`` renders a slice of a mailbox from its columns without an object
or a call for each message.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from mailaccess.model.flags import Flag
from mailaccess.proto.imap.fetch import BodySection
from mailaccess.proto.imap.render_words import astring, string

TAIL: Final = b")\r\n"

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def head(seq: int) -> bytes:
    """The start of a FETCH response; items and ``TAIL`` follow."""
    return b"* %d FETCH (" % seq


def line(seq: int, items: Iterable[bytes]) -> bytes:
    """A whole FETCH response of ready items."""
    return b"* %d FETCH (%b)\r\n" % (seq, b" ".join(items))


# --- items ----------------------------------------------------------------------------------------------


def flags(values: Iterable[Flag]) -> bytes:
    """FLAGS, in the given order (``model.flags.ordered``), ``\\Recent`` where due."""
    return f"FLAGS ({flags_text(values)})".encode("ascii")


def flags_text(values: Iterable[Flag]) -> str:
    """Flags with a space between, in the given order: what the column FLAGS wants."""
    return " ".join(values)


def uid(value: int) -> bytes:
    """UID."""
    return b"UID %d" % value


def modseq(value: int) -> bytes:
    """MODSEQ. RFC 7162 §3.1.4.2."""
    return b"MODSEQ (%d)" % value


def size(octets: int) -> bytes:
    """RFC822.SIZE."""
    return b"RFC822.SIZE %d" % octets


def internal_date(epoch: int) -> bytes:
    """INTERNALDATE, of seconds since 1970, told in UTC."""
    return f'INTERNALDATE "{date_text_of(epoch)}"'.encode("ascii")


def save_date(seconds: bytes) -> bytes:
    """The value of SAVEDATE, of seconds since 1970 in digits, told in UTC. RFC 8514 §4.2."""
    return f'"{date_text_of(int(seconds))}"'.encode("ascii")


def item(name: bytes, octets: bytes) -> bytes:
    """An item whose value is ready: ``item(b"ENVELOPE", envelope_octets)``."""
    return name + b" " + octets


def section_label(item: BodySection) -> bytes:
    """The name under which a section is answered, e.g. ``BODY[1.HEADER.FIELDS (DATE FROM)]<100>``.

    The origin is repeated, the count is not (RFC 9051 §7.5.2). Ask once per command, not per message.
    """
    origin = b"" if item.partial is None else b"<%d>" % item.partial[0]
    if item.asked_as is not None:
        return item.asked_as + origin
    section = item.section
    words = [str(number).encode("ascii") for number in section.part]
    if section.text is not None:
        words.append(section.text.value.encode("ascii"))
    fields = b" (%b)" % b" ".join(map(_field_name, section.fields)) if section.fields else b""
    return b"BODY[%b%b]%b" % (b".".join(words), fields, origin)


def _field_name(name: bytes) -> bytes:
    """header-fld-name is an astring; "]" would end the section for careless clients, so it is quoted."""
    return string(name) if b"]" in name else astring(name)


def section(label: bytes, octets: bytes | None) -> bytes:
    """A section whole in memory, as a literal; None (no such part) is NIL."""
    if octets is None:
        return label + b" NIL"
    return b"%b {%d}\r\n%b" % (label, len(octets), octets)


def section_open(label: bytes, octets: int, *, binary: bool = False) -> bytes:
    """The start of a section: exactly ``octets`` octets must follow, then a space or ``TAIL``."""
    return b"%b %b{%d}\r\n" % (label, b"~" if binary else b"", octets)


# --- dates ----------------------------------------------------------------------------------------------


def date_text(when: datetime) -> str:
    """date-time without quotes: ``17-Jul-1996 02:44:25 -0700``. A naive value counts as UTC."""
    offset = when.utcoffset()
    sign = "-" if offset is not None and offset < timedelta(0) else "+"
    hours, rest = divmod(0 if offset is None else abs(offset) // timedelta(minutes=1), 60)
    return (
        f"{when.day:02d}-{_MONTHS[when.month - 1]}-{when.year:04d} "
        f"{when.hour:02d}:{when.minute:02d}:{when.second:02d} {sign}{hours:02d}{rest:02d}"
    )


_TWO: Final = tuple(f"{number:02d}" for number in range(60))
_MINUTES: Final = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440))


def date_text_of(epoch: int, offset_minutes: int = 0) -> str:
    """The same from Unix seconds and an offset east of UTC, for columns: no datetime is made."""
    days, second = divmod(epoch + offset_minutes * 60, 86400)
    zone = "+0000"
    if offset_minutes:
        hours, rest = divmod(abs(offset_minutes), 60)
        zone = f"{'-' if offset_minutes < 0 else '+'}{hours:02d}{rest:02d}"
    return f"{_day(days)} {_MINUTES[second // 60]}:{_TWO[second % 60]} {zone}"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    """``days`` since 1970 as ``17-Jul-1996``; years outside 1 to 9999 give the nearest one."""
    days = min(max(days, -719162), 2932896)
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}"


# --- columns --------------------------------------------------------------------------------------------

Column = tuple[str, Sequence[Any]]
"""A template with one ``%`` and a value for each message of the slice."""

UID: Final = "UID %d"
FLAGS: Final = "FLAGS (%s)"
MODSEQ: Final = "MODSEQ (%d)"
SIZE: Final = "RFC822.SIZE %d"
DATE: Final = 'INTERNALDATE "%s"'

SLICE: Final = 512
"""Messages formatted by one ``%``: enough to forget the call, few enough to stay in the cache."""


def columns(seqs: Sequence[int], parts: Sequence[Column], word: str = "FETCH") -> bytes:
    """FETCH lines for ``seqs`` from columns of the same length; UIDFETCH lines for UIDs (RFC 9586).

    ``columns([1, 2], [(UID, [7, 9]), (FLAGS, ["\\\\Seen", ""])])``. Values of FLAGS are ``flags_text``,
    interned per flag set; values of DATE are ``date_text_of``. 100,000 lines of UID and FLAGS: about 20 ms.
    """
    template = f"* %d {word} ({' '.join(part[0] for part in parts)})\r\n"
    if len(seqs) == 1:  # message after message
        return (template % (seqs[0], *[part[1][0] for part in parts])).encode("ascii")
    values = [seqs, *(part[1] for part in parts)]
    whole = template * SLICE if len(seqs) >= SLICE else ""
    pieces = []
    for start in range(0, len(seqs), SLICE):
        piece = tuple(
            chain.from_iterable(zip(*(column[start : start + SLICE] for column in values), strict=True))
        )
        pieces.append((whole if start + SLICE <= len(seqs) else template * (len(seqs) - start)) % piece)
    return "".join(pieces).encode("ascii")
