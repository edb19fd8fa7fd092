"""The floors hold: who may import whom, where Twisted lives, what a room may be called."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mailaccess"

FLOORS = {
    "model": 0,
    "message": 1,
    "proto": 1,
    "store": 2,
    "auth": 2,
    "spool": 2,
    "config": 2,
    "observe": 2,
    "net": 2,
    "delivery": 3,
    "relay": 3,
    "screening": 3,
    "imap": 4,
    "pop3": 4,
    "smtp": 4,
    "authsocket": 4,
    "service": 5,
    "admin": 5,
}
ENGINES_BEHIND_AN_API = ("store", "auth")
NO_IO = (
    "asyncio",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "select",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
)
UNNAMED = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports; ``from a import b`` is a.b where that is a module of ours."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written with their whole name"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in names if is_module(name)]
            yield from modules
            if len(modules) < len(names):
                yield node.module


def room(module: str) -> str | None:
    """The room of a module of ours, ``proto.imap`` and the like by their second name too."""
    parts = module.split(".")
    if parts[0] != "mailaccess" or len(parts) < 2 or parts[1] not in FLOORS:
        return None
    if parts[1] == "proto":
        return ".".join(parts[1:3])
    return parts[1]


def floor(name: str) -> int:
    return FLOORS[name.partition(".")[0]]


def allowed(importer: str, imported: str) -> bool:
    """Whether module ``importer`` may import module ``imported``, both ours."""
    here, there = room(importer), room(imported)
    if here is None or there is None:  # the package itself: its version, its map
        return True
    if here == there or there == "proto":
        return True
    inner = there in ENGINES_BEHIND_AN_API and not re.match(rf"mailaccess\.{there}\.api(\.|\Z)", imported)
    if inner and imported != f"mailaccess.{there}":
        return here == "admin" or importer == "mailaccess.service.build"
    if floor(here) >= 2 and (there == "observe" or imported.startswith("mailaccess.config.sections")):
        return True
    if here.startswith("proto.") and there == "proto.cursor":
        return True
    if here == "proto.imap" and there == "message":
        return True
    return floor(there) < floor(here)


def test_every_file_belongs_to_a_room():
    strangers = [
        path.relative_to(PACKAGE)
        for path in FILES
        if path.parent != PACKAGE and path.relative_to(PACKAGE).parts[0] not in FLOORS
    ]
    assert strangers == []


def test_a_room_imports_only_from_below():
    upward = [
        f"{module_of(path)} imports {name}"
        for path in FILES
        for name in imports(path)
        if name.startswith("mailaccess.") and not allowed(module_of(path), name)
    ]
    assert upward == []


@pytest.mark.parametrize(
    ("importer", "imported", "may"),
    [
        ("mailaccess.imap.session", "mailaccess.store.api", True),
        ("mailaccess.imap.session", "mailaccess.store.mailbox", False),
        ("mailaccess.imap.session", "mailaccess.pop3.session", False),
        ("mailaccess.service.build", "mailaccess.store.mailbox", True),
        ("mailaccess.service.maker", "mailaccess.store.mailbox", False),
        ("mailaccess.store.cache", "mailaccess.proto.imap.render", True),
        ("mailaccess.store.cache", "mailaccess.auth.api", False),
        ("mailaccess.model.ids", "mailaccess.message.headers", False),
        ("mailaccess.proto.imap.render", "mailaccess.message.structure", True),
        ("mailaccess.proto.pop3.grammar", "mailaccess.message.structure", False),
        ("mailaccess.proto.pop3.grammar", "mailaccess.proto.cursor", True),
        ("mailaccess.store.mailbox", "mailaccess.observe.events", True),
        ("mailaccess.net.tls", "mailaccess.config.sections", True),
        ("mailaccess.net.tls", "mailaccess.config.load", False),
    ],
)
def test_the_rule_itself(importer, imported, may):
    assert allowed(importer, imported) is may


def test_twisted_lives_where_sockets_are():
    def may(path: Path) -> bool:
        parts = path.relative_to(PACKAGE).parts
        return (
            parts[0] in ("net", "relay", "service", "admin")
            or parts[-1] == "protocol.py"
            or parts in (("store", "worker.py"), ("store", "watch.py"))
        )

    found = [
        f"{module_of(path)} imports {name}"
        for path in FILES
        if not may(path)
        for name in imports(path)
        if name.split(".")[0] in ("twisted", "zope")
    ]
    assert found == []


def test_languages_do_no_io_and_know_no_clock():
    found = [
        f"{module_of(path)} imports {name}"
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] in ("message", "proto")
        for name in imports(path)
        if name.split(".")[0] in NO_IO
    ]
    assert found == []


def test_the_vocabulary_needs_only_the_standard_library():
    import sys

    found = [
        f"{module_of(path)} imports {name}"
        for path in (PACKAGE / "model").rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("mailaccess")
    ]
    assert found == []


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in FILES if path.stem in UNNAMED or path.parent.name in UNNAMED] == []


def test_every_file_opens_with_its_contract():
    silent = [module_of(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []
