"""Makes the engines from the settings and hands them to the conversations: the one place that knows all."""

from dataclasses import dataclass
from typing import Any

from mailaccess.config.sections import Settings
from mailaccess.net.endpoints import Door
from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.threads import Threads
from mailaccess.net.tls import ServerTls
from mailaccess.observe.events import EventLog


@dataclass(frozen=True, slots=True)
class Entrance:
    """One kind of listener. ``over_tls``: TLS from the first octet."""

    door: Door
    over_tls: bool = False


@dataclass(slots=True)
class Built:
    """What the service runs and closes. ``entrances``: by their names in ``[listen]``."""

    threads: Threads
    limits: ConnectionLimits
    tls: ServerTls | None
    entrances: dict[str, Entrance]

    async def close(self) -> None:
        """Finish what the engines owe."""


def build(settings: Settings, reactor: Any, log: EventLog) -> Built:
    """All engines and entrances. Raises TlsError, ListenError."""
    threads = Threads(reactor, settings.process.threads)
    limits = ConnectionLimits(
        settings.limits.connections,
        settings.limits.connections_per_address,
        settings.limits.connections_per_user,
        settings.limits.unauthenticated,
    )
    tls = None
    if settings.tls.certificate is not None and settings.tls.key is not None:
        tls = ServerTls(settings.tls.certificate, settings.tls.key, settings.tls.minimum)
    return Built(threads, limits, tls, {})
