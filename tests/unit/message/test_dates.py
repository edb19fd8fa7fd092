"""Dates as mail writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailaccess.message.dates import parse


def at(hours: float, *numbers: int) -> datetime:
    year, month, day, hour, minute, second = numbers
    return datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", at(-6, 1997, 11, 21, 9, 55, 6)),  # RFC 5322 §A.1.1
        (b"Thu, 13 Feb 1969 23:32 -0330 (Newfoundland Time)", at(-3.5, 1969, 2, 13, 23, 32, 0)),  # §A.5
        (b"21 Nov 97 09:55:06 GMT", at(0, 1997, 11, 21, 9, 55, 6)),  # §A.6.2
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", at(-6, 1997, 11, 21, 9, 55, 6)),  # §A.6.3
        (b"Mon, 4 Mar 2019 10:00:00 +0900\r\n", at(9, 2019, 3, 4, 10, 0, 0)),
        (b"4 March 2019 1:00 KST", at(9, 2019, 3, 4, 1, 0, 0)),
        (b"Mon, 04 Mar 2019 10:00:00 GMT+0900 (KST)", at(9, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 04 Mar 2019 10.00.00 PDT", at(-7, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 04-Mar-2019 10:00:00 +0000", at(0, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 04 Mar 2019 10:00:00", at(0, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 04 Mar 2019 10:00:00 Nowhere", at(0, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 04 Mar 2019", at(0, 2019, 3, 4, 0, 0, 0)),
        (b"Mon Mar  4 10:00:00 2019", at(0, 2019, 3, 4, 10, 0, 0)),
        (b"Mon Mar 4 10:00:00 KST 2019", at(9, 2019, 3, 4, 10, 0, 0)),
        (b"2019-03-04T10:00:00+09:00", at(9, 2019, 3, 4, 10, 0, 0)),
        (b"2019-03-04 10:00:00.123Z", at(0, 2019, 3, 4, 10, 0, 0)),
        (b"2019-03-04", at(0, 2019, 3, 4, 0, 0, 0)),
        (b"1 Jan 49 00:00 GMT", at(0, 2049, 1, 1, 0, 0, 0)),  # RFC 5322 §4.3
        (b"1 Jan 50 00:00 GMT", at(0, 1950, 1, 1, 0, 0, 0)),
        (b"1 Jan 109 00:00 GMT", at(0, 2009, 1, 1, 0, 0, 0)),
        (b"Sat, 31 Dec 2016 23:59:60 +0000", at(0, 2016, 12, 31, 23, 59, 59)),
        ("월, 4 Mar 2019 10:00:00 +0900".encode(), at(9, 2019, 3, 4, 10, 0, 0)),
        (b"Mon, 31 Feb 2019 10:00:00 +0000", None),
        (b"Mon, 4 Foo 2019 10:00:00 +0000", None),
        (b"Mon, 4 Mar 2019 25:00:00 +0000", None),
        (b"Mon, 4 Mar 0000 10:00:00 +0000", None),
        (b"yesterday", None),
        (b"(only a comment", None),
        (b"", None),
    ],
)
def test_a_date_reads_as(value: bytes, expected: datetime | None) -> None:
    found = parse(value)
    assert found == expected
    if found is not None and expected is not None:
        assert found.utcoffset() == expected.utcoffset()


def test_an_impossible_zone_is_utc() -> None:
    assert parse(b"4 Mar 2019 10:00:00 +9999") == datetime(2019, 3, 4, 10, tzinfo=UTC)
