"""The MIME tree: which octets are whose."""

from mailaccess.message import structure
from mailaccess.message.part import LEAF, MAX_DEPTH, MESSAGE, MULTIPART, TEXT, Part


def lines(*text: str) -> bytes:
    return "\r\n".join(text).encode()


def body_of(wire: bytes, part: Part) -> bytes:
    return wire[part.body : part.end]


MIXED = "Content-Type: multipart/mixed; boundary="


def test_a_plain_message_is_one_text_part() -> None:
    wire = b"From: kim@daum.net\r\n\r\nhello\r\nworld\r\n"
    root = structure.parse(wire)
    assert (root.kind, root.type, root.subtype, root.params) == (TEXT, b"text", b"plain", ())
    assert body_of(wire, root) == b"hello\r\nworld\r\n"
    assert (root.octets, root.lines, root.parts) == (14, 2, ())


def test_the_line_end_before_a_boundary_belongs_to_it() -> None:
    """RFC 2046 §5.1.1."""
    wire = lines(MIXED + "x", "", "preamble", "--x", "", "one", "--x", "", "two", "", "--x--", "epilogue", "")
    root = structure.parse(wire)
    assert [body_of(wire, part) for part in root.parts] == [b"one", b"two\r\n"]
    assert root.kind == MULTIPART and root.end == len(wire)


def test_the_example_of_rfc_2046_reads_as_it_is_told_there() -> None:
    """RFC 2046 §5.1.1: an implicitly typed part without, an explicit one with a line break at its end."""
    wire = lines(
        "MIME-Version: 1.0",
        'Content-type: multipart/mixed; boundary="simple boundary"',
        "",
        "This is the preamble.",
        "--simple boundary",
        "",
        "This is implicitly typed plain US-ASCII text.",
        "It does NOT end with a linebreak.",
        "--simple boundary",
        "Content-type: text/plain; charset=us-ascii",
        "",
        "This is explicitly typed plain US-ASCII text.",
        "It DOES end with a linebreak.",
        "",
        "--simple boundary--",
        "",
        "This is the epilogue.  It is also to be ignored.",
    )
    first, second = structure.parse(wire).parts
    assert body_of(wire, first).endswith(b"linebreak.") and first.lines == 1
    assert body_of(wire, second).endswith(b"linebreak.\r\n") and second.lines == 2
    assert first.params == () and second.param(b"charset") == b"us-ascii"


def test_an_unclosed_multipart_ends_with_what_holds_it() -> None:
    wire = lines(MIXED + "out", "", "--out", MIXED + "in", "", "--in", "", "deep", "--out", "", "last")
    inner, last = structure.parse(wire).parts
    assert [body_of(wire, part) for part in inner.parts] == [b"deep"]
    assert body_of(wire, last) == b"last"


def test_of_boundaries_that_begin_alike_the_exact_then_the_longest_is_meant() -> None:
    wire = lines(
        MIXED + "k",
        "",
        "--k",
        MIXED + "kk",
        "",
        "--kk",
        "",
        "a",
        "--kk",
        "",
        "b",
        "--kk--",
        "--k",
        "",
        "c",
        "--k--",
    )
    inner, last = structure.parse(wire).parts
    assert [body_of(wire, part) for part in inner.parts] == [b"a", b"b"]
    assert body_of(wire, last) == b"c"


def test_a_boundary_line_may_carry_more_than_the_boundary() -> None:
    wire = lines(MIXED + "x", "", "--x trailing", "", "one", "--x--and more", "")
    assert [body_of(wire, part) for part in structure.parse(wire).parts] == [b"one"]


def test_a_header_that_runs_into_a_boundary_ends_there() -> None:
    wire = lines(MIXED + "x", "", "--x", "Content-Type: text/html", "--x", "", "two", "--x--")
    first, second = structure.parse(wire).parts
    assert wire[first.start : first.body] == b"Content-Type: text/html"
    assert first.subtype == b"html" and first.octets == 0
    assert body_of(wire, second) == b"two"


