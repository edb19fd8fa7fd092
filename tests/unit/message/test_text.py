"""What SEARCH BODY and TEXT find, and when two texts are the same to it."""

import pytest

from mailaccess.message import structure
from mailaccess.message.text import MAX_MARKS, fold, search_text


def texts(wire: str) -> tuple[str, str]:
    octets = wire.replace("\n", "\r\n").encode()
    return search_text(octets, structure.parse(octets))


MESSAGE = """\
Subject: =?utf-8?B?7ZqM7J2Y?=
Content-Type: multipart/mixed; boundary=x

preamble
--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64
X-Part: partfield

64+Z7ZW066y8
--x
Content-Type: text/html

<b title="attrword">bold</b> &lt;
--x
Content-Type: message/rfc822

Subject: inner subject

inner body
--x
Content-Type: message/delivery-status

Final-Recipient: rfc822;kim@daum.net
--x
Content-Type: application/pdf

PDFBYTES
--x
Content-Type: text/plain
Content-Transfer-Encoding: x-mystery

mystery
--x--
epilogue
"""


@pytest.mark.parametrize("key", ["동해물", 'title="attrword"', "<b", "&lt;", "inner body", "final-recipient"])
def test_body_is_the_decoded_text_of_all_text_parts(key: str) -> None:
    _, body = texts(MESSAGE)
    assert fold(key) in fold(body)


@pytest.mark.parametrize(
    "key",
    ["preamble", "epilogue", "pdfbytes", "mystery", "partfield", "inner subject", "회의", "7ZqM", "64+Z"],
)
def test_body_leaves_out(key: str) -> None:
    _, body = texts(MESSAGE)
    assert fold(key) not in fold(body)


@pytest.mark.parametrize(
    "key", ["subject: 회의", "partfield", "inner subject", "x-mystery", "multipart/mixed"]
)
def test_text_adds_every_header(key: str) -> None:
    headers, _ = texts(MESSAGE)
    assert fold(key) in fold(headers)


@pytest.mark.parametrize("written", ["base64;", "base64 ;", "Base64"])
def test_an_encoding_with_a_semicolon_after_it_is_undone(written: str) -> None:
    assert texts(f"Content-Type: text/plain\nContent-Transfer-Encoding: {written}\n\n7ZqM7J2Y")[1] == "회의"


def test_text_in_an_encoding_that_cannot_be_read_is_searched_as_it_stands() -> None:
    assert (
        texts("MIME-Version: 1.0\nContent-Transfer-Encoding: 8-bit text\n\nplain words")[1] == "plain words"
    )


def test_nothing_is_found_across_the_end_of_a_part() -> None:
    _, body = texts("Content-Type: multipart/mixed; boundary=x\n\n--x\n\nneedle\n--x\n\nhay\n--x--\n")
    assert "needle" in body and "hay" in body
    assert "needlehay" not in body


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ХУЙЛО", "хуйло"),
        ("straße", "STRAẞE"),
        ("é", "e\u0301"),
        ("ｆｕｌｌ", "full"),
        ("ﬁ", "FI"),
        ("한", "\u1112\u1161\u11ab"),
        ("ΟΔΥΣΣΕΑΣ", "οδυσσέας".replace("έ", "ε")),
        ("①", "1"),
        ("ﾊﾟ", "パ"),
    ],
)
def test_the_same_under_fold(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_letters_that_differ_stay_different() -> None:
    assert fold("cafe") != fold("café")
    assert fold("가") != fold("나")


def test_folding_every_character_twice_changes_nothing() -> None:
    for code in (*range(0x20000), *range(0xE0000, 0xE0200)):
        if not 0xD800 <= code < 0xE000:
            once = fold(chr(code))
            assert fold(once) == once, hex(code)


def test_marks_past_the_bound_are_dropped_where_they_might_be_many() -> None:
    """Putting n marks in order takes n² steps (UAX #15 §13)."""
    folded = fold("ㅏ" + "\u0301\u0316" * 10_000)
    assert len(folded) <= MAX_MARKS + 2
    assert fold(folded) == folded


def test_sharp_s_is_not_two_letters() -> None:
    """RFC 5051 §2 maps one character to one."""
    assert fold("Straße") == "straße" != fold("STRASSE")
