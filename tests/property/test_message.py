"""Any octets are a message: reading them never fails, and what is told of them fits together."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from mailaccess.message import (
    address,
    body,
    dates,
    envelope,
    mime,
    searchkeys,
    stored,
    structure,
    transfer,
    words,
)
from mailaccess.message.headers import Header, find_end
from mailaccess.message.part import MESSAGE, MULTIPART, Part
from mailaccess.message.preview import preview
from mailaccess.message.subject import base_subject
from mailaccess.message.text import fold, search_text
from mailaccess.proto.imap import structure_render
from tests.golden.readable import tree

PIECES = [
    b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Type: multipart/digest; boundary=xx\r\n",
    b"Content-Type: message/rfc822\r\n", b"Content-Type: text/html; charset=euc-kr\r\n",
    b"MIME-Version: 1.0\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b\r\n",
    b"Content-Language: ko, en\r\n", b"From: Kim <kim@daum.net>, (c) \"q\" <@r:x@y>, g: a@b;\r\n",
    b"Subject: =?utf-8?B?7Zo=?=\r\n =?utf-8?Q?=8C?=\r\n", b"Date: Mon, 4 Mar 2019 10:00:00 +0900\r\n",
    b"\r\n", b"\n", b"\r", b"--x\r\n", b"--x--\r\n", b"--xx\r\n", b"--xx--", b"text\r\n", b"aGVsbG8=\r\n",
    b"=3D=\r\n", b"\0", b"\xff\xfe", b" ", b"\t", b":", b";", b"\"", b"(", b"\\", b"<", b"=?",
]  # fmt: skip

octets = st.binary(max_size=200)
wires = st.one_of(
    octets, st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)), max_size=40).map(b"".join)
)


@given(wires)
def test_reading_never_fails(wire: bytes) -> None:
    root = structure.parse(wire)
    header = structure.root_header(wire, root)
    tree(structure_render.envelope(envelope.envelope(header)))
    tree(structure_render.bodystructure(root))
    tree(structure_render.body(root))
    search_text(wire, root)
    assert len(preview(wire, root)) <= 256
    searchkeys.sent_date(header)
    searchkeys.references(header)
    base_subject(searchkeys.subject(header))
    for name in ("From", "Subject", "Content-Type"):
        searchkeys.field_texts(header, name)
    for field in (b"from", b"to"):
        searchkeys.first_mailbox(header, field)
        searchkeys.display_name(header, field)


@given(octets)
def test_reading_a_value_never_fails(value: bytes) -> None:
    address.parse(value)
    dates.parse(value)
    mime.content_type(value)
    mime.disposition(value)
    mime.languages(value)
    mime.transfer_encoding(value)
    words.decoded(value).encode("utf-8")
    searchkeys.message_ids(value)


def check(part: Part, start: int, end: int) -> None:
    assert start <= part.start <= part.body <= part.end <= end
    assert (part.kind == MESSAGE) == (part.kind == MESSAGE and len(part.parts) == 1)
    assert part.kind == MULTIPART or part.kind == MESSAGE or not part.parts
    least = part.body
    for child in part.parts:
        check(child, least, part.end)
        least = child.end


@given(wires)
def test_parts_lie_inside_each_other_in_order(wire: bytes) -> None:
    root = structure.parse(wire)
    assert (root.start, root.end) == (0, len(wire))
    check(root, 0, len(wire))


@given(wires)
def test_header_and_text_are_the_message(wire: bytes) -> None:
    root = structure.parse(wire)
    header, text = body.section(root, (), "HEADER"), body.section(root, (), "TEXT")
    assert header is not None and text is not None
    assert (header.offset, header.offset + header.length, text.offset + text.length) == (
        0,
        text.offset,
        len(wire),
    )


@given(wires)
def test_what_is_dumped_loads_equal(wire: bytes) -> None:
    root = structure.parse(wire)
    assert structure.load(structure.dump(root)) == root
    value = envelope.envelope(structure.root_header(wire, root))
    assert stored.load_envelope(stored.dump_envelope(value)) == value


@given(st.binary(max_size=120))
def test_loading_anything_else_is_a_value_error(damaged: bytes) -> None:
    try:
        structure.load(damaged)
    except ValueError:
        pass


@given(wires)
def test_every_field_is_in_one_half_of_a_selection(wire: bytes) -> None:
    end = find_end(wire, 0, len(wire))
    block = wire[:end] if end >= 0 else wire
    header = Header(block)
    chosen, others = header.select([b"from"]), header.select([b"from"], inverted=True)
    octets_kept = sorted(re.sub(rb"[\r\n]", b"", chosen + others))
    assert octets_kept == sorted(re.sub(rb"[\r\n]", b"", block))


@given(st.text(max_size=60))
@example("ΐ\u0345ﾞ\u0316İ")
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_word_is_found_whatever_its_case(before: str, word: str) -> None:
    text = f"{before} {word} x"
    assert fold(f" {word} ") in fold(text)
    assert fold(f" {word} ".upper()) in fold(text.upper())


@given(
    st.binary(max_size=300),
    st.lists(st.integers(1, 40), max_size=20),
    st.sampled_from([b"base64", b"quoted-printable"]),
)
def test_decoding_in_pieces_is_decoding_at_once(encoded: bytes, sizes: list[int], encoding: bytes) -> None:
    decoder = transfer.decoder(encoding)
    assert decoder is not None
    pieces, at = [], 0
    for size in sizes:
        pieces.append(decoder.feed(encoded[at : at + size]))
        at += size
    pieces += [decoder.feed(encoded[at:]), decoder.finish()]
    assert b"".join(pieces) == transfer.decode(encoded, encoding)
