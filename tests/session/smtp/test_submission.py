"""Submission: who may send, as whom, to whom, and what is mended."""

from base64 import b64encode

import pytest

from mailaccess.model.errors import AuthenticationUnavailable, AuthorizationFailed

PLAIN = b"AUTH PLAIN " + b64encode(b"\0lee@naver.com\0one") + b"\r\n"
LOOPBACK = "127.0.0.1"


def login(smtp, **options):
    client = smtp.connect("submission", secure=True, **options)
    assert client.codes(PLAIN) == ["235 2.7.0"]
    return client


def test_nothing_is_taken_without_login(smtp):
    client = smtp.connect("submission", secure=True)
    assert client.codes(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<lee@naver.com>\r\n") == [
        "530 5.7.0",
        "503 5.5.1",
    ]


def test_a_password_in_the_clear_is_not_even_asked_for(smtp):
    client = smtp.connect("submission", hello=False)
    assert b"AUTH" not in client.send(b"EHLO x\r\n")
    assert client.codes(PLAIN) == ["538 5.7.11"]
    assert client.send(b"MAIL FROM:<lee@naver.com>\r\n").startswith(b"530 5.7.0 Must issue a STARTTLS")
    assert smtp.connect("submission", address=LOOPBACK).codes(PLAIN) == ["235 2.7.0"]


def test_starttls_forgets_what_was_injected_before_it(smtp):
    """CVE-2011-0411: what an attacker wrote behind STARTTLS must not count as said inside TLS."""
    client = smtp.connect("submission")
    assert client.codes(b"STARTTLS\r\nEHLO evil\r\nNOOP\r\n") == ["220 2.0.0"]
    assert client.wire.tls and client.session.pending == 0
    assert client.codes(PLAIN) == ["503 5.5.1"]  # EHLO anew, RFC 3207 §4.2
    said = client.send(b"EHLO x\r\n")
    assert b"AUTH PLAIN LOGIN\r\n" in said and b"STARTTLS" not in said
    assert client.codes(b"STARTTLS\r\n") == ["503 5.5.1"]
    assert client.codes(PLAIN) == ["235 2.7.0"]


def test_auth_login_asks_as_outlook_expects(smtp):
    client = smtp.connect("submission", secure=True)
    client.talk("""
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: bGVlQG5hdmVyLmNvbQ==
        S: 334 UGFzc3dvcmQ6
        C: b25l
        S: 235 2.7.0 Authentication successful
        C: AUTH LOGIN
        S: 503 5.5.1 Bad sequence of commands
    """)
    event, _, fields = smtp.log.events[-1]
    assert (event, fields["user"], fields["method"]) == ("submission-login", "lee@naver.com", "LOGIN")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"AUTH PLAIN AGxlZQB3cm9uZw==\r\n", "535 5.7.8"),
        (b"AUTH PLAIN\r\n*\r\n", "501 5.7.0"),
        (b"AUTH PLAIN\r\n!!!\r\n", "501 5.5.2"),
        (b"AUTH PLAIN !!!\r\n", "501 5.5.2"),
        (b"AUTH GSSAPI\r\n", "504 5.5.4"),
        (b"AUTH\r\n", "501 5.5.4"),
    ],
)
def test_what_goes_wrong_in_auth(smtp, lines, code):
    client = smtp.connect("submission", secure=True)
    assert client.codes(lines)[-1] == code
    assert client.codes(b"NOOP\r\n") == ["250 2.0.0"]


def test_an_unavailable_passdb_is_no_wrong_password(smtp):
    smtp.auth.fails = AuthenticationUnavailable()
    assert smtp.connect("submission", secure=True).codes(PLAIN) == ["454 4.7.0"]
    smtp.auth.fails = AuthorizationFailed()
    assert smtp.connect("submission", secure=True).codes(PLAIN) == ["535 5.7.8"]


def test_failed_logins_end_the_session(smtp):
    client = smtp.connect("submission", secure=True)
    said = client.codes(b"AUTH PLAIN AGxlZQB3cm9uZw==\r\n" * 30)
    assert said == ["535 5.7.8"] * 10 + ["421 4.7.0"]


