"""Every text that the server says to people of IMAP has a Korean one (RFC 5255 §3)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailaccess.imap.korean import KOREAN
from mailaccess.imap.languages import choose, translated

PACKAGE = Path(__file__).parents[2] / "mailaccess"

SAYING = {"Ok", "No", "Bad", "Bye", "no", "bad", "Continue", "Malformed", "Cancelled", "UnknownMechanism"}
SAYING |= {
    node.name
    for node in ast.parse((PACKAGE / "model/errors.py").read_text("utf-8")).body
    if isinstance(node, ast.ClassDef)
}
FILES = [
    *PACKAGE.glob("imap/**/*.py"),
    *PACKAGE.glob("proto/imap/**/*.py"),
    *PACKAGE.glob("proto/sasl/*.py"),
    *PACKAGE.glob("store/**/*.py"),
    *PACKAGE.glob("auth/*.py"),
    PACKAGE / "model/errors.py",
]


def texts_of(node: ast.expr) -> Iterator[str]:
    """The texts an expression may be, with {} for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        case ast.IfExp():
            yield from texts_of(node.body)
            yield from texts_of(node.orelse)


def said(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in SAYING:
                yield from texts_of(node.args[0])
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "default":
                    yield from texts_of(line.value)
        elif isinstance(node, ast.FunctionDef) and node.name == "problem" and path.parent.name == "model":
            for line in ast.walk(node):
                if isinstance(line, ast.Return) and line.value is not None:
                    yield from texts_of(line.value)


def test_every_text_has_a_korean_one() -> None:
    missing = {
        (str(path.relative_to(PACKAGE)), text)
        for path in [*FILES, PACKAGE / "model/names.py"]
        for text in said(path)
        if text and translated(text.replace("{}", "X"), "ko") == text.replace("{}", "X")
    }
    assert missing == set()


@pytest.mark.parametrize(("english", "korean"), KOREAN.items())
def test_what_is_filled_in_is_filled_in(english: str, korean: str) -> None:
    text = translated(english.replace("{}", "7"), "ko")
    assert "{" not in text and text.isprintable()
    if "{}" in korean:
        assert "7" in text


@pytest.mark.parametrize(
    ("ranges", "chosen"),
    [
        (["ko"], "ko"),
        (["KO-kr"], "ko"),
        (["fr-CA", "en-CA"], "en"),
        (["fr", "de"], None),
        (["default"], "ko"),
        (["*"], "ko"),
        (["i-default"], "i-default"),
        (["kok"], None),
        ([""], None),
        (["-"], None),
    ],
)
def test_a_language_is_looked_up(ranges: list[str], chosen: str | None) -> None:
    assert choose(ranges, "ko") == chosen