def test_a_message_inside_has_its_own_header_and_envelope() -> None:
    wire = lines(
        MIXED + "x",
        "",
        "--x",
        "Content-Type: message/rfc822",
        "",
        "Subject: inner",
        "From: kim@daum.net",
        "",
        "hi",
        "--x--",
    )
    (part,) = structure.parse(wire).parts
    (message,) = part.parts
    assert part.kind == MESSAGE and part.envelope is None
    assert message.envelope is not None and message.envelope.subject == b"inner"
    assert body_of(wire, message) == b"hi" and message.end == part.end
    assert part.lines == 3


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    """RFC 2046 §5.1.5."""
    wire = lines(
        "Content-Type: multipart/digest; boundary=d", "", "--d", "", "Subject: one", "", "first", "--d",
        "Content-Type: text/plain", "", "text", "--d--",
    )  # fmt: skip
    first, second = structure.parse(wire).parts
    assert first.kind == MESSAGE and second.kind == TEXT


def test_content_fields_count_only_in_mime_messages() -> None:
    """Without MIME-Version and Content-Type they are words of another time."""
    wire = b"Content-Transfer-Encoding: base64\r\nContent-Language: ko\r\n\r\nx"
    assert structure.parse(wire).encoding is None
    assert structure.parse(b"MIME-Version: 1.0\r\n" + wire).encoding == b"base64"
    assert structure.parse(b"MIME-Version: 1.0\r\n" + wire).language == (b"ko",)


def test_all_fields_of_a_part_are_kept() -> None:
    wire = lines(
        'Content-Type: image/gif; name="a b.gif"',
        "Content-ID: <id@x>",
        "Content-Description: a\r\n picture",
        "Content-MD5: Q2hlY2s=",
        "Content-Disposition: inline; filename=a.gif",
        "Content-Language: ko, en-US",
        "Content-Location: http://x.example/",
        "Content-Transfer-Encoding: BASE64",
        "",
        "R0lG",
    )
    part = structure.parse(wire)
    assert part.kind == LEAF and part.params == ((b"name", b"a b.gif"),)
    assert part.id == b"<id@x>" and part.description == b"a picture" and part.md5 == b"Q2hlY2s="
    assert (part.disposition, part.disposition_params) == (b"inline", ((b"filename", b"a.gif"),))
    assert part.language == (b"ko", b"en-US") and part.location == b"http://x.example/"
    assert part.encoding == b"BASE64"


def test_a_content_type_that_cannot_be_read_means_plain_text() -> None:
    """RFC 2045 §5.2."""
    for value in (b"text", b"/plain", b"", b"text/plain charset=x", b"multipart/", b'"text/html"'):
        part = structure.parse(b"Content-Type: " + value + b"\r\n\r\nx")
        assert (part.kind, part.type, part.subtype) == (TEXT, b"text", b"plain"), value


def test_the_first_content_type_counts() -> None:
    part = structure.parse(b"Content-Type: text/html\r\nContent-Type: image/gif\r\n\r\nx")
    assert part.subtype == b"html"


def test_a_multipart_without_boundary_or_parts_has_none() -> None:
    assert structure.parse(b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\na").parts == ()
    assert structure.parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n").parts == ()
    assert structure.parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x").parts == ()


def test_an_unknown_subtype_of_multipart_is_opened_all_the_same() -> None:
    """RFC 2046 §5.1.7."""
    assert (
        len(structure.parse(b"Content-Type: multipart/odd; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--").parts)
        == 1
    )


def test_nesting_stops_at_the_bound() -> None:
    wire = b"Content-Type: message/rfc822\r\n\r\n" * (MAX_DEPTH + 50)
    part, depth = structure.parse(wire), 0
    while part.parts:
        (part,) = part.parts
        depth += 1
    assert depth == MAX_DEPTH and part.kind == LEAF
    assert (part.type, part.end) == (b"message", len(wire))


def test_the_parts_of_a_flood_stop_at_the_bound() -> None:
    wire = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * (structure.MAX_PARTS + 100)
    root = structure.parse(wire)
    assert len(root.parts) <= structure.MAX_PARTS
    assert root.end == len(wire)


def test_a_memoryview_serves_too() -> None:
    wire = b"From: a\r\n\r\nb"
    assert structure.parse(memoryview(wire)) == structure.parse(wire)


def test_bare_line_feeds_and_nul_are_taken_as_they_come() -> None:
    wire = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\0b\n--x--\n"
    (part,) = structure.parse(wire).parts
    assert body_of(wire, part) == b"a\0b"
