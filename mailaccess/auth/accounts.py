"""What a source of accounts knows about one account."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mailaccess.auth.api import Identity

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SourceUnavailable(Exception):
    """The source cannot be asked; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with what decides over logins.

    password: the stored hash with its {SCHEME}; "" never matches.
    open: any password is right (Dovecot's nopassword).  denied: no password is (deny).
    disabled: the right password is answered with ``reason`` (nologin).
    networks: from where logins are allowed, None for everywhere; ``local`` adds UNIX sockets (allow_nets).
    """

    identity: Identity
    password: str = field(repr=False)
    open: bool = False
    denied: bool = False
    disabled: bool = False
    reason: str = ""
    networks: tuple[Network, ...] | None = None
    local: bool = False

    def allows(self, address: str) -> bool:
        """Whether a login from ``address`` ("" is a UNIX socket) is allowed."""
        if self.networks is None:
            return True
        if not address:
            return self.local
        return within(address, self.networks)


class Source(Protocol):
    """Where accounts come from: a passwd-file now, PAM, SQL and LDAP later."""

    async def find(self, name: str) -> Account | None:
        """The account of the canonical ``name``. Raises SourceUnavailable."""
        ...

    async def accounts(self) -> Mapping[str, Account]:
        """All accounts by their names. Raises SourceUnavailable."""
        ...


def within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether ``address`` lies in one of ``networks``; an IPv4 address mapped into IPv6 counts as IPv4."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip.version == network.version and ip in network for network in networks)
