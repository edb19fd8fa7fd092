"""Every message of the shared corpus, read offline and compared with what a real Dovecot answered.

The corpus holds other people's mail and is no part of this repository. Where its folder is not beside
the checkout, these tests say so and skip; tests/golden/messages has messages of our own.
"""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailaccess.imap.fetch import sections
from mailaccess.imap.fetch.items import BinaryItem
from mailaccess.message import body, envelope, structure
from mailaccess.message.headers import Header
from mailaccess.message.part import Part
from mailaccess.message.preview import preview
from mailaccess.proto.imap import structure_render
from tests.golden import differences
from tests.golden.readable import tree
from tests.session.imap.house import run

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(
    not (CORPUS / "golden.json").exists(), reason=f"the shared corpus is not at {CORPUS}"
)

_SECTION = re.compile(
    r"BODY\[([\d.]*?)\.?(MIME|HEADER|TEXT|HEADER\.FIELDS(?:\.NOT)? \((.*)\))?\](?:<(\d+)\.(\d+)>)?$"
)


@pytest.fixture(scope="module")
def checker() -> Iterator[ModuleType]:
    """The corpus's own rules of comparison."""
    spec = importlib.util.spec_from_file_location("corpus_check_golden", CORPUS / "check_golden.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = writes
    yield module
    del sys.modules[spec.name]


def answer(wire: bytes, root: Part, item: str) -> Any:
    """What a FETCH of ``item`` would say, as a tree of golden.json; None for NIL."""
    if item == "ENVELOPE":
        return tree(structure_render.envelope(envelope.envelope(Header(wire[root.start : root.body]))))
    if item == "BODYSTRUCTURE":
        return tree(structure_render.bodystructure(root))
    if item == "BODY":
        return tree(structure_render.body(root))
    if item == "RFC822.SIZE":
        return len(wire)
    if item == "PREVIEW":
        return preview(wire, root).encode().decode("latin-1")
    if item.startswith("BINARY"):
        return binary(wire, root, item)
    match = _SECTION.match(item)
    assert match, item
    numbers, text, names, start, length = match.groups()
    path = tuple(int(number) for number in numbers.split(".") if number)
    fields = text is not None and text.startswith("HEADER.FIELDS")
    found = body.section(root, path, "HEADER" if fields else text or "")
    if found is None:
        return None
    octets = wire[found.offset : found.offset + found.length]
    if fields:
        octets = Header(octets).select(names.encode().split(), inverted=".NOT" in text)
    if start:
        octets = octets[int(start) : int(start) + int(length)]
    return octets.decode("latin-1")


def binary(wire: bytes, root: Part, item: str) -> Any:
    name, _, numbers = item[:-1].partition("[")
    path = tuple(int(number) for number in numbers.split(".") if number)
    wanted = BinaryItem(b"", path, None, name == "BINARY.SIZE")
    try:
        encoding = run(sections.encoding_of(wanted, wire, root))
        content = sections.decoded(wanted, wire, root, encoding)
    except sections.UnknownEncoding:
        return {"no": "UNKNOWN-CTE"}
    if wanted.size_only:
        return len(content or b"")
    return None if content is None else content.decode("latin-1")


def test_answers_equal_those_of_a_real_dovecot(checker: ModuleType) -> None:
    golden = json.loads((CORPUS / "golden.json").read_text("utf-8"))
    comparer = checker.Comparer(checker.Accepted(CORPUS / "accepted.json"))
    different = set()
    for ident, entry in golden["messages"].items():
        wire = checker.normalise((CORPUS / "messages" / f"{ident}.eml").read_bytes())
        root = structure.parse(wire)
        assert structure.load(structure.dump(root)) == root, ident
        for item in entry["fetch"]:
            if comparer.judge(ident, item, entry, answer(wire, root, item)) == "different":
                different.add(f"{ident} {item}")
    assert different == {item for items in differences.FETCHED.values() for item in items}
