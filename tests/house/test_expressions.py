"""Regular expressions mean the same in every Python that is promised."""

import ast
import importlib
import pkgutil
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

import pytest

import mailaccess

# Modules that cannot be imported without a package that is optional, or that run something.
LEFT_OUT = {"mailaccess.__main__"}


def modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.walk_packages(mailaccess.__path__, "mailaccess."):
        if found.name not in LEFT_OUT:
            try:
                yield importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                assert not (error.name or "").startswith("mailaccess"), error


def expressions() -> list[re.Pattern]:
    return [value for module in modules() for value in vars(module).values() if isinstance(value, re.Pattern)]


def inside(parsed: object) -> Iterator[tuple[object, object]]:
    """Each operation with what it holds, at any depth."""
    if isinstance(parsed, tuple) and len(parsed) == 2 and parsed[0] in vars(ops).values():
        yield parsed
    if isinstance(parsed, parser.SubPattern | list | tuple):
        for each in parsed:
            yield from inside(each)


def may_backtrack(op: object, value: object) -> bool:
    return op is ops.BRANCH or (op in (ops.MAX_REPEAT, ops.MIN_REPEAT) and value[0] != value[1])  # type: ignore[index]


def greedy_groups(expression: str | bytes, flags: int = 0) -> list[object]:
    """What is repeated possessively, or is atomic, while there is something in it to come back to."""
    held = [
        value[2] if op is ops.POSSESSIVE_REPEAT else value  # type: ignore[index]
        for op, value in inside(parser.parse(expression, flags))
        if op in (ops.POSSESSIVE_REPEAT, ops.ATOMIC_GROUP)
    ]
    return [each for each in held if any(may_backtrack(*found) for found in inside(each))]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are none before 3.11")
def test_no_group_is_repeated_possessively() -> None:
    """Python before 3.11.5, Debian 12's too, forgets alternatives inside of such a group (gh-106052)."""
    found = expressions()
    assert len(found) > 100
    assert [each.pattern for each in found if greedy_groups(each.pattern, each.flags)] == []


SUSPECT = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+|\(\?>")
"""A group that is repeated possessively, or an atomic one; also what only looks so, inside of a class."""


def suspects() -> Iterator[tuple[str, str]]:
    """Where, and what: also of expressions that are put together, or compiled where they are used."""
    for path in sorted(Path(mailaccess.__path__[0]).rglob("*.py")):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)) if SUSPECT.search(source) else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                if SUSPECT.search(text):
                    yield f"{path}:{node.lineno}", text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are none before 3.11")
def test_nor_in_expressions_without_a_name() -> None:
    """A part that is no expression by itself cannot be judged: such a group is written whole."""
    assert [where for where, text in suspects() if greedy_groups(text)] == []


def test_what_is_refused_is_found() -> None:
    for bad in (r"(?:ab|cd)*+", r"x(?:(?:ab?c)++)", r"(?>ab*)", r"(?:[a]{1,2}b){2,3}+"):
        assert greedy_groups(bad) and SUSPECT.search(bad), bad
    assert greedy_groups(r"[^a]*+b++.?+(?:cd)*(?:e{10}\.[^f]*+/)*+") == []
