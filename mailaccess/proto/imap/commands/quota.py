"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 §4, §7; RFC 2087)."""

from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_RESOURCES: Final = 20
"""Resources of one SETQUOTA: there are four."""


@dataclass(frozen=True, slots=True)
class GetQuota(Command):
    """GETQUOTA. RFC 9208 §4.1.1."""

    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot(Command):
    """GETQUOTAROOT. RFC 9208 §4.1.2."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class SetQuota(Command):
    """SETQUOTA. RFC 9208 §4.1.3. ``limits``: name in capitals, limit (STORAGE: in 1024 octets)."""

    root: str
    limits: tuple[tuple[str, int], ...]


def _root(cur: ImapCursor) -> str:
    """quota-root-name = astring"""
    at = cur.pos
    try:
        return tokens.astring(cur, "a quota root").decode("utf-8")
    except UnicodeDecodeError:
        cur.fail("a quota root in UTF-8", at)


def _getquota(cur: ImapCursor) -> GetQuota:
    """``getquota`` = "GETQUOTA" SP quota-root-name"""
    tokens.space(cur)
    return GetQuota(_root(cur))


def _getquotaroot(cur: ImapCursor) -> GetQuotaRoot:
    """``getquotaroot`` = "GETQUOTAROOT" SP mailbox"""
    tokens.space(cur)
    return GetQuotaRoot(tokens.mailbox(cur))


def _setquota(cur: ImapCursor) -> SetQuota:
    """``setquota`` = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"."""
    tokens.space(cur)
    root = _root(cur)
    tokens.space(cur)
    cur.skip(b"(", '"("')
    limits: list[tuple[str, int]] = []
    if not cur.skip_if(b")"):
        while True:
            at = cur.pos
            name = tokens.keyword(cur, "a quota resource").decode("ascii")
            tokens.space(cur)
            limits.append((name, tokens.number64(cur, "a limit")))
            if len(limits) > MAX_RESOURCES:
                cur.fail(f"at most {MAX_RESOURCES} resources", at)
            if tokens.list_ends(cur):
                break
    return SetQuota(root, tuple(limits))


RULES: Rules = {b"GETQUOTA": _getquota, b"GETQUOTAROOT": _getquotaroot, b"SETQUOTA": _setquota}
