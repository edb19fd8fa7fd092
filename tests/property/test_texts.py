"""The texts that searches look at: the short ways of reading them tell what the long ones tell."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from mailaccess.message import charset, structure
from mailaccess.message.text import SEPARATOR, fold, part_text
from mailaccess.store.index import fulltext
from mailaccess.store.wireform import to_wire
from tests.property.test_message import wires

HEADERS = [
    b"Subject:tight\n", b"Subject: =?utf-8?Q?=EA=B0=80 A?= B\n", b"Received: by x\n\twith y;\n z\n", b"no colon\n",
    b"X-Folded:\n a\n", b"X-Eight: caf\xc3\xa9 \xe9\n", b"X: \x1b$B8c \x0bV\x0c\n", b": empty name\n", b"A:b: c\n",
    b"Content-Type: text/plain; charset=iso-2022-jp\n", b"Content-Type: text/plain; charset=utf-16\n",
    b"MIME-Version: 1.0\n", b"Content-Type: multipart/mixed; boundary=x\n", b"\n", b"--x\n", b"--x--\n",
    b"Text A=3D \t\n b=\nC\n", b"\x1b$B8cGZ\x1b(B ~{<:~}\n", b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Type: message/rfc822\n",
]  # fmt: skip

messages = st.one_of(wires, st.lists(st.sampled_from(HEADERS), max_size=30).map(b"".join))


def words(text: bytes | None) -> set[bytes]:
    assert text is not None
    return set(text.replace(SEPARATOR.encode(), b" ").split())


@given(messages)
@example(b"".join(HEADERS))
def test_the_words_are_those_of_the_texts(stored: bytes) -> None:
    size = len(to_wire(stored))
    header, body = fulltext.extract_stored(stored, size, whole=True)
    for_body, for_header = fulltext.word_texts(stored, size, [0, 1])
    assert words(for_body) == words(body)
    assert words(for_header) == words(header)
    assert fulltext.word_texts(stored, size, [1]) == (None, for_header)
    assert fulltext.word_texts(stored, size, [0]) == (for_body, None)


@given(messages)
@example(b"".join(HEADERS))
def test_bodies_are_folded_as_their_decoded_text_is(stored: bytes) -> None:
    wire = to_wire(stored)
    texts = [part_text(wire, part) for part in structure.parse(wire).walk()]
    expected = SEPARATOR.join([fold(text) for text in texts if text is not None]).encode("utf-8", "replace")
    assert fulltext.extract(wire)[1] == expected
    assert fulltext.extract_stored(stored, len(wire), whole=False) == (b"", expected)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"]), max_size=12).map(b"".join))
def test_in_wire_form_each_lone_line_feed_has_its_carriage_return_and_nothing_else_changes(
    stored: bytes,
) -> None:
    expected = bytearray()
    for at, octet in enumerate(stored):
        expected += b"\r" if octet == 10 and stored[at - 1 : at] != b"\r" else b""
        expected.append(octet)
    assert to_wire(stored) == expected


@given(messages)
def test_parts_without_their_lines_are_those_of_the_structure(wire: bytes) -> None:
    def places(parts: object) -> list[tuple[int, ...]]:
        return [(part.start, part.body, part.end, part.kind) for part in parts]  # type: ignore[attr-defined]

    assert places(structure.parts(wire)) == places(structure.parse(wire).walk())


KEEPING = sorted({name for name in charset._CODECS.values() if charset.keeps_ascii(name.encode())})


def test_most_charsets_keep_ascii_and_those_that_shift_do_not() -> None:
    assert len(KEEPING) > 50
    assert {"utf_8", "cp949", "gb18030", "cp932", "cp1252"} <= set(KEEPING)
    assert not re.findall(r"iso2022|hz|utf_7|utf_16|utf_32|cp037", " ".join(KEEPING))


@given(
    st.sampled_from(KEEPING),
    st.lists(st.sampled_from([*[bytes([each]) for each in range(128)], b"~{", b"\x1b$B", b"+AG"])),
)
def test_a_charset_that_keeps_ascii_does_so_wherever_it_stands(name: str, octets: list[bytes]) -> None:
    text = b"".join(octets)
    assert charset.decode(text, name.encode()) == text.decode("ascii")
