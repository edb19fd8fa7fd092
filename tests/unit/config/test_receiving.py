"""What does not fit together in the sections about mail that comes in and goes out."""

import pytest

from mailaccess.config import check
from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load

DOMAINS = 'domains = ["naver.com"]\n'


@pytest.mark.parametrize(
    ("text", "key", "right"),
    [
        ("[dkim.domains]\n'naver.com' = 's 1'", "dkim.domains.naver.com", "a selector"),
        ("[dkim.domains]\n'naver.com' = '../x'", "dkim.domains.naver.com", "a selector"),
        ("[dkim.domains]\n'daum.net' = 's1'", "dkim.domains.daum.net", "one of domains: naver.com"),
        ("[dkim]\nheaders = ['To']\n[dkim.domains]\n'naver.com' = 's1'", "dkim.headers", "From"),
        ("[rspamd]\nurl = 'localhost:11333'", "rspamd.url", "http://127.0.0.1:11333"),
        ("[rspamd]\nservices = ['imap']", "rspamd.services", "not one of smtp"),
        ("[hooks]\npython = ['module.function']", "hooks.python", "package.module:function"),
        ("[proxy]\nservices = ['smtp']", "proxy.services", "proxy.networks"),
        ("[proxy]\nnetworks = ['10.0.0.1/8']", "proxy.networks", "10.0.0.0/8"),
        ("[smtp]\nauthentication = 'yes'", "smtp.authentication", "off, mark, enforce"),
        ("[sending]\nmessages_per_hour = -1", "sending.messages_per_hour", "at least 0"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_right(tmp_path, text, key, right):
    file = tmp_path / "mailaccess.toml"
    file.write_text(DOMAINS + text)
    with pytest.raises(ConfigError) as caught:
        load(file, files=False)
    (problem,) = caught.value.problems
    assert problem.key == key and right in problem.right


def test_checks_without_their_packages_are_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "find_spec", lambda name: None if name in ("spf", "nacl") else object())
    file = tmp_path / "mailaccess.toml"
    file.write_text(DOMAINS + "[smtp]\nauthentication = 'mark'")
    with pytest.raises(ConfigError, match=r"needs pyspf, PyNaCl: pip install 'mailaccess\[checks\]'"):
        load(file, files=False)
    file.write_text(DOMAINS + "[smtp]\nauthentication = 'off'")
    assert load(file, files=False).smtp.authentication == "off"
