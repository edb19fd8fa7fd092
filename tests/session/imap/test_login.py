"""Greeting, CAPABILITY, STARTTLS, LOGIN and AUTHENTICATE (RFC 3501 §6.1, §6.2; RFC 4959; RFC 5530)."""

import base64

from mailaccess.auth.api import Challenge
from mailaccess.model.errors import TemporaryFailure

PLAIN = base64.b64encode(b"\0lee\0secret").decode()


def test_the_greeting_names_what_may_be_done_before_login(imap):
    greeting = imap.connect().greeting
    assert greeting.startswith("* OK [CAPABILITY IMAP4rev1 ")
    assert "AUTH=PLAIN" in greeting and "LOGINDISABLED" not in greeting and "STARTTLS" not in greeting


def test_without_tls_no_password_is_taken(imap):
    one = imap.connect(encrypted=False, tls=True)
    assert "LOGINDISABLED" in one.greeting and "STARTTLS" in one.greeting and "AUTH=PLAIN" not in one.greeting
    assert one.ask("LOGIN lee secret").status.startswith("NO [PRIVACYREQUIRED]")
    assert one.ask(f"AUTHENTICATE PLAIN {PLAIN}").status.startswith("NO [PRIVACYREQUIRED]")
    assert imap.authenticator.asked == []


def test_loopback_may_log_in_without_tls(imap):
    one = imap.connect(encrypted=False, tls=True, address="127.0.0.1")
    assert "LOGINDISABLED" not in one.greeting
    assert one.ask("LOGIN lee secret").status.startswith("OK")
    assert imap.authenticator.asked[0].peer.secure


def test_login_tells_the_capabilities_after_login(imap):
    one = imap.connect()
    answer = one.ask("LOGIN lee@naver.com secret")
    assert answer.status.startswith("OK [CAPABILITY IMAP4rev1 ")
    assert " MOVE " in answer.status and "AUTH=" not in answer.status
    assert answer.status.removeprefix("OK [").partition("]")[0] in one.ask("CAPABILITY").untagged
    assert one.ask("LOGIN lee secret").status.startswith("BAD")
    event, _, fields = next(each for each in imap.log.events if each[0] == "imap-login")
    assert fields["user"] == "lee@naver.com" and fields["rip"] == "192.0.2.7" and event == "imap-login"


def test_a_wrong_password_says_only_that_it_failed(imap):
    one = imap.connect()
    wrong = one.ask("LOGIN lee guess").status
    assert wrong == one.ask("LOGIN nobody guess").status
    assert wrong.startswith("NO [AUTHENTICATIONFAILED] ")
    assert one.ask("LOGIN lee secret").status.startswith("OK")


def test_login_takes_literals_and_waits_for_them(imap):
    imap.connect().talk("""
        C: a LOGIN {3}
        S: + OK
        C: lee {6}
        S: + OK
        C: secret
        S: a OK [CAPABILITY ...
    """)


