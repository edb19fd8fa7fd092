"""What does not fit together, though each value alone is right; and files that are missing.

Each check yields the key to blame and what would be right.
"""

import ipaddress
import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mailaccess.config import clients
from mailaccess.config.errors import ConfigError
from mailaccess.config.forms import FORMS
from mailaccess.config.sections import Settings
from mailaccess.config.syntax import Key
from mailaccess.model import names
from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap.search import FILTER_NAME, stored_search

Found = tuple[Key, str]

_SELECTOR: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})*")

_TLS_ONLY: Final = ("imaps", "pop3s", "submissions")
_LOGINS: Final = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")
_LOCAL_DELIVERY: Final = ("smtp", "lmtp")

MAX_PEM: Final = 2**20
"""Octets read of a certificate file to see whether it holds a key too."""


def combinations(settings: Settings) -> Iterator[Found]:
    """Options that contradict each other."""
    yield from _tls(settings)
    yield from _listeners(settings)
    yield from _accounts(settings)
    yield from _filters(settings)
    yield from _relay(settings)
    yield from _screening(settings)
    if settings.proxy.services and not settings.proxy.networks:
        yield ("proxy", "services"), "needs proxy.networks beside it: the addresses of the proxies"
    for name in ("message_limit", "save_limit"):
        if 0 < getattr(settings.imap, name) < 1000:
            yield ("imap", name), "must be 1000 at least (RFC 9738), or 0 for no limit"
    yield from _sharing(settings)
    auth = settings.auth
    if not auth.mechanisms:
        yield ("auth", "mechanisms"), "must name one mechanism at least: clients could not log in"
    if auth.failure_delay > auth.failure_delay_max:
        yield ("auth", "failure_delay"), "must not be longer than auth.failure_delay_max"


def _tls(settings: Settings) -> Iterator[Found]:
    tls, listen = settings.tls, settings.listen
    if tls.key is not None and tls.certificate is None:
        yield ("tls", "key"), "needs tls.certificate beside it"
    if tls.certificate is not None:
        return
    for name in _TLS_ONLY:
        if getattr(listen, name):
            yield ("listen", name), "needs tls.certificate and tls.key: these connections begin with TLS"
    if tls.required and not settings.auth.trusted_networks:
        for name in _LOGINS:
            if name not in _TLS_ONLY and any(not is_local(address) for address in getattr(listen, name)):
                yield (
                    ("listen", name),
                    "nobody could log in: set tls.certificate and tls.key, or tls.required = false",
                )


def _relay(settings: Settings) -> Iterator[Found]:
    relay = settings.relay
    if relay.user and (relay.password_file is None or not relay.smarthost):
        yield ("relay", "user"), "needs relay.smarthost and relay.password_file beside it"
    for server in relay.dns:
        if not _is_address(server) and not _is_address(server.rpartition(":")[0]):
            yield ("relay", "dns"), f'"{server}" must be an IP address, with or without a port'
    targets: list[tuple[Key, str]] = [
        (("relay", "transports", domain), text) for domain, text in relay.transports.items()
    ]
    if relay.smarthost:
        targets.append((("relay", "smarthost"), relay.smarthost))
    for key, text in targets:
        problem = _no_server(text)
        if problem:
            yield key, f"must be {problem}"
    for domain, addresses in relay.source_domains.items():
        found = addresses.replace(",", " ").split()
        if not found or not all(map(_is_address, found)):
            yield ("relay", "source_domains", domain), "must be one IPv4 address, one IPv6 address, or both"
    for domain, word in relay.tls_domains.items():
        if word not in ("opportunistic", "required", "off"):
            yield ("relay", "tls_domains", domain), "must be opportunistic, required or off"
    for address in relay.source_addresses:
        if not _is_address(address):
            yield ("relay", "source_addresses"), f'"{address}" must be an IP address'
    if relay.retry_first > relay.retry_longest:
        yield ("relay", "retry_longest"), "must not be shorter than relay.retry_first"
    if relay.delay_notice >= relay.lifetime:
        yield ("relay", "delay_notice"), "must be shorter than relay.lifetime"


def _no_server(text: str) -> str:
    """What would be right, "" where it is: host:port, perhaps with ``lmtp:`` or ``smtps:``, or lmtp:unix:/path."""
    if text.startswith("lmtp:unix:"):
        return "" if text.removeprefix("lmtp:unix:").startswith("/") else 'a whole path after "lmtp:unix:"'
    try:
        given = FORMS["endpoint"](text.removeprefix("lmtp:").removeprefix("smtps:"))
    except ValueError as error:
        return str(error)
    return "" if given else "a server"


_CHECKS: Final = {"spf": "pyspf", "dkim": "dkimpy", "nacl": "PyNaCl", "publicsuffixlist": "publicsuffixlist"}
"""Modules that smtp.authentication needs, and what brings them."""


