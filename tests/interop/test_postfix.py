"""Debian's Postfix before and behind us, set up as conf/postfix says: logins, LMTP, SMTP both ways."""

import email
import smtplib
from collections.abc import Iterator

import pytest

from tests.interop import postfix as mta
from tests.interop.postfix import DOMAIN, Postfix
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually

pytestmark = [pytest.mark.clients, pytest.mark.skipif(not mta.AVAILABLE, reason=mta.REASON)]

House = tuple[Server, Postfix]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """naver.com's mailboxes with us, Postfix in front; daum.net is ours whole, with Postfix as smarthost."""
    with mta.scratch() as folder:
        (folder / "server").mkdir()
        (folder / "postfix").mkdir()
        server = Server(folder / "server")
        other = Postfix(folder / "postfix", server.certificate, server.folder / "key.pem")
        (server.folder / "password").write_text(PASSWORD + "\n")
        text = server.configuration.read_text()
        text = text.replace("[listen]", '[listen]\nauth = ["unix:auth.sock"]', 1)
        text = text.replace("lmtp = [", 'lmtp = ["unix:lmtp.sock", ', 1)
        text = text.replace("[auth]", '[auth]\nsocket_user = "postfix"', 1)
        text += f"""
[relay]
smarthost = "localhost:{other.submission}"
user = "lee@naver.com"
password_file = "password"
ca_file = "certificate.pem"
"""
        server.configuration.write_text(text)
        for name in ("lee@naver.com", "kim@daum.net"):
            server.add_user(name)
        other.configure(
            {"daum.net": f"smtp:[127.0.0.1]:{server.ports['smtp']}"},
            state=server.folder / "state",
            main=f"virtual_mailbox_domains = naver.com, {DOMAIN}\nrelay_domains = daum.net\n",
        )
        server.start()
        other.start()
        try:
            yield server, other
        finally:
            other.stop()
            server.stop()


def submission(house: House) -> smtplib.SMTP:
    """A client of Postfix's submission port, with TLS."""
    server, other = house
    client = smtplib.SMTP("127.0.0.1", other.submission, timeout=PATIENCE)
    client.ehlo()
    client._host = "localhost"  # type: ignore[attr-defined]  # the name in the certificate
    client.starttls(context=server.tls_context())
    client.ehlo()
    return client


def messages(server: Server, name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((server.maildir(name) / "new").glob("*"))]


def text(subject: str) -> str:
    return f"From: lee@naver.com\r\nSubject: {subject}\r\n\r\n안녕\r\n"


def test_postfix_asks_us_who_may_submit(house: House) -> None:
    client = submission(house)
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login("lee@naver.com", "wrong")
    assert refused.value.smtp_code == 535
    client.login("lee@naver.com", PASSWORD)
    client.quit()
    assert "rip=127.0.0.1" in house[0].await_log("smtp-login")
    other = submission(house)
    other.user, other.password = "lee", PASSWORD
    assert other.auth("LOGIN", other.auth_login)[0] == 235
    other.quit()


def test_what_a_user_submits_to_postfix_comes_to_us_by_lmtp(house: House) -> None:
    server, _ = house
    client = submission(house)
    client.login("lee@naver.com", PASSWORD)
    client.sendmail("lee@naver.com", ["lee@naver.com"], text("by lmtp").encode(), ["BODY=8BITMIME"])
    client.quit()
    eventually(lambda: any(b"by lmtp" in each for each in messages(server, "lee@naver.com")), "it arrived")
    (found,) = [each for each in messages(server, "lee@naver.com") if b"by lmtp" in each]
    assert b"with LMTP" in found and "안녕".encode() in found


def test_postfix_refuses_in_the_dialogue_whom_we_do_not_know(house: House) -> None:
    _, other = house
    with smtplib.SMTP("127.0.0.1", other.smtp, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail("a@example.org")
        assert client.rcpt("nobody@naver.com")[0] == 550
        assert client.rcpt("lee@naver.com")[0] == 250


def test_our_mail_goes_out_by_postfix_with_a_login_that_we_check_ourselves(house: House) -> None:
    server, other = house
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE) as client:
        client.login("kim@daum.net", PASSWORD)
        client.sendmail("kim@daum.net", [f"park@{DOMAIN}"], text("by smarthost").encode(), ["BODY=8BITMIME"])
    line = server.await_log("relayed")
    assert "tls=yes" in line
    eventually(lambda: any(b"by smarthost" in each for each in other.mail()), "it lies in Postfix's mailbox")
    assert "smtpd" in other.await_log("sasl_method=PLAIN, sasl_username=lee@naver.com")


def test_postfix_relays_to_us_and_both_tell_the_sender_of_success(house: House) -> None:
    """RFC 3461: daum.net submits to us, the wish travels to Postfix, and Postfix's report comes back by SMTP."""
    server, _ = house
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE) as client:
        client.login("kim@daum.net", PASSWORD)
        client.sendmail(
            "kim@daum.net",
            [f"choi@{DOMAIN}"],
            text("tell me").encode(),
            ["BODY=8BITMIME", "RET=HDRS", "ENVID=QQ314159"],
            ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;choi@{DOMAIN}"],
        )

    def reports() -> list[bytes]:
        return [each for each in messages(server, "kim@daum.net") if b"report-type" in each]

    eventually(lambda: bool(reports()), "Postfix's report")
    report = email.message_from_bytes(reports()[0])
    _, status, _ = report.get_payload()
    whole, recipient = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; mx.postfix.example"
    assert whole["Original-Envelope-Id"] == "QQ314159"
    assert (recipient["Action"], recipient["Original-Recipient"]) == ("delivered", f"rfc822;choi@{DOMAIN}")


def test_what_postfix_refuses_comes_back_to_our_user(house: House) -> None:
    server, _ = house
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE) as client:
        client.login("kim@daum.net", PASSWORD)
        client.sendmail(
            "kim@daum.net", ["nobody@naver.net.invalid"], text("nowhere").encode(), ["BODY=8BITMIME"]
        )
    eventually(
        lambda: any(
            b"nowhere" in each and b"Undelivered" in each for each in messages(server, "kim@daum.net")
        ),
        "the bounce",
    )
