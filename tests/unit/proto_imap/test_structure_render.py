"""ENVELOPE and BODYSTRUCTURE as octets (RFC 9051 §9)."""

import pytest

from mailaccess.message import structure
from mailaccess.message.envelope import Envelope, envelope
from mailaccess.message.headers import Header
from mailaccess.proto.imap import structure_render as render


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"plain", b'"plain"'),
        (b"", b'""'),
        (b'say "hi" \\', b'"say \\"hi\\" \\\\"'),
        (b"runs  of\t white", b'"runs of white"'),
        ("한".encode(), b"{3}\r\n\xed\x95\x9c"),
        (b"a\0b", b"{3}\r\na\x80b"),
        (b"bare\rCR", b'"bare CR"'),
        (b"\x7f", b"{1}\r\n\x7f"),
    ],
)
def test_a_string_is_quoted_or_a_literal(octets: bytes, said: bytes) -> None:
    assert render.string(octets) == said


def test_an_empty_envelope_is_all_nil() -> None:
    assert render.envelope(Envelope()) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_sender_and_reply_to_are_the_author_where_they_are_absent() -> None:
    """RFC 9051 §7.5.2: the server fills them in."""
    header = Header(b"From: Kim <kim@daum.net>\r\nReply-To: \r\nDate: today\r\nMessage-ID: <a@b>\r\n\r\n")
    kim = b'(("Kim" NIL "kim" "daum.net"))'
    assert render.envelope(envelope(header)) == (
        b'("today" NIL ' + kim + b" " + kim + b" " + kim + b' NIL NIL NIL NIL "<a@b>")'
    )


def test_a_group_is_marked_by_nil_hosts() -> None:
    header = Header(b"To: Friends: kim@daum.net;\r\n\r\n")
    assert render.envelope(envelope(header)).endswith(
        b'((NIL NIL "Friends" NIL)(NIL NIL "kim" "daum.net")(NIL NIL NIL NIL)) NIL NIL NIL NIL)'
    )


def test_of_fields_that_stand_twice_the_last_text_counts_and_addresses_join() -> None:
    header = Header(b"Subject: one\r\nSubject: two\r\nTo: a@x\r\nTo: b@x\r\n\r\n")
    assert render.envelope(envelope(header)) == (
        b'(NIL "two" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "x")) NIL NIL NIL NIL)'
    )


def test_body_leaves_out_extension_data() -> None:
    part = structure.parse(b"Content-Type: text/html; charset=utf-8\r\nContent-Language: ko\r\n\r\n<p>\r\n")
    assert render.body(part) == b'("text" "html" ("charset" "utf-8") NIL NIL "7bit" 5 1)'
    assert render.bodystructure(part) == (
        b'("text" "html" ("charset" "utf-8") NIL NIL "7bit" 5 1 NIL NIL ("ko") NIL)'
    )


def test_text_without_charset_is_us_ascii() -> None:
    """RFC 2045 §5.2."""
    part = structure.parse(b"Content-Type: text/plain; name=x\r\n\r\n")
    assert render.body(part) == b'("text" "plain" ("name" "x" "charset" "us-ascii") NIL NIL "7bit" 0 0)'


def test_a_multipart_without_parts_shows_an_empty_one() -> None:
    part = structure.parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n")
    assert render.body(part) == b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")'


def test_a_message_shows_envelope_structure_and_lines() -> None:
    part = structure.parse(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhi\r\n")
    assert render.body(part) == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 19 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 1) 3)'
    )