def test_too_many_connections_of_an_account(smtp):
    client = smtp.connect("submission", secure=True)
    client.wire.full = True
    assert client.codes(PLAIN) == ["421 4.7.0"]
    assert client.wire.closed


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("<lee@naver.com>", "250 2.1.0"),
        ("<LEE+news@naver.com>", "250 2.1.0"),
        (" <lee@naver.com>", "250 2.1.0"),
        ("lee@naver.com", "250 2.1.0"),
        ("<info@naver.com>", "250 2.1.0"),
        ("<>", "250 2.1.0"),
        ("<kim@naver.com>", "553 5.7.1"),
        ("<all@naver.com>", "553 5.7.1"),
        ("<lee@gmail.com>", "553 5.7.1"),
        ("<nobody@naver.com>", "553 5.7.1"),
    ],
)
def test_the_sender_must_be_the_account_s(smtp, sender, code):
    smtp.aliases.write_text("info: lee\nall: lee, kim\n")
    smtp.build()
    assert login(smtp).codes(f"MAIL FROM:{sender}\r\n".encode()) == [code]


def test_other_domains_are_refused_with_a_clear_text(smtp):
    client = login(smtp)
    client.send(b"MAIL FROM:<lee@naver.com>\r\n")
    said = client.send(b"RCPT TO:<someone@gmail.com>\r\n")
    assert said.startswith(b"550 5.7.1 This server delivers to its own domains only")


def test_date_and_message_id_are_added_and_bcc_is_taken_out(smtp):
    client = login(smtp)
    client.send(
        b"MAIL FROM: <lee@naver.com>\r\nRCPT TO: <kim@naver.com>\r\nRCPT TO:<park@daum.net>\r\nDATA\r\n"
    )
    message = (
        b"From: lee@naver.com\r\nBcc: kim@naver.com,\r\n park@daum.net\r\nSubject: x\r\n\r\nBcc: body\r\n"
    )
    assert client.codes(message + b".\r\n") == ["250 2.0.0"]
    for name in ("kim@naver.com", "park@daum.net"):
        (stored,) = smtp.inbox(name)
        header, _, body = stored.partition(b"\r\n\r\n")
        assert b"\r\nDate: " in header and b"\r\nMessage-ID: <" in header
        assert b"Bcc" not in header
        assert header.endswith(b"From: lee@naver.com\r\nSubject: x")
        assert body == b"Bcc: body\r\n"
        assert b"with ESMTPSA (TLSv1.3 cipher TLS_AES_256_GCM_SHA384)\r\n" in header
        assert f"for <{name}>;".encode() in header


def test_date_and_message_id_that_are_there_stay(smtp):
    client = login(smtp)
    message = b"Message-Id: <a@b>\r\ndate: Tue, 24 Nov 2026 10:00:00 +0900\r\n\r\nx\r\n"
    client.send(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n" + message + b".\r\n")
    (stored,) = smtp.inbox("kim@naver.com")
    assert stored.endswith(b"\r\n" + message) and stored.lower().count(b"\r\nmessage-id:") == 1


def test_a_message_without_a_header_gets_one(smtp):
    client = login(smtp)
    client.send(b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\njust text\r\n.\r\n")
    header, _, body = smtp.inbox("kim@naver.com")[0].partition(b"\r\n\r\n")
    assert b"Message-ID" in header and body == b"just text\r\n"


def test_a_bcc_behind_a_bare_cr_is_taken_out_too(smtp):
    """Whoever stores or relays the message makes it a line end, and the field would be one."""
    client = smtp.connect("submission", secure=True)
    client.send(b"AUTH PLAIN " + b64encode(b"\0lee@naver.com\0one") + b"\r\n")
    said = client.codes(
        b"MAIL FROM:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n"
        b"Subject: x\rBcc: park@daum.net\r\nTo: kim@naver.com\r\r\nbody\r\n.\r\n"
    )
    assert said[-1] == "250 2.0.0"
    (stored,) = smtp.inbox("kim@naver.com")
    assert b"park" not in stored and b"Subject: x\r\nTo: kim@naver.com\r\n" in stored
    assert stored.endswith(b"\r\n\r\nbody\r\n")


def test_mail_from_other_servers_keeps_its_bare_crs(smtp):
    """With CR CR LF everywhere, line ends made of them would end the header behind its first line."""
    client = smtp.connect("inbound")
    client.codes(
        b"MAIL FROM:<kim@daum.net>\r\nRCPT TO:<lee@naver.com>\r\nDATA\r\n"
        b"Subject: x\r\r\nTo: lee\ra\r\n\r\nbody\r\n.\r\n"
    )
    (stored,) = smtp.inbox("lee@naver.com")
    assert stored.endswith(b"Subject: x\r\r\nTo: lee\ra\r\n\r\nbody\r\n")
