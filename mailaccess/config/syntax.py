"""A configuration file as a tree, and the line on which each key stands.

``tomllib`` reads the values but does not tell where they stood; a small scan of the same text, which is
known to be well-formed by then, finds the lines of the keys. Keys of inline tables count as the line of
their table.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailaccess.config.errors import MAX_SHOWN

MAX_SIZE: Final = 2**20
"""Octets of a configuration file: more is not one."""

Key = tuple[str, ...]


class SyntaxProblem(ValueError):
    """The file is not TOML, or cannot be read; ``line`` is 0 where no line is to blame."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """tree: tables as dicts.  lines: key, such as ("listen", "imap"), to the number of its line."""

    tree: dict[str, Any]
    lines: dict[Key, int]

    def line(self, key: Key) -> int:
        """The line of ``key``, or of the nearest table around it; 0 for none."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return self.lines[key[:length]]
        return 0


def read(path: Path) -> Document:
    """Read a file. Raises SyntaxProblem."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise SyntaxProblem(f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_SIZE:
        raise SyntaxProblem("is too large for a configuration file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SyntaxProblem("is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    return parse(text.removeprefix("\ufeff"))


def parse(text: str) -> Document:
    """Read the text of a file. Raises SyntaxProblem."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
        line = int(where[1]) if where and where[1] else text.count("\n") + 1
        said = message[: where.start()] if where else message
        raise SyntaxProblem(f"{said}{_shown(text, line)}", line) from None
    except RecursionError:
        raise SyntaxProblem("is nested too deeply") from None
    return Document(tree, _lines(text))


def _shown(text: str, number: int) -> str:
    """The line that is not TOML, as far as it can be shown; its end is often where the trouble is."""
    lines = text.split("\n")
    line = lines[number - 1].strip()[:MAX_SHOWN] if number <= len(lines) else ""
    return f": {line}" if line and line.isprintable() else ""


# Strings before anything else, so that no sign within them counts; then comments, line ends, brackets, words.
_TOKEN: Final = re.compile(
    r'(?P<string>"""(?:[^"\\]|\\.|"(?!""))*"""+|\'\'\'(?:[^\']|\'(?!\'\'))*\'\'\'+'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<sign>[\[\]{}=.,])|(?P<word>[^\s\[\]{}=.,\"'\#]+)",
    re.DOTALL,
)


def _lines(text: str) -> dict[Key, int]:
    """Where each key stands, in one pass over the tokens."""
    lines: dict[Key, int] = {}
    table: Key = ()
    key: list[str] = []
    line, depth, in_value, in_header = 1, 0, False, False
    for match in _TOKEN.finditer(text):
        token = match[0]
        kind = match.lastgroup
        if kind == "newline" and depth == 0:
            if in_header:
                table = tuple(key)
                lines.setdefault(table, line)
            key, in_value, in_header = [], False, False
        elif kind == "sign" and token in "[{" and (in_value or depth):
            depth += 1
        elif kind == "sign" and token in "]}" and (in_value or depth):
            depth -= 1
        elif kind == "sign" and token == "[":
            in_header = True
        elif kind == "sign" and token == "=" and not in_value:
            in_value = True
            lines.setdefault((*table, *key), line)
        elif kind in ("word", "string") and not in_value and depth == 0:
            key.append(_unquoted(token))
        line += token.count("\n")
    if in_header:
        lines.setdefault(tuple(key), line)
    return lines


def _unquoted(token: str) -> str:
    if token[0] not in "\"'":
        return token
    [key] = tomllib.loads(f"{token} = 0") if "\n" not in token else [token]
    return key
