"""Access rights of mailboxes, and the lists that grant them (RFC 4314 §2).

The classes of identifiers and the way in which entries are combined are Dovecot's, so that its ``dovecot-acl``
files keep their meaning: of all entries that fit somebody those of the most specific class count (``Kind``, in
ascending order; several groups are added up), then everything that a fitting negative entry names is taken
away. An owner has all rights unless an entry for the owner says otherwise, and keeps ``l`` and ``a`` whatever
stands there: nobody locks himself out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from mailaccess.model.flags import DELETED, SEEN, Flag, FlagSet

Rights = frozenset[str]
"""Standard rights as letters (RFC 4314 §2.1), without the virtual ones."""

ORDER: Final = "lrswipkxtea"
ALL: Final[Rights] = frozenset(ORDER)
NONE: Final[Rights] = frozenset()
OWNERS: Final[Rights] = frozenset("la")
"""What an owner can't lose."""

VIRTUAL: Final[dict[str, Rights]] = {"c": frozenset("kx"), "d": frozenset("et")}
"""The rights of RFC 2086 and what they stand for (RFC 4314 §2.1.1)."""

WRITING: Final[Rights] = frozenset("ieswt")
"""A mailbox on which somebody has one of these is not READ-ONLY for him. RFC 4314 §5.2."""

MAX_ENTRIES: Final = 1_000
"""Entries of one list: it is read as a whole, and told as a whole by GETACL."""

MAX_IDENTIFIER: Final = 255
"""Characters of a user's or group's name in a list."""


class Kind(IntEnum):
    """Whom an entry means, the less specific first."""

    ANYONE = 0
    AUTHENTICATED = 1
    GROUP = 2
    OWNER = 3
    USER = 4
    GROUP_OVERRIDE = 5


NAMED: Final = frozenset((Kind.GROUP, Kind.USER, Kind.GROUP_OVERRIDE))
"""The kinds that carry a name."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody as lists know him. names: of the account, lower case, with its domain and perhaps without."""

    names: frozenset[str]
    groups: frozenset[str] = frozenset()

    def identifiers(self) -> frozenset[str]:
        """The keys (``AclEntry.key``) of entries that may fit."""
        users = [f"user={name}" for name in self.names]
        groups = [f"group={name}" for name in self.groups]
        return frozenset(("anyone", "authenticated", *users, *groups))


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One identifier and its rights. name: of the user or group, "" for the others.

    negative: the rights are taken away.  named: Dovecot's rights in words behind a colon, kept as they are.
    """

    kind: Kind
    name: str = ""
    rights: Rights = NONE
    negative: bool = False
    named: str = ""

    def fits(self, who: Who, *, owned: bool) -> bool:
        match self.kind:
            case Kind.ANYONE | Kind.AUTHENTICATED:
                return True
            case Kind.OWNER:
                return owned
            case Kind.USER:
                return self.name.lower() in who.names
        return self.name.lower() in who.groups

    def means(self, other: "AclEntry") -> bool:
        """Whether both are entries of the same identifier."""
        return (
            self.kind is other.kind
            and self.negative == other.negative
            and self.name.lower() == other.name.lower()
        )

    @property
    def key(self) -> str:
        """The identifier for looking up who was granted something; empty for what grants nothing to others."""
        if self.negative or not self.rights or self.kind is Kind.OWNER:
            return ""
        match self.kind:
            case Kind.ANYONE | Kind.AUTHENTICATED:
                return self.kind.name.lower()
            case Kind.USER:
                return f"user={self.name.lower()}"
        return f"group={self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Acl:
    """The list of one mailbox. damaged: the file can't be read, so it grants nothing to anybody but the owner."""

    entries: tuple[AclEntry, ...] = ()
    damaged: bool = False

    def rights(self, who: Who, *, owned: bool) -> Rights:
        """What ``who`` may do. owned: the mailbox is his own."""
        if self.damaged:
            return ALL if owned else NONE
        entries: Iterable[AclEntry] = self.entries
        if owned and not any(each.kind is Kind.OWNER and not each.negative for each in entries):
            entries = (*entries, AclEntry(Kind.OWNER, rights=ALL))
        held, denied = NONE, NONE
        level: Kind | None = None
        for entry in sorted(entries, key=lambda each: each.kind):
            if not entry.fits(who, owned=owned):
                continue
            if entry.negative:
                denied |= entry.rights
            else:
                held = held | entry.rights if entry.kind is level else entry.rights
                level = entry.kind
        held -= denied
        return held | OWNERS if owned else held

    def of(self, identifier: AclEntry) -> AclEntry | None:
        """The entry of the same identifier."""
        return next((entry for entry in self.entries if entry.means(identifier)), None)

    def without(self, identifier: AclEntry) -> "Acl":
        return replace(self, entries=tuple([each for each in self.entries if not each.means(identifier)]))

    def with_entry(self, entry: AclEntry) -> "Acl":
        """With ``entry`` in the place of the one of the same identifier. A damaged list begins anew."""
        kept = () if self.damaged else self.without(entry).entries
        return Acl(tuple(sorted((*kept, entry), key=lambda each: (each.kind, each.name, each.negative))))

    def keys(self) -> frozenset[str]:
        """The identifiers that are granted something."""
        return frozenset() if self.damaged else frozenset([e.key for e in self.entries]) - {""}


NO_ACL: Final = Acl()


def expanded(letters: Iterable[str]) -> Rights:
    """``letters`` with the virtual rights replaced by what they stand for."""
    found: Rights = NONE
    for letter in letters:
        found |= VIRTUAL.get(letter, frozenset(letter))
    return found


def shown(rights: Rights) -> str:
    """The letters as GETACL and MYRIGHTS tell them, with the virtual ones. RFC 4314 §2.1.1."""
    virtual = "".join([letter for letter, members in VIRTUAL.items() if members & rights])
    return "".join([letter for letter in ORDER if letter in rights]) + virtual


def right_for(flag: Flag) -> str:
    """The right that changing ``flag`` needs. RFC 4314 §4."""
    return "s" if flag == SEEN else "t" if flag == DELETED else "w"


FLAG_RIGHTS: Final[Rights] = frozenset("swt")


def permitted(rights: Rights, flags: FlagSet) -> FlagSet:
    """Those of ``flags`` that somebody with ``rights`` may change."""
    if rights >= FLAG_RIGHTS:
        return flags
    return frozenset([flag for flag in flags if right_for(flag) in rights])
