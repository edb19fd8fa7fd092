"""What ``listen.http`` serves: metrics, health, and the autoconfiguration of clients.

/metrics                                        Prometheus' text format
/health                                         200 while the service runs, 503 while it stops
/.well-known/autoconfig/mail/config-v1.1.xml,
/mail/config-v1.1.xml                           Thunderbird and others
/autodiscover/autodiscover.xml                  Outlook (POST)

Nothing here asks for a password, so the metrics belong on loopback; a web server in front passes on
the autoconfiguration paths.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from mailaccess import __version__
from mailaccess.config.sections import Settings
from mailaccess.observe.counters import exposition
from mailaccess.service.autoconfig import REQUEST_SIZE, outlook, thunderbird

TIMEOUT: Final = 30
"""Seconds that an HTTP connection may be silent."""


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
        request.setResponseCode(code)
        request.setHeader(b"content-type", self._kind)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-content-type-options", b"nosniff")
        return body


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


def site(settings: Settings, registry: CollectorRegistry, stopping: Callable[[], bool]) -> Site:
    """The whole of it, as a factory to listen with."""

    def metrics(request: Request) -> tuple[int, bytes]:
        return http.OK, exposition(registry)

    def health(request: Request) -> tuple[int, bytes]:
        state = "stopping" if stopping() else "ok"
        body = json.dumps({"status": state, "version": __version__}) + "\n"
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
    _branch(root, "/metrics", _Page(b"text/plain; version=0.0.4; charset=utf-8", metrics))
    _branch(root, "/health", _Page(b"application/json", health))
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
