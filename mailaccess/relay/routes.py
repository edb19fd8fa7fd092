"""Which way mail for a domain goes: by MX, or to a host that is configured; and how safe that way must be.

A destination is what the schedule counts connections by: ``naver.com``, or ``host:port`` of a route, which all
domains sent there share; with a source address where the sender's domain has one of its own, since a connection
has one source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mailaccess.config.sections import Relay
from mailaccess.model.secret import Secret
from mailaccess.relay.mx import SMTP

OPPORTUNISTIC: Final = "opportunistic"
REQUIRED: Final = "required"
OFF: Final = "off"

LMTP_PREFIX: Final = "lmtp:"
"""Before a transport's host: the server speaks LMTP (RFC 2033)."""

TLS_PREFIX: Final = "smtps:"
"""Before a transport's host, or the smarthost: TLS from the first octet (RFC 8314 §3.3)."""

UNIX_PREFIX: Final = "unix:"

LMTP_PORT: Final = 24
SUBMISSIONS: Final = 465

REMEMBERED: Final = 1024
"""Ways by domain and sender's domain, some 500 KB."""

MAX_LOGINS: Final = 2**20
"""Octets of the file of logins."""


class BadLogins(ValueError):
    """The file of logins cannot be understood; the text says which line, without what stands in it."""


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password for AUTH."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Route:
    """destination: for the schedule.  domain: whose MX, "" where a host is configured.

    host, port: where to connect; path: a UNIX socket instead.  tls: how safe.  by_domain: so configured for this
    very domain, whatever the domain itself publishes.  lmtp: the other side speaks it.  tls_first: TLS from the
    first octet.  sources: addresses to connect from.
    """

    destination: str
    domain: str = ""
    host: str = ""
    port: int = SMTP
    path: str = ""
    tls: str = OPPORTUNISTIC
    by_domain: bool = False
    lmtp: bool = False
    tls_first: bool = False
    login: Login | None = None
    sources: tuple[str, ...] = ()


class Routes:
    """By domain; a key ``.naver.com`` of a table is for the domains below naver.com.

    logins: by ``host:port`` in lower case.
    """

    def __init__(
        self, settings: Relay, password: Secret | None = None, logins: Mapping[str, Login] | None = None
    ) -> None:
        self._settings = settings
        self._logins = dict(logins or {})
        if settings.user and settings.smarthost:
            smart = _target(settings.smarthost)
            self._logins[f"{smart.host}:{smart.port}".lower()] = Login(settings.user, password or Secret(""))
        self._sources = {
            domain: tuple(addresses.replace(",", " ").split())
            for domain, addresses in settings.source_domains.items()
        }
        self._known = lru_cache(REMEMBERED)(self._found)

    def of(self, domain: str, sender: str = "") -> Route:
        """As ``_found``; asked several times for each message, mostly for the same domains."""
        return self._known(domain, sender)

    def _found(self, domain: str, sender: str) -> Route:
        """domain: the recipient's.  sender: the sender's domain, "" for the null sender. Lower case, A-labels."""
        settings = self._settings
        own = _lookup(settings.tls_domains, domain)
        tls = own or settings.tls
        sources = self._sources.get(sender, settings.source_addresses)
        mark = f" from {' '.join(sources)}" if sender in self._sources else ""
        text = _lookup(settings.transports, domain)
        if text is None:
            text = settings.smarthost
        if not text:
            return Route(
                domain + mark, domain, port=settings.port, tls=tls, by_domain=own is not None, sources=sources
            )
        target = _target(text)
        if target.path:
            return Route(
                f"{text}{mark}", host="localhost", path=target.path, tls=OFF, by_domain=True, lmtp=target.lmtp
            )
        login = self._logins.get(f"{target.host}:{target.port}".lower())
        if login is not None:
            tls = REQUIRED  # a password never goes out in the clear
        return Route(
            f"{target.host}:{target.port}/{tls}{mark}",
            host=target.host,
            port=target.port,
            tls=tls,
            by_domain=True,
            lmtp=target.lmtp,
            tls_first=target.tls_first,
            login=login,
            sources=sources,
        )


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    path: str = ""
    lmtp: bool = False
    tls_first: bool = False


def _target(text: str) -> _Target:
    """``host:port`` with ``lmtp:`` or ``smtps:`` before it, or ``lmtp:unix:/path``."""
    lmtp, tls_first = text.startswith(LMTP_PREFIX), text.startswith(TLS_PREFIX)
    rest = text.removeprefix(LMTP_PREFIX).removeprefix(TLS_PREFIX)
    if rest.startswith(UNIX_PREFIX):
        return _Target("", 0, rest.removeprefix(UNIX_PREFIX), lmtp)
    host, port = split(rest, LMTP_PORT if lmtp else SUBMISSIONS if tls_first else SMTP)
    return _Target(host, port, "", lmtp, tls_first)


def read_logins(path: Path) -> dict[str, Login]:
    """A file of lines ``host:port user password``; ``#`` begins a comment line. Raises OSError, BadLogins."""
    with path.open("rb") as file:
        lines = file.read(MAX_LOGINS).decode("utf-8", "replace").splitlines()
    found: dict[str, Login] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3:
            raise BadLogins(f"{path}, line {number}: wants host:port, user and password")
        host, port = split(words[0].removeprefix(TLS_PREFIX), SUBMISSIONS if TLS_PREFIX in words[0] else SMTP)
        found[f"{host}:{port}".lower()] = Login(words[1], Secret(words[2].strip()))
    return found


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


def split(text: str, default: int = SMTP) -> tuple[str, int]:
    """``host:port``, ``[v6]:port`` or ``host``."""
    host, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        return text, default
    if not colon or not port.isdigit() or port.startswith("0"):
        return text.strip("[]"), default
    return host.strip("[]"), int(port)
