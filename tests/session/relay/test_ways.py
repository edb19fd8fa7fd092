"""Which way a message takes: the next host, another address, LMTP, logins, sources."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.names import dns

from mailaccess.config.sections import Relay as Settings
from mailaccess.model.secret import Secret
from mailaccess.net.endpoints import over_tls
from mailaccess.net.tls import ServerTls, write_self_signed
from mailaccess.relay.routes import BadLogins, Login, Routes, read_logins
from mailaccess.relay.trust import trusted
from tests.session.relay.peers import Peer, Road
from tests.session.relay.test_relay import settled


def mx(*hosts):
    """naver.com's zone: hosts in order of preference, each with its addresses."""
    zone = {"naver.com": []}
    for place, addresses in enumerate(hosts, 1):
        name = f"mx{place}.naver.com"
        zone["naver.com"].append(dns.Record_MX(place * 10, name))
        zone[name] = [
            dns.Record_AAAA(each, ttl=60) if ":" in each else dns.Record_A(each, ttl=60) for each in addresses
        ]
    return {"naver.com": zone}


@pytest.fixture
def roads(tmp_path):
    """Makes roads, and clears them away."""
    made = []

    def make(zones=None, **settings):
        road = Road(tmp_path, **settings)
        if zones:
            road.zones = zones
        made.append(road)
        return road

    yield make
    for road in made:
        pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(road.stop()))


async def second(road, interface="127.0.0.2"):
    """Another server of the same port on another address."""
    peer = Peer()
    peer.start(road.peer.listening.getHost().port, interface)
    return peer


@pytest_twisted.ensureDeferred
async def test_who_puts_the_sender_off_is_passed_over_for_the_next_host(roads):
    road = roads(mx(["127.0.0.1"], ["127.0.0.2"]))
    road.peer.answers = {b"MAIL": b"451 4.3.2 not now"}
    await road.start()
    other = await second(road)
    await road.put("lee@naver.com")
    assert (await road.log.wait("relayed"))["host"].startswith("mx2.naver.com[127.0.0.2]")
    assert len(other.messages) == 1 and "deferred" not in [event for event, *_ in road.log.events]
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_where_all_put_it_off_the_message_waits_with_what_was_said(roads):
    road = roads(mx(["127.0.0.1"], ["127.0.0.2"]))
    road.peer.answers = {b"MAIL": b"451 4.3.2 not now"}
    await road.start()
    other = await second(road)
    other.answers = {b"MAIL": b"452 4.3.1 full"}
    await road.put("lee@naver.com")
    fields = await road.log.wait("deferred")
    assert (fields["status"], fields["reply"]) == ("4.3.1", "452 4.3.1 full")
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_refusal_of_the_sender_is_final(roads):
    road = roads(mx(["127.0.0.1"], ["127.0.0.2"]))
    road.peer.answers = {b"MAIL": b"550 5.7.1 never"}
    await road.start()
    other = await second(road)
    await road.put("lee@naver.com")
    await road.log.wait("bounced")
    assert other.connections == 0
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_connection_that_has_had_its_fill_is_replaced_at_once(roads):
    road = roads(connections_per_destination=1)
    await road.start()

    def after_one():
        road.peer.answers = {b"MAIL": b"421 4.7.0 too many"} if road.peer.connections == 1 else {}
        told()

    told, road.peer.told = road.peer.told, after_one
    connect = road.peer.buildProtocol

    def build(address):
        road.peer.answers = {}
        return connect(address)

    road.peer.buildProtocol = build
    road.peer.listening.stopReading()  # all three are in line before the first connection is taken
    ids = [await road.put("lee@naver.com", octets=b"Subject: %d\r\n\r\n" % number) for number in range(3)]
    road.peer.listening.startReading()
    await road.log.wait("relayed", 3)
    assert all(len(road.tries(each)) == 1 for each in ids) and road.peer.connections == 2
    await settled(road)


