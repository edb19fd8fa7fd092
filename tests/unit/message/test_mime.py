"""Parameters and their RFC 2231 sections."""

import pytest

from mailaccess.message import mime
from mailaccess.message.lexical import Lexer


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"; a=b", [(b"a", b"b")]),
        (b'; a="b c"; D=e', [(b"a", b"b c"), (b"D", b"e")]),
        (b'; a="b\\"c"', [(b"a", b'b"c')]),
        (b"; a=b (comment); c=d", [(b"a", b"b"), (b"c", b"d")]),
        (b';\r\n\ta="b";\r\n c=d', [(b"a", b"b"), (b"c", b"d")]),
        (b"; a=b; a=c", [(b"a", b"b"), (b"a", b"c")]),
        # What breaks the grammar takes the next parameter with it, as in Dovecot.
        (b"; broken; c=d", []),
        (b"; broken; c=d; e=f", [(b"e", b"f")]),
        (b";; c=d", []),
        (b";; c=d; e=f", [(b"e", b"f")]),
        (b"; a=; =b", [(b"a", b""), (b"", b"b")]),
        (b"; broken; a=; =b; c", [(b"", b"b")]),
        (b"; name==?utf-8?b?aGk=?=; c=d", [(b"name", b"=?utf-8?b?aGk=?="), (b"c", b"d")]),
        (b'; a="never closed; c=d', []),
        # RFC 2231 §3
        (b'; URL*0="ftp://";\r\n URL*1="cs.utk.edu/pub"', [(b"URL", b"ftp://cs.utk.edu/pub")]),
        (b"; f*1=b; f*0=a", [(b"f", b"ab")]),
        # §4.1: encoded and plain sections, the value left encoded (§6)
        (
            b"; title*0*=us-ascii'en'This%20is%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=it!",
            [(b"title*", b"us-ascii'en'This%20is%20%2A%2A%2Afun%2A%2A%2A%20it!")],
        ),
        (b"; f*=utf-8''%ED%95%9C", [(b"f*", b"utf-8''%ED%95%9C")]),
        (b"; f*0=a%; f*1*=%41", [(b"f*", b"''a%25%41")]),
        (b"; f*0=a; f*2=c", [(b"f*0", b"a"), (b"f*2", b"c")]),
        (b"; f*0=a; f*0=b", [(b"f*0", b"a"), (b"f*0", b"b")]),
    ],
)
def test_parameters_read_as(value: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert list(mime.params(Lexer(value))) == expected


def test_parameters_stop_at_the_bound() -> None:
    """CVE-2026-27859: floods of RFC 2231 sections."""
    flood = b"".join(b"; n*%d*=%%41" % number for number in range(50_000))
    ((name, value),) = mime.params(Lexer(flood))
    assert name == b"n*" and value.count(b"%41") == mime.MAX_PARAMS


def test_section_numbers_of_any_length_are_no_work() -> None:
    name = b"n*" + b"9" * 100_000
    assert mime.params(Lexer(b"; " + name + b"=x")) == ((name, b"x"),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"base64", b"base64"),
        (b" 7bit (comment)", b"7bit"),
        (b"(lead) quoted-printable", b"quoted-printable"),
        (b"7bit base64", None),
        (b'"base64"', None),
        (b"base64;", None),
        (b"", None),
    ],
)
def test_a_transfer_encoding_is_one_token(value: bytes, expected: bytes | None) -> None:
    assert mime.transfer_encoding(value) == expected


def test_an_extended_value_decodes_with_its_charset() -> None:
    assert mime.extended_value(b"utf-8'ko'%ED%95%9C.pdf") == (b"utf-8", "한.pdf".encode())
    assert mime.extended_value(b"no%20quotes") == (b"", b"no quotes")
