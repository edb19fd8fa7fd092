"""The aliases file: other names for accounts.

A line is ``name: target, target``; one that starts with a blank continues the one before; ``#``, first or
behind a blank, starts a comment. Left of the colon stands

- ``name``: that name in every local domain,
- ``name@domain``: that address only (it wins over the bare name),
- ``@domain``: the catch-all, for addresses of the domain that neither an account nor an alias has,

and right of it accounts and other aliases: names, addresses, or for a catch-all ``@domain``, which keeps the
name and changes the domain. Commands, files and ``:include:`` are not supported, on purpose.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from mailaccess.proto.smtp.address import Address, BadAddress, domain_key, read

MAX_FILE: Final = 16 * 2**20
"""Octets: some 300,000 aliases, read in a second."""

MAX_TARGETS: Final = 1000
"""Targets of one alias: a bound on what one message can set off."""


_COMMENT: Final = re.compile(r'(?:^|(?<=\s))#[^"]*$')
"""A comment; one that holds a quote might be part of a quoted name, and is none."""


def name_key(local: str) -> str:
    """A local part in the form in which ours compare: NFC, lower case (ours are not case-sensitive)."""
    return unicodedata.normalize("NFC", local).lower()


@dataclass(frozen=True, slots=True)
class Aliases:
    """entries: key (``name``, ``name@domain`` or ``@domain``, for comparison) to targets.

    A target with an empty local part is ``@domain``.
    problems: (line number, what is wrong) of lines left out.
    """

    entries: dict[str, tuple[Address, ...]] = field(default_factory=dict)
    problems: tuple[tuple[int, str], ...] = ()

    def of(self, local: str, host: str) -> tuple[Address, ...] | None:
        """The targets of an address, both parts as keys; not the catch-all's."""
        return self.entries.get(f"{local}@{host}") or self.entries.get(local)

    def catch_all(self, host: str) -> tuple[Address, ...] | None:
        return self.entries.get(f"@{host}")


def parse(text: str) -> Aliases:
    """Read an aliases file. What is wrong in a line spoils that line only."""
    entries: dict[str, tuple[Address, ...]] = {}
    problems: list[tuple[int, str]] = []
    for number, line in _logical_lines(text):
        try:
            key, targets = _entry(line)
            if key in entries:
                raise ValueError(f"{key} stands here a second time")
            entries[key] = targets
        except ValueError as error:
            problems.append((number, str(error)))
    return Aliases(entries, tuple(problems))


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their continuations, and the number of the first; no comments, no empty ones."""
    found: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = _COMMENT.sub("", line).strip()
        if not stripped:
            continue
        if line[0] in " \t" and found:
            found[-1][1].append(stripped)
        else:
            found.append((number, [stripped]))
    return [(number, " ".join(parts)) for number, parts in found]


def _entry(line: str) -> tuple[str, tuple[Address, ...]]:
    if line.startswith("@"):
        name, colon, rest = line.partition(":")
        key = "@" + domain_key(name[1:].strip())
        if not colon or key == "@":
            raise ValueError("expected '@domain: target'")
    else:
        try:
            address, end = read(line)
        except BadAddress as error:
            raise ValueError(f"left of the colon: {error}") from None
        colon, rest = line[end:].lstrip()[:1], line[end:].lstrip()[1:]
        if colon != ":":
            raise ValueError("expected 'name: target, target'")
        key = name_key(address.local) + (f"@{address.host}" if address.domain else "")
    targets = _targets(rest, domains_too=key.startswith("@"))
    if not targets:
        raise ValueError("there is no target")
    return key, targets


def _targets(text: str, *, domains_too: bool) -> tuple[Address, ...]:
    targets: list[Address] = []
    place = 0
    while True:
        while place < len(text) and text[place] in " \t,":
            place += 1
        if place >= len(text):
            return tuple(targets)
        if len(targets) == MAX_TARGETS:
            raise ValueError(f"more than {MAX_TARGETS} targets")
        if text[place] == "@" and domains_too:
            end = next((i for i in range(place, len(text)) if text[i] in " \t,"), len(text))
            targets.append(Address("", text[place + 1 : end]))
            place = end
            continue
        try:
            address, place = read(text, place)
        except BadAddress as error:
            raise ValueError(f"a target is not an address: {error}") from None
        if place < len(text) and text[place] not in " \t,":
            raise ValueError("a target is not an address (commands, files and :include: are not supported)")
        if address.local.startswith("/") or address.local.startswith("|"):
            raise ValueError("a target may not be a file or a command")
        targets.append(address)
