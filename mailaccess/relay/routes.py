"""Which way mail for a domain goes: by MX, or to a host that is configured; and how safe that way must be.

A destination is what the schedule counts connections by: ``naver.com``, or ``host:port`` of a route, which all
domains sent there share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mailaccess.config.sections import Relay
from mailaccess.model.secret import Secret
from mailaccess.relay.mx import SMTP

OPPORTUNISTIC: Final = "opportunistic"
REQUIRED: Final = "required"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Route:
    """destination: for the schedule.  host: where to connect, "" for the domain's MX.  tls: how safe.

    user, password: for AUTH; "" for none.
    """

    destination: str
    host: str = ""
    port: int = SMTP
    tls: str = OPPORTUNISTIC
    user: str = ""
    password: Secret | None = None


class Routes:
    """By domain; a key ``.naver.com`` of a table is for the domains below naver.com."""

    def __init__(self, settings: Relay, password: Secret | None = None) -> None:
        self._settings = settings
        self._password = password
        self._domains: dict[str, str] = {}

    def of(self, domain: str) -> Route:
        """domain: lower case, A-labels."""
        settings = self._settings
        transport = _lookup(settings.transports, domain)
        tls = _lookup(settings.tls_domains, domain) or settings.tls
        if transport is not None:
            host, port = split(transport)
            return Route(f"{host}:{port}/{tls}", host, port, tls)
        if settings.smarthost:
            host, port = split(settings.smarthost)
            tls = REQUIRED if settings.user else tls  # a password never goes out in the clear
            return Route(f"{host}:{port}/{tls}", host, port, tls, settings.user, self._password)
        return Route(domain, "", settings.port, tls)


def _lookup(table: Mapping[str, str], domain: str) -> str | None:
    """The entry of the domain, or of the nearest above it that begins with a dot."""
    if domain in table:
        return table[domain]
    rest = domain
    while "." in rest:
        rest = rest.partition(".")[2]
        if f".{rest}" in table:
            return table[f".{rest}"]
    return None


def split(text: str) -> tuple[str, int]:
    """``host:port``, ``[v6]:port`` or ``host``."""
    host, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        return text, SMTP
    if not colon or not port.isdigit() or port.startswith("0"):
        return text.strip("[]"), SMTP
    return host.strip("[]"), int(port)