@pytest_twisted.ensureDeferred
async def test_each_address_of_a_host_is_tried_ipv6_too(roads):
    road = roads(mx(["127.0.0.3", "::1"]))
    await road.start()
    other = await second(road, "::1")
    await road.put("lee@naver.com")
    assert (await road.log.wait("relayed"))["host"].startswith("mx1.naver.com[::1]:")
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_lmtp_tells_of_each_recipient(roads, tmp_path):
    path = tmp_path / "lmtp"
    other = Peer()
    other.lmtp = True
    other.answers = {b".T TO:<full": b"452 4.2.2 full", b".T TO:<no": b"550 5.2.1 closed"}
    other.listening = reactor.listenUNIX(str(path), other)
    road = roads(transports={"naver.com": f"lmtp:unix:{path}"})
    await road.start()
    id = await road.put("lee@naver.com", "full@naver.com", "no@naver.com")
    await road.log.wait("bounced")
    await settled(road)
    envelope = await road.spool.read(id)
    assert [each.state for each in envelope.recipients] == ["delivered", "waiting", "failed"]
    assert other.lines[0] == b"LHLO mail.daum.net" and len(other.messages) == 1
    await other.listening.stopListening()


@pytest.fixture
def tls(tmp_path):
    write_self_signed(tmp_path / "cert.pem", tmp_path / "key.pem", ["mx.naver.com", "localhost"])
    return ServerTls(tmp_path / "cert.pem", tmp_path / "key.pem"), trusted(tmp_path / "cert.pem")


@pytest_twisted.ensureDeferred
async def test_a_transport_has_a_login_of_its_own_and_it_goes_by_tls(roads, tls):
    other = Peer()
    other.tls, trust = tls
    other.offers = [b"STARTTLS", b"AUTH LOGIN PLAIN"]
    other.answers = {b"AUTH": b"235 2.7.0 welcome"}
    port = other.start()
    road = roads(transports={"naver.com": f"localhost:{port}"})
    road.options = {"trust": trust}
    road.logins = {f"localhost:{port}": Login("kim", Secret("sesame"))}
    await road.start()
    await road.put("lee@naver.com")
    assert (await road.log.wait("relayed"))["tls"] is True
    assert other.lines[1] == b"STARTTLS" and other.lines[3] == b"AUTH PLAIN AGtpbQBzZXNhbWU="
    other.offers = [b"AUTH PLAIN"]  # without TLS nothing is said
    await settled(road)
    other.lines.clear()
    await road.put("lee@naver.com")
    assert (await road.log.wait("deferred"))["status"] == "4.7.10"
    assert not any(line.startswith(b"AUTH") for line in other.lines)
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_transport_may_begin_with_tls(roads, tls):
    other = Peer()
    other.offers = [b"8BITMIME"]
    other.listening = reactor.listenTCP(0, over_tls(other, tls[0]), interface="127.0.0.1")
    port = other.listening.getHost().port
    road = roads(transports={"naver.com": f"smtps:localhost:{port}"}, tls="required")
    road.options = {"trust": tls[1]}
    await road.start()
    await road.put("lee@naver.com")
    assert (await road.log.wait("relayed"))["tls"] is True
    await settled(road)
    await other.listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_each_of_our_domains_may_have_its_address(roads):
    road = roads(source_domains={"daum.net": "127.0.0.5"})
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    await road.put("lee@naver.com", sender="kim@elsewhere.kr")
    await road.log.wait("relayed", 2)
    assert road.peer.clients == ["127.0.0.5", "127.0.0.1"]
    await settled(road)


def test_logins_are_read_from_a_file_of_their_own(tmp_path):
    (tmp_path / "logins").write_text("# ours\n\nMail.example.net:587 lee pass word \n[::1] kim x\n")
    found = read_logins(tmp_path / "logins")
    assert {key: (each.user, each.password.reveal()) for key, each in found.items()} == {
        "mail.example.net:587": ("lee", b"pass word"),
        "::1:25": ("kim", b"x"),
    }
    routes = Routes(Settings(smarthost="mail.example.net:587"), logins=found)
    assert routes.of("naver.com").login is not None and routes.of("naver.com").tls == "required"
    (tmp_path / "logins").write_text("mail.example.net secret\n")
    with pytest.raises(BadLogins) as wrong:
        read_logins(tmp_path / "logins")
    assert "line 1" in str(wrong.value) and "secret" not in str(wrong.value)
