"""What the code says of RFCs: the support table, the table of capabilities, and every citation, read from the files.

``rfc_support`` writes docs/rfc-support.md from it, ``test_rfcs`` compares it with itself and with the RFCs' texts.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mailaccess.proto.imap.capabilities import TABLE, Offer, capabilities

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mailaccess"
TEXTS = ROOT.parent / "shared" / "rfc"
"""The RFCs themselves, where they are at hand: they are no part of this repository."""

STATUSES = ("whole", "part", "reference")

NAMED_BY_SETTINGS = {"APPENDLIMIT": 7889, "MESSAGELIMIT": 9738, "SAVELIMIT": 9738, "AUTH": 4422}
"""Capabilities that carry a value of the configuration, and so have no row in the table of extensions."""

_CITED = re.compile(r"RFC[ -]?(\d{3,5})\b")
_SECTIONS = re.compile(r"RFC (\d{3,5})((?:(?:,| and|;)? (?:§|Appendix )[0-9A-Z]+(?:\.[0-9]+)*)+)")
_SECTION = re.compile(r"(?:§|Appendix )([0-9A-Z]+(?:\.[0-9]+)*)")


@dataclass(frozen=True, slots=True)
class Support:
    """One RFC of rfc-support.txt. where: rooms.  deviations: sentences."""

    number: int
    status: str
    title: str
    where: tuple[str, ...]
    deviations: tuple[str, ...]


@cache
def support() -> dict[int, Support]:
    """rfc-support.txt: a line each, columns apart by two spaces or more; indented lines below tell deviations."""
    lines: list[list[str]] = []
    for line in (PACKAGE / "rfc-support.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            lines[-1].append(line.strip().removeprefix("- "))
        else:
            lines.append([line])
    table: dict[int, Support] = {}
    for line, *deviations in lines:
        number, status, title, where = re.split(r"\s{2,}", line.strip())
        assert int(number) not in table, f"RFC {number} stands there twice"
        table[int(number)] = Support(int(number), status, title, tuple(where.split(",")), tuple(deviations))
    return table


def sources() -> Iterator[Path]:
    """The files of the package."""
    return (path for path in sorted(PACKAGE.rglob("*.py")) if "__pycache__" not in path.parts)


def files_of_tests() -> Iterator[Path]:
    """The files that test it, but for those of this house, which are about the others."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.parent.name != "house":
            yield path


@cache
def cited(where: str) -> dict[int, tuple[str, ...]]:
    """RFC number -> the files that cite it; ``where`` is "package" or "tests"."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for path in sources() if where == "package" else files_of_tests():
        if path.name == "capabilities.py":
            continue
        for number in {int(number) for number in _CITED.findall(path.read_text("utf-8"))}:
            found[number].append(path.relative_to(ROOT).as_posix())
    return {number: tuple(files) for number, files in found.items()}


def sections(path: Path) -> Iterator[tuple[int, str]]:
    """(RFC, section) of every citation written as ``RFC 9051 §6.4.5`` or ``RFC 9051 Appendix E``."""
    text = re.sub(r"\s*\n\s*(?:#\s*)?", " ", path.read_text("utf-8"))
    for number, several in _SECTIONS.findall(text):
        for section in _SECTION.findall(several):
            yield int(number), section


@cache
def headings(number: int) -> frozenset[str]:
    """The sections an RFC has, by their numbers; nothing if its text is not at hand."""
    path = TEXTS / f"rfc{number}.txt"
    if not path.is_file():
        return frozenset()
    text = path.read_text("utf-8-sig", "replace")
    found = re.findall(
        r"^[ ]{0,9}(?:(?:Appendix|APPENDIX) )?([0-9A-Z]+(?:\.[0-9]+)*)[.:)]?[ ]+\S", text, re.MULTILINE
    )
    return frozenset(found)


def offered() -> dict[str, int]:
    """Every name a CAPABILITY answer may hold, without its value, and its RFC."""
    names = {row.name: row.rfc for row in TABLE}
    settled = Offer(authenticated=True, append_limit=1, message_limit=1)
    for offer in (settled, Offer(authenticated=True, save_limit=1), Offer(mechanisms=("PLAIN",))):
        for name in capabilities(offer):
            if name not in names:
                word = name.partition("=")[0]
                names[word] = NAMED_BY_SETTINGS[word]
    return names
