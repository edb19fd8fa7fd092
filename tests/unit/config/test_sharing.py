"""``[sharing]``: what is taken, and what is said about the rest."""

import pytest

from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load
from mailaccess.store.public import public_locations


@pytest.fixture
def loaded(tmp_path):
    def read(text):
        file = tmp_path / "mailaccess.toml"
        file.write_text('state_dir = "state"\n[sharing]\n' + text)
        return load(file, files=False)

    return read


def test_public_namespaces_are_folders_below_the_state(loaded, tmp_path):
    settings = loaded('other_users = "사용자"\npublic = { "공지" = "notices", News = "/srv/news" }\n')
    assert settings.sharing.other_users == "사용자"
    found = public_locations(settings)
    assert list(found) == ["News", "공지"]
    assert found["News"].maildir.as_posix() == "/srv/news"
    assert found["공지"].maildir == tmp_path / "state" / "notices"
    assert found["공지"].shared and found["공지"].quota.messages is None
    assert found["공지"].index.parent == tmp_path / "state" / "public-index"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('other_users = "a/b"', "a mailbox name of one level"),
        ('other_users = "inbox"', "a mailbox name of one level"),
        ('other_users = "All*"', "without wildcards"),
        ('other_users = "a\\u0007b"', "a mailbox name of one level"),
        (f'other_users = "{"x" * 101}"', "at most 100 octets"),
        ('public = { "a/b" = "x" }', "a mailbox name of one level"),
        ('public = { "" = "x" }', "must be a mailbox name"),
        ('public = { "Other Users" = "x" }', "is the name of sharing.other_users already"),
        ('public = { P = "" }', "must be a folder, without .."),
        ('public = { P = "../../etc" }', "must be a folder, without .."),
        ('public = { P = "x", Q = "x" }', "stands there twice"),
        ('public = "x"', "must be a table of texts"),
        ("anyone = 1", "must be true or false"),
        ('others = "x"', "there is no such key"),
    ],
)
def test_what_is_wrong_is_told(loaded, text, right):
    with pytest.raises(ConfigError, match=right):
        loaded(text + "\n")