def _screening(settings: Settings) -> Iterator[Found]:
    if settings.smtp.authentication != "off":
        missing = [package for module, package in _CHECKS.items() if find_spec(module) is None]
        if missing:
            yield (
                ("smtp", "authentication"),
                f"needs {', '.join(missing)}: pip install 'mailaccess[checks]'",
            )
    for domain, selectors in settings.dkim.domains.items():
        for selector in selectors.split(","):
            if not _SELECTOR.fullmatch(selector.strip()):
                yield ("dkim", "domains", domain), "must be a selector such as s2026, or several with commas"
        if domain not in settings.domains:
            yield (
                ("dkim", "domains", domain),
                f"must be one of domains: {', '.join(settings.domains) or '(there are none)'}",
            )
    if settings.dkim.domains and "from" not in (name.lower() for name in settings.dkim.headers):
        yield ("dkim", "headers"), "must hold From"
    url = settings.rspamd.url
    if url and not re.fullmatch(r"https?://[!-~]+", url):
        yield ("rspamd", "url"), 'must be a URL such as "http://127.0.0.1:11333"'
    for name in settings.hooks.python:
        if not re.fullmatch(r"[\w.]+:\w+", name):
            yield ("hooks", "python"), f'"{name}" must be written as package.module:function'


def _sharing(settings: Settings) -> Iterator[Found]:
    sharing = settings.sharing
    for name, folder in sharing.public.items():
        try:
            if not FORMS["mailbox"](name):
                raise ValueError("a mailbox name")
        except ValueError as error:
            yield ("sharing", "public", name), f"must be {error}"
        if name == sharing.other_users:
            yield ("sharing", "public", name), "is the name of sharing.other_users already"
        if not folder or "\0" in folder or ".." in folder.split("/"):
            yield ("sharing", "public", name), "must be a folder, without .."
    folders = list(sharing.public.values())
    for name, folder in sharing.public.items():
        if folders.count(folder) > 1:
            yield ("sharing", "public", name), f'"{folder}" stands there twice'


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_local(address: str) -> bool:
    """Whether a listener's address can only be reached from this machine."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listeners(settings: Settings) -> Iterator[Found]:
    taken: dict[str, str] = {}
    for name in settings.listen.__dataclass_fields__:
        for address in getattr(settings.listen, name):
            if address in taken and not address.endswith(":0"):
                yield ("listen", name), f'"{address}" is taken by listen.{taken[address]} already'
            taken.setdefault(address, name)


def _accounts(settings: Settings) -> Iterator[Found]:
    for name in _LOCAL_DELIVERY:
        if getattr(settings.listen, name) and not settings.domains:
            yield (
                ("listen", name),
                'needs domains, such as domains = ["example.org"]: it would refuse all mail',
            )
    if len(settings.domains) > 1 and "{domain}" not in settings.store.home:
        yield (
            ("store", "home"),
            "needs {domain}: accounts of the same name in two domains would share a folder",
        )
    for mailbox, use in settings.store.autocreate.items():
        problem = names.problem(names.canonical(mailbox))
        if problem is not None:
            yield ("store", "autocreate", mailbox), f"{problem}"
        if use and use not in names.SPECIAL_USES:
            yield (
                ("store", "autocreate", mailbox),
                f"must be one of {', '.join(names.SPECIAL_USES)}, or empty",
            )


def _filters(settings: Settings) -> Iterator[Found]:
    for name, search in settings.imap.filters.items():
        try:
            if FILTER_NAME.fullmatch(name.encode("ascii")) is None or name != name.lower():
                raise ValueError
        except ValueError:
            yield ("imap", "filters", name), "a filter's name is an atom in lower case without /"
            continue
        try:
            stored_search(search.encode("utf-8"))
        except Expected as error:
            yield ("imap", "filters", name), f"is not a search: expected {error.what} at octet {error.at}"


def files(settings: Settings) -> Iterator[Found]:
    """Files that are named but cannot be read."""
    wanted: list[tuple[Key, Path | None]] = [
        (("tls", "certificate"), settings.tls.certificate),
        (("tls", "key"), settings.tls.key),
        (("smtp", "aliases"), settings.smtp.aliases),
        (("relay", "password_file"), settings.relay.password_file),
        (("relay", "logins_file"), settings.relay.logins_file),
        (("relay", "ca_file"), settings.relay.ca_file),
        (("rspamd", "password_file"), settings.rspamd.password_file),
    ]
    asking = (*_LOGINS, *_LOCAL_DELIVERY, "auth", "auth_userdb")
    if any(getattr(settings.listen, name) for name in asking):
        wanted.append((("auth", "passwd_file"), settings.auth.passwd_file))
    if settings.imap.clients is not None:
        try:
            clients.read(settings.imap.clients)
        except ConfigError as error:
            yield ("imap", "clients"), str(error)
    for key, path in wanted:
        if path is None:
            continue
        problem = _unreadable(path)
        if problem is not None:
            hint = "; make it with: mailadm user add NAME" if key[-1] == "passwd_file" else ""
            yield key, f"{path} {problem}{hint}"
    certificate = settings.tls.certificate
    if certificate is not None and settings.tls.key is None and _unreadable(certificate) is None:
        if not _holds_key(certificate):
            yield ("tls", "certificate"), "needs tls.key beside it: the file holds no private key"


def _unreadable(path: Path) -> str | None:
    if not path.exists():
        return "does not exist"
    if not path.is_file():
        return "is not a file"
    return None if os.access(path, os.R_OK) else "cannot be read by this user"


def _holds_key(path: Path) -> bool:
    with path.open("rb") as file:
        return re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", file.read(MAX_PEM)) is not None
