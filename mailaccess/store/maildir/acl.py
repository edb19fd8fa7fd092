"""Dovecot's ``dovecot-acl`` file of a mailbox: an identifier and its rights a line.

    owner lrwstipekxa
    "group=sales team" lr
    -user=fred w
    user=kim@naver.com lr :named rights

An identifier with a space stands in quotes, with backslashes before quotes and backslashes. Whoever may write
into the Maildir may have written anything: a file with one line that can't be read grants nothing (Dovecot
refuses it too), since what stands there may have been meant to take rights away.
"""

import unicodedata
from typing import Final

from mailaccess.model.rights import ALL, MAX_ENTRIES, MAX_IDENTIFIER, NAMED, Acl, AclEntry, Kind

FILE: Final = b"dovecot-acl"

LIST_FILE: Final = b"dovecot-acl-list"
"""Dovecot's list of mailboxes with rights for others: it makes it anew where there is none."""

MAX_FILE: Final = 512 * 1024
"""Octets: ``MAX_ENTRIES`` of the longest identifiers."""

_PLAIN: Final = {
    "anyone": Kind.ANYONE,
    "anonymous": Kind.ANYONE,
    "authenticated": Kind.AUTHENTICATED,
    "owner": Kind.OWNER,
}
_PREFIXED: Final = {"user": Kind.USER, "group": Kind.GROUP, "group-override": Kind.GROUP_OVERRIDE}
_WRITTEN: Final = {
    Kind.ANYONE: "anyone",
    Kind.AUTHENTICATED: "authenticated",
    Kind.GROUP: "group=",
    Kind.OWNER: "owner",
    Kind.USER: "user=",
    Kind.GROUP_OVERRIDE: "group-override=",
}

DAMAGED: Final = Acl(damaged=True)


def parse(data: bytes) -> Acl:
    """The list; ``DAMAGED`` for what is none."""
    if len(data) > MAX_FILE:
        return DAMAGED
    try:
        lines = [line for line in data.decode("utf-8").split("\n") if line and not line.startswith("#")]
        if len(lines) > MAX_ENTRIES:
            return DAMAGED
        return Acl(tuple([_entry(line.removesuffix("\r")) for line in lines]))
    except ValueError:
        return DAMAGED


def _entry(line: str) -> AclEntry:
    """Raises ValueError."""
    identifier, rest = _quoted(line) if line.startswith('"') else line.partition(" ")[::2]
    negative = identifier.startswith("-")
    word, equals, name = identifier.removeprefix("-").partition("=")
    kind = _PREFIXED.get(word) if equals else _PLAIN.get(word)
    if kind is None or (kind in NAMED and not is_name(name)):
        raise ValueError("not an identifier")
    letters, colon, named = rest.partition(":")
    rights = frozenset(letters.replace(" ", "").replace("\t", ""))
    if not rights <= ALL:
        raise ValueError("a right that is none")
    return AclEntry(kind, name, rights, negative, named if colon else "")


def is_name(name: str) -> bool:
    """Whether a user's or group's name can stand in the file."""
    return 0 < len(name) <= MAX_IDENTIFIER and not any(
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name
    )


def _quoted(line: str) -> tuple[str, str]:
    """A quoted identifier and what follows its space. Raises ValueError."""
    found: list[str] = []
    place = 1
    while place < len(line) and line[place] != '"':
        if line[place] == "\\":
            place += 1
        found.append(line[place : place + 1])
        place += 1
    if place >= len(line):
        raise ValueError("a quote that does not end")
    return "".join(found), line[place + 1 :].removeprefix(" ")


def render(acl: Acl) -> bytes:
    """The file, as Dovecot writes it."""
    lines = []
    for entry in acl.entries:
        identifier = ("-" if entry.negative else "") + _WRITTEN[entry.kind] + entry.name
        if " " in identifier or "\t" in identifier or identifier.startswith('"'):
            identifier = '"' + identifier.replace("\\", "\\\\").replace('"', '\\"') + '"'
        named = f" :{entry.named}" if entry.named else ""
        lines.append(f"{identifier} {''.join(sorted(entry.rights))}{named}\n")
    return "".join(lines).encode("utf-8")
