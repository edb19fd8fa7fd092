"""The lab: two servers and a name server as processes, and a mail's whole way; also where a part of it fails."""

import subprocess
import sys

import pytest

WHOLE_WAY = (
    "DNS  naver.com MX?",
    "C: RCPT TO:<lee@naver.com>",
    "Queue: ",
    "Maildir: ",
    "spf=pass smtp.mailfrom=daum.net;",
    "dkim=pass header.d=daum.net header.s=lab",
    "dmarc=pass (p=reject)",
    "S: +OK Bye",
)


def lab(*options):
    """What the lab shows; it must end well."""
    command = [sys.executable, "-m", "mailaccess.admin.main", "lab", "--check", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_mail_goes_the_whole_way():
    shown = lab()
    for hop in WHOLE_WAY:
        assert hop in shown
    assert shown.rstrip().endswith("The mail went the whole way.")


def test_mail_for_a_mailbox_that_does_not_exist_comes_back():
    shown = lab("--break", "mailbox")
    assert "S: 550 5.1.1" in shown
    assert "S: Final-Recipient: rfc822; nobody@naver.com" in shown and "S: Action: failed" in shown


@pytest.mark.clients
def test_with_bind_as_name_server_mail_waits_while_something_is_broken_and_arrives_then():
    shown = lab("--bind", "--break", "dns", "--break", "server", "--break", "disk")
    assert "The name server (BIND 9) answers" in shown
    for hop in WHOLE_WAY:
        assert hop in shown
    assert shown.count("S: Action: delayed") == 3 and shown.count("MENDED: ") == 3
    reasons = [line for line in shown.splitlines() if "tries again; the reason: " in line]
    for reason in ("DNS did not answer for naver.com", "Connection refused", "452 4.3.1"):
        assert any(reason in line for line in reasons)
