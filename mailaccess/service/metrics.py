"""What ``listen.http`` serves: metrics, health, and the autoconfiguration of clients.

/metrics                                        Prometheus' text format, of all workers
/health                                         200 while the service runs, 503 while it stops
/.well-known/autoconfig/mail/config-v1.1.xml,
/mail/config-v1.1.xml                           Thunderbird and others
/autodiscover/autodiscover.xml                  Outlook (POST)

Nothing here asks for a password, so the metrics belong on loopback; a web server in front passes on
the autoconfiguration paths.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.protocols.policies import ThrottlingFactory
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from mailaccess import __version__
from mailaccess.config.sections import Settings
from mailaccess.observe.combined import registry as combined
from mailaccess.observe.combined import understood
from mailaccess.observe.counters import exposition
from mailaccess.service.autoconfig import REQUEST_SIZE, outlook, thunderbird

TIMEOUT: Final = 30
"""Seconds that an HTTP connection may be silent."""

CONNECTIONS: Final = 100
"""HTTP connections at once through one listener: a scraper, a proxy in front of autoconfiguration, some to spare."""


def _begin(request: Request, code: int, kind: bytes) -> None:
    request.setResponseCode(code)
    request.setHeader(b"content-type", kind)
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"x-content-type-options", b"nosniff")


class _Page(Resource):
    """A leaf whose content is made anew for each request."""

    isLeaf = True

    def __init__(self, kind: bytes, make: Callable[[Request], tuple[int, bytes]]) -> None:
        super().__init__()
        self._kind = kind
        self._make = make

    def render_GET(self, request: Request) -> bytes:
        """Twisted's name for GET and HEAD."""
        code, body = self._make(request)
        _begin(request, code, self._kind)
        return body


class _Gathered(Resource):
    """A leaf whose content is waited for."""

    isLeaf = True

    def __init__(
        self, kind: bytes, make: Callable[[Request], Coroutine[Any, Any, tuple[int, bytes]]]
    ) -> None:
        super().__init__()
        self._kind = kind
        self._make = make

    def render_GET(self, request: Request) -> int:
        """Twisted's name for GET and HEAD."""
        asking = Deferred.fromCoroutine(self._answer(request))
        request.notifyFinish().addErrback(lambda _: asking.cancel())
        asking.addErrback(lambda failure: failure.trap(CancelledError))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        code, body = await self._make(request)
        _begin(request, code, self._kind)
        if request.method != b"HEAD":
            request.write(body)
        request.finish()


class _Posted(_Page):
    """A leaf that wants a body."""

    def render_POST(self, request: Request) -> bytes:
        """Twisted's name for POST."""
        return self.render_GET(request)


def _branch(root: Any, path: str, leaf: Any) -> None:
    *folders, last = path.encode().strip(b"/").split(b"/")
    for name in folders:
        below = root.children.get(name)
        if below is None:
            below = Resource()
            root.putChild(name, below)
        root = below
    root.putChild(last, leaf)


class Alone:
    """The figures of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def metrics(self) -> bytes:
        """Prometheus' text format."""
        return exposition(self._registry)

    async def crew(self) -> dict[str, int]:
        """For /health: nothing."""
        return {}


class Together:
    """The figures of all workers. gather: ``company.Company.gather``."""

    def __init__(self, gather: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._gather = gather

    async def metrics(self) -> bytes:
        """Prometheus' text format. Raises TimeoutError."""
        answer = await self._gather()
        processes = {int(number): figures for number, figures in answer["processes"].items()}
        return exposition(combined(understood(answer["sums"]), processes))

    async def crew(self) -> dict[str, int]:
        """For /health: how many workers serve, and how many should. Raises TimeoutError."""
        answer = await self._gather()
        return {"workers_serving": answer["serving"], "workers": answer["wanted"]}


def few(pages: Site) -> ThrottlingFactory:
    """The same behind a bound of CONNECTIONS: who holds more of them open takes none from the mail."""
    factory = ThrottlingFactory(pages, maxConnectionCount=CONNECTIONS)
    factory.noisy = False
    return factory


def site(settings: Settings, figures: Alone | Together, stopping: Callable[[], bool]) -> Site:
    """The whole of it, as a factory to listen with."""

    async def metrics(request: Request) -> tuple[int, bytes]:
        try:
            return http.OK, await figures.metrics()
        except (TimeoutError, DeferredTimeout):
            return http.SERVICE_UNAVAILABLE, b"# the workers do not answer\n"

    async def health(request: Request) -> tuple[int, bytes]:
        state: dict[str, Any] = {"status": "stopping" if stopping() else "ok", "version": __version__}
        with suppress(TimeoutError, DeferredTimeout):
            state |= await figures.crew()
        body = json.dumps(state) + "\n"
        return (http.SERVICE_UNAVAILABLE if stopping() else http.OK), body.encode()

    def autoconfig(request: Request) -> tuple[int, bytes]:
        return http.OK, thunderbird(settings)

    def autodiscover(request: Request) -> tuple[int, bytes]:
        content: Any = request.content
        answer = outlook(settings, content.read(REQUEST_SIZE) if content is not None else b"")
        if answer is None:
            return http.BAD_REQUEST, b"<!-- the request has no EMailAddress -->\n"
        return http.OK, answer

    root = Resource()
    _branch(root, "/metrics", _Gathered(b"text/plain; version=0.0.4; charset=utf-8", metrics))
    _branch(root, "/health", _Gathered(b"application/json", health))
    _branch(root, "/mail/config-v1.1.xml", _Page(b"text/xml; charset=utf-8", autoconfig))
    _branch(
        root, "/.well-known/autoconfig/mail/config-v1.1.xml", _Page(b"text/xml; charset=utf-8", autoconfig)
    )
    for name in ("autodiscover", "Autodiscover", "AutoDiscover"):  # Outlook's versions differ
        for leaf in ("autodiscover.xml", "Autodiscover.xml", "AutoDiscover.xml"):
            _branch(root, f"/{name}/{leaf}", _Posted(b"text/xml; charset=utf-8", autodiscover))
    made = Site(root, timeout=TIMEOUT)
    made.noisy = False
    made.displayTracebacks = False
    made.log = lambda request: None  # type: ignore[method-assign]
    return made
