"""Debian's heavy Exim asks our auth socket who may log in (``driver = dovecot``)."""

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from tests.interop import exim as mta
from tests.interop.exim import DOMAIN, HEAVY, Exim
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually

MISSING = mta.missing(HEAVY, "heavy")
pytestmark = [pytest.mark.clients, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

AUTHENTICATORS = """
begin authenticators
dovecot_plain:
  driver = dovecot
  public_name = PLAIN
  server_socket = {state}/auth.sock
  server_set_id = $auth1
dovecot_login:
  driver = dovecot
  public_name = LOGIN
  server_socket = {state}/auth.sock
  server_set_id = $auth1
"""

House = tuple[Server, Exim]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with mta.neighbours(HEAVY, AUTHENTICATORS) as (server, other):
        text = server.configuration.read_text()
        text = text.replace("[listen]", '[listen]\nauth = ["unix:auth.sock"]', 1)
        # Exim's user exists in its own mount namespace only.
        server.configuration.write_text(text.replace("[auth]", '[auth]\nsocket_mode = "0666"', 1))
        server.add_user("lee@naver.com")
        server.start()
        other.start()
        yield server, other


def client(other: Exim) -> smtplib.SMTP:
    made = smtplib.SMTP("127.0.0.1", other.port, timeout=PATIENCE)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    made.starttls(context=context)
    made.ehlo()
    return made


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_exim_lets_in_whom_we_know(house: House, mechanism: str) -> None:
    _, other = house
    with client(other) as talk:
        assert mechanism in talk.esmtp_features["auth"].split()
        talk.user, talk.password = "lee", PASSWORD
        assert talk.auth(mechanism, getattr(talk, f"auth_{mechanism.lower()}"))[0] == 235
        talk.sendmail("lee@naver.com", [f"park@{DOMAIN}"], f"Subject: by {mechanism}\r\n\r\nx\r\n")
    # What delivers runs set-user-ID, without the libraries that are not installed: taken is enough.
    taken = f"A=dovecot_{mechanism.lower()}:lee@naver.com"
    eventually(lambda: taken in other.log(), f"Exim took the mail: {other.log()}")


def test_exim_refuses_whom_we_refuse(house: House) -> None:
    server, other = house
    with client(other) as talk, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        talk.login("lee", "wrong")
    assert refused.value.smtp_code == 535
    assert "user=<lee>" in server.await_log("wrong password")
