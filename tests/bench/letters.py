"""The letters that are measured with: made from their number alone, so that every server gets the same.

Every 97th comes from a rare sender, every 89th has a rare word in its subject (every second of those in Korean),
every 83rd one in its body. No line begins with ``* `` or looks like a tagged answer, which lets the clients
count answers without parsing them.
"""

import datetime
from collections.abc import Iterator

RARE_SENDER = "haenyeo"
RARE_SUBJECT = "quarterly"
RARE_KOREAN = "회의록"
RARE_BODY = "tangerines"
FIRST_DAY = datetime.date(2020, 1, 1)
A_DAY = 40
"""Letters a day."""

_TEXT = (
    "the harbour was quiet when a ship from Jeju brought stones wool and wine for every second house in town;"
    " nobody asked who had sent them or why their papers were written in 한글 as if it were the custom"
)
_WORDS = _TEXT.split()
_NAMES = (
    "Kim",
    "Lee",
    "Park",
    "Choi",
    "Jung",
    "Kang",
    "Cho",
    "Yoon",
    "Jang",
    "Lim",
    "Smith",
    "Brown",
    "Weber",
)


def sender(number: int) -> str:
    return RARE_SENDER if number % 97 == 0 else _NAMES[number % len(_NAMES)].lower() + str(number % 50)


def subject(number: int) -> str:
    if number % 178 == 0:
        return f"지난주 {RARE_KOREAN} {number}"
    return (
        f"The {RARE_SUBJECT} report {number}" if number % 89 == 0 else f"About {_WORDS[number % 20]} {number}"
    )


def day(number: int) -> datetime.date:
    return FIRST_DAY + datetime.timedelta(days=number // A_DAY)


def message_id(number: int) -> str:
    return f"letter.{number}@daum.net"


def letter(number: int, octets: int) -> bytes:
    """Letter ``number`` in wire form (CRLF), of about ``octets``; every fifth has an attachment."""
    date = datetime.datetime.combine(day(number), datetime.time(number % 24, number % 60))
    encoded = subject(number)
    if not encoded.isascii():
        from email.header import Header

        encoded = Header(encoded, "utf-8").encode()
    head = (
        f"From: {_NAMES[number % len(_NAMES)]} <{sender(number)}@daum.net>\r\n"
        f"To: Lee <lee@naver.com>, {_NAMES[number % 7]} <other{number % 30}@naver.com>\r\n"
        f"Subject: {encoded}\r\nDate: {date:%a, %d %b %Y %H:%M:%S} +0900\r\n"
        f"Message-ID: <{message_id(number)}>\r\nMIME-Version: 1.0\r\n"
    )
    if number % 5:
        start = head + 'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
        return start.encode() + _text(number, octets - len(start))
    start = head + (
        'Content-Type: multipart/mixed; boundary="=-edge"\r\n\r\n'
        '--=-edge\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    )
    middle = (
        "\r\n--=-edge\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="paper {number}.pdf"\r\n\r\n'
    )
    end = b"\r\n--=-edge--\r\n"
    body = _text(number, (octets - len(start)) // 3)
    line = b"JVBERi0xLjQKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRv\r\n"
    lines = max(1, (octets - len(start) - len(body) - len(middle) - len(end)) // len(line))
    return start.encode() + body + middle.encode() + line * lines + end


def _text(number: int, octets: int) -> bytes:
    rare = f"A box of {RARE_BODY} for you.\r\n" if number % 83 == 0 else ""
    parts, length, place = [rare.encode()], len(rare), number
    while length < octets:
        words = (_WORDS[(place + step * (1 + place % 3)) % len(_WORDS)] for step in range(11))
        line = " ".join(words).encode() + b"\r\n"
        parts.append(line)
        length += len(line)
        place += 7
    return b"".join(parts)


def wanted(count: int) -> Iterator[tuple[str, str, int]]:
    """(name, IMAP search key with its argument, matches among the letters 0 to ``count`` - 1)."""
    numbers = range(count)
    middle = day(count * 9 // 10)
    yield "from", f"FROM {RARE_SENDER}", sum(number % 97 == 0 for number in numbers)
    yield "subject", f"SUBJECT {RARE_SUBJECT}", sum(RARE_SUBJECT in subject(number) for number in numbers)
    korean = sum(RARE_KOREAN in subject(number) for number in numbers)
    yield "subject korean", f'CHARSET UTF-8 SUBJECT "{RARE_KOREAN}"', korean
    since = sum(day(number) >= middle for number in numbers)
    yield "sentsince", f"SENTSINCE {middle.day}-{middle:%b-%Y}", since
    yield "message-id", f"HEADER Message-ID {message_id(count // 2)}", 1
    yield "body", f"BODY {RARE_BODY}", sum(number % 83 == 0 for number in numbers)
