"""swaks as a server that sends to us: through a proxy, with a forged author, to where we do not relay."""

import shutil
import subprocess
from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.names import dns

from mailaccess.admin.labdns import NameServer
from mailaccess.config.sections import Proxy
from mailaccess.net import proxied
from tests.unit.service.test_outgoing import inbox, port, settings, start

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed"),
]


@pytest.fixture
def receiving(tmp_path):
    zones = {
        "daum.net": {
            "daum.net": [dns.Record_TXT(b"v=spf1 ip4:203.0.113.9 ip6:2001:db8::9 -all")],
            "_dmarc.daum.net": [dns.Record_TXT(b"v=DMARC1; p=reject")],
        }
    }
    names = NameServer(zones)
    made = settings(tmp_path / "naver", "naver.com", "lee", dns=(f"127.0.0.1:{names.listen(reactor)}",))
    house = start(
        replace(
            made,
            smtp=replace(made.smtp, authentication="enforce"),
            proxy=Proxy(services=("smtp",), networks=("127.0.0.1",)),
        )
    )
    yield house

    async def stop():
        await house.stopService()
        await names.stop()

    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(stop()))


def swaks(house, *arguments):
    """Exit code and dialogue."""
    words = ["swaks", "--server", "127.0.0.1", "--port", str(port(house, "smtp")), "--helo", "mx.daum.net"]
    done = subprocess.run([*words, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def through(version, source):
    family = "TCP6" if ":" in source else "TCP4"
    where = "2001:db8::1" if ":" in source else "192.0.2.1"
    if version == 2:
        family = "AF_INET6" if ":" in source else "AF_INET"
    return (
        *("--proxy-version", str(version), "--proxy-family", family),
        *("--proxy-source", source, "--proxy-source-port", "40000"),
        *("--proxy-dest", where, "--proxy-dest-port", "25"),
    )


MAIL = ("--from", "kim@daum.net", "--to", "lee@naver.com", "--header", "Subject: hello")


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("source", ["203.0.113.9", "2001:db8::9"])
async def test_spf_sees_the_client_behind_the_proxy(receiving, version, source):
    code, said = await deferToThread(swaks, receiving, *through(version, source), *MAIL)
    assert code == 0, said
    (message,) = inbox(receiving.settings.state_dir, "lee", "naver.com")
    assert b"spf=pass smtp.mailfrom=daum.net;" in message and b"dmarc=pass (p=reject)" in message
    assert source.encode() in message.partition(b"Received: ")[2].partition(b"\r\n")[0]


@pytest_twisted.ensureDeferred
async def test_a_forged_author_is_refused_after_the_message(receiving):
    code, said = await deferToThread(swaks, receiving, *through(1, "198.51.100.66"), *MAIL)
    assert code == 26 and "550 5.7.1" in said, said
    assert inbox(receiving.settings.state_dir, "lee", "naver.com") == []


@pytest_twisted.ensureDeferred
async def test_without_the_proxys_header_nothing_is_said(receiving, monkeypatch):
    monkeypatch.setattr(proxied, "PATIENCE", 0.5)
    code, said = await deferToThread(swaks, receiving, *MAIL)
    assert code != 0 and "<-  220" not in said, said  # not 220 alone: the port may hold it


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "recipient", ["victim@far.example", "victim%far.example@naver.com", "@naver.com:victim@far.example"]
)
async def test_nothing_is_relayed(receiving, recipient):
    words = (*through(1, "203.0.113.9"), "--from", "kim@daum.net", "--to", recipient)
    code, said = await deferToThread(swaks, receiving, *words)
    assert code == 24 and "<** 55" in said, said
