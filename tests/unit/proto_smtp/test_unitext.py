"""Addresses beyond ASCII where only ASCII may stand (RFC 6533 §3)."""

from mailaccess.proto.smtp.unitext import from_unitext, to_ascii


def test_there_and_back():
    assert to_ascii("이@한국.kr") == r"\x{C774}@\x{D55C}\x{AD6D}.kr"
    assert from_unitext(to_ascii("이😀@한국.kr")) == "이😀@한국.kr"
    assert to_ascii("lee+2B@x") == "lee+2B@x"


def test_a_number_that_is_no_character_stays():
    for text in (r"\x{D800}", r"\x{110000}", r"\x{FFFFFFF}", r"\x{zz}", r"\x{c774}"):
        assert from_unitext(text) == text
