"""Our queue delivers to Dovecot by LMTP, over a UNIX socket and over TCP."""

import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.postfix import scratch
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually, free_ports

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="install it with: apt install dovecot-lmtpd"),
]

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = lmtp
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[Server, Path]]:
    """Our server, and Dovecot's folder."""
    with scratch() as folder:
        for name in ("server", "dovecot", "dovecot/park"):
            (folder / name).mkdir()
        dovecot = folder / "dovecot"
        shutil.chown(dovecot / "park", "nobody", "nogroup")
        (port,) = free_ports(1)
        (dovecot / "conf").write_text(CONFIGURATION.format(folder=dovecot, port=port))
        (dovecot / "users").write_text(
            "".join(
                f"park@{domain}:{{PLAIN}}x:65534:65534::{dovecot}/park\n"
                for domain in ("a.example", "b.example")
            )
        )
        server = Server(folder / "server")
        text = server.configuration.read_text()
        server.configuration.write_text(
            f'{text}\n[relay.transports]\n"a.example" = "lmtp:unix:{dovecot}/run/lmtp"\n'
            f'"b.example" = "lmtp:127.0.0.1:{port}"\n'
        )
        server.add_user("kim@daum.net")
        with (dovecot / "start").open("wb") as output:
            process = subprocess.Popen(
                ["dovecot", "-F", "-c", str(dovecot / "conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            eventually((dovecot / "run" / "lmtp").exists, "Dovecot listens")
            server.start()
            yield server, dovecot
            server.stop()
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.parametrize("domain", ["a.example", "b.example"])
def test_each_recipient_has_dovecot_s_verdict(house: tuple[Server, Path], domain: str) -> None:
    server, dovecot = house
    before = len(server.log)
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE) as client:
        client.login("kim@daum.net", PASSWORD)
        content = f"From: kim@daum.net\r\nSubject: to {domain}\r\n\r\n안녕\r\n".encode()
        client.sendmail("kim@daum.net", [f"park@{domain}", f"nobody@{domain}"], content, ["BODY=8BITMIME"])
    relayed = server.await_log(f"recipient=park@{domain}", before)
    assert "relayed" in relayed, (dovecot / "log").read_text()
    line = server.await_log("relay-failed", before)
    assert f"recipient=nobody@{domain}" in line and "User doesn't exist" in line
    server.await_log("bounced", before)
    found = [path.read_bytes() for path in (dovecot / "park" / "Maildir" / "new").glob("*")]
    assert sum(f"Subject: to {domain}".encode() in each for each in found) == 1
