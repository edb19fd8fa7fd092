"""Debian's Exim as sender and as receiver."""

import smtplib
from collections.abc import Iterator

import pytest

from tests.interop import exim as mta
from tests.interop.exim import DOMAIN, Exim
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually

pytestmark = [pytest.mark.clients, pytest.mark.skipif(bool(mta.missing()), reason=mta.missing())]

House = tuple[Server, Exim]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """We send Exim's domain to Exim, and Exim ours to us; both by TLS."""
    with mta.neighbours() as (server, other):
        text = server.configuration.read_text()
        server.configuration.write_text(
            f'{text}\n[relay.transports]\n"{DOMAIN}" = "127.0.0.1:{other.port}"\n'
        )
        for name in ("lee@naver.com", "kim@daum.net"):
            server.add_user(name)
        server.start()
        other.start()
        yield server, other


def submit(
    server: Server, to: str, subject: str, *, mail: tuple[str, ...] = (), rcpt: tuple[str, ...] = ()
) -> None:
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE) as client:
        client.login("kim@daum.net", PASSWORD)
        content = f"From: kim@daum.net\r\nSubject: {subject}\r\n\r\n안녕\r\n.\r\n".encode()
        client.sendmail("kim@daum.net", [to], content, ["BODY=8BITMIME", *mail], list(rcpt))


def mailbox(server: Server, name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((server.maildir(name) / "new").glob("*"))]


def test_exim_takes_our_mail_by_tls(house: House) -> None:
    server, other = house
    submit(server, f"park@{DOMAIN}", "for Exim")
    line = server.await_log("relayed")
    assert "tls=yes" in line and "status=2.0.0" in line
    eventually(
        lambda: any(b"for Exim" in each for each in other.mail()), f"it is in Exim's mailbox {other.log()}"
    )
    (found,) = [each for each in other.mail() if b"for Exim" in each]
    assert found.endswith("안녕\n.\n".encode())


def test_what_exim_refuses_comes_back_and_what_it_defers_waits(house: House) -> None:
    server, _ = house
    submit(server, f"nobody@{DOMAIN}", "refused by Exim")
    submit(server, f"later@{DOMAIN}", "deferred by Exim")
    eventually(
        lambda: any(b"there is no such user" in each for each in mailbox(server, "kim@daum.net")),
        "the bounce",
    )
    assert "come back later" in server.await_log("deferred")
    shown = server.mailadm("queue", "show", server.await_log("deferred").split("queue_id=")[1].split(",")[0])
    assert "come back later" in shown.stdout and f"later@{DOMAIN}: waiting" in shown.stdout


def test_exim_delivers_to_us_by_tls(house: House) -> None:
    server, other = house
    with smtplib.SMTP("127.0.0.1", other.port, timeout=PATIENCE) as client:
        content = "From: a@exim.example\r\nSubject: from Exim\r\n\r\n안녕\r\n".encode()
        client.sendmail(f"a@{DOMAIN}", ["lee@naver.com"], content, ["BODY=8BITMIME"])
    eventually(
        lambda: any(b"from Exim" in each for each in mailbox(server, "lee@naver.com")),
        f"it arrived: {other.log()[-2000:]}",
    )
    (found,) = [each for each in mailbox(server, "lee@naver.com") if b"from Exim" in each]
    assert b"with ESMTPS" in found


def test_whom_we_refuse_exim_tells_its_own_sender(house: House) -> None:
    server, other = house
    with smtplib.SMTP("127.0.0.1", other.port, timeout=PATIENCE) as client:
        client.sendmail(f"a@{DOMAIN}", ["nobody@naver.com"], b"Subject: lost\r\n\r\nx\r\n")
    eventually(
        lambda: any(b"Mail delivery failed" in each and b"5.1.1" in each for each in other.mail()),
        f"Exim's bounce: {other.log()[-2000:]}",
    )
    assert "550" in server.await_log("refused: code=550")
