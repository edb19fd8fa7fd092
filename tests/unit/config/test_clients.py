"""The file of client profiles."""

import pytest

from mailaccess.config import clients
from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load


def write(tmp_path, text):
    path = tmp_path / "clients.toml"
    path.write_text(text)
    return path


def test_a_profile_is_patterns_and_words(tmp_path):
    path = write(
        tmp_path,
        '[[client]]\nname = "X"\nid = { Name = "X Mail*" }\ncapabilities = ["-MOVE"]\nquirks = ["delay-newmail"]\n',
    )
    (profile,) = clients.read(path)
    assert profile.matches({"name": "x mail 3"}) and not profile.matches({"version": "x mail"})
    assert profile.capabilities == ("-MOVE",) and profile.quirks == {"delay-newmail"}


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("[[client", "can be read"),
        ("[clients]\n", "only [[client]] tables"),
        ("[[client]]\nid = {name = 'x'}\n", "with a name"),
        ("[[client]]\nname = 'x'\n", "patterns for fields of ID"),
        ("[[client]]\nname = 'x'\nid = {name = 3}\n", "a pattern"),
        ("[[client]]\nname = 'x'\nid = {name = '*a*a*a*a*a'}\n", "at most 4"),
        ("[[client]]\nname = 'x'\nid = {name = 'y'}\ncapabilities = ['MOVE']\n", "the name of an IMAP"),
        ("[[client]]\nname = 'x'\nid = {name = 'y'}\nquirks = ['dance']\n", "delay-newmail"),
        ("[[client]]\nname = 'x'\nid = {name = 'y'}\ncolour = 'red'\n", "one of name"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, blamed):
    with pytest.raises(ConfigError, match=blamed.replace("[", r"\[")):
        clients.read(write(tmp_path, text))


def test_the_configuration_names_what_is_wrong_with_its_words_and_its_file(tmp_path):
    write(tmp_path, "[[client]]\nname = 'x'\n")
    path = tmp_path / "mailaccess.toml"
    path.write_text('[imap]\ncapabilities = ["MOVE"]\n')
    with pytest.raises(ConfigError, match="capabilities"):
        load(path)
    path.write_text('[imap]\nclients = "clients.toml"\ncapabilities = ["-move", "-THREAD"]\n')
    with pytest.raises(ConfigError, match="patterns for fields of ID"):
        load(path)
