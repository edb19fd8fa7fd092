"""Dates of mail (RFC 5322 §3.3, §4.3) as they are found, for SENT*, SORT DATE and THREAD.

Besides the RFC's form this reads what old and careless mailers write: ctime's order, ISO 8601,
dashes in the date, two and three digit years, zones by name or in words, missing seconds or zone.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from mailaccess.message.lexical import BROKEN, Lexer

MAX_DATE_OCTETS = 400
"""Octets of a Date value that are looked at; real ones have 31, and a comment."""

_MONTHS = {name: i + 1 for i, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split())}

_TIME = rb"(\d{1,2})[ \t]*[:.][ \t]*(\d{1,2})(?:[ \t]*[:.][ \t]*(\d{1,2})(?:[.,]\d+)?)?"
_RFC5322 = re.compile(
    rb"(?:[A-Za-z\x80-\xff]{2,12}\.?[ \t]*,?[ \t]*)?(\d{1,2})[ \t-]+([A-Za-z]{3})[A-Za-z]*\.?,?"
    rb"[ \t-]+(\d{2,4})(?:[ \t,-]+" + _TIME + rb")?[ \t]*(.*)\Z",
    re.DOTALL,
)
_CTIME = re.compile(
    rb"(?:[A-Za-z]{3,9}\.?,?[ \t]+)?([A-Za-z]{3})[A-Za-z]*\.?[ \t]+(\d{1,2}),?[ \t]+(?:(\d{4})[ \t]+)?"
    + _TIME
    + rb"[ \t]*(?:[AP]M[ \t]*)?([A-Z]{1,5}|[+-]\d{4})?[ \t]*(\d{4})?[ \t]*(.*)\Z",
    re.DOTALL | re.IGNORECASE,
)
_ISO = re.compile(rb"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T \t]+" + _TIME + rb"[ \t]*(.*))?\Z", re.DOTALL)
# What nearly all mailers write, with values in their bounds; ``stamp`` reads it in one go.
_USUAL = re.compile(
    rb"[ \t]*(?:(?:[A-Za-z]{3}),[ ])?([0-9]{1,2})[ ]([A-Za-z]{3})[ ]([0-9]{4})[ ]"
    rb"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)[ ]([+-])([01][0-9]|2[0-3])([0-5][0-9])"
    rb"[ \t]*(?:\([A-Za-z ]*\)[ \t]*)?[\r\n]*"
)
_EPOCH = date(1970, 1, 1).toordinal()
_OFFSET = re.compile(rb"(?:GMT|UTC?)?([+-])(\d{1,2}):?(\d{2})", re.IGNORECASE)
_ZONE_NAME = re.compile(rb"[A-Za-z]+")

# RFC 5322 §4.3 obs-zone, and names that are not ambiguous in mail. Minutes east of UTC.
_ZONES = {
    b"ut": 0, b"gmt": 0, b"utc": 0, b"z": 0, b"wet": 0, b"west": 60, b"bst": 60, b"cet": 60, b"met": 60,
    b"cest": 120, b"mest": 120, b"eet": 120, b"eest": 180, b"msk": 180, b"msd": 240,
    b"est": -300, b"edt": -240, b"cst": -360, b"cdt": -300, b"mst": -420, b"mdt": -360, b"pst": -480,
    b"pdt": -420, b"kst": 540, b"jst": 540, b"hkt": 480, b"sgt": 480, b"hst": -600, b"akst": -540,
    b"akdt": -480, b"aest": 600, b"aedt": 660, b"nzst": 720, b"nzdt": 780,
}  # fmt: skip


def parse(value: bytes) -> datetime | None:
    """The time of a Date value with its UTC offset, or None where it cannot be read.

    An unknown or missing zone is UTC (RFC 5322 §4.3: -0000). A day that its month lacks, an hour
    past 23 or a year before 1 gives None; a leap second is taken back to second 59.
    """
    text = _without_comments(value[:MAX_DATE_OCTETS])
    if match := _RFC5322.match(text):
        day, month, year, hour, minute, second, zone = match.groups()
        return _made(_year(year), _MONTHS.get(month.lower()), day, hour, minute, second, zone)
    if match := _ISO.match(text):
        year, number, day, hour, minute, second, zone = match.groups()
        return _made(int(year), int(number), day, hour, minute, second, zone or b"")
    if match := _CTIME.match(text):
        month, day, year, hour, minute, second, zone, later_year, rest = match.groups()
        if year or later_year:
            return _made(
                int(year or later_year), _MONTHS.get(month.lower()), day, hour, minute, second, zone or rest
            )
    return None


def stamp(value: bytes) -> tuple[int, int] | None:
    """What ``parse`` reads as two numbers: the day as written (``date.toordinal``), and seconds since the epoch."""
    usual = _USUAL.fullmatch(value)
    month = _MONTHS.get(usual[2].lower()) if usual is not None else None
    if usual is not None and month is not None:
        try:
            day = date(int(usual[3]), month, int(usual[1])).toordinal()
        except ValueError:
            return None
        offset = int(usual[8]) * 60 + int(usual[9])
        seconds = int(usual[4]) * 3600 + int(usual[5]) * 60 + min(int(usual[6]), 59)
        return day, (day - _EPOCH) * 86_400 + seconds - (offset if usual[7] == b"+" else -offset) * 60
    when = parse(value)
    return None if when is None else (when.toordinal(), int(when.timestamp()))


def _without_comments(value: bytes) -> bytes:
    """The value on one line, comments dropped."""
    if b"(" not in value:
        return b" ".join(value.split())
    lexer, pieces = Lexer(value), list[bytes]()
    while lexer.skip() != BROKEN and lexer.pos < lexer.end:
        end = value.find(b"(", lexer.pos)
        pieces.append(value[lexer.pos : end if end >= 0 else lexer.end])
        lexer.pos = end if end >= 0 else lexer.end
    return b" ".join(b" ".join(pieces).split())


def _year(digits: bytes) -> int:
    """RFC 5322 §4.3: two digits from 50 on are 19xx, below 20xx; three digits count from 1900."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + 2000 if len(digits) == 2 and year < 50 else year + 1900


def _made(
    year: int, month: int | None, day: bytes, hour: bytes | None, minute: bytes | None, second: bytes | None,
    zone: bytes,
) -> datetime | None:  # fmt: skip
    if month is None:
        return None
    try:
        return datetime(
            year,
            month,
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None


def _zone(text: bytes) -> timezone:
    if match := _OFFSET.match(text):
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if match[1] == b"+" else -minutes))
    elif match := _ZONE_NAME.match(text):
        minutes = _ZONES.get(match[0].lower(), 0)
        if minutes:
            return timezone(timedelta(minutes=minutes))
    return UTC
