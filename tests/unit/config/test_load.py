"""Settings from files: what is read, and what is said about what is wrong."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mailaccess.config import reference
from mailaccess.config.errors import ConfigError
from mailaccess.config.forms import FORMS
from mailaccess.config.load import find, load, load_with_origin, toml_value
from mailaccess.config.sections import Settings

ROOT = Path(__file__).parents[3]

DESIGN = """\
hostname = "Mail.Naver.com"
state_dir = "state"
domains = ["naver.com"]

[listen]
imap = ["127.0.0.1:1143"]
imaps = ["127.0.0.1:1993", "[::1]:1993"]
lmtp = ["unix:lmtp.sock"]

[tls]
certificate = "cert.pem"
key = "/etc/key.pem"
required = true

[auth]
passwd_file = "users"
default_scheme = "argon2id"
failure_delay = 1

[store]
home = "mail/{domain}/{user}"
message_size = "50M"

[process]
workers = 2
"""


@pytest.fixture
def write(tmp_path):
    def writer(text: str) -> Path:
        path = tmp_path / "mailaccess.toml"
        path.write_text(text)
        return path

    return writer


def problems(path, **options):
    with pytest.raises(ConfigError) as caught:
        load(path, **options)
    return [(problem.line, problem.key, problem.right) for problem in caught.value.problems]


def test_the_file_of_the_design(write, tmp_path):
    settings = load(write(DESIGN), files=False)
    assert settings.hostname == "mail.naver.com"
    assert settings.state_dir == tmp_path / "state"
    assert settings.domains == ("naver.com",)
    assert settings.listen.imaps == ("127.0.0.1:1993", "[::1]:1993")
    assert settings.listen.lmtp == (f"unix:{tmp_path}/state/lmtp.sock",)
    assert settings.tls.certificate == tmp_path / "cert.pem"
    assert settings.tls.key == Path("/etc/key.pem")
    assert settings.auth.passwd_file == tmp_path / "users"
    assert settings.auth.default_scheme == "ARGON2ID"
    assert settings.auth.failure_delay == 1.0
    assert settings.store.message_size == 50 * 2**20
    assert settings.process.workers == "2"


def test_an_empty_file_means_the_defaults(write, tmp_path):
    settings = load(write(""))
    assert settings.state_dir == Path("/var/lib/mailaccess")
    assert settings.auth.passwd_file == tmp_path / "users"
    assert settings.limits == Settings().limits


@pytest.mark.parametrize(
    ("text", "line", "key", "right"),
    [
        ("\nimap = 1", 2, "imap", r"must be a table: \[imap\]"),
        ("hostnam = 'x.org'", 1, "hostnam", "did you mean hostname"),
        ("[listen]\nimapss = []", 2, "listen.imapss", "did you mean listen.imaps"),
        ("[listn]\nimap = []", 1, "listn", "did you mean listen"),
        ("[imap]\nfailure_delay = 3", 2, "imap.failure_delay", r"belongs to \[auth\]"),
        ("[imap]\ndomains = []", 2, "imap.domains", "above the first"),
        ("[pop3]\nxyzzy = 3", 2, "pop3.xyzzy", "has timeout, login_timeout"),
        ("listen = 5", 1, "listen", r"must be a table"),
        ("domains = 'naver.com'", 1, "domains", r'must be a list of texts: \["naver.com"\]'),
        ("domains = ['naver.com', 'NAVER.com']", 1, "domains", "twice"),
        ("domains = ['naver com']", 1, "domains", "domain name"),
        ("domains = [\n1]", 1, "domains", "text in quotes"),
        ("hostname = 5", 1, "hostname", "text in quotes"),
        ("hostname = '-'", 1, "hostname", "domain name"),
        ("state_dir = ''", 1, "state_dir", "path"),
        ("[tls]\nrequired = 'yes'", 2, "tls.required", "true or false"),
        ("[tls]\nminimum = '1.1'", 2, "tls.minimum", "one of 1.2, 1.3"),
        ("[listen]\nimap = ['143']", 2, "listen.imap", "127.0.0.1:143"),
        ("[listen]\nimap = ['::1:143']", 2, "listen.imap", "127.0.0.1:143"),
        ("[listen]\nimap = ['[::g]:143']", 2, "listen.imap", "127.0.0.1:143|IPv6"),
        ("[listen]\nimap = ['localhost:70000']", 2, "listen.imap", "at most 65535"),
        ("[listen]\nlmtp = ['unix:']", 2, "listen.lmtp", "path"),
        ("[auth]\nmechanisms = ['PLAIN', 'SCRAM']", 2, "auth.mechanisms", "not one of"),
        ("[auth]\nmechanisms = []", 2, "auth.mechanisms", "at least"),
        ("[auth]\ndefault_scheme = 'ARGON2'", 2, "auth.default_scheme", "did you mean ARGON2I"),
        ("[auth]\ntrusted_networks = ['10.0.0.1/8']", 2, "auth.trusted_networks", r'"10.0.0.0/8"'),
        ("[auth]\ntrusted_networks = ['lan']", 2, "auth.trusted_networks", "a network such as"),
        ("[auth]\nfailure_delay = -1", 2, "auth.failure_delay", "at least 0"),
        ("[auth]\nfailure_delay = nan", 2, "auth.failure_delay", "a number"),
        ("[auth]\nfailure_delay = 20", 2, "auth.failure_delay", "failure_delay_max"),
        ("[store]\nhome = 'mail'", 2, "store.home", r"\{user\}"),
        ("[store]\nhome = 'mail/{name}/{user}'", 2, "store.home", r"not \{name\}"),
        ("[store]\nhome = '../{user}'", 2, "store.home", r'without "\.\."'),
        ("[store]\nhome = '{user'", 2, "store.home", "user"),
        ("[store]\nautocreate = ['Sent']", 2, "store.autocreate", "table of texts"),
        ("[store]\nautocreate = { Sent = 'Sent' }", 2, "store.autocreate.Sent", "one of"),
        ("[imap]\nfilters = { a = 'OR SEEN' }", 2, "imap.filters.a", "is not a search"),
        ("[imap]\nfilters = { 'a/b' = 'SEEN' }", 2, "imap.filters.a/b", "atom"),
        ("[store.autocreate]\n'a//b' = ''", 2, "store.autocreate.a//b", "empty level"),
        ("[store]\nmessage_size = 1", 2, "store.message_size", "at least 65536 octets"),
        ("[store]\nmessage_size = '5X'", 2, "store.message_size", '"100M"'),
        ("[limits]\nconnections = 1.5", 2, "limits.connections", "whole number"),
        ("[limits]\nconnections = true", 2, "limits.connections", "whole number"),
        ("[process]\nworkers = 0", 2, "process.workers", "auto"),
        ("[process]\nworkers = 'many'", 2, "process.workers", "auto"),
        ("[process]\nthreads = 1000", 2, "process.threads", "at most 256"),
        ("[process]\nuser = 'nosuchuser'", 2, "process.user", "exists on this machine"),
        ("[smtp]\nrecipient_delimiter = 'ab'", 2, "smtp.recipient_delimiter", "one sign"),
        ("[smtp]\naliases = 5", 2, "smtp.aliases", "path"),
        ("domains = ['a.org', 'b.org']\n[store]\nhome = '{user}'", 3, "store.home", r"\{domain\}"),
        ("[listen]\nsmtp = ['127.0.0.1:25']", 2, "listen.smtp", "domains"),
        ("[listen]\nimaps = ['127.0.0.1:993']", 2, "listen.imaps", "tls.certificate"),
        ("[listen]\nimap = ['0.0.0.0:143']", 2, "listen.imap", "nobody could log in"),
        ("[listen]\nimap=['127.0.0.1:1']\npop3=['127.0.0.1:1']", 3, "listen.pop3", "taken by listen.imap"),
        ("[tls]\nkey = 'key.pem'", 2, "tls.key", "tls.certificate"),
        ("a = [", 1, "", "."),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_would_be_right(write, text, line, key, right):
    [(found_line, found_key, found_right)] = problems(write(text), files=False)
    assert (found_line, found_key) == (line, key)
    assert re.search(right, found_right), found_right


def test_everything_wrong_is_told_at_once_in_the_files_order(write):
    path = write("hostnam = 1\n[listen]\nimap = 5\n[auth]\ncache_ttl = 'x'\n[tls]\nrequired = 1\n")
    assert [line for line, _, _ in problems(path)] == [1, 3, 5, 7]


def test_a_message_reads_file_line_key_value_right(write):
    path = write("\n[auth]\ncache_ttl = 'long'\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f'{path}:3: auth.cache_ttl = "long": must be a whole number'


def test_a_value_that_would_fill_the_screen_is_cut(write):
    with pytest.raises(ConfigError) as caught:
        load(write(f"hostname = '{'x' * 5000}'"))
    assert len(str(caught.value)) < 400


def test_files_that_are_named_must_be_there(write, tmp_path):
    path = write(
        "domains = ['a.org']\n[listen]\nimap = ['127.0.0.1:1143']\n[tls]\n"
        "certificate = 'cert.pem'\nkey = 'key.pem'\n[smtp]\naliases = 'aliases'\n"
    )
    assert [key for _, key, _ in problems(path)] == [
        "auth.passwd_file",
        "tls.certificate",
        "tls.key",
        "smtp.aliases",
    ]
    for name in ("cert.pem", "key.pem", "aliases", "users"):
        (tmp_path / name).write_text("")
    assert load(path).tls.key == tmp_path / "key.pem"


def test_a_certificate_file_may_hold_the_key_too(write, tmp_path):
    path = write("[tls]\ncertificate = 'both.pem'\n")
    (tmp_path / "both.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    assert [key for _, key, _ in problems(path)] == ["tls.certificate"]
    (tmp_path / "both.pem").write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n")
    assert load(path).tls.key is None


def test_loopback_and_trusted_networks_need_no_certificate(write):
    assert load(write("[listen]\nimap = ['localhost:143', '[::1]:143', '127.1.2.3:143']"), files=False)
    text = "[listen]\nimap = ['0.0.0.0:143']\n[auth]\ntrusted_networks = ['10.0.0.0/8']"
    assert load(write(text), files=False)


def test_where_a_configuration_is_looked_for(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = Path("given.toml")
    assert find(given, {"MAILACCESS_CONFIG": "/env.toml"}) == given
    assert find(None, {"MAILACCESS_CONFIG": "/env.toml"}) == Path("/env.toml")
    write("")
    assert find(None, {}) == Path("mailaccess.toml")


def test_a_file_that_was_named_but_is_missing_is_an_error(tmp_path):
    [(line, key, right)] = problems(tmp_path / "none.toml")
    assert (line, key) == (0, "") and "cannot be read" in right


def test_what_was_given_is_known(write):
    loaded = load_with_origin(write("hostname = 'a.org'\n[store]\nautocreate = { Sent = '\\Sent' }"))
    assert loaded.given == {("hostname",), ("store", "autocreate")}


def test_settings_written_as_toml_read_back():
    values = ['a"b\\c\n\x00é', True, 5, 2.5, ["x", "y"], {"a b": "\\Sent", "Junk": ""}, Path("/x")]
    text = "\n".join(f"k{number} = {toml_value(value)}" for number, value in enumerate(values))
    import tomllib

    assert list(tomllib.loads(text).values()) == [*values[:-1], "/x"]


def test_every_form_that_an_option_names_exists():
    for section in fields(Settings):
        options = (
            fields(section.default_factory)
            if hasattr(section.default_factory, "__dataclass_fields__")
            else (section,)
        )
        for option in options:
            form = option.metadata["form"]
            assert not form or form in FORMS


# -- the reference ----------------------------------------------------------------------------------


def test_the_reference_is_fresh():
    """Write it anew with: python -m mailaccess.config.reference conf/mailaccess.toml.reference"""
    assert (ROOT / "conf/mailaccess.toml.reference").read_text("utf-8") == reference.render()


def test_the_reference_means_the_defaults(write):
    text = reference.render()
    plain = load(write(""), files=False)
    assert load(write(text), files=False) == plain
    bare = re.sub(r"^#(?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    assert bare != text
    assert load(write(bare), files=False) == plain


def test_the_reference_names_every_option():
    text = reference.render()
    for section in fields(Settings):
        for option in (
            fields(getattr(Settings(), section.name)) if f"[{section.name}]" in text else (section,)
        ):
            assert re.search(rf"^# ?{option.name} = ", text, re.MULTILINE), option.name


def test_the_examples_can_be_loaded():
    assert load(ROOT / "conf/mailaccess.toml.example", files=False).domains == ("example.org",)


def test_a_line_that_is_not_toml_is_shown(tmp_path):
    (tmp_path / "mailaccess.toml").write_text('hostname = "a.example"\nstate_dir = \n')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "mailaccess.toml")
    assert "mailaccess.toml:2: " in str(caught.value) and "state_dir =" in str(caught.value)
