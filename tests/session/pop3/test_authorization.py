"""Before login: capabilities, passwords, SASL, TLS, languages."""

import pytest

from mailaccess.model.errors import AuthenticationUnavailable, TemporaryFailure
from tests.session.smallhouse import Gate

FAR = "198.51.100.7"


def capa(dialogue):
    lines = dialogue.send(b"CAPA\r\n").decode().split("\r\n")
    assert lines[0].startswith("+OK") and lines[-2:] == [".", ""]
    return lines[1:-2]


def test_the_greeting_offers_no_apop(pop3):
    assert pop3.connect().greeting == b"+OK mail.naver.com POP3 mailaccess ready\r\n"


def test_capabilities_in_each_state(pop3):
    common = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
    end = ["UTF8 USER", "LANG", "EXPIRE NEVER", "IMPLEMENTATION mailaccess"]
    far = pop3.connect(address=FAR)
    assert capa(far) == [*common, "STLS", *end]
    near = pop3.connect()
    assert capa(near) == [*common, "USER", "SASL PLAIN LOGIN", "STLS", *end]
    assert capa(pop3.connect(address=FAR, tls_offered=False, secure=True)) == [
        *common,
        "USER",
        "SASL PLAIN LOGIN",
        *end,
    ]
    assert capa(pop3.login()) == [*common, "USER", "SASL PLAIN LOGIN", *end]


def test_user_and_pass(pop3):
    pop3.given(b"a\r\n\r\nb\r\n")
    pop3.connect().talk("""
        C: user LEE@naver.com
        S: +OK Name accepted, send PASS
        C: PASS one two
        S: +OK Logged in, 1 messages (8 octets)
        C: USER lee
        S: -ERR That command is not possible now
    """)


def test_a_wrong_password(pop3):
    pop3.connect().talk("""
        C: USER lee
        S: +OK Name accepted, send PASS
        C: PASS wrong
        S: -ERR [AUTH] Authentication failed
        C: PASS one two
        S: -ERR Send USER first
        C: USER nobody
        S: +OK Name accepted, send PASS
        C: PASS x
        S: -ERR [AUTH] Authentication failed
        C: STAT
        S: -ERR That command is not possible now
    """)


def test_what_is_nobody_s_mistake_is_told_as_temporary(pop3):
    """RFC 3206 §4."""
    pop3.auth.fails = AuthenticationUnavailable()
    dialogue = pop3.connect()
    assert dialogue.send(b"USER lee\r\nPASS one two\r\n").endswith(
        b"-ERR [SYS/TEMP] Authentication is not available at the moment\r\n"
    )
    pop3.auth.fails = None
    pop3.store.fails = TemporaryFailure(detail="disk")
    assert b"-ERR [SYS/TEMP]" in dialogue.send(b"USER lee\r\nPASS one two\r\n")


def test_passwords_need_tls(pop3):
    dialogue = pop3.connect(address=FAR)
    dialogue.talk("""
        C: USER lee
        S: -ERR [AUTH] Passwords need TLS here: use STLS first
        C: AUTH PLAIN AGxlZQBvbmUgdHdv
        S: -ERR [AUTH] Passwords need TLS here: use STLS first
        C: STLS
        S: +OK Begin TLS negotiation
        C: AUTH PLAIN AGxlZQBvbmUgdHdv
        S: +OK Logged in, 0 messages (0 octets)
        C: STLS
        S: -ERR That command is not possible now
    """)
    assert dialogue.wire.tls


def test_what_was_injected_before_tls_is_forgotten(pop3):
    dialogue = pop3.connect()
    dialogue.send(b"USER mallory\r\n")
    assert dialogue.send(b"STLS\r\nUSER mallory\r\n").count(b"\r\n") == 1
    assert dialogue.session.pending == 0
    assert dialogue.send(b"PASS x\r\n") == b"-ERR Send USER first\r\n"
    assert dialogue.send(b"STLS\r\n") == b"-ERR TLS is active already\r\n"


def test_stls_where_there_is_none(pop3):
    assert pop3.connect(tls_offered=False).send(b"STLS\r\n") == b"-ERR STLS is not offered\r\n"


@pytest.mark.parametrize("probe", [b"AUTH\r\n", b"AUTH \r\n"])
def test_outlook_asks_for_the_mechanisms(pop3, probe):
    assert pop3.connect().send(probe) == b"+OK Mechanisms follow\r\nPLAIN\r\nLOGIN\r\n.\r\n"


