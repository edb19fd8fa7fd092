"""Two wired houses and a name server: what one's account submits is in the other's mailbox, or comes back."""

import smtplib
from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.names import dns

from mailaccess.admin.labdns import NameServer
from mailaccess.config.sections import Auth, Listen, Process, Relay, Settings, Smtp, Store, Tls
from mailaccess.net.tls import write_self_signed
from mailaccess.service.house import CannotStart, House

PASSWORD = "open sesame"
ANY = ("127.0.0.1:0",)


def settings(folder, domain, user, **relay):
    folder.mkdir()
    certificate, key = folder / "cert.pem", folder / "key.pem"
    write_self_signed(certificate, key, ["mx.naver.com", "localhost"])
    (folder / "users").write_text(f"{user}@{domain}:{{PLAIN}}{PASSWORD}::::::\n")
    (folder / "aliases").write_text("away: lee@naver.com\n")
    return Settings(
        hostname=f"mail.{domain}",
        state_dir=folder,
        domains=(domain,),
        listen=Listen(smtp=ANY, submission=ANY),
        tls=Tls(certificate=certificate, key=key),
        auth=Auth(passwd_file=folder / "users", failure_delay=0.0),
        store=Store(fsync=False),
        smtp=Smtp(aliases=folder / "aliases"),
        process=Process(threads=2),
        relay=Relay(**relay),
    )


def port(house, service):
    return int(house.where(service)[0].rpartition(":")[2])


def start(made):
    house = House(made)
    house.privilegedStartService()
    house.startService()
    return house


def inbox(folder, user, domain):
    new = folder / "mail" / domain / user / "Maildir" / "new"
    return [path.read_bytes() for path in new.iterdir()] if new.exists() else []


async def until(condition, seconds=60.0):
    end = reactor.seconds() + seconds
    while not condition():
        assert reactor.seconds() < end, "it does not come"
        await deferLater(reactor, 0.01)


class Two:
    def __init__(self, tmp_path, **relay):
        self.tmp = tmp_path
        self.naver = start(settings(tmp_path / "naver", "naver.com", "lee"))
        zone = {"naver.com": [dns.Record_MX(10, "mx.naver.com")], "mx.naver.com": [dns.Record_A("127.0.0.1")]}
        self.names = NameServer({"naver.com": zone})
        server = f"127.0.0.1:{self.names.listen(reactor)}"
        self.made = settings(
            tmp_path / "daum", "daum.net", "kim", dns=(server,), port=port(self.naver, "smtp"), **relay
        )
        self.daum = start(self.made)

    def submit(self, *recipients, **options):
        client = smtplib.SMTP("127.0.0.1", port(self.daum, "submission"), timeout=60)
        client.ehlo()
        client.login("kim@daum.net", PASSWORD)
        message = b"From: kim@daum.net\r\nSubject: Hello\r\n\r\nhello\r\n"
        client.sendmail("kim@daum.net", recipients, message, **options)
        client.quit()

    def inbox(self, user):
        house, domain = ("naver", "naver.com") if user == "lee" else ("daum", "daum.net")
        return inbox(self.tmp / house, user, domain)

    def queued(self):
        return list((self.tmp / "daum" / "queue" / "envelope").iterdir())

    async def stop(self):
        await self.daum.stopService()
        await self.naver.stopService()
        await self.names.stop()


@pytest.fixture
def two(tmp_path):
    two = Two(tmp_path)
    yield two
    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(two.stop()))


@pytest_twisted.ensureDeferred
async def test_kim_writes_to_lee_and_to_herself_at_once(two):
    await deferToThread(two.submit, "lee@naver.com", "kim@daum.net")
    (own,) = two.inbox("kim")
    assert b"for <kim@daum.net>" in own
    await until(lambda: two.inbox("lee"))
    (got,) = two.inbox("lee")
    assert got.startswith(b"Return-Path: <kim@daum.net>\r\nDelivered-To: lee@naver.com\r\n")
    assert got.count(b"Received: ") == 2 and b"by mail.naver.com with ESMTPS (TLSv1.3" in got
    assert b"for <kim@daum.net>" not in got and b"kim@daum.net\r\nSubject: Hello" in got
    await until(lambda: not two.queued())


