"""PREVIEW (RFC 8970)."""

import pytest

from mailaccess.message import structure
from mailaccess.message.preview import MAX_CHARACTERS, preview

MIXED = "Content-Type: multipart/mixed; boundary=x\n\n"


def of(wire: str) -> str:
    octets = wire.replace("\n", "\r\n").encode()
    return preview(octets, structure.parse(octets))


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("\nhello\n  world\n", "hello world"),
        ("\n> quoted\n\nanswer\n", "answer"),
        ("\n> only quoted\n", "> only quoted"),
        ("Content-Type: text/html\n\n<style>p{}</style><p>caf&eacute; <b>bold</b></p>", "café bold"),
        ("Content-Type: text/html\n\n<!-- c --><script>x<y</script>a<br>b<", "a b<"),
        (
            MIXED + "--x\nContent-Type: text/html\n\n<p>\n--x\n\nplain\n--x--",
            "plain",
        ),
        (
            MIXED
            + "--x\nContent-Disposition: attachment\n\nf\n--x\nContent-Type: text/html\n\n<p>shown\n--x--",
            "shown",
        ),
        ("Content-Disposition: attachment\nContent-Type: text/plain\n\nalone", "alone"),
        ("Content-Type: message/rfc822\n\nSubject: x\n\ninside", "inside"),
        ("Content-Transfer-Encoding: base64\nMIME-Version: 1.0\n\n7ZqM7J2Y", "회의"),
        ("Content-Transfer-Encoding: base64;\nMIME-Version: 1.0\n\n7ZqM7J2Y", "회의"),
        ("Content-Transfer-Encoding: 7bit base64\nMIME-Version: 1.0\n\n7ZqM7J2Y", ""),
        ("Content-Type: image/gif\n\nGIF89a", ""),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: x-odd\n\nx", ""),
        ("Subject: nothing\n\n", ""),
    ],
)
def test_a_message_previews_as(wire: str, text: str) -> None:
    assert of(wire) == text


def test_a_preview_is_short() -> None:
    """RFC 8970 §3.1."""
    assert len(of("\n" + "한 글 " * 10_000)) <= MAX_CHARACTERS <= 256
