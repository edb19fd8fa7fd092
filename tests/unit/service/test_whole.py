"""The wired house over real sockets: what LMTP takes in comes out, and everything ends in order."""

import imaplib
import poplib
import smtplib
import socket
import ssl

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from mailaccess.config.sections import Auth, Listen, Process, Settings, Store, Tls
from mailaccess.net.tls import write_self_signed
from mailaccess.service.house import House

MESSAGE = b"From: kim@daum.net\r\nTo: lee@naver.com\r\nSubject: Hello\r\n\r\n.dots and\r\nlines\r\n"
PASSWORD = "open sesame"


@pytest.fixture
def settings(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_self_signed(certificate, key, ["localhost"])
    (tmp_path / "users").write_text(f"lee@naver.com:{{PLAIN}}{PASSWORD}::::::\n")
    any_port = ("127.0.0.1:0",)
    return Settings(
        hostname="mail.naver.com",
        state_dir=tmp_path,
        domains=("naver.com",),
        listen=Listen(
            imap=any_port,
            imaps=any_port,
            pop3=any_port,
            pop3s=any_port,
            smtp=any_port,
            submission=any_port,
            submissions=any_port,
            lmtp=(f"unix:{tmp_path}/lmtp.sock",),
        ),
        tls=Tls(certificate=certificate, key=key),
        auth=Auth(passwd_file=tmp_path / "users", failure_delay=0.0),
        store=Store(fsync=False),
        process=Process(threads=2),
    )


def port(house, service):
    return int(house.where(service)[0].rpartition(":")[2])


def deliver(house, folder):
    client = smtplib.LMTP(f"{folder}/lmtp.sock")
    client.sendmail("kim@daum.net", ["lee@naver.com"], MESSAGE)
    client.quit()


def fetch_by_imap(house, context, way):
    if way == "tls":
        client = imaplib.IMAP4_SSL("localhost", port(house, "imaps"), ssl_context=context, timeout=60)
    else:
        client = imaplib.IMAP4("localhost", port(house, "imap"), timeout=60)
    if way == "starttls":
        client.starttls(context)
    client.login("lee@naver.com", PASSWORD)
    client.select("INBOX")
    _, answer = client.fetch("1", "(BODY.PEEK[])")
    client.logout()
    return answer[0][1]


def fetch_by_pop3(house, context, way):
    if way == "tls":
        client = poplib.POP3_SSL("localhost", port(house, "pop3s"), context=context, timeout=60)
    else:
        client = poplib.POP3("localhost", port(house, "pop3"), timeout=60)
    if way == "starttls":
        client.stls(context)
    client.user("lee@naver.com")
    client.pass_(PASSWORD)
    _, lines, _ = client.retr(1)
    client.quit()
    return b"".join(line + b"\r\n" for line in lines)


def idle(house):
    """A session in IDLE, with what it was told until now read."""
    raw = socket.create_connection(("127.0.0.1", port(house, "imap")), timeout=60)
    file = raw.makefile("rwb")
    file.readline()
    file.write(b'a LOGIN "lee@naver.com" "' + PASSWORD.encode() + b'"\r\nb SELECT INBOX\r\nc IDLE\r\n')
    file.flush()
    while not file.readline().startswith(b"+"):
        pass
    return file


@pytest_twisted.ensureDeferred
async def test_what_lmtp_delivers_comes_out_by_every_way(settings, tmp_path):
    house = House(settings)
    house.privilegedStartService()
    house.startService()
    context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    try:
        await deferToThread(deliver, house, tmp_path)
        for way in ("plain", "starttls", "tls"):
            for fetch in (fetch_by_imap, fetch_by_pop3):
                got = await deferToThread(fetch, house, context, way)
                assert got.endswith(MESSAGE) and got.startswith(b"Return-Path: <kim@daum.net>\r\n")
    finally:
        await house.stopService()


@pytest_twisted.ensureDeferred
async def test_at_the_end_everybody_is_told_and_nobody_is_let_in(settings, tmp_path):
    house = House(settings)
    house.privilegedStartService()
    house.startService()
    address = ("127.0.0.1", port(house, "imap"))
    listener = await deferToThread(idle, house)
    silent = await deferToThread(socket.create_connection, address, 20)
    await house.stopService()
    told = await deferToThread(listener.read)
    assert b"* BYE " in told
    assert b"* BYE " in await deferToThread(silent.makefile("rb").read)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    assert not (tmp_path / "lmtp.sock").exists()
    listener.close()
    silent.close()
