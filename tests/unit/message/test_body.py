"""Section numbers (RFC 9051 §6.4.5.1) and the octets they name."""

import pytest

from mailaccess.message import body, structure

# The message of RFC 9051 §6.4.5.1, its parts' texts named by their numbers.
WIRE = "\r\n".join(
    [
        "Subject: outer", "Content-Type: multipart/mixed; boundary=a", "",
        "--a", "Content-Type: text/plain", "", "text 1",
        "--a", "Content-Type: application/octet-stream", "", "data 2",
        "--a", "Content-Type: message/rfc822", "",
        "Subject: three", "Content-Type: multipart/mixed; boundary=b", "",
        "--b", "", "text 3.1", "--b", "Content-Type: application/octet-stream", "", "data 3.2", "--b--",
        "--a", "Content-Type: multipart/mixed; boundary=c", "",
        "--c", "Content-Type: image/gif", "X: mime", "", "gif 4.1",
        "--c", "Content-Type: message/rfc822", "",
        "Subject: four two", "Content-Type: multipart/mixed; boundary=d", "",
        "--d", "", "text 4.2.1", "--d", "Content-Type: multipart/alternative; boundary=e", "",
        "--e", "", "plain 4.2.2.1", "--e", "Content-Type: text/richtext", "", "rich 4.2.2.2", "--e--",
        "--d--", "--c--",
        "--a", "Content-Type: message/rfc822", "", "Subject: five", "", "text 5.1",
        "--a--", "",
    ]
).encode()  # fmt: skip
ROOT = structure.parse(WIRE)


def octets(path: str, text: str = "") -> bytes | None:
    found = body.section(ROOT, tuple(int(n) for n in path.split(".") if n), text)
    return None if found is None else WIRE[found.offset : found.offset + found.length]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("1", b"text 1"),
        ("2", b"data 2"),
        ("3.1", b"text 3.1"),
        ("3.2", b"data 3.2"),
        ("4.1", b"gif 4.1"),
        ("4.2.1", b"text 4.2.1"),
        ("4.2.2.1", b"plain 4.2.2.1"),
        ("4.2.2.2", b"rich 4.2.2.2"),
        ("5.1", b"text 5.1"),
        ("1.1", b"text 1"),
    ],
)
def test_numbers_lead_to_parts(path: str, expected: bytes) -> None:
    assert octets(path) == expected


@pytest.mark.parametrize("path", ["0", "6", "1.2", "3.3", "4.2.2.3", "5.2", "5.1.2", "9999999999"])
def test_a_number_without_part_is_no_section(path: str) -> None:
    assert octets(path) is None


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("", "HEADER", b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"),
        ("3", "HEADER", b"Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
        ("4.2", "HEADER", b"Subject: four two\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n"),
        ("4.1", "MIME", b"Content-Type: image/gif\r\nX: mime\r\n\r\n"),
        ("4.2", "MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        ("4.2.2.2", "MIME", b"Content-Type: text/richtext\r\n\r\n"),
        ("5", "TEXT", b"text 5.1"),
        ("5", "", b"Subject: five\r\n\r\ntext 5.1"),
        ("1", "TEXT", None),
        ("4.1", "HEADER", None),
        ("", "MIME", None),
    ],
)
def test_header_text_and_mime(path: str, text: str, expected: bytes | None) -> None:
    assert octets(path, text) == expected


def test_the_whole_and_its_text() -> None:
    assert octets("") == WIRE
    text = octets("", "TEXT")
    assert text is not None and WIRE.endswith(text) and text.startswith(b"--a\r\n")


def test_a_message_that_is_no_multipart_has_one_part() -> None:
    wire = b"Subject: x\r\n\r\nonly"
    root = structure.parse(wire)
    assert body.section(root, (1,)) == body.Range(14, 4)
    assert body.section(root, (1,), "MIME") == body.Range(0, 14)
    assert body.section(root, (2,)) is None
    assert body.section(root, (1, 1)) is None
