"""The authenticator that the settings describe: what service.build calls."""

import ipaddress
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from mailaccess.auth.api import Identity
from mailaccess.auth.chain import Chain
from mailaccess.auth.names import Naming
from mailaccess.auth.passwdfile import Defaults, PasswdFile, parse_line
from mailaccess.auth.throttle import Throttle
from mailaccess.config.sections import Settings
from mailaccess.model.account import QuotaLimit
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level

SECRET_FILE: Final = "auth.secret"
"""In state_dir: what made-up SCRAM salts are derived from, so that they survive a restart as real ones do."""

SECRET_OCTETS: Final = 32


def naming(settings: Settings) -> Naming:
    """The rule for user names and homes."""
    return Naming(settings.domains, settings.store.home, settings.state_dir)


def make_authenticator(
    settings: Settings,
    runner: ThreadRunner,
    log: EventLog,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    key: bytes = b"",
) -> Chain:
    """The accounts of ``auth.passwd_file``, behind a throttle.

    clock: seconds, monotonic.  sleep: an awaitable that lasts so many seconds.
    key: of the throttle, where several processes share what they know of failures.
    Touches no file before the first login: by then the server has given up root.
    """
    auth = settings.auth
    names = naming(settings)
    source = PasswdFile(auth.passwd_file, names, runner, log, defaults=defaults(settings), clock=clock)
    throttle = Throttle(
        clock,
        sleep,
        delay=auth.failure_delay,
        longest=auth.failure_delay_max,
        trusted=tuple(ipaddress.ip_network(network) for network in auth.trusted_networks),
        key=key,
    )
    return Chain(
        [source],
        names,
        throttle,
        runner,
        log,
        clock=clock,
        mechanisms=auth.mechanisms,
        default_scheme=auth.default_scheme,
        cache_ttl=auth.cache_ttl,
        secret=lambda: _secret(settings.state_dir / SECRET_FILE, log),
    )


def defaults(settings: Settings) -> Defaults:
    """What the passwd-file's lines leave open."""
    store = settings.store
    return Defaults(
        QuotaLimit(store.quota_storage or None, store.quota_messages or None, store.quota_mailboxes or None)
    )


def unclaimed(settings: Settings, name: str) -> Identity:
    """Where an account of that name would live that is added without more; nobody can log in to it before."""
    account = parse_line(f"{name}:", naming(settings), defaults(settings))
    assert account is not None
    return account.identity


def _secret(path: Path, log: EventLog) -> bytes:
    """The octets kept in ``path``, made where there are none; others each time where it cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            fresh = secrets.token_bytes(SECRET_OCTETS)
            file.write(fresh)
        return fresh
    except FileExistsError:
        pass
    except OSError as error:
        log.log("auth-secret", Level.WARNING, file=str(path), error=error.strerror)
        return secrets.token_bytes(SECRET_OCTETS)
    try:
        kept = path.read_bytes()
    except OSError as error:
        log.log("auth-secret", Level.WARNING, file=str(path), error=error.strerror)
        return secrets.token_bytes(SECRET_OCTETS)
    # Shorter: another process is writing it this moment; this one gets along without.
    return kept if len(kept) == SECRET_OCTETS else secrets.token_bytes(SECRET_OCTETS)