@pytest_twisted.ensureDeferred
async def test_what_lee_s_server_refuses_comes_back_to_kim(two):
    await deferToThread(two.submit, "nobody@naver.com")
    await until(lambda: two.inbox("kim"))
    (report,) = two.inbox("kim")
    assert report.startswith(b"Return-Path: <>\r\n") and b"Status: 5.1.1" in report
    await until(lambda: not two.queued())


@pytest_twisted.ensureDeferred
async def test_an_alias_may_lead_elsewhere_but_port_25_never_relays(two):
    def from_elsewhere():
        client = smtplib.SMTP("127.0.0.1", port(two.daum, "smtp"), timeout=60)
        client.ehlo()
        client.mail("park@example.org")
        refused = client.rcpt("lee@naver.com")[0]
        taken = client.rcpt("away@daum.net")[0]
        client.data(b"Subject: x\r\n\r\nfor lee\r\n")
        client.quit()
        return refused, taken

    assert await deferToThread(from_elsewhere) == (550, 250)
    await until(lambda: two.inbox("lee"))
    first = two.inbox("lee")[0].partition(b"\r\n")[0]  # a sender of the forwarder's, so that SPF holds
    assert first.startswith(b"Return-Path: <SRS0=") and first.endswith(b"=example.org=park@daum.net>")
    assert (two.daum.settings.state_dir / "srs.secret").stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_dsn_is_offered_to_our_own_people(two):
    def notify(to):
        client = smtplib.SMTP("127.0.0.1", port(two.daum, "submission"), timeout=60)
        client.ehlo()
        assert client.has_extn("dsn")
        client.login("kim@daum.net", PASSWORD)
        client.sendmail(
            "kim@daum.net",
            to,
            b"Subject: x\r\n\r\nhello\r\n",
            ["RET=HDRS", "ENVID=abc"],
            ["NOTIFY=SUCCESS", "ORCPT=rfc822;lee@naver.com"],
        )
        client.quit()

    await deferToThread(notify, ["lee@naver.com"])
    await until(lambda: two.inbox("kim"))
    assert b"Action: relayed" in two.inbox("kim")[0] and b"Original-Envelope-Id: abc" in two.inbox("kim")[0]
    await deferToThread(notify, ["kim@daum.net"])
    await until(lambda: len(two.inbox("kim")) == 3)
    assert any(b"Action: delivered" in message for message in two.inbox("kim"))
    await until(lambda: not two.queued())


@pytest_twisted.ensureDeferred
async def test_only_one_server_takes_a_queue(two):
    with pytest.raises(CannotStart, match="another process has the queue"):
        House(replace(two.made)).privilegedStartService()


@pytest_twisted.ensureDeferred
async def test_required_tls_wants_the_right_certificate(tmp_path):
    two = Two(tmp_path, tls="required", ca_file=tmp_path / "naver" / "cert.pem")
    await deferToThread(two.submit, "lee@naver.com")
    await until(lambda: two.inbox("lee"))
    (got,) = two.inbox("lee")
    assert b"from mail.daum.net " in got and b"by mail.naver.com with ESMTPS (TLSv1.3" in got
    await until(lambda: not two.queued())
    await two.stop()


@pytest_twisted.ensureDeferred
async def test_required_tls_does_not_take_a_wrong_certificate(tmp_path):
    two = Two(tmp_path, tls="required")
    await deferToThread(two.submit, "lee@naver.com")
    await until(lambda: two.queued() and b"certificate verify failed" in two.queued()[0].read_bytes())
    assert two.inbox("lee") == []
    await two.stop()
