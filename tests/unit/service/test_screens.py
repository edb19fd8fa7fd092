"""Two wired houses with signatures and checks: what one signs, the other believes; what is forged, it refuses."""

import json
import os
import smtplib
from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.names import dns

from mailaccess.admin import main
from mailaccess.admin.labdns import NameServer
from mailaccess.config.sections import Dkim, Hooks, Rspamd, Sending
from mailaccess.screening import keys
from mailaccess.service.house import CannotStart, House
from tests.unit.service.test_outgoing import PASSWORD, inbox, port, settings, start, until

HOOK = """
from pathlib import Path

from mailaccess.screening.api import defer, file, refuse, tag

def check(message):
    if b"slow" in message.octets:
        with open(Path(__file__).with_name("gate"), "rb", buffering=0) as gate:
            gate.read(1)
    if b"casino" in message.octets:
        return refuse("We do not gamble")
    return tag({"X-Hook": message.address})
"""


class Checked:
    def __init__(self, tmp_path, patience=60.0):
        self.tmp = tmp_path
        self.keys = [keys.create(tmp_path / "keys", "daum.net", kind, kind) for kind in ("rsa", "ed25519")]
        zones = {
            "naver.com": {
                "naver.com": [dns.Record_MX(10, "mx.naver.com")],
                "mx.naver.com": [dns.Record_A("127.0.0.1")],
            },
            "daum.net": {
                "daum.net": [dns.Record_TXT(b"v=spf1 ip4:127.0.0.0/8 -all")],
                "_dmarc.daum.net": [dns.Record_TXT(b"v=DMARC1; p=reject")],
                **{key.name: [_text(key.record)] for key in self.keys},
            },
            "bank.example": {"_dmarc.bank.example": [dns.Record_TXT(b"v=DMARC1; p=quarantine")]},
            "forged.example": {
                "forged.example": [dns.Record_TXT(b"v=spf1 -all")],
                "_dmarc.forged.example": [dns.Record_TXT(b"v=DMARC1; p=reject")],
            },
        }
        self.names = NameServer(zones)
        server = f"127.0.0.1:{self.names.listen(reactor)}"
        made = settings(tmp_path / "naver", "naver.com", "lee", dns=(server,))
        (tmp_path / "hookmodule.py").write_text(HOOK)
        self.naver_settings = replace(
            made,
            smtp=replace(made.smtp, authentication="enforce"),
            hooks=Hooks(python=("hookmodule:check",), folder=tmp_path, timeout=patience),
        )
        self.naver = start(self.naver_settings)
        made = settings(tmp_path / "daum", "daum.net", "kim", dns=(server,), port=port(self.naver, "smtp"))
        self.daum = start(
            replace(
                made, dkim=replace(Dkim(), domains={"daum.net": "rsa, ed25519"}, folder=tmp_path / "keys")
            )
        )

    def submit(self):
        client = smtplib.SMTP("127.0.0.1", port(self.daum, "submission"), timeout=60)
        client.login("kim@daum.net", PASSWORD)
        body = "안녕하세요 \r\n\r\n.dots\r\nbare\nline  \r\n\r\n\r\n".encode() * 3000
        client.sendmail(
            "kim@daum.net",
            ["lee@naver.com"],
            b"From: kim@daum.net\r\nSubject: =?utf-8?b?7JWI?=\r\n\r\n" + body,
        )
        client.quit()

    def send(self, author, text=b"hello"):
        client = smtplib.SMTP("127.0.0.1", port(self.naver, "smtp"), timeout=60)
        client.ehlo("client.example")
        try:
            message = (
                b"From: " + author + b"\r\nAuthentication-Results: mail.naver.com; dmarc=pass\r\n\r\n" + text
            )
            client.sendmail("x@nowhere.example", ["lee@naver.com"], message + b"\r\n")
        except smtplib.SMTPDataError as error:
            return error.smtp_code
        finally:
            client.quit()
        return 250

    def inbox(self):
        return inbox(self.tmp / "naver", "lee", "naver.com")

    async def stop(self):
        await self.daum.stopService()
        await self.naver.stopService()
        await self.names.stop()


def _text(record):
    return dns.Record_TXT(*(record[start : start + 255].encode() for start in range(0, len(record), 255)))


@pytest.fixture
def checked(tmp_path):
    checked = Checked(tmp_path)
    yield checked
    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(checked.stop()))


