"""Transfer encodings undone, whole and in pieces."""

import pytest

from mailaccess.message import transfer

CASES = [
    (b"base64", b"aGVsbG8gd29ybGQ=\r\n", b"hello world"),
    (b"BASE64", b"aGVs\r\nbG8=", b"hello"),
    (b"base64", b"aGVsbG8", b"hello"),  # ends early
    (b"base64", b"aGVsbG8gd", b"hello "),  # six bits left over
    (b"base64", b"aG Vs!bG8=\r\n-- \r\nlist footer", b"hello"),
    (b"base64", b"", b""),
    (b"quoted-printable", b"caf=C3=A9", "café".encode()),
    (b"quoted-printable", b"soft=\r\nbreak", b"softbreak"),
    (b"quoted-printable", b"white  \r\nspace", b"white\r\nspace"),
    (b"quoted-printable", b"soft= \t\r\nbreak", b"softbreak"),
    (b"quoted-printable", b"a=ZZ b=4", b"a=ZZ b=4"),
    (b"quoted-printable", b"ends=", b"ends"),
    (b"quoted-printable", b"=3d=3D", b"=="),
    (b"7bit", b"as it is\xff", b"as it is\xff"),
    (b"8BIT", b"\xed", b"\xed"),
    (b"binary", b"\0\r\n", b"\0\r\n"),
    (None, b"x", b"x"),
]


@pytest.mark.parametrize(("encoding", "octets", "expected"), CASES)
def test_a_body_decodes_to(encoding: bytes | None, octets: bytes, expected: bytes) -> None:
    assert transfer.decode(octets, encoding) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("encoding", "octets", "expected"), CASES)
def test_pieces_decode_to_the_same(encoding: bytes | None, octets: bytes, expected: bytes, size: int) -> None:
    decoder = transfer.decoder(encoding)
    assert decoder is not None
    decoded = [decoder.feed(octets[at : at + size]) for at in range(0, len(octets), size)]
    assert b"".join([*decoded, decoder.finish()]) == expected


@pytest.mark.parametrize("encoding", [b"x-uuencode", b"8bits", b"7-bit", b"gzip"])
def test_an_unknown_encoding_is_told(encoding: bytes) -> None:
    """RFC 3516 §4.3: BINARY must answer NO."""
    assert transfer.decode(b"x", encoding) is None
    assert transfer.decoder(encoding) is None


def test_a_line_without_end_is_not_waited_for_for_ever() -> None:
    decoder = transfer.decoder(b"quoted-printable")
    assert decoder is not None
    out = sum(len(decoder.feed(b"x" * 16384)) for _ in range(64))
    assert out >= 64 * 16384 - 2 * transfer.MAX_LINE
    assert out + len(decoder.finish()) == 64 * 16384
