"""Messages stored with LF line ends have the structure of their wire form."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.message import lineends, structure

LINES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=a", b"Content-Type: multipart/digest;\n boundary=ab",
        b"Content-Type: message/rfc822", b"Content-Type: text/plain;\n\tcharset=utf-8", b"MIME-Version: 1.0",
        b"Subject: one\n two", b"", b"", b"--a", b"--ab", b"--a--", b"--ab--", b"text", b" folded",
        b"Content-Transfer-Encoding: base64", b"From: a@b", b":", b"--",
    ]
)  # fmt: skip

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus"


def assert_structure_of_the_wire_form(stored: bytes) -> None:
    wire = stored.replace(b"\n", b"\r\n")
    assert lineends.parse(stored) == structure.parse(wire)
    assert lineends.wire_tree(stored, structure.parse(stored), len(wire)) == structure.parse(wire)


@given(st.lists(LINES, max_size=40), st.booleans())
def test_the_structure_is_that_of_the_wire_form(lines: list[bytes], ended: bool) -> None:
    assert_structure_of_the_wire_form(b"\n".join(lines) + (b"\n" if ended else b""))


def test_every_message_of_the_corpus_has_the_structure_of_its_wire_form() -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus is not here")
    for path in sorted(CORPUS.rglob("*.eml")):
        stored = path.read_bytes().replace(b"\r", b"")
        if lineends.is_plain(stored):
            assert_structure_of_the_wire_form(stored)


def test_a_size_that_cannot_be_true_is_not_believed() -> None:
    stored = b"Subject: a\n\none\ntwo\n"
    for size in (1, len(stored) - 1, 10 * len(stored)):
        assert lineends.wire_tree(stored, structure.parse(stored), size) == lineends.parse(stored)


def test_pieces_are_those_of_the_wire_form() -> None:
    stored = b"Subject: a\n\none\ntwo\n"
    tree, wire = structure.parse(stored), stored.replace(b"\n", b"\r\n")
    told = lineends.wire_tree(stored, tree)
    assert lineends.Pieces(stored)[tree.body : tree.end] == wire[told.body : told.end] == b"one\r\ntwo\r\n"
    assert not lineends.is_plain(wire)
