"""Messages written for this project beside the ENVELOPE and BODYSTRUCTURE that are expected of them.

``NAME.eml`` has LF line ends, which become CRLF here; ``NAME.txt`` holds both values as indented IMAP.
To add one: write the two files by hand, or let ``readable`` print what we say and read it critically.
"""

import re
from pathlib import Path

import pytest

from mailaccess.message import structure
from mailaccess.message.envelope import envelope
from mailaccess.proto.imap import structure_render
from tests.golden.readable import readable, tree

MESSAGES = sorted((Path(__file__).parent / "messages").glob("*.eml"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_envelope_and_structure_are_as_written_beside_the_message(path: Path) -> None:
    wire = re.sub(rb"(?<!\r)\n", b"\r\n", path.read_bytes())
    root = structure.parse(wire)
    header = structure.root_header(wire, root)
    said_envelope = readable(tree(structure_render.envelope(envelope(header))))
    said_structure = readable(tree(structure_render.bodystructure(root)))
    said = f"ENVELOPE\n{said_envelope}\nBODYSTRUCTURE\n{said_structure}\n"
    assert said == path.with_suffix(".txt").read_text("utf-8")


def test_there_are_messages() -> None:
    assert len(MESSAGES) >= 15
