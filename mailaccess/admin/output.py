"""What ``mailadm`` says: tables and sentences for people, JSON for machines; and how it fails.

Results go to standard output, errors to standard error. With ``--json`` a result is one JSON value and an
error one object ``{"error": ..., "code": ...}``. Exit codes are those of sysexits(3).
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

USAGE: Final = 64
DATA: Final = 65
NO_USER: Final = 67
NO_INPUT: Final = 66
CANNOT_CREATE: Final = 73
UNAVAILABLE: Final = 69
TEMPORARY: Final = 75
DENIED: Final = 77
CONFIGURATION: Final = 78


class Failure(Exception):
    """Ends the command with ``code`` and a sentence."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Output:
    """Where a command writes what it found."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def done(self, sentence: str, **fields: Any) -> None:
        """Something was done: a sentence, or the fields."""
        self._json(fields) if self.as_json else print(sentence)

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows under their titles; as JSON a list of objects."""
        if self.as_json:
            self._json([{column: row.get(column) for column in columns} for row in rows])
        elif sys.stdout.isatty():
            self._rich(columns, rows)
        else:
            # Through a pipe: tabs, so that cut and awk need not guess.
            for row in rows:
                print("\t".join(_plain(row.get(column)) for column in columns))

    def record(self, fields: Mapping[str, Any]) -> None:
        """One thing with its fields."""
        if self.as_json:
            self._json(dict(fields))
            return
        width = max((len(name) for name in fields), default=0)
        for name, value in fields.items():
            print(f"{name:<{width}}  {_plain(value)}")

    def text(self, text: str) -> None:
        """Text that is the same for people and machines."""
        print(text)

    def error(self, text: str, code: int) -> None:
        """Say why the command failed."""
        if self.as_json:
            print(json.dumps({"error": text, "code": code}, ensure_ascii=False), file=sys.stderr)
        else:
            print(f"mailadm: {text}", file=sys.stderr)

    def _json(self, value: Any) -> None:
        print(json.dumps(value, ensure_ascii=False, default=str))

    def _rich(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        from rich import box  # a tenth of a second that pipes need not wait for
        from rich.console import Console
        from rich.table import Table

        table = Table(*columns, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*(_plain(row.get(column)) for column in columns))
        Console(markup=False, highlight=False, emoji=False).print(table)


def _plain(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple() | set() | frozenset():
            return " ".join(_plain(item) for item in value)
    # A name read from a file must not drive the terminal.
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(value))
