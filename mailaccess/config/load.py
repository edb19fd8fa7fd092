"""From a file to ``Settings``: types, ranges, forms; what does not fit together is ``check``'s affair.

Everything that is wrong is told at once, each with file, line, key, value and what would be right.
Relative paths: ``state_dir``, ``auth.passwd_file``, ``tls.*`` and ``smtp.aliases`` are relative to the
configuration file's folder; ``store.home`` and UNIX sockets are relative to ``state_dir``.
"""

import difflib
import math
import os
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from mailaccess.config import check
from mailaccess.config.errors import ConfigError, Problem
from mailaccess.config.forms import FORMS
from mailaccess.config.sections import Settings
from mailaccess.config.syntax import Document, Key, SyntaxProblem, read

VARIABLE: Final = "MAILACCESS_CONFIG"
PLACES: Final = (Path("mailaccess.toml"), Path("/etc/mailaccess/mailaccess.toml"))
"""Where a configuration is looked for if neither --config nor $MAILACCESS_CONFIG names one."""

_SIZE: Final = re.compile(r"([0-9]{1,15}) ?([KMGT])(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """settings: what is in force.  file: its source, None for defaults.  given: the keys written there."""

    settings: Settings
    file: Path | None
    given: frozenset[Key]
    document: Document


def find(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file to read: ``path``, $MAILACCESS_CONFIG, or the first of PLACES that exists, if any."""
    if path is not None:
        return path
    if environment.get(VARIABLE):
        return Path(environment[VARIABLE])
    return next((place for place in PLACES if place.is_file()), None)


def load(path: Path | None = None, *, files: bool = True) -> Settings:
    """The settings. files: also look whether the files they name exist. Raises ConfigError."""
    return load_with_origin(path, files=files).settings


def load_with_origin(path: Path | None = None, *, files: bool = True) -> Loaded:
    """As ``load``, with where everything came from."""
    file = find(path)
    document = Document({}, {})
    if file is not None:
        file = file.absolute()
        try:
            document = read(file)
        except SyntaxProblem as error:
            raise ConfigError([Problem(file, error.line, "", "", str(error))]) from None
    reader = _Reader(file, document)
    settings = reader.read()
    if not reader.problems:
        found = [*check.combinations(settings), *(check.files(settings) if files else ())]
        for key, right in found:
            reader.report(key, _toml(_value_at(document.tree, key)), right)
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=lambda problem: problem.line))
    return Loaded(settings, file, frozenset(_keys(document.tree, ())), document)


def _keys(tree: Mapping[str, Any], above: Key) -> list[Key]:
    """The keys of options in a tree: of tables their members, but not of an option that is itself a table."""
    keys: list[Key] = []
    for name, value in tree.items():
        if isinstance(value, dict) and not above:
            keys += _keys(value, (name,))
        else:
            keys.append((*above, name))
    return keys


def _value_at(tree: Any, key: Key) -> Any:
    for name in key:
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    return tree


def _toml(value: Any) -> str:
    return "" if value is None or isinstance(value, dict) else toml_value(value)


