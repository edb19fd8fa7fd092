"""Logins as a client sees them: by verify, by SASL exchanges; what is told, what is hidden."""

import hashlib
import hmac
import stat
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from mailaccess.auth import checking, schemes
from mailaccess.auth.api import (
    Challenge,
    Identity,
    Malformed,
    PasswordCredentials,
    Peer,
    UnknownMechanism,
)
from mailaccess.auth.chain import Chain
from mailaccess.auth.making import make_authenticator
from mailaccess.auth.names import Naming
from mailaccess.auth.passwdfile import PasswdFile
from mailaccess.auth.throttle import Throttle, TooManyWaiting
from mailaccess.config.sections import Auth, Settings
from mailaccess.model.errors import (
    AuthenticationFailed,
    AuthenticationUnavailable,
    AuthorizationFailed,
)
from mailaccess.model.secret import Secret
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder

PEER = Peer("imap", "192.0.2.1")
NAMING = Naming(("naver.com",), "{domain}/{user}", Path("/mail"))


class House:
    """An authenticator over a users file, with a clock moved by hand."""

    def __init__(self, path: Path, **options) -> None:
        self.path = path
        self.now = 0.0
        self.waits: list[float] = []
        self.log = Recorder()
        self.hashed: list[str] = []
        self.runner = self
        self.inline = InlineRunner()
        throttle = Throttle(lambda: self.now, self._sleep)
        source = PasswdFile(path, NAMING, self.inline, self.log, clock=lambda: self.now)
        self.chain = Chain(
            [source],
            NAMING,
            throttle,
            self,
            self.log,
            clock=lambda: self.now,
            cost=schemes.CHEAP,
            mechanisms=("PLAIN", "LOGIN", "SCRAM-SHA-256"),
            secret=lambda: b"the same after a restart",
            **options,
        )

    def run(self, call, *args):
        return self.inline.run(call, *args)

    def run_in_order(self, key, call, *args):
        self.hashed.append(key)
        return self.inline.run(call, *args)

    async def _sleep(self, seconds):
        self.waits.append(seconds)

    def users(self, *lines):
        self.path.write_text("\n".join(lines))
        self.now += 1

    def login(self, name, password, *, peer=PEER, authorize_as=""):
        secret = Secret(password)
        return done(self.chain.verify(PasswordCredentials(name, secret, peer, authorize_as)))

    def reasons(self):
        return [fields["error"] for event, _, fields in self.log.events if event == "login-failed"]


def done(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "users")
    made.users("lee:" + schemes.make("ARGON2ID", b"secret", schemes.CHEAP))
    return made


def test_the_right_password_gives_the_account(house):
    identity = house.login("LEE@naver.com", "secret")
    assert identity.name == "lee@naver.com"
    assert identity.location.home == Path("/mail/naver.com/lee")
    assert house.login("lee", "secret") == identity
    assert house.waits == []


@pytest.mark.parametrize(
    "name", ["lee", "nobody", "kim@daum.net", "../lee", "", "x" * 10**5, "le\0e", "a\r\nb"]
)
def test_wrong_password_and_unknown_name_look_the_same(house, name):
    with pytest.raises(AuthenticationFailed) as caught:
        house.login(name, "wrong")
    assert str(caught.value) == "Authentication failed"
    assert house.waits == [2.0]
    assert len(house.hashed) == 1  # both cost one hash


def test_the_log_tells_them_apart_and_no_password(house):
    for name in ("lee", "nobody"):
        with pytest.raises(AuthenticationFailed):
            house.login(name, "wrongpassword")
    assert house.reasons() == ["wrong password", "unknown user"]
    assert "wrongpassword" not in repr(house.log.events)


def test_a_verified_password_is_remembered_until_it_changes(house):
    house.login("lee", "secret")
    house.login("lee", "secret")
    assert len(house.hashed) == 1
    house.users("lee:" + schemes.make("ARGON2ID", b"changed", schemes.CHEAP))
    with pytest.raises(AuthenticationFailed):
        house.login("lee", "secret")
    assert house.login("lee", "changed")


