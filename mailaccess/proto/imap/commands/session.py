"""Commands of any state, and those that change the connection (RFC 9051 §6.1, §6.2.1, §6.3.1; RFC 2971)."""

from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_ENABLE: Final = 50
"""Names in one ENABLE: more than there are extensions that can be enabled."""

MAX_ID_FIELDS: Final = 30
MAX_ID_NAME: Final = 30
MAX_ID_VALUE: Final = 1024
"""Fields, and octets of a name and a value. RFC 2971 §3.3."""


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """CAPABILITY. RFC 9051 §6.1.1."""


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """NOOP. RFC 9051 §6.1.2."""


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """LOGOUT. RFC 9051 §6.1.3."""


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """STARTTLS. RFC 9051 §6.2.1: octets pipelined behind it are discarded (``Framer.discard``)."""


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """IDLE. RFC 2177 §3. After ``+`` the session asks the framer for lines (``Framer.expect_line``)."""


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """ENABLE. RFC 5161 §3.1. ``names`` are in capitals, known or not, without repetitions."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Id(Command):
    """ID. RFC 2971 §3.1. ``fields``: name (lower case) and value pairs; None is ID NIL. At most 30."""

    fields: tuple[tuple[str, str | None], ...] | None


def _enable(cur: ImapCursor) -> Enable:
    """``enable`` = "ENABLE" 1*(SP capability)"""
    found: dict[str, None] = {}
    while True:
        tokens.space(cur)
        found[tokens.keyword(cur, "a capability").decode("ascii")] = None
        if len(found) > MAX_ENABLE:
            cur.fail("fewer capabilities")
        tokens.quirk_trailing_space_at_end(cur)
        if cur.at_end():
            return Enable(tuple(found))


def _id(cur: ImapCursor) -> Id:
    """``id`` = "ID" SP id-params-list; id-params-list = "(" *(string SP nstring) ")" / nil

    quirk: nothing at all is NIL, as with Dovecot.
    """
    if not tokens.more(cur):
        return Id(None)
    tokens.space(cur)
    if not cur.skip_if(b"("):
        if tokens.keyword(cur, '"(" or NIL') != b"NIL":
            cur.fail('"(" or NIL')
        return Id(None)
    fields: list[tuple[str, str | None]] = []
    cur.match(tokens.SPACES)
    while not cur.skip_if(b")"):
        at = cur.pos
        name = tokens.string(cur, "a field name")
        tokens.space(cur)
        value = tokens.nstring(cur, "a field value")
        if len(name) > MAX_ID_NAME or (value is not None and len(value) > MAX_ID_VALUE):
            cur.fail("a shorter field", at)
        fields.append((_text(name).lower(), None if value is None else _text(value)))
        if len(fields) > MAX_ID_FIELDS:
            cur.fail(f"at most {MAX_ID_FIELDS} fields", at)
        if cur.match(tokens.SPACES) is None and cur.peek() != b")":
            cur.fail('a space or ")"')
    return Id(tuple(fields))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


RULES: Rules = {
    b"CAPABILITY": lambda cur: Capability(),
    b"NOOP": lambda cur: Noop(),
    b"LOGOUT": lambda cur: Logout(),
    b"STARTTLS": lambda cur: StartTls(),
    b"IDLE": lambda cur: Idle(),
    b"ENABLE": _enable,
    b"ID": _id,
}