def toml_value(value: Any) -> str:
    """A value as it is written in TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | Path():
            return '"' + "".join(_ESCAPES.get(char, char) for char in str(value)) + '"'
        case list() | tuple():
            return "[" + ", ".join(toml_value(item) for item in value) + "]"
        case dict():
            pairs = (
                f"{key if _BARE.fullmatch(key) else toml_value(key)} = {toml_value(item)}"
                for key, item in value.items()
            )
            return "{ " + ", ".join(pairs) + " }" if value else "{}"
    return str(value)


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {
    **{chr(code): f"\\u{code:04x}" for code in (*range(0x20), 0x7F)},
    "\n": "\\n",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
}


class _Wrong(ValueError):
    """What would be right instead."""


class _Reader:
    """Turns the tree into sections and collects what is wrong."""

    def __init__(self, file: Path | None, document: Document) -> None:
        self._file = file
        self._document = document
        self._folder = file.parent if file is not None else PLACES[-1].parent
        self.problems: list[Problem] = []

    def read(self) -> Settings:
        settings: Settings = self._section(Settings, self._document.tree, ())
        return settings

    def report(self, key: Key, value: str, right: str) -> None:
        self.problems.append(Problem(self._file, self._document.line(key), ".".join(key), value, right))

    def _section(self, kind: Any, tree: dict[str, Any], above: Key) -> Any:
        """One section; what is wrong in it keeps its default, as the whole is refused anyhow."""
        options = {field.name: field for field in fields(kind)}
        hints = typing.get_type_hints(kind)
        values: dict[str, Any] = {}
        for name, value in tree.items():
            if name not in options:
                self._unknown((*above, name), value, list(options))
        state = self._state(tree) if not above else None
        for name, field in options.items():
            key = (*above, name)
            hint = hints[name]
            if is_dataclass(hint):
                table = tree.get(name, {})
                if isinstance(table, dict):
                    values[name] = self._section(hint, table, key)
                else:
                    self.report(key, _toml(table), f"must be a table: [{name}]")
                continue
            try:
                given = tree[name] if name in tree else _default(field)
                values[name] = self._resolved(_converted(given, hint, field, written=name in tree))
            except _Wrong as wrong:
                self.report(key, _toml(tree.get(name)), str(wrong))
        made = kind(**values)
        return _with_sockets(made, state) if state is not None else made

    def _state(self, tree: dict[str, Any]) -> Path:
        """``state_dir`` as it will be: UNIX sockets are relative to it."""
        default = next(field for field in fields(Settings) if field.name == "state_dir").default
        written = tree.get("state_dir", default)
        return self._folder / written if isinstance(written, str | Path) else Path("/")

    def _resolved(self, value: Any) -> Any:
        return self._folder / value.expanduser() if isinstance(value, Path) else value

    def _unknown(self, key: Key, value: Any, known: list[str]) -> None:
        near = difflib.get_close_matches(key[-1], known, 1, 0.6)
        elsewhere = [place for place in _all_keys() if place[-1] == key[-1]]
        if near:
            right = f"there is no such key; did you mean {'.'.join((*key[:-1], near[0]))}?"
        elif elsewhere:
            right = (
                f"there is no such key here; it belongs to [{elsewhere[0][0]}]"
                if len(elsewhere[0]) > 1
                else ("there is no such key here; it belongs above the first [section]")
            )
        else:
            place = f"[{key[0]}] has" if len(key) > 1 else "there are"
            right = f"there is no such key; {place} {', '.join(known)}"
        self.report(key, _toml(value), right)


def _all_keys() -> list[Key]:
    keys: list[Key] = []
    for name, hint in typing.get_type_hints(Settings).items():
        keys += [(name, field.name) for field in fields(hint)] if is_dataclass(hint) else [(name,)]
    return keys


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _with_sockets(settings: Any, state: Path) -> Any:
    """The settings with the paths of UNIX sockets made absolute."""

    def absolute(address: str) -> str:
        path = address.removeprefix("unix:")
        return address if path == address else f"unix:{state / path}"

    listen = settings.listen
    changed = {field.name: tuple(map(absolute, getattr(listen, field.name))) for field in fields(listen)}
    return replace(settings, listen=replace(listen, **changed))


# -- one value --------------------------------------------------------------------------------------


def _converted(value: Any, hint: Any, field: Field[Any], *, written: bool) -> Any:
    """``value`` as ``hint`` wants it. Raises _Wrong. A default is taken as it stands."""
    if not written:
        return value
    optional = typing.get_origin(hint) in (types.UnionType, typing.Union)
    if optional:
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    origin = typing.get_origin(hint)
    if origin is tuple:
        return _list(value, field)
    if origin is dict:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise _Wrong('must be a table of texts, such as { Sent = "\\\\Sent" }')
        return value
    return _SCALARS[hint](value, field)


def _list(value: Any, field: Field[Any]) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list):
        example = f": [{_toml(value)}]" if isinstance(value, str) else ""
        raise _Wrong(f"must be a list of texts{example}")
    items = tuple(_text(item, field) for item in value)
    twice = next((item for number, item in enumerate(items) if item in items[:number]), None)
    if twice is not None:
        raise _Wrong(f'"{twice}" stands there twice')
    return items


def _text(value: Any, field: Field[Any]) -> str:
    form = field.metadata["form"]
    if form == "workers" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _Wrong("must be a text in quotes")
    choices = field.metadata["choices"]
    if choices:
        return _choice(value, choices)
    try:
        return FORMS[form](value) if form else value
    except ValueError as error:
        raise _Wrong(
            f"must be {error}" if typing.get_origin(field.type) is None else f'"{value}" must be {error}'
        ) from None


def _choice(value: str, choices: tuple[str, ...]) -> str:
    by_case = {choice.lower(): choice for choice in choices}
    if value.lower() in by_case:
        return by_case[value.lower()]
    near = difflib.get_close_matches(value.lower(), list(by_case), 1, 0.6)
    hint = f"; did you mean {by_case[near[0]]}?" if near else ""
    raise _Wrong(f'"{value}" is not one of {", ".join(choices)}{hint}')


def _path(value: Any, _field: Field[Any]) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _Wrong("must be a path in quotes")
    return Path(value)


def _boolean(value: Any, _field: Field[Any]) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return value


def _integer(value: Any, field: Field[Any]) -> int:
    octets = field.metadata["unit"] == "octets"
    if octets and isinstance(value, str) and (size := _SIZE.fullmatch(value)):
        value = int(size[1]) * 1024 ** (" KMGT".index(size[2].upper()))
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong("must be a whole number" + (' of octets, or a text such as "100M"' if octets else ""))
    return int(_in_range(value, field))


def _float(value: Any, field: Field[Any]) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _Wrong("must be a number")
    return float(_in_range(value, field))


def _in_range(value: float, field: Field[Any]) -> float:
    unit = f" {field.metadata['unit']}" if field.metadata["unit"] else ""
    if value < field.metadata["least"]:
        raise _Wrong(f"must be at least {field.metadata['least']}{unit}")
    if value > field.metadata["most"]:
        raise _Wrong(f"must be at most {field.metadata['most']}{unit}")
    return value


_SCALARS: Final[dict[Any, Callable[[Any, Field[Any]], Any]]] = {
    str: _text,
    bool: _boolean,
    int: _integer,
    float: _float,
    Path: _path,
}