def test_auth_with_and_without_an_initial_response(pop3):
    pop3.connect().talk("""
        C: AUTH PLAIN AGxlZQBvbmUgdHdv
        S: +OK Logged in, ...
        C: QUIT
        S: +OK Bye
    """)
    pop3.connect().talk("""
        C: AUTH PLAIN
        S: +...
        C: AGxlZQBvbmUgdHdv
        S: +OK Logged in, ...
        C: QUIT
        S: +OK Bye
    """)
    pop3.connect().talk("""
        C: AUTH LOGIN
        S: + VXNlcm5hbWU6
        C: bGVl
        S: + UGFzc3dvcmQ6
        C: b25lIHR3bw==
        S: +OK Logged in, ...
    """)


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (b"AUTH PLAIN\r\n*\r\n", b"-ERR Authentication cancelled\r\n"),
        (b"AUTH PLAIN\r\n?\r\n", b"-ERR The response is not well-formed\r\n"),
        (b"AUTH CRAM-MD5\r\n", b"-ERR That authentication mechanism is not offered\r\n"),
        (b"AUTH A B C\r\n", b"-ERR Syntax: AUTH mechanism [initial-response]\r\n"),
        (b"AUTH PLAIN AGxlZQB3\r\n", b"-ERR [AUTH] Authentication failed\r\n"),
        (b"APOP lee 0123\r\n", b"-ERR Unknown command\r\n"),
        (b"USER\r\n", b"-ERR Syntax: USER name\r\n"),
        (b"USER \xff\r\n", b"-ERR The name is not UTF-8\r\n"),
    ],
)
def test_what_goes_wrong(pop3, lines, answer):
    assert pop3.connect().send(lines).endswith(answer)


def test_a_second_session_finds_the_maildrop_in_use(pop3):
    first = pop3.login()
    second = pop3.connect()
    second.send(b"USER lee\r\n")
    assert second.send(b"PASS one two\r\n") == (
        b"-ERR [IN-USE] The maildrop is in use by another session\r\n"
    )
    first.send(b"QUIT\r\n")
    assert b"+OK Logged in" in second.send(b"USER lee\r\nPASS one two\r\n")
    second.lose()
    assert not pop3.store.account("lee@naver.com").locked


def test_a_client_that_goes_during_login_leaves_no_lock(pop3):
    dialogue = pop3.connect()
    pop3.auth.gate = gate = Gate()
    dialogue.send(b"USER lee\r\nPASS one two\r\n")
    dialogue.session.gone = True
    gate.opened = True
    dialogue.go()
    assert not pop3.store.account("lee@naver.com").locked


def test_what_talks_http_goes_soon(pop3):
    dialogue = pop3.connect()
    said = dialogue.send(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\nCookie: z\r\n")
    assert said.count(b"-ERR") == 4 and said.endswith(b"-ERR Too many wrong commands\r\n")
    assert dialogue.wire.closed


def test_failed_logins_end_the_session(pop3):
    dialogue = pop3.connect()
    said = dialogue.send(b"USER lee\r\nPASS x\r\n" * 20)
    assert said.endswith(b"-ERR Too many failed logins\r\n")
    assert said.count(b"[AUTH]") == 10


def test_too_many_connections_of_an_account(pop3):
    dialogue = pop3.connect()
    dialogue.wire.full = True
    assert b"-ERR [SYS/TEMP] Too many connections" in dialogue.send(b"USER lee\r\nPASS one two\r\n")


def test_a_line_without_end_costs_no_memory(pop3):
    dialogue = pop3.connect()
    said = b"".join(dialogue.send(b"A" * 8192) for _ in range(40))
    assert said == b"-ERR The line is too long\r\n"
    assert dialogue.session.pending < 20000
    assert dialogue.send(b"\r\nQUIT\r\n") == b"+OK Bye\r\n"


def test_korean(pop3):
    dialogue = pop3.connect()
    dialogue.talk("""
        C: LANG
        S: +OK Languages follow
        S: en English
        S: ko 한국어
        S: .
        C: LANG ko-KR
        S: +OK ko 언어를 바꾸었습니다
        C: LANG fr
        S: -ERR 제공하지 않는 언어입니다
        C: USER lee
        S: +OK 이름을 받았습니다. PASS를 보내세요
        C: PASS x
        S: -ERR [AUTH] 인증에 실패했습니다
        C: LANG *
        S: +OK en Language changed
    """)


def test_utf8_comes_before_login_and_rules_out_stls(pop3):
    dialogue = pop3.connect()
    dialogue.talk("""
        C: UTF8
        S: +OK UTF-8 mode
        C: STLS
        S: -ERR That command is not possible now
    """)
    assert pop3.login().send(b"UTF8\r\n") == b"-ERR That command is not possible now\r\n"


def test_login_and_logout_are_logged(pop3):
    pop3.login().send(b"QUIT\r\n")
    events = {event: fields for event, _, fields in pop3.log.events}
    assert events["pop3-login"]["user"] == "lee@naver.com"
    assert events["pop3-login"]["rip"] == "127.0.0.1"
    assert events["pop3-logout"]["removed"] == 0


def test_commands_of_the_other_state_do_not_end_the_session_before_login(pop3):
    dialogue = pop3.connect()
    said = dialogue.send(b"STAT\r\nLIST\r\nRETR 1\r\nNOOP\r\nUIDL\r\n")
    assert said.count(b"-ERR") == 5 and not dialogue.wire.closed
