"""Commands of any state, and those that change the connection (RFC 9051 §6.1, §6.2.1, §6.3.1; RFC 2971)."""

from dataclasses import dataclass

from mailaccess.proto.imap.commands.base import Command


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
