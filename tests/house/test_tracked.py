"""What is in the repository belongs there: a known top level, and nothing that a run leaves behind."""

import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "conf",
    "docs",
    "mailaccess",
    "plugin",
    "pyproject.toml",
    "scripts",
    "setup.cfg",
    "tests",
}
LEFTOVERS = {
    *(".log", ".out", ".pid", ".lock", ".sock", ".tmp", ".bak", ".orig", ".rej", ".swp"),
    *(".sqlite", ".sqlite3", ".db", ".sqlite-wal", ".sqlite-shm"),
    *(".pem", ".key", ".crt", ".csr", ".p12"),
    *(".pyc", ".so", ".prof", ".raw", ".patch", ".diff", ".tar", ".gz", ".zip", ".whl"),
}
"""Endings of what servers, tests, profilers and editors write: logs, indexes, certificates, caches."""

LARGEST = 256 * 1024
"""Octets of a tracked file; the largest is a picture of 63 KB. A mailbox or a profile is larger."""


def tracked() -> list[str]:
    """The paths git knows, from the top; skips in an unpacked archive, and where git will not answer this user."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git here")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip(f"git does not answer: {listed.stderr.decode(errors='replace').strip()}")
    return [name for name in listed.stdout.decode("utf-8", "surrogateescape").split("\0") if name]


def is_leftover(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in LEFTOVERS or path.name.endswith("~") or "__pycache__" in path.parts


def test_the_top_level_holds_what_it_is_known_to_hold():
    assert {name.partition("/")[0] for name in tracked()} == TOP_LEVEL


def test_nothing_that_a_run_leaves_behind_is_tracked():
    assert [name for name in tracked() if is_leftover(name)] == []


def test_no_tracked_file_is_large():
    there = [ROOT / name for name in tracked()]
    large = [path for path in there if path.is_file() and path.stat().st_size > LARGEST]
    assert [path.relative_to(ROOT).as_posix() for path in large] == []


@pytest.mark.parametrize(
    "name", ["inj.log", "var/twistd.pid", "tests/a/index.sqlite", "conf/KEY.PEM", "a.py~"]
)
def test_the_rule_knows_a_leftover(name):
    assert is_leftover(name)