def test_it_is_forgotten_after_its_time(tmp_path):
    house = House(tmp_path / "users", cache_ttl=60)
    house.users("lee:{PLAIN}secret")
    house.login("lee", "secret")
    house.now += 61
    house.login("lee", "secret")
    assert len(house.hashed) == 2
    house = House(tmp_path / "users", cache_ttl=0)
    house.login("lee", "secret")
    house.login("lee", "secret")
    assert len(house.hashed) == 2


def test_one_accounts_remembered_password_does_not_open_another(house):
    """The same hash in two lines, as after a copy: what is remembered belongs to one name."""
    stored = schemes.make("ARGON2ID", b"secret", schemes.CHEAP)
    house.users(f"lee:{stored}", f"kim:{stored}")
    house.login("lee", "secret")
    house.login("kim", "secret")
    assert len(house.hashed) == 2


def test_the_accounts_rules_refuse_a_right_password_with_another_answer(house):
    house.users("lee:{PLAIN}x::::::nologin reason=moved", "kim:{PLAIN}x::::::allow_nets=10.0.0.0/8")
    with pytest.raises(AuthorizationFailed, match="moved"):
        house.login("lee", "x")
    with pytest.raises(AuthorizationFailed):
        house.login("kim", "x")
    assert house.login("kim", "x", peer=Peer("imap", "10.9.8.7"))
    with pytest.raises(AuthenticationFailed):
        house.login("kim", "wrong")


def test_an_account_without_a_password_lets_nobody_in(house):
    house.users("lee:", "kim", "park:{PLAIN}x::::::deny", "choi:::::::nopassword")
    for name in ("lee", "kim", "park"):
        for password in ("", "x"):
            with pytest.raises(AuthenticationFailed):
                house.login(name, password)
    assert house.login("choi", "anything")


def test_only_oneself_may_be_acted_for(house):
    assert house.login("lee", "secret", authorize_as="LEE@naver.com")
    with pytest.raises(AuthorizationFailed):
        house.login("lee", "secret", authorize_as="kim@naver.com")


@pytest.mark.parametrize("stored", ["{NOSUCH}x", "{SSHA}!", "{BLF-CRYPT}$2y$", "{ARGON2ID}$argon2id$"])
def test_a_hash_that_cannot_be_read_is_our_failure_not_the_users(house, stored):
    house.users(f"lee:{stored}")
    with pytest.raises(AuthenticationUnavailable) as caught:
        house.login("lee", "x")
    assert stored not in str(caught.value)
    assert [event for event, _, _ in house.log.events] == ["auth-bad-hash"]
    assert house.waits == []


def test_a_password_too_long_for_bcrypt_is_wrong_and_the_log_says_why(house):
    house.users("lee:" + schemes.make("BLF-CRYPT", b"x" * 72, schemes.CHEAP))
    with pytest.raises(AuthenticationFailed):
        house.login("lee", "x" * 80)
    assert house.reasons() == ["bcrypt takes passwords of up to 72 octets"]


def test_without_the_users_file_nobody_is_turned_away_for_good(house):
    house.path.unlink()
    house.now += 1
    with pytest.raises(AuthenticationUnavailable):
        house.login("lee", "secret")
    with pytest.raises(AuthenticationUnavailable):
        done(house.chain.lookup("lee"))
    assert house.waits == []


def test_a_crowd_of_logins_is_told_to_come_back(house, monkeypatch):
    class Never:
        def __await__(self):
            yield self

    monkeypatch.setattr(house, "run_in_order", lambda key, call: Never())
    monkeypatch.setattr(checking, "MAX_WAITING", 10)
    waiting = []
    for _ in range(10):
        login = house.chain.verify(PasswordCredentials("lee", Secret("secret"), PEER))
        login.send(None)
        waiting.append(login)
    with pytest.raises(AuthenticationUnavailable):
        house.login("lee", "secret")
    for login in waiting:
        login.close()
    monkeypatch.undo()
    assert house.login("lee", "secret")


