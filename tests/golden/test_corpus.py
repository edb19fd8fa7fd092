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
from tests.golden.readable import tree
from tests.session.imap.house import run

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(
    not (CORPUS / "golden.json").exists(), reason=f"the shared corpus is not at {CORPUS}"
)

# What must be right of each kind, in percent. The rest is where Dovecot's answer is the worse one:
# a lost boundary after ";;", a parameter lost after a broken one.
AT_LEAST = {
    "ENVELOPE": 100.0,
    "BODYSTRUCTURE": 99.5,
    "BODY": 99.5,
    "RFC822.SIZE": 100.0,
    "BODY[]": 100.0,
    "BODY[HEADER]": 100.0,
    "BODY[TEXT]": 100.0,
    "BODY[]<partial>": 100.0,
    "BODY[n]": 99.8,
    "BODY[n.MIME]": 99.9,
    "BODY[n.HEADER]": 100.0,
    "BODY[n.TEXT]": 100.0,
    "BODY[HEADER.FIELDS]": 100.0,
    "PREVIEW": 90.0,
    "BINARY[n]": 98.9,  # Dovecot decodes what lies inside a message/rfc822 as well, which has no encoding
    "BINARY.SIZE[n]": 98.4,  # the same, and sizes that are not those of its BINARY (RFC 3516 §4.2)
}

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
    right: dict[str, int] = dict.fromkeys(AT_LEAST, 0)
    wrong: dict[str, list[str]] = {kind: [] for kind in AT_LEAST}
    for ident, entry in golden["messages"].items():
        wire = checker.normalise((CORPUS / "messages" / f"{ident}.eml").read_bytes())
        root = structure.parse(wire)
        assert structure.load(structure.dump(root)) == root, ident
        for item in entry["fetch"]:
            kind = checker.kind_of(item)
            if comparer.judge(ident, item, entry, answer(wire, root, item)) == "different":
                wrong[kind].append(f"{ident} {item}")
            else:
                right[kind] += 1
    for kind, least in AT_LEAST.items():
        percent = 100 * right[kind] / (right[kind] + len(wrong[kind]))
        assert percent >= least, f"{kind}: {percent:.2f} percent are right; wrong: {wrong[kind][:20]}"
