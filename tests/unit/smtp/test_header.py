import pytest

from mailaccess.smtp.header import completed, header_end, hops


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n"),
        (b"A: b\n\nbody\r\n\r\n", b"A: b\n"),
        (b"A: b\n\r\nbody\n\n", b"A: b\n"),
        (b"A: b\r\n\nbody", b"A: b\r\n"),
        (b"\r\nbody\r\n\r\n", b""),
        (b"\nbody", b""),
        (b"A: b\r\n c\r\n", None),
        (b"", None),
        (b"A: b\r\n\r", None),
    ],
)
def test_the_end_of_a_header_wherever_it_is_cut(message, header):
    end = header_end(message)
    assert (None if end < 0 else message[:end]) == header
    held, found = b"", -1
    for octet in message:
        seen = len(held)
        held += bytes((octet,))
        found = header_end(held, max(0, seen - 2))
        if found >= 0:
            break
    assert (None if found < 0 else held[:found]) == header


def test_hops():
    assert hops(b"Received: a\r\nX-Received: b\r\nreceived : c\r\n Received: d\r\n") == 2


ADDED = b"Date: D\r\nMessage-ID: <M>\r\n"


@pytest.mark.parametrize(
    ("header", "result"),
    [
        (b"", ADDED),
        (b"Subject: x\r\n", ADDED + b"Subject: x\r\n"),
        (b"DATE: d\r\nMessage-Id: m\r\n", b"DATE: d\r\nMessage-Id: m\r\n"),
        (b"X: y\r\n date: no\r\n", ADDED + b"X: y\r\n date: no\r\n"),
        (b"Bcc: a,\r\n b\r\n\tc\r\nTo: d\r\nBCC:e", ADDED + b"To: d\r\n"),
        (b"To: d\nbcc: e\n f\n", ADDED + b"To: d\n"),
        (b"Resent-Bcc: x\r\nReturn-Path: <y>\r\nX-Bcc: z\r\n", ADDED + b"X-Bcc: z\r\n"),
        (b"just text\r\n", ADDED + b"\r\njust text\r\n"),
    ],
)
def test_submitted_headers_are_completed(header, result):
    assert completed(header, date="D", message_id="M") == result
