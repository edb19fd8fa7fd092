"""Profiles of mail programs, as data: which one is not to be offered what (``clients.toml``).

A program says who it is with ID (RFC 2971); a profile's patterns are compared with that. The shipped file knows
the programs that need it; a file named by ``imap.clients`` comes before it, so that it can say otherwise::

    [[client]]
    name = "a word for the log"
    id = { name = "Example Mail*", version = "3.*" }
    capabilities = ["-COMPRESS=DEFLATE"]
    quirks = ["delay-newmail"]
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from mailaccess.config.errors import ConfigError, Problem

QUIRKS: Final = {
    "delay-newmail": "tell of new messages in the answers to NOOP, CHECK and IDLE only",
}
"""What can be done for a program that is offered everything and does not bear it."""

SHIPPED: Final = Path(__file__).with_name("clients.toml")

_WORD: Final = re.compile(r"[-+][A-Za-z0-9][A-Za-z0-9=+-]*")
# A file may know more extensions than this version has: it is older or newer than the server.

MAX_STARS: Final = 4
"""Wildcards in a pattern: what a client says of itself is compared with it while everybody waits."""


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """name: for the log.  fields: ID's fields in lower case with a pattern for the value, in lower case.

    capabilities: words such as ``-UIDONLY``.  quirks: names of ``QUIRKS``.
    """

    name: str
    fields: tuple[tuple[str, str], ...]
    capabilities: tuple[str, ...] = ()
    quirks: frozenset[str] = frozenset()

    def matches(self, told: Mapping[str, str]) -> bool:
        """Whether every pattern fits what a client told with ID; field names are in lower case there."""
        return all(
            field in told and fnmatchcase(told[field].lower(), pattern) for field, pattern in self.fields
        )


@cache
def shipped() -> tuple[ClientProfile, ...]:
    """The profiles that come with the server."""
    return read(SHIPPED)


def read(path: Path) -> tuple[ClientProfile, ...]:
    """The profiles of a file, in its order. Raises ConfigError."""
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _wrong(path, "", "", f"a TOML file that can be read ({error.strerror})") from None
    except ValueError as error:
        raise _wrong(path, "", "", f"a TOML file that can be read ({error})") from None
    for key in tree.keys() - {"client"}:
        raise _wrong(path, key, "", "only [[client]] tables")
    entries = tree.get("client", [])
    if not isinstance(entries, list):
        raise _wrong(path, "client", "", "[[client]] tables")
    return tuple(_profile(path, number, entry) for number, entry in enumerate(entries, 1))


def _profile(path: Path, number: int, entry: Any) -> ClientProfile:
    where = f"client {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise _wrong(path, where, "", "a [[client]] table with a name")
    where = f"client {number} ({entry['name']})"
    for key in entry.keys() - {"name", "id", "capabilities", "quirks"}:
        raise _wrong(path, where, key, "one of name, id, capabilities, quirks")
    patterns = entry.get("id")
    if not isinstance(patterns, dict) or not patterns:
        raise _wrong(path, where, "id", 'patterns for fields of ID, such as { name = "Example*" }')
    for field, pattern in patterns.items():
        if not isinstance(pattern, str) or not pattern or pattern.count("*") > MAX_STARS or "[" in pattern:
            raise _wrong(path, where, field, f'a pattern with "?" and at most {MAX_STARS} "*"')
    words = _words(path, where, "capabilities", entry)
    for word in words:
        if not _WORD.fullmatch(word):
            raise _wrong(path, where, word, '"-" or "+" and the name of an IMAP extension')
    quirks = _words(path, where, "quirks", entry)
    for quirk in quirks:
        if quirk not in QUIRKS:
            raise _wrong(path, where, quirk, f"one of {', '.join(QUIRKS)}")
    fields = tuple((field.lower(), pattern.lower()) for field, pattern in patterns.items())
    return ClientProfile(entry["name"], fields, words, frozenset(quirks))


def _words(path: Path, where: str, key: str, entry: dict[str, Any]) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wrong(path, where, key, "a list of words")
    return tuple(value)


def _wrong(path: Path, key: str, value: str, right: str) -> ConfigError:
    return ConfigError([Problem(path, 0, key, value, f"must be {right}")])
