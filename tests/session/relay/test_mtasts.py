"""MTA-STS (RFC 8461): what naver.com publishes by DNS and HTTPS decides how its mail is sent."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.names import dns
from twisted.web.resource import Resource
from twisted.web.server import Site

from mailaccess.net.endpoints import over_tls
from mailaccess.net.tls import ServerTls, write_self_signed
from mailaccess.relay import policyfetch
from mailaccess.relay.mtasts import BadPolicy, Policy, PolicyFiles, parse, record_id
from mailaccess.relay.trust import trusted
from tests.session.relay.peers import Road
from tests.session.relay.test_relay import settled

ENFORCE = "version: STSv1\r\nmode: enforce\r\nmx: mx.naver.com\r\nmax_age: 604800\r\n"


class Page(Resource):
    isLeaf = True

    def __init__(self):
        super().__init__()
        self.text, self.code, self.kind, self.asked = ENFORCE, 200, "text/plain; charset=us-ascii", 0

    def render_GET(self, request):
        self.asked += 1
        assert request.path == b"/.well-known/mta-sts.txt"
        assert request.getHeader("host").startswith("mta-sts.naver.com")
        request.setResponseCode(self.code)
        request.setHeader("Content-Type", self.kind)
        return self.text.encode()


class Published(Road):
    """naver.com with a policy host beside its mail server, both certified by the same test authority."""

    def __init__(self, tmp_path, names=("mx.naver.com", "mta-sts.naver.com"), **settings):
        super().__init__(tmp_path, **settings)
        write_self_signed(tmp_path / "cert.pem", tmp_path / "key.pem", list(names))
        tls = ServerTls(tmp_path / "cert.pem", tmp_path / "key.pem")
        self.page = Page()
        self.site = reactor.listenTCP(0, over_tls(Site(self.page), tls), interface="127.0.0.1")
        self.zones["naver.com"] |= {
            "mta-sts.naver.com": [dns.Record_A("127.0.0.1", ttl=60)],
            "_mta-sts.naver.com": [dns.Record_TXT(b"v=STSv1; ", b"id=20160831;", ttl=60)],
        }
        self.options = {
            "trust": trusted(tmp_path / "cert.pem"),
            "policies": PolicyFiles(tmp_path / "sts"),
            "https_port": self.site.getHost().port,
        }
        self.peer.tls = tls
        self.peer.offers = [b"STARTTLS", b"8BITMIME"]

    async def stop(self):
        await settled(self)
        await super().stop()
        await self.site.stopListening()

    def logged(self, event):
        return [fields for name, _, fields in self.log.events if name == event]


@pytest.fixture
def road(tmp_path):
    made = Published(tmp_path)
    yield made
    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(made.stop()))


@pytest_twisted.ensureDeferred
async def test_an_enforced_policy_is_kept_and_asked_for_once(road):
    await road.start()
    await road.put("lee@naver.com")
    await road.put("kim@naver.com")
    await road.log.wait("relayed", 2)
    assert all(fields["tls"] is True for fields in road.logged("relayed"))
    assert road.page.asked == 1 and road.logged("mta-sts-fetched")[0]["mode"] == "enforce"
    assert PolicyFiles(road.tmp_path / "sts").read("naver.com").exchangers == ("mx.naver.com",)


@pytest_twisted.ensureDeferred
async def test_nothing_goes_in_the_clear_where_the_policy_forbids_it(road):
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    id = await road.put("lee@naver.com")
    assert (await road.log.wait("deferred"))["status"] == "4.7.10"
    assert road.peer.messages == [] and road.spool.queue.ids() == [id]


@pytest_twisted.ensureDeferred
async def test_a_host_that_the_policy_does_not_name_gets_nothing(road):
    road.page.text = ENFORCE.replace("mx.naver.com", "*.mx.naver.com")
    await road.start()
    await road.put("lee@naver.com")
    fields = await road.log.wait("deferred")
    assert fields["status"] == "4.7.5" and "MTA-STS" in fields["reply"] and road.peer.connections == 0


@pytest_twisted.ensureDeferred
async def test_a_wrong_certificate_gets_nothing(tmp_path):
    road = Published(tmp_path, names=("mta-sts.naver.com", "other.naver.com"))
    await road.start()
    await road.put("lee@naver.com")
    assert (await road.log.wait("deferred"))["status"] == "4.7.5"
    assert road.peer.messages == []
    await road.stop()


@pytest_twisted.ensureDeferred
async def test_while_it_is_tested_mail_goes_and_the_failure_is_logged(road):
    road.page.text = ENFORCE.replace("enforce", "testing").replace("mx.naver.com", "other.naver.com")
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    errors = [fields["error"] for fields in road.logged("mta-sts-failed")]
    assert len(errors) == 2 and "does not name it" in errors[0] and "TLS is required" in errors[1]


@pytest.mark.parametrize(
    "change",
    [
        {"code": 301},
        {"kind": "text/html"},
        {"text": "version: STSv2\n"},
        {"text": ENFORCE + "x" * 70000},
        {"text": ENFORCE.replace("enforce", "none")},
    ],
)
@pytest_twisted.ensureDeferred
async def test_without_a_policy_that_can_be_had_mail_goes_as_ever(road, change):
    for name, value in change.items():
        setattr(road.page, name, value)
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    assert road.page.asked == 1 and len(road.peer.messages) == 1


class Endless(Protocol):
    """A policy host that never comes to an end."""

    def connectionMade(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        self.speaking = LoopingCall(self.transport.write, b"version: STSv1\r\n")
        self.speaking.start(0.02)

    def connectionLost(self, reason=None):
        self.speaking.stop()
        self.factory.ended.callback(None)


@pytest_twisted.ensureDeferred
async def test_a_policy_host_that_talks_for_ever_is_left(road, monkeypatch):
    """The fetch gave up, and the connection stayed: whatever still came was kept in memory."""
    monkeypatch.setattr(policyfetch, "PAGE_PATIENCE", 0.3)
    factory = Factory.forProtocol(Endless)
    factory.ended = Deferred().addTimeout(60, reactor)
    talking = reactor.listenTCP(0, over_tls(factory, road.peer.tls), interface="127.0.0.1")
    road.options["https_port"] = talking.getHost().port
    road.page.text = ""
    await road.start()
    await road.put("lee@naver.com")
    await factory.ended
    assert "did not answer in time" in road.logged("mta-sts-not-fetched")[0]["error"]
    await road.log.wait("relayed")
    await talking.stopListening()


@pytest.mark.parametrize(("code", "kind"), [(404, "text/plain"), (200, "text/html")])
@pytest_twisted.ensureDeferred
async def test_a_policy_host_that_answers_something_else_is_left(road, code, kind):
    """Its connection stayed open until it closed it."""
    left = Deferred().addTimeout(60, reactor)

    class Other(Protocol):
        def connectionMade(self):
            self.transport.write(b"HTTP/1.1 %d X\r\nContent-Type: %b\r\n\r\nmore" % (code, kind.encode()))

        def connectionLost(self, reason=None):
            left.callback(None)

    factory = over_tls(Factory.forProtocol(Other), road.peer.tls)
    other = reactor.listenTCP(0, factory, interface="127.0.0.1")
    road.options["https_port"] = other.getHost().port
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    await left
    assert road.logged("mta-sts-not-fetched") and not road.logged("internal-error")
    await other.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_host_whose_name_no_certificate_can_have_is_passed_over_for_the_next(road):
    """An underscore ended the attempt with an internal error, each time anew, whatever other hosts there were."""
    zone = road.zones["naver.com"]
    zone["naver.com"].insert(0, dns.Record_MX(1, "mx_1.naver.com"))
    zone["mx_1.naver.com"] = [dns.Record_A("127.0.0.1", ttl=60)]
    road.page.text = ENFORCE.replace("mx: mx.naver.com", "mx: *.naver.com")
    await road.start()
    await road.put("lee@naver.com")
    assert (await road.log.wait("relayed"))["host"].startswith("mx.naver.com[")


@pytest_twisted.ensureDeferred
async def test_a_domain_whose_policy_host_can_have_no_certificate_gets_its_mail(road):
    road.zones["kim_lee.kr"] = {
        "kim_lee.kr": [dns.Record_MX(1, "mx.naver.com")],
        "_mta-sts.kim_lee.kr": [dns.Record_TXT(b"v=STSv1; id=1;", ttl=60)],
        "mta-sts.kim_lee.kr": [dns.Record_A("127.0.0.1", ttl=60)],
    }
    await road.start()
    await road.put("kim@kim_lee.kr")
    await road.log.wait("relayed")
    assert road.logged("mta-sts-not-fetched") and not road.logged("internal-error")


@pytest_twisted.ensureDeferred
async def test_a_certificate_of_another_host_is_no_policy(tmp_path):
    road = Published(tmp_path, names=("mx.naver.com",))
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    assert road.page.asked == 0 and len(road.logged("mta-sts-not-fetched")) == 1
    await road.stop()


@pytest_twisted.ensureDeferred
async def test_hiding_record_and_page_does_not_undo_a_policy(road):
    """RFC 8461 §10.2: what is kept on disk holds until it expires, whoever sits in the middle."""
    PolicyFiles(road.tmp_path / "sts").write(
        "naver.com", Policy("1", "enforce", ("mx.naver.com",), 86400, road.now)
    )
    del road.zones["naver.com"]["_mta-sts.naver.com"]
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("deferred")
    assert road.peer.messages == []
    await settled(road)
    await road.later(86400)
    await road.log.wait("relayed")


@pytest_twisted.ensureDeferred
async def test_the_operator_s_word_counts_more(tmp_path):
    road = Published(tmp_path, tls_domains={"naver.com": "opportunistic"})
    road.peer.offers = [b"8BITMIME"]
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    assert road.page.asked == 0
    await road.stop()


@pytest_twisted.ensureDeferred
async def test_a_new_id_brings_a_new_policy_and_a_failed_fetch_waits(road):
    await road.start()
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    await settled(road)
    record = road.zones["naver.com"]["_mta-sts.naver.com"][0]
    record.data = [b"v=STSv1; id=2;"]
    road.page.code = 500
    road.now += 301
    await road.put("lee@naver.com")
    await road.log.wait("relayed", 2)
    assert road.page.asked == 2 and road.logged("relayed")[1]["tls"] is True
    road.page.code, road.page.text = 200, ENFORCE.replace("enforce", "none")
    await settled(road)
    road.now += 301
    await road.put("lee@naver.com")
    await road.log.wait("relayed", 3)
    assert road.page.asked == 3 and PolicyFiles(road.tmp_path / "sts").read("naver.com").mode == "none"


@pytest.mark.parametrize(
    ("texts", "id"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=a;other=b"], "a"),
        (["v=spf1 -all", "v=STSv1; id=a"], "a"),
        (["v=STSv1; id=a", "v=STSv1; id=b"], None),
        (["v=STSv1;"], None),
        (["v=STSv1; id=;"], None),
        (["v=STSv1; id=" + "a" * 33], None),
        (["v=STSv10; id=a"], None),
        ([], None),
    ],
)
def test_records(texts, id):
    """RFC 8461 §3.1."""
    assert record_id(texts) == id


def test_the_rfc_s_example_and_its_patterns():
    """RFC 8461 §3.2, §4.1."""
    policy = parse(
        b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n"
        b"mx: backupmx.example.com\nmax_age: 604800\nmode: none\nnews: x\n",
        "1",
        0,
    )
    assert policy.mode == "enforce" and policy.max_age == 604800
    assert policy.allows("Mail.Example.com.") and policy.allows("a.example.net")
    assert not policy.allows("example.net") and not policy.allows("a.b.example.net")


@pytest.mark.parametrize(
    "text", ["", "version: STSv1", ENFORCE.replace("max_age", "x"), ENFORCE + "?", "\xff"]
)
def test_what_is_no_policy(text):
    with pytest.raises(BadPolicy):
        parse(text.encode("latin-1"), "1", 0)