def test_hashes_spread_over_the_lanes(house, monkeypatch):
    class Never:
        def __await__(self):
            yield self

    lanes = []
    monkeypatch.setattr(house, "run_in_order", lambda key, call: lanes.append(key) or Never())
    logins = [house.chain.verify(PasswordCredentials("lee", Secret("x"), PEER)) for _ in range(8)]
    for login in logins:
        login.send(None)
    assert len(set(lanes)) == checking.LANES
    for login in logins:
        login.close()


def test_delivery_finds_accounts_that_may_not_log_in(house):
    house.users("lee:{PLAIN}x::::::nologin", "kim:")
    assert done(house.chain.lookup("Lee")).name == "lee@naver.com"
    assert done(house.chain.lookup("kim@naver.com")).name == "kim@naver.com"
    assert done(house.chain.lookup("nobody")) is None
    assert done(house.chain.lookup("../etc")) is None


# -- exchanges --------------------------------------------------------------------------------------


def test_plain_in_one_step(house):
    exchange = house.chain.begin("plain", PEER)
    assert done(exchange.step(b"\0lee\0secret")).name == "lee@naver.com"
    with pytest.raises(Malformed):
        done(exchange.step(b"\0lee\0secret"))


def test_plain_and_login_step_by_step(house):
    exchange = house.chain.begin("PLAIN", PEER)
    assert done(exchange.step(None)) == Challenge(b"")
    assert isinstance(done(exchange.step(b"\0lee\0secret")), Identity)
    exchange = house.chain.begin("LOGIN", PEER)
    assert done(exchange.step(None)) == Challenge(b"Username:")
    assert done(exchange.step(b"lee")) == Challenge(b"Password:")
    assert isinstance(done(exchange.step(b"secret")), Identity)


def test_an_exchange_is_over_after_an_error(house):
    exchange = house.chain.begin("PLAIN", PEER)
    with pytest.raises(AuthenticationFailed):
        done(exchange.step(b"\0lee\0wrong"))
    with pytest.raises(Malformed):
        done(exchange.step(b"\0lee\0secret"))


def test_mechanisms_as_configured(house):
    assert house.chain.mechanisms() == ("PLAIN", "LOGIN", "SCRAM-SHA-256")
    assert house.chain.mechanisms(plaintext=False) == ("SCRAM-SHA-256",)
    for name in ("GSSAPI", "", "SCRAM-SHA-1"):
        with pytest.raises(UnknownMechanism):
            house.chain.begin(name, PEER)


