"""The identifiers of access control lists as people write them (RFC 4314 §2), and what is done to a list by them.

They are written as Dovecot does: ``anyone``, ``authenticated``, an account's name, ``$group``, ``$!group`` (a
group whose entry stands above those of users); with a dash in front, what is taken away. An owner is called by
his account's name; his entry is always there, as he has all rights where none is set.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from mailaccess.model.rights import (
    ALL,
    MAX_IDENTIFIER,
    OWNERS,
    Acl,
    AclEntry,
    Kind,
    Rights,
    shown,
)

Canonical = Callable[[str], str]
"""From a user's name as written to that of the account."""


class Change(Enum):
    """What is done with rights: RFC 4314 §3.1."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


def entry_of(identifier: str, owner: str, canonical: Canonical = str.lower) -> AclEntry:
    """Whom an identifier means, as an entry without rights. Raises ValueError.

    owner: the account that the mailbox belongs to; empty for mailboxes of nobody.
    """
    negative = identifier.startswith("-")
    word = identifier.removeprefix("-")
    if not word or len(word) > MAX_IDENTIFIER or not word.isprintable():
        raise ValueError("That is not an identifier")
    if word.lower() in ("anyone", "anonymous"):
        return AclEntry(Kind.ANYONE, negative=negative)
    if word.lower() == "authenticated":
        return AclEntry(Kind.AUTHENTICATED, negative=negative)
    if word.startswith("$"):
        kind = Kind.GROUP_OVERRIDE if word.startswith("$!") else Kind.GROUP
        group = word.removeprefix("$").removeprefix("!").lower()
        if not group:
            raise ValueError("That is not an identifier")
        return AclEntry(kind, group, negative=negative)
    name = canonical(word)
    if name == owner:
        return AclEntry(Kind.OWNER, negative=negative)
    return AclEntry(Kind.USER, name, negative=negative)


def changed(acl: Acl, entry: AclEntry, change: Change, rights: Rights, owner: str) -> Acl:
    """The list once ``rights`` are given to, or taken from, the identifier of ``entry``."""
    acl, now = _standing(acl, entry, owner)
    if change is Change.ADD:
        rights = now.rights | rights
    elif change is Change.REMOVE:
        rights = now.rights - rights
    return acl.with_entry(replace(entry, rights=rights, named=now.named))


def deleted(acl: Acl, entry: AclEntry, owner: str) -> Acl:
    """The list without the identifier; of a damaged one nothing is known to be left."""
    return acl if acl.damaged else _standing(acl, entry, owner)[0].without(entry)


def _standing(acl: Acl, entry: AclEntry, owner: str) -> tuple[Acl, AclEntry]:
    """The list with one entry for the identifier at most, and that entry.

    An owner may have two in Dovecot's files, of which the one by his name counts; and has all rights with none.
    """
    now = acl.of(entry)
    if entry.kind is Kind.OWNER:
        named = AclEntry(Kind.USER, owner, negative=entry.negative)
        now = acl.of(named) or now
        acl = acl.without(named)
        if now is None and not entry.negative:
            now = AclEntry(Kind.OWNER, rights=ALL)
    return acl, now or entry


def pairs(acl: Acl, owner: str) -> list[tuple[str, str]]:
    """Identifiers and rights as GETACL tells them, the owner first."""
    told: list[tuple[str, str]] = []
    if owner:
        told.append((owner, shown(_of_owner(acl, owner))))
    for entry in acl.entries:
        if not (owner and not entry.negative and _means_owner(entry, owner)):
            told.append((_called(entry, owner), shown(entry.rights)))
    return told


def _of_owner(acl: Acl, owner: str) -> Rights:
    named = acl.of(AclEntry(Kind.USER, owner)) or acl.of(AclEntry(Kind.OWNER))
    return ALL if named is None or acl.damaged else named.rights | OWNERS


def _means_owner(entry: AclEntry, owner: str) -> bool:
    return entry.kind is Kind.OWNER or (entry.kind is Kind.USER and entry.name.lower() == owner)


def _called(entry: AclEntry, owner: str) -> str:
    match entry.kind:
        case Kind.OWNER:
            word = owner or "owner"
        case Kind.GROUP:
            word = f"${entry.name}"
        case Kind.GROUP_OVERRIDE:
            word = f"$!{entry.name}"
        case Kind.USER:
            word = entry.name
        case _:
            word = entry.kind.name.lower()
    return f"-{word}" if entry.negative else word