@pytest_twisted.ensureDeferred
async def test_what_one_house_signs_and_relays_the_other_believes(checked):
    await deferToThread(checked.submit)
    await until(checked.inbox)
    (message,) = checked.inbox()
    results = b" ".join(message.partition(b"Authentication-Results:")[2].partition(b"\r\nX-Hook")[0].split())
    assert results.startswith(b"mail.naver.com; spf=pass smtp.mailfrom=daum.net;")
    assert results.count(b"dkim=pass header.d=daum.net") == 2
    assert results.endswith(b"dmarc=pass (p=reject) header.from=daum.net")
    assert b"X-Hook: 127.0.0.1\r\n" in message


@pytest_twisted.ensureDeferred
async def test_what_is_forged_is_refused_filed_or_taken_as_its_domain_asks(checked):
    assert await deferToThread(checked.send, b"boss@forged.example") == 550
    assert await deferToThread(checked.send, b"a@bank.example") == 250
    assert checked.inbox() == []
    junk = checked.tmp / "naver" / "mail" / "naver.com" / "lee" / "Maildir" / ".Junk" / "new"
    (message,) = (path.read_bytes() for path in junk.iterdir())
    assert b"dmarc=fail" in message and b"; dmarc=pass" not in message
    assert await deferToThread(checked.send, b"a@nothing.example") == 250
    assert b"dmarc=none" in checked.inbox()[0] or b"dmarc=temperror" in checked.inbox()[0]


@pytest_twisted.ensureDeferred
async def test_a_function_of_ones_own_refuses(checked):
    assert await deferToThread(checked.send, b"a@nothing.example", b"casino") == 550
    assert checked.inbox() == []


@pytest_twisted.ensureDeferred
async def test_a_function_that_does_not_answer_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "gate")
    gate = os.open(
        tmp_path / "gate", os.O_RDWR
    )  # so that the function reads, and waits, until something comes
    checked = Checked(tmp_path, patience=0.2)
    assert await deferToThread(checked.send, b"a@nothing.example", b"slow casino") == 250
    assert len(checked.inbox()) == 1 and b"X-Hook" not in checked.inbox()[0]
    os.write(gate, b"go on")
    await checked.stop()
    os.close(gate)


@pytest_twisted.ensureDeferred
async def test_a_capped_account_is_asked_to_wait_postmaster_is_told_and_a_restart_forgets_nothing(
    tmp_path, capfd
):
    made = settings(tmp_path / "daum", "daum.net", "kim", smarthost="127.0.0.1:1")
    (tmp_path / "daum" / "aliases").write_text("postmaster: kim\n")
    made = replace(made, sending=Sending(messages_per_hour=2))

    def submit(house, times):
        codes = []
        for _ in range(times):
            client = smtplib.SMTP("127.0.0.1", port(house, "submission"), timeout=60)
            client.login("kim@daum.net", PASSWORD)
            try:
                client.sendmail("kim@daum.net", ["lee@naver.com"], b"From: kim@daum.net\r\n\r\nhello\r\n")
                codes.append(250)
            except smtplib.SMTPRecipientsRefused as error:
                codes.append(error.recipients["lee@naver.com"][0])
            client.quit()
        return codes

    house = start(made)
    assert await deferToThread(submit, house, 4) == [250, 250, 450, 450]
    await until(lambda: inbox(tmp_path / "daum", "kim", "daum.net"))
    await house.stopService()
    house = start(made)
    assert await deferToThread(submit, house, 1) == [450]
    await house.stopService()
    (notice,) = inbox(tmp_path / "daum", "kim", "daum.net")
    assert b"Subject: Sending capped: kim@daum.net\r\n" in notice and b"2 messages an hour" in notice
    (tmp_path / "mailaccess.toml").write_text(
        'domains = ["daum.net"]\nstate_dir = "daum"\n[sending]\nmessages_per_hour = 2\n'
    )
    capfd.readouterr()
    assert main.run(["--config", str(tmp_path / "mailaccess.toml"), "--json", "sending", "list"]) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["user"], row["messages_hour"], row["recipients_day"]) == ("kim@daum.net", 2, 2)


def test_a_function_or_key_that_is_not_there_ends_the_start(tmp_path):
    made = settings(tmp_path / "x", "naver.com", "lee")
    for wrong in (
        replace(made, hooks=Hooks(python=("no.such:thing",))),
        replace(made, dkim=replace(Dkim(), domains={"naver.com": "s1"})),
        replace(made, rspamd=Rspamd(url="http://127.0.0.1:1", password_file=tmp_path / "none")),
    ):
        with pytest.raises(CannotStart):
            House(wrong).privilegedStartService()
