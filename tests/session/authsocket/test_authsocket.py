"""Dialogues on the auth sockets: Postfix and Exim ask for logins, others for users."""

from base64 import b64encode

import pytest

from mailaccess.authsocket import session as sessions
from mailaccess.authsocket.house import House
from mailaccess.authsocket.session import Logins, Lookups
from mailaccess.model.errors import AccountDisabled, AuthenticationUnavailable, AuthorizationFailed
from mailaccess.observe.events import Recorder
from tests.session.smallhouse import FakeAuthenticator, FakeWire, Gate, Running


class Dialogue:
    def __init__(self, kind):
        self.auth = FakeAuthenticator()
        self.auth.passwords["lee@naver.com"] = b"secret"
        self.log = Recorder()
        self.wire = FakeWire()
        house = House(
            self.auth, self.log, make_cookie=lambda: "c" * 32, pid=lambda: 42, uid=lambda: 8, gid=lambda: 12
        )
        self.session = kind(house, self.wire)
        self.session.greet()
        self.running = []
        self.greeting = self.wire.take().decode().splitlines()

    def say(self, *lines):
        """What is answered, line by line."""
        self.running += map(Running, self.session.feed("".join(f"{line}\n" for line in lines).encode()))
        return self.wire.take().decode().splitlines()

    def go(self):
        for each in self.running:
            if not each.done:
                each.go()
        return self.wire.take().decode().splitlines()


@pytest.fixture
def logins():
    made = Dialogue(Logins)
    assert made.say("VERSION\t1\t1", "CPID\t99") == []
    return made


@pytest.fixture
def lookups():
    made = Dialogue(Lookups)
    made.say("VERSION\t1\t0")
    return made


def plain(name="lee", password="secret"):
    return b64encode(f"\0{name}\0{password}".encode()).decode()


def test_the_handshake_is_dovecots():
    first, second = Dialogue(Logins), Dialogue(Lookups)
    assert first.greeting == [
        "VERSION\t1\t1",
        "MECH\tPLAIN\tplaintext",
        "MECH\tLOGIN\tplaintext",
        "SPID\t42",
        "CUID\t1",
        "COOKIE\t" + "c" * 32,
        "DONE",
    ]
    assert second.greeting == ["VERSION\t1\t1", "SPID\t42"]
    first.say("VERSION\t1\t2")
    assert first.wire.vouched


def test_a_login_by_plain_and_one_by_login(logins):
    answer = logins.say(f"AUTH\t1\tPLAIN\tservice=smtp\tnologin\trip=192.0.2.7\tresp={plain()}")
    assert answer == ["OK\t1\tuser=lee@naver.com"]
    assert logins.say("AUTH\t2\tLOGIN\tservice=smtp") == ["CONT\t2\tVXNlcm5hbWU6"]
    assert logins.say("CONT\t2\tbGVl") == ["CONT\t2\tUGFzc3dvcmQ6"]
    assert logins.say("CONT\t2\tc2VjcmV0") == ["OK\t2\tuser=lee@naver.com"]


def test_a_wrong_password_and_a_wrong_mechanism(logins):
    assert logins.say(f"AUTH\t1\tPLAIN\tservice=smtp\tresp={plain(password='x')}") == ["FAIL\t1"]
    (answer,) = logins.say("AUTH\t2\tGSSAPI\tservice=smtp")
    assert answer.startswith("FAIL\t2\treason=")
    (answer,) = logins.say("AUTH\t3\tPLAIN\tservice=smtp\tresp=!!!!")
    assert answer.startswith("FAIL\t3\treason=") and "base64" in answer
    assert logins.say("AUTH\t4\tPLAIN\tservice=smtp") == ["CONT\t4\t"]
    assert logins.say(f"CONT\t4\t{plain()}") == ["OK\t4\tuser=lee@naver.com"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthenticationUnavailable(), "code=temp_fail\ttemp"),
        (AuthorizationFailed(), "code=authz_fail\tauthz"),
        (AccountDisabled("Ask the office"), "code=user_disabled\tuser_disabled\treason=Ask the office"),
    ],
)
def test_why_it_failed_is_told_by_a_code(logins, error, code):
    logins.auth.fails = error
    (answer,) = logins.say(f"AUTH\t1\tPLAIN\tservice=smtp\tresp={plain()}")
    assert answer.startswith(f"FAIL\t1\t{code}")


