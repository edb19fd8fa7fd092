"""Encoded words and charsets as text."""

import pytest

from mailaccess.message import charset
from mailaccess.message.words import decoded, one_line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 2047 §8
        (b"=?ISO-8859-1?Q?a?=", "a"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=   =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        (b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"),
        (b"Keld =?ISO-8859-1?Q?J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        # Korean, as it is found
        (b"=?ks_c_5601-1987?B?yLjAxw==?=", "회의"),
        (b"=?EUC-KR?B?jGO5?=", "똠\ufffd"),
        (b"=?utf-8*ko?B?7ZqM7J2Y?=", "회의"),
        (b"=?utf-8?B?7Zo=?= =?utf-8?B?jOydmA==?=", "회의"),  # cut inside a character
        (b"=?UTF-8?Q?=ED=9A?= =?utf-8?Q?=8C?=", "회"),
        # the careless
        (b"pre=?utf-8?Q?a?=post", "preapost"),
        (b"=?x-unknown?Q?caf=41?=", "cafA"),
        (b"=?utf-8?B?aGVsbG8?=", "hello"),
        (b"=?utf-8?B?aGVs!bG8=?=", "hello"),
        (b"=?utf-8?Q?a=ZZb=?=", "a=ZZb"),
        (b"=?utf-8?Q??=", ""),
        (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
        (b"=?utf-8?Q?unterminated", "=?utf-8?Q?unterminated"),
        ("날것".encode(), "날것"),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_a_value_decodes_to(value: bytes, text: str) -> None:
    assert decoded(value) == text


def test_one_line_joins_white_space() -> None:
    assert one_line(b" a \t  b =?utf-8?Q?_c?= ") == "a b c"


@pytest.mark.parametrize(
    ("name", "octets", "text"),
    [
        (b"EUC-KR", "한글".encode("euc-kr"), "한글"),
        (b"ks_c_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
        (b"gb2312", "关于".encode("gb18030"), "关于"),
        (b"Shift_JIS", "日本語①".encode("cp932"), "日本語①"),
        (b"iso-2022-jp", "日本語".encode("iso2022_jp"), "日本語"),
        (b"big5", "繁體".encode("big5"), "繁體"),
        (b"koi8-r", "дядя".encode("koi8-r"), "дядя"),
        (b"windows-1251", "дядя".encode("cp1251"), "дядя"),
        (b"iso-8859-1", b"\x93quoted\x94", "“quoted”"),
        (b"utf-16", "혼".encode("utf-16"), "혼"),
        (b"utf-7", b"+1Vw-", "한"),
        (b'"utf-8"', "한".encode(), "한"),
        (b"us-ascii", "한".encode(), "한"),
        (b"x-made-up", b"plain", "plain"),
        (None, b"plain", "plain"),
    ],
)
def test_charsets_of_mail_decode(name: bytes | None, octets: bytes, text: str) -> None:
    assert charset.decode(octets, name) == text


@pytest.mark.parametrize(
    "name", [b"punycode", b"idna", b"zlib", b"base64", b"unicode_escape", b"../x", b"a" * 1000]
)
def test_names_of_no_charset_are_not_looked_up(name: bytes) -> None:
    assert charset.codec(name) is None


def test_no_charset_yields_half_a_surrogate_pair() -> None:
    """UTF-7 can spell one, and then no file and no reply could hold the text."""
    charset.decode(b"+2AA-", b"utf-7").encode("utf-8")
