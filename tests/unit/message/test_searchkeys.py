"""Fields as SEARCH, SORT and THREAD see them."""

from datetime import date, datetime, timedelta, timezone

import pytest

from mailaccess.message import searchkeys
from mailaccess.message.headers import Header
from mailaccess.message.text import fold


def header(text: str) -> Header:
    return Header(text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("field", "key", "found"),
    [
        ("From: Kim Minjun <kim@daum.net>", '"kim', True),
        ("From: Kim Minjun <kim@daum.net>", "<kim@daum.net>", True),
        ("From: kim@daum.net (comment)", "(", False),
        ("From: kim@daum.net (Kim Minjun)", "kim minjun", True),
        ("From: kim (at) @ daum . net", "kim@daum.net", True),
        ("From: =?euc-kr?B?sei5zsHY?= <kim@daum.net>", "김민준", True),
        ("From: Friends: kim@daum.net, lee@naver.com;", "friends: <kim@daum.net>, <lee@naver.com>;", True),
        ("From: Mary Smith", "mailb", True),
        ('From: "never closed <kim@daum.net>', "kim", False),
        ("From:", "", True),
        ("To: kim@daum.net", "", False),
    ],
)
def test_from_looks_at_addresses_written_anew(field: str, key: str, found: bool) -> None:
    texts = searchkeys.field_texts(header(field + "\n\n"), "FROM")
    assert any(fold(key) in text for text in texts) is found


@pytest.mark.parametrize(
    ("name", "field", "key", "found"),
    [
        ("SUBJECT", "Subject: a    b\n  c", "a b c", True),
        ("SUBJECT", "Subject: =?ks_c_5601-1987?B?yLjAxw==?= 1", "회의 1", True),
        ("X-Mailer", "x-mailer: Foo", "FOO", True),
        ("X-Mailer", "X-Mailer2: Foo", "foo", False),
        ("Reply-To", 'Reply-To: "never closed <kim@daum.net>', "kim@daum.net", True),
        ("Comments", "Comments: one\nComments: two", "two", True),
    ],
)
def test_header_looks_at_the_decoded_value(name: str, field: str, key: str, found: bool) -> None:
    texts = searchkeys.field_texts(header(field + "\n\n"), name)
    assert any(fold(key) in text for text in texts) is found


def test_sent_disregards_time_and_zone() -> None:
    """RFC 9051 §6.4.4 SENTON."""
    late = header("Date: Mon, 4 Mar 2019 23:59:59 -1100\n\n")
    assert searchkeys.sent_date(late) == date(2019, 3, 4)
    assert searchkeys.sent(late) == datetime(2019, 3, 4, 23, 59, 59, tzinfo=timezone(timedelta(hours=-11)))


def test_without_a_readable_date_a_message_was_sent_at_the_epoch() -> None:
    for text in ("Subject: x\n\n", "Date: yesterday\n\n"):
        assert searchkeys.sent(header(text)) is None
        assert searchkeys.sent_date(header(text)) == date(1970, 1, 1)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@y>", [b"a@x", b"b@y"]),
        ("<a@x>\n\t<b@y>", [b"a@x", b"b@y"]),
        ('<"a b"@x>', [b"ab@x"]),
        ("Kim's message of Monday <a@x>", [b"a@x"]),
        ("<a@x><b@y>", [b"a@x", b"b@y"]),
        ("<never@closed", []),
        ("<>", []),
    ],
)
def test_message_identifiers(value: str, ids: list[bytes]) -> None:
    assert searchkeys.message_ids(value.encode()) == ids


def test_references_come_before_in_reply_to() -> None:
    """RFC 5256 §3 REFERENCES (1)."""
    both = header("References: <a@x> <b@x>\nIn-Reply-To: <c@x> <d@x>\n\n")
    assert searchkeys.references(both) == [b"a@x", b"b@x"]
    reply = header("References: none\nIn-Reply-To: <c@x> <d@x>\nMessage-ID: <me@x>\n\n")
    assert searchkeys.references(reply) == [b"c@x"]
    assert searchkeys.message_id(reply) == b"me@x"
    assert searchkeys.references(header("\n")) == [] and searchkeys.message_id(header("\n")) is None


def test_sort_keys_of_addresses() -> None:
    """RFC 5256 §3, RFC 5957 §3: the first address, a group's name passed over or shown."""
    fields = header(
        "From: =?utf-8?B?6rmA?= <Kim@daum.net>\nTo: Friends: lee@naver.com;\nCc: Park@x.example\n\n"
    )
    assert searchkeys.first_mailbox(fields, b"from") == "kim"
    assert searchkeys.first_mailbox(fields, b"to") == "friends"
    assert searchkeys.first_mailbox(fields, b"bcc") == ""
    assert searchkeys.display_name(fields, b"from") == "김"
    assert searchkeys.display_name(fields, b"to") == "friends"
    assert searchkeys.display_name(fields, b"cc") == "park@x.example"