def test_the_client_says_where_the_login_comes_from(logins, monkeypatch):
    peers = []
    begin = logins.auth.begin
    monkeypatch.setattr(logins.auth, "begin", lambda name, peer: peers.append(peer) or begin(name, peer))
    logins.say(f"AUTH\t1\tPLAIN\tservice=smtp\trip=::ffff:192.0.2.7\tlip=192.0.2.1\tsecured\tresp={plain()}")
    logins.say(f"AUTH\t2\tPLAIN\tservice=a b\trip=no address\tresp={plain()}")
    assert (peers[0].service, peers[0].address, peers[0].local_address, peers[0].secure) == (
        *("smtp", "192.0.2.7", "192.0.2.1"),
        True,
    )
    assert (peers[1].service, peers[1].address, peers[1].secure) == ("auth", "", False)


def test_logins_run_side_by_side_and_one_may_be_cancelled(logins):
    logins.auth.gate = Gate()
    for number in (1, 2):
        assert logins.say(f"AUTH\t{number}\tPLAIN\tservice=smtp\tresp={plain()}") == []
    logins.say("CANCEL\t1")
    logins.auth.gate.opened = True
    assert logins.go() == ["OK\t2\tuser=lee@naver.com"]


def test_too_many_at_once_are_put_off(logins, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_AT_ONCE", 2)
    logins.auth.gate = Gate()
    logins.say(*(f"AUTH\t{number}\tPLAIN\tservice=smtp\tresp={plain()}" for number in (1, 2)))
    (answer,) = logins.say(f"AUTH\t3\tPLAIN\tservice=smtp\tresp={plain()}")
    assert answer.startswith("FAIL\t3\tcode=temp_fail")


def test_whoever_leaves_without_a_word_makes_room(logins, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_AT_ONCE", 2)
    logins.say(*(f"AUTH\t{number}\tLOGIN\tservice=smtp" for number in (1, 2)))
    assert logins.say("AUTH\t3\tLOGIN\tservice=smtp")[0] == "FAIL\t1\tcode=temp_fail\ttemp"
    assert logins.say("CONT\t1\tbGVl")[0].startswith("FAIL\t1\treason=")


@pytest.mark.parametrize(
    "line",
    ["AUTH\t1", "CONT\t1", "USER\t1\tlee\tservice=x", "AUTH\tone\tPLAIN", "AUTH\t1\tLOGIN\nAUTH\t1\tLOGIN"],
)
def test_nonsense_ends_the_connection_and_is_logged(logins, line):
    logins.say(line)
    assert logins.wire.closed and logins.log.events[-1][0] == "auth-client-error"
    assert logins.say("AUTH\t9\tLOGIN") == []


@pytest.mark.parametrize("line", ["AUTH\t1\tPLAIN", "VERSION\t2\t0", "EHLO there", "GET / HTTP/1.0"])
def test_who_does_not_begin_with_the_version_is_sent_away(line):
    stranger = Dialogue(Logins)
    stranger.say(line)
    assert stranger.wire.closed and not stranger.wire.vouched


def test_an_account_is_looked_up(lookups):
    (answer,) = lookups.say("USER\t1\tlee\tservice=lmtp")
    home = "/nowhere/lee@naver.com"
    assert answer == f"USER\t1\tlee@naver.com\tuid=8\tgid=12\thome={home}\tmail=maildir:{home}/Maildir"
    assert lookups.say("USER\t2\tnobody\tservice=lmtp") == ["NOTFOUND\t2"]
    lookups.auth.fails = AuthenticationUnavailable()
    assert lookups.say("USER\t3\tlee\tservice=lmtp")[0].startswith("FAIL\t3\treason=")


def test_passwords_and_lists_are_not_given_out(lookups):
    assert [line[:6] for line in lookups.say("PASS\t1\tlee", "LIST\t2\tservice=x")] == ["FAIL\t1", "FAIL\t2"]
    lookups.say(f"AUTH\t1\tPLAIN\tresp={plain()}")
    assert lookups.wire.closed