def scram(house, name, password):
    """A SCRAM client."""
    exchange = house.chain.begin("SCRAM-SHA-256", PEER)
    bare = b"n=%b,r=clientnonce" % name.encode()
    first = done(exchange.step(b"n,," + bare)).data
    fields = dict(part.split(b"=", 1) for part in first.split(b","))
    salt, iterations = b64decode(fields[b"s"]), int(fields[b"i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    without = b"c=biws,r=" + fields[b"r"]
    message = b",".join((bare, first, without))
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    last = done(exchange.step(without + b",p=" + b64encode(proof))).data
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    assert last == b"v=" + b64encode(hmac.digest(server_key, message, "sha256"))
    return done(exchange.step(b""))


def test_scram_opens_accounts_that_carry_it_or_cleartext(house):
    stored = schemes.make("SCRAM-SHA-256", b"secret", schemes.CHEAP)
    house.users(f"lee:{stored}", "kim:{PLAIN}open")
    assert scram(house, "lee", "secret").name == "lee@naver.com"
    assert scram(house, "kim", "open").name == "kim@naver.com"
    assert house.login("lee", "secret").name == "lee@naver.com"
    with pytest.raises(AuthenticationFailed):
        scram(house, "lee", "wrong")
    assert house.waits == [2.0]
    assert house.reasons() == ["wrong password"]


def test_the_log_says_that_a_scheme_does_not_allow_scram(house):
    for name in ("lee", "nobody"):
        with pytest.raises(AuthenticationFailed):
            scram(house, name, "secret")
    assert house.reasons() == ["the password's scheme does not allow SCRAM", "unknown user"]


@pytest.mark.parametrize("name", ["lee", "nobody", "bad/name"])
def test_scram_runs_to_its_end_for_names_that_have_none(house, name):
    """An argon2 account, an unknown one and an impossible one look like one with a wrong password."""
    with pytest.raises(AuthenticationFailed):
        scram(house, name, "secret")
    one = done(house.chain.scram_secret(name, "SCRAM-SHA-256"))
    again = done(House(house.path).chain.scram_secret(name, "SCRAM-SHA-256"))
    assert (one.salt, one.iterations, one.known) == (again.salt, again.iterations, False)


def test_scram_obeys_the_accounts_rules(house):
    house.users("lee:{PLAIN}x::::::nologin", "kim:{PLAIN}x::::::deny")
    with pytest.raises(AuthorizationFailed):
        scram(house, "lee", "x")
    with pytest.raises(AuthenticationFailed):
        scram(house, "kim", "x")


def test_a_broken_scram_hash_runs_into_the_log(house):
    house.users("lee:{SCRAM-SHA-256}4096,x")
    assert not done(house.chain.scram_secret("lee", "SCRAM-SHA-256")).known
    assert [event for event, _, _ in house.log.events] == ["auth-bad-hash"]


def test_a_crowd_from_a_network_that_failed_is_refused_and_told_to_fail2ban(house, monkeypatch):
    async def full(_address):
        raise TooManyWaiting

    monkeypatch.setattr(house.chain._throttle, "admit", full)
    for attempt in (lambda: house.login("lee", "secret"), lambda: scram(house, "lee", "secret")):
        with pytest.raises(AuthenticationUnavailable, match="try again later"):
            attempt()
    assert [event for event, _, _ in house.log.events] == ["login-failed"] * 2
    assert house.hashed == []


# -- as the settings say ----------------------------------------------------------------------------


def settings(folder, **auth):
    (folder / "users").write_text("lee:{PLAIN}x\nkim:{ARGON2ID}$argon2id$broken\n")
    return Settings(state_dir=folder, domains=("naver.com",), auth=Auth(passwd_file=folder / "users", **auth))


def made(folder, log, **auth):
    waits: list[float] = []

    async def sleep(seconds):
        waits.append(seconds)

    chain = make_authenticator(settings(folder, **auth), InlineRunner(), log, clock=lambda: 0.0, sleep=sleep)
    return chain, waits


def test_the_settings_make_an_authenticator(tmp_path):
    chain, waits = made(tmp_path, Recorder(), failure_delay=1.0, trusted_networks=("192.0.2.0/24",))
    identity = done(chain.verify(PasswordCredentials("lee", Secret("x"), PEER)))
    assert identity.location.home == tmp_path / "mail/naver.com/lee"
    for password in ("y", "z"):
        with pytest.raises(AuthenticationFailed):
            done(chain.verify(PasswordCredentials("lee", Secret(password), PEER)))
    assert waits == [1.0, 1.0]


def test_made_up_salts_survive_a_restart(tmp_path):
    salts = []
    for _ in range(2):
        chain, _ = made(tmp_path, Recorder())
        assert done(chain.scram_secret("nobody", "SCRAM-SHA-256")).known is False
        salts.append(done(chain.scram_secret("nobody", "SCRAM-SHA-256")).salt)
    assert salts[0] == salts[1]
    assert stat.S_IMODE((tmp_path / "auth.secret").stat().st_mode) == 0o600


def test_where_the_secret_cannot_be_kept_logins_go_on(tmp_path):
    log = Recorder()
    (tmp_path / "auth.secret").mkdir()
    chain, _ = made(tmp_path, log)
    assert done(chain.scram_secret("nobody", "SCRAM-SHA-256")).salt
    assert [event for event, _, _ in log.events] == ["auth-secret"]
