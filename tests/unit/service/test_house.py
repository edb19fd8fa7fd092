"""The service as an operator meets it: pages over HTTP, refusals in words, an orderly end."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from mailaccess.config.sections import Auth, Listen, Process, Settings, Tls
from mailaccess.net.tls import write_self_signed
from mailaccess.observe.counters import EVENTS
from mailaccess.service.house import CannotStart, House
from mailaccess.service.metrics import CONNECTIONS, few


def settings(folder, **listen):
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not key.exists():
        write_self_signed(certificate, key, ["localhost"])
    (folder / "users").touch()
    return Settings(
        hostname="mail.naver.com",
        state_dir=folder,
        domains=("naver.com",),
        listen=Listen(**listen),
        tls=Tls(certificate=certificate, key=key),
        auth=Auth(passwd_file=folder / "users"),
        process=Process(threads=2),
    )


class Running:
    """A house that has started; ``async with``."""

    def __init__(self, made):
        self.house = House(made)

    async def __aenter__(self):
        self.house.privilegedStartService()
        self.house.startService()
        return self.house

    async def __aexit__(self, *_):
        await self.house.stopService()


def get(house, path, data=None):
    url = f"http://{house.where('http')[0]}{path}"
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        return answer.status, answer.headers["content-type"], answer.read()


@pytest_twisted.ensureDeferred
async def test_metrics_health_and_autoconfiguration_are_served(tmp_path):
    async with Running(settings(tmp_path, http=("127.0.0.1:0",), imaps=("127.0.0.1:0",))) as house:
        status, kind, body = await deferToThread(get, house, "/metrics")
        assert status == 200 and kind.startswith("text/plain")
        assert b"mailaccess_info" in body and b"mailaccess_certificate_not_after_seconds" in body
        assert json.loads((await deferToThread(get, house, "/health"))[2])["status"] == "ok"
        for path in (
            "/mail/config-v1.1.xml?emailaddress=lee@naver.com",
            "/.well-known/autoconfig/mail/config-v1.1.xml",
        ):
            assert b"<clientConfig" in (await deferToThread(get, house, path))[2]
        request = b"<EMailAddress>lee@naver.com</EMailAddress>"
        assert (
            b"<Autodiscover"
            in (await deferToThread(get, house, "/autodiscover/autodiscover.xml", request))[2]
        )
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await deferToThread(get, house, "/mail/")


def test_who_holds_many_http_connections_takes_none_from_the_mail():
    where = IPv4Address("TCP", "192.0.2.7", 40000)
    factory = few(Site(Resource()))
    held = [factory.buildProtocol(where) for _ in range(CONNECTIONS)]
    assert None not in held and factory.buildProtocol(where) is None
    held[0].makeConnection(StringTransport())
    held[0].connectionLost(Failure(ConnectionDone()))
    again = factory.buildProtocol(where)
    assert again is not None


def test_a_taken_port_is_refused_in_words(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotStart, match=f"listen.http: {address}: Address already in use; another"):
            House(settings(tmp_path, http=(address,))).privilegedStartService()


def test_a_socket_that_cannot_be_opened_is_told_with_its_key(tmp_path):
    made = settings(tmp_path, lmtp=("unix:nowhere/lmtp.sock",))
    with pytest.raises(CannotStart) as caught:
        House(made).privilegedStartService()
    assert str(caught.value).startswith("listen.lmtp: unix:") and "1024" not in str(caught.value)


def test_a_certificate_that_cannot_be_read_is_named(tmp_path):
    made = settings(tmp_path)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(CannotStart, match=f"{tmp_path}/key.pem: No such file"):
        House(made).privilegedStartService()


@pytest_twisted.ensureDeferred
async def test_without_a_certificate_the_house_serves_this_machine(tmp_path):
    plain = replace(settings(tmp_path, imap=("127.0.0.1:0",)), tls=Tls())
    async with Running(plain) as house:
        assert house.where("imap") and not house.where("imaps")


@pytest_twisted.ensureDeferred
async def test_something_that_holds_the_reactor_is_measured_and_told(tmp_path):
    made = settings(tmp_path, http=("127.0.0.1:0",))
    held = replace(made, process=replace(made.process, reactor_late=0.05))
    async with Running(held) as house:
        from twisted.internet import reactor

        await deferLater(reactor, 0, time.sleep, 0.06)
        body = (await deferToThread(get, house, "/metrics"))[2].decode()
        assert house.counters.turns.longest >= 0.06
        assert "mailaccess_reactor_lag_seconds_count" in body
        assert house.counters.value(EVENTS, ("reactor-late", "warning")) >= 1
    assert type(getattr(reactor, "_poller", None)).__module__ != "mailaccess.net.turning"  # left as it was