def test_authenticate_with_and_without_an_initial_response(imap):
    one = imap.connect()
    assert one.send("a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert one.send(PLAIN + "\r\n").startswith(b"a OK [CAPABILITY ")
    imap.connect().talk(f"""
        C: a AUTHENTICATE plain {PLAIN}
        S: a OK [CAPABILITY ...
    """)


def test_authenticate_can_be_cancelled_and_survives_nonsense(imap):
    one = imap.connect()
    assert one.send("a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert one.send("*\r\n").startswith(b"a BAD")
    assert one.send("b AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert one.send("!!!\r\n").startswith(b"b BAD")
    assert one.send("c AUTHENTICATE CRAM-MD5\r\n").startswith(b"c NO")
    assert one.ask("LOGIN lee secret").status.startswith("OK")


def test_an_endless_sasl_response_is_cut_short(imap):
    one = imap.connect()
    one.send("a AUTHENTICATE PLAIN\r\n")
    assert one.send(b"A" * 20000 + b"\r\n").startswith(b"a BAD")
    assert one.ask("NOOP").status.startswith("OK")


def test_commands_pipelined_behind_a_login_run_in_its_state(imap):
    one = imap.connect()
    said = one.send("a LOGIN lee secret\r\nb SELECT INBOX\r\nc CLOSE\r\nd LOGOUT\r\n").decode()
    assert [line.split(" ")[0] for line in said.splitlines() if line[0] != "*"] == ["a", "b", "c", "d"]
    assert "\r\n* BYE " in said and one.wire.closed


def test_what_comes_behind_starttls_in_the_clear_is_thrown_away(imap):
    one = imap.connect(encrypted=False, tls=True)
    said = one.send("a STARTTLS\r\nb LOGIN lee secret\r\nc NOOP\r\n")
    assert said == b"a OK Begin TLS negotiation now\r\n"
    assert one.wire.encrypted and one.wire.tls_started_at == len(said)
    assert imap.authenticator.asked == []
    answer = one.ask("CAPABILITY")
    assert "STARTTLS" not in answer.untagged[0] and "AUTH=PLAIN" in answer.untagged[0]
    assert one.ask("STARTTLS").status.startswith("BAD")


def test_starttls_is_no_command_after_login(imap):
    one = imap.connect(encrypted=False, tls=True, address="127.0.0.1")
    one.ask("LOGIN lee secret")
    assert one.ask("STARTTLS").status.startswith("BAD")
    assert not one.wire.encrypted


def test_three_commands_that_are_none_end_a_connection_before_login(imap):
    one = imap.connect()
    assert one.send("GET / HTTP/1.1\r\n").startswith(b"GET BAD")
    one.send("Host: example\r\n")
    assert not one.wire.closed
    assert b"* BYE" in one.send("Accept: */*\r\n")
    assert one.wire.closed


def test_after_login_it_takes_twenty_in_a_row(imap):
    one = imap.session()
    for _ in range(19):
        assert one.ask("XYZZY").status.startswith("BAD")
    one.ask("NOOP")
    for _ in range(19):
        one.ask("XYZZY")
    assert not one.wire.closed
    one.send("a XYZZY\r\n")
    assert one.wire.closed


def test_a_state_has_only_its_commands(imap):
    one = imap.connect()
    assert one.ask("SELECT INBOX").status == "BAD Please log in first"
    assert one.ask("FETCH 1 FLAGS").status == "BAD Please log in first"
    one.ask("LOGIN lee secret")
    assert one.ask("FETCH 1 FLAGS").status == "BAD No mailbox is selected"


def test_an_account_with_its_fill_of_connections_is_told_so(imap):
    one = imap.connect()
    one.wire.admits = False
    assert one.ask("LOGIN lee secret").status.startswith("NO [LIMIT]")
    assert one.ask("SELECT INBOX").status.startswith("BAD")


def test_whoever_does_not_log_in_is_shown_out(imap):
    one = imap.connect()
    imap.clock.advance(179)
    assert not one.wire.closed
    imap.clock.advance(2)
    assert one.take().startswith(b"* BYE") and one.wire.closed


def test_autologout_comes_after_half_an_hour_of_silence(imap):
    one = imap.session("INBOX")
    imap.clock.advance(1700)
    one.ask("NOOP")
    imap.clock.advance(1700)
    assert not one.wire.closed
    imap.clock.advance(101)
    assert one.take().startswith(b"* BYE") and one.wire.closed


def test_logout_says_bye_first(imap):
    one = imap.session("INBOX")
    one.talk("""
        C: a LOGOUT
        S: * BYE Logging out
        S: a OK LOGOUT completed
    """)
    assert one.wire.closed
    one.lose()
    assert imap.account.rooms["INBOX"].handles == []


def test_a_client_that_vanishes_leaves_nothing_open(imap):
    one = imap.session("INBOX")
    one.lose()
    assert imap.account.rooms["INBOX"].handles == []


def test_id_is_answered_and_the_clients_goes_to_the_log(imap):
    one = imap.connect()
    answer = one.ask('ID ("name" "Thunderbird" "version" "128\\"")')
    assert answer.untagged[0].startswith('ID ("name" "mailaccess" "version" ')
    assert one.ask("ID NIL").status.startswith("OK")
    assert any(fields.get("client") == 'name=Thunderbird version=128"' for _, _, fields in imap.log.events)


def test_the_server_says_bye_when_it_stops(imap):
    idle, quiet = imap.session("INBOX"), imap.session()
    idle.send("a IDLE\r\n")
    for each in (idle, quiet):
        each.connection.stop()
        assert b"* BYE" in each.take() and each.wire.closed


def test_a_mechanism_with_several_challenges(imap, monkeypatch):
    """As SCRAM: the last challenge is answered with nothing, then comes the OK."""
    asked = []

    class Exchange:
        async def step(self, response):
            asked.append(response)
            if len(asked) < 4:
                return Challenge(b"challenge %d" % len(asked))
            return imap.authenticator.identity("lee@naver.com")

    monkeypatch.setattr(imap.authenticator, "mechanisms", lambda **named: ("SCRAM-SHA-256",))
    monkeypatch.setattr(imap.authenticator, "begin", lambda mechanism, peer: Exchange())
    one = imap.connect()
    assert one.send("a AUTHENTICATE SCRAM-SHA-256\r\n") == b"+ %b\r\n" % base64.b64encode(b"challenge 1")
    assert one.send(base64.b64encode(b"first") + b"\r\n").startswith(b"+ ")
    assert one.send(base64.b64encode(b"second") + b"\r\n").startswith(b"+ ")
    assert one.send(b"\r\n").startswith(b"a OK [CAPABILITY ")
    assert asked == [None, b"first", b"second", b""]


def test_an_account_that_cannot_be_opened_is_nobodys_connection(imap, monkeypatch):
    async def failing(location):
        raise TemporaryFailure(detail="disk gone")

    monkeypatch.setattr(imap.store, "open", failing)
    one = imap.connect()
    assert one.ask("LOGIN lee secret").status.startswith("NO [UNAVAILABLE]")
    assert one.wire.admitted == []
    assert one.ask("SELECT INBOX").status.startswith("BAD")
