"""Messages written for these tests, in wire form (CRLF)."""

PLAIN = b"""\
From: Kim <kim@daum.net>\r
To: Lee <lee@naver.com>\r
Subject: =?UTF-8?B?7JWI64WV7ZWY7IS47JqU?=\r
Date: Tue, 24 Nov 2026 10:00:00 +0900\r
Message-ID: <plain.1@daum.net>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
\xec\x95\x88\xeb\x85\x95\xed\x95\x98\xec\x84\xb8\xec\x9a\x94, Lee.\r
.a line that starts with a dot\r
..and one with two\r
.\r
From the start of a line\r
\r
trailing space \r
"""

MIXED = b"""\
From: Kim <kim@daum.net>\r
To: lee@naver.com\r
Subject: report\r
Date: Tue, 24 Nov 2026 11:00:00 +0900\r
Message-ID: <mixed.1@daum.net>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="=-edge"\r
\r
preamble\r
--=-edge\r
Content-Type: text/plain; charset=us-ascii\r
\r
See the report.\r
--=-edge\r
Content-Type: application/octet-stream; name="report.bin"\r
Content-Disposition: attachment; filename="report.bin"\r
Content-Transfer-Encoding: base64\r
\r
AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\r
--=-edge--\r
"""

EMPTY_BODY = b"From: kim@daum.net\r\nSubject: nothing\r\n\r\n"

LONG_LINES = (
    b"From: kim@daum.net\r\nSubject: long\r\nMessage-ID: <long.1@daum.net>\r\n\r\n"
    + b"x" * 900
    + b"\r\n"
    + b"\r\n".join(b"line %d" % number for number in range(5000))
    + b"\r\n"
)

ALL = (PLAIN, MIXED, EMPTY_BODY, LONG_LINES)


def numbered(number: int, size: int = 2000) -> bytes:
    """A message that can be told from every other one by its Message-ID."""
    head = (
        b"From: kim@daum.net\r\nTo: lee@naver.com\r\nSubject: number %d\r\nMessage-ID: <n%d@daum.net>\r\n\r\n"
    )
    filling = b"The quick brown fox jumps over the lazy dog.\r\n"
    return head % (number, number) + filling * (size // len(filling))
