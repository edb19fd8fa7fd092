"""``mailadm`` as an operator and a script use it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mailaccess.admin import main
from mailaccess.auth import schemes


def test_an_account_is_added_shown_changed_and_deleted(mailadm):
    mailadm.users.write_text("# our people\nkim@daum.net:{PLAIN}x\n")
    assert mailadm("user", "add", "Lee", "--password-stdin", stdin=b"secret\n") == 0
    assert mailadm.out == "added lee@naver.com\n"
    assert mailadm.users.read_text().startswith(
        "# our people\nkim@daum.net:{PLAIN}x\nlee@naver.com:{SSHA512}"
    )
    assert mailadm("user", "list") == 0
    assert [line.split("\t")[0] for line in mailadm.out.splitlines()] == ["kim@daum.net", "lee@naver.com"]
    shown = mailadm.json("user", "show", "lee")
    assert shown["scheme"] == "SSHA512" and shown["home"] == str(mailadm.folder / "mail/naver.com/lee")
    assert mailadm("user", "test", "lee", stdin=b"secret\n") == 0
    assert mailadm("user", "passwd", "lee@naver.com", "--password-stdin", stdin=b"other\r\n") == 0
    assert mailadm("user", "test", "lee", stdin=b"secret\n") == 77
    assert "the password is wrong" in mailadm.err
    assert mailadm("user", "test", "lee", stdin=b"other\n") == 0
    assert mailadm("user", "delete", "lee") == 0
    assert mailadm.users.read_text() == "# our people\nkim@daum.net:{PLAIN}x\n"


def test_the_scheme_home_and_quota_can_be_chosen(mailadm):
    arguments = ("--scheme", "SCRAM-SHA-256", "--home", "/srv/lee", "--quota", "2G", "--password-stdin")
    assert mailadm("user", "add", "lee", *arguments, stdin=b"x") == 0
    shown = mailadm.json("user", "show", "lee")
    assert (shown["scheme"], shown["home"], shown["storage"]) == ("SCRAM-SHA-256", "/srv/lee", 2 * 2**30)


@pytest.mark.parametrize(("written", "octets"), [("5000", 5000), ("5000k", 5000 * 1024), ("1T", 2**40)])
def test_a_quota_without_a_unit_is_in_octets_as_in_the_configuration(mailadm, written, octets):
    """Dovecot, whose file it is written into, takes a bare number for kilobytes."""
    assert mailadm("user", "add", "lee", "--quota", written, "--password-stdin", stdin=b"x") == 0
    assert mailadm.json("user", "show", "lee")["storage"] == octets


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("user", "add", "lee@naver.com", "--password-stdin"), b"x", 65),  # is there already
        (("user", "add", "a/b", "--password-stdin"), b"x", 65),
        (("user", "add", "new", "--password-stdin"), b"\n", 65),
        (("user", "add", "new", "--password-stdin"), b"x" * 5000, 65),
        (("user", "add", "new", "--password-stdin", "--scheme", "BLF-CRYPT"), b"x" * 73, 65),
        (("user", "add", "new", "--password-stdin", "--scheme", "ROT13"), b"x", 64),
        (("user", "add", "new", "--password-stdin", "--quota", "lots"), b"x", 64),
        (("user", "add", "new"), b"x", 64),  # neither a terminal nor --password-stdin
        (("user", "add"), b"", 64),
        (("user", "nonsense"), b"", 64),
        (("nonsense",), b"", 64),
        (("--nonsense",), b"", 64),
        (("user", "passwd", "nobody", "--password-stdin"), b"x", 67),
        (("user", "delete", "nobody"), b"", 67),
        (("user", "show", "nobody"), b"", 67),
        (("user", "test", "nobody"), b"x", 67),
    ],
)
def test_exit_codes_tell_a_script_what_happened(mailadm, arguments, stdin, code):
    before = "lee:{PLAIN}x\n"
    mailadm.users.write_text(before)
    assert mailadm(*arguments, stdin=stdin) == code
    assert mailadm.err.startswith("mailadm: ") and mailadm.out == ""
    assert mailadm.users.read_text() == before


def test_errors_for_machines(mailadm):
    assert mailadm("user", "show", "nobody", options=("--json",)) == 67
    assert json.loads(mailadm.err)["code"] == 67


def test_a_folder_that_cannot_be_written_is_temporary(mailadm):
    mailadm.users.mkdir()
    assert mailadm("user", "list") == 75
    assert str(mailadm.users) in mailadm.err


def test_a_wrong_configuration_stops_every_command(mailadm):
    mailadm.config.write_text("hostnam = 1\n")
    for command in (("user", "list"), ("config", "check"), ("config", "show")):
        assert mailadm(*command) == 78
        assert f"{mailadm.config}:1: hostnam = 1: there is no such key; did you mean hostname?" in mailadm.err


def test_config_check_for_machines(mailadm):
    assert mailadm.json("config", "check") == []
    mailadm.config.write_text("hostnam = 1\n")
    assert mailadm("config", "check", options=("--json",)) == 78
    assert json.loads(mailadm.out)[0]["line"] == 1


def test_config_check_warns_where_nobody_reads_the_postmaster_s_mail(mailadm):
    text = 'domains = ["naver.com", "daum.net"]\n[listen]\nsmtp = ["127.0.0.1:2525"]\n'
    mailadm.config.write_text(text)
    mailadm.config.with_name("users").write_text("postmaster@daum.net:{PLAIN}x\n")
    assert mailadm("config", "check") == 0
    assert "nobody reads the mail for postmaster@naver.com" in mailadm.err
    assert "daum.net" not in mailadm.err
    mailadm.config.write_text(text + '[smtp]\npostmaster = "postmaster@daum.net"\n')
    assert mailadm("config", "check") == 0 and mailadm.err == ""
    mailadm.config.write_text(text + '[smtp]\npostmaster = "a b"\n')
    assert mailadm("config", "check") == 78


def test_config_show_is_a_configuration_itself(mailadm):
    assert mailadm("config", "show", "--changed") == 0
    changed = mailadm.out
    assert "default_scheme = " in changed and "cache_ttl" not in changed
    assert mailadm("config", "show") == 0
    everything = mailadm.out
    mailadm.config.write_text(everything)
    assert mailadm("config", "show") == 0
    assert mailadm.out == everything
    assert mailadm.json("config", "show")["auth"]["default_scheme"] == "SSHA512"


def test_broken_lines_are_told_beside_the_list(mailadm):
    mailadm.users.write_text("lee:{PLAIN}x\n:oops\nkim:{NOSUCH}x\npark:::::::nologin\n")
    assert mailadm("user", "list") == 0
    assert f"{mailadm.users}:2:" in mailadm.err
    assert [line.split("\t")[-1] for line in mailadm.out.splitlines()] == ["on", "on", "off"]


def test_what_would_refuse_a_login_is_said(mailadm):
    long = schemes.make("BLF-CRYPT", b"x", schemes.CHEAP)
    mailadm.users.write_text(
        f"a:{{X}}y\nb:{long}\nc:{{PLAIN}}x::::::nologin reason=moved\nd:\ne:::::::deny\n"
    )
    for name, password, reason in (
        ("a", b"x", "unknown scheme X"),
        ("b", b"x" * 80, "72 octets"),
        ("c", b"x", "nologin"),
        ("d", b"x", "no password"),
        ("e", b"x", "denied"),
    ):
        assert mailadm("user", "test", name, stdin=password) == 77
        assert reason in mailadm.err


def test_help_names_every_noun(mailadm):
    assert mailadm("--help") == 0
    overview = mailadm.out
    for noun in main.NOUNS:
        assert noun in overview
        assert mailadm(noun, "--help") == 0


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(mailadm):
    """A real terminal: the prompts come from it, and the typed password is not echoed."""
    command = [sys.executable, "-m", "mailaccess.admin.main", "--config", str(mailadm.config)]
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*command, "user", "add", "lee"],
        stdin=child,
        stdout=child,
        stderr=child,
        cwd=Path(__file__).parents[3],
    )
    os.close(child)
    told = b""
    for prompt in (b"Password for lee@naver.com: ", b"Repeat for confirmation: "):
        while not told.endswith(prompt):
            told += os.read(parent, 1)
        os.write(parent, b"tops3cret\n")
    while True:
        try:
            told += os.read(parent, 1000)
        except OSError:
            break
    assert process.wait(30) == 0
    os.close(parent)
    assert b"added lee@naver.com" in told and b"tops3cret" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("mailbox", "status", "lee", "Nope"),
        ("mailbox", "delete", "lee", "Nope"),
        ("mailbox", "rename", "lee", "Nope", "Other"),
        ("mailbox", "acl", "list", "lee", "Nope"),
        ("mailbox", "acl", "set", "lee", "Nope", "anyone", "lr"),
        ("mailbox", "acl", "delete", "lee", "Nope", "anyone"),
        ("mailbox", "acl", "rights", "lee", "Nope", "lee"),
    ],
)
def test_a_mailbox_that_is_not_there_is_named(mailadm, arguments):
    mailadm.users.write_text("lee:{PLAIN}x\n")
    assert mailadm(*arguments) == 66
    assert "Nope" in mailadm.err and "There is no such mailbox" in mailadm.err


def test_a_noun_without_a_verb_shows_its_help_and_nothing_around_it(mailadm):
    assert mailadm("user") == 64
    assert (mailadm.out + mailadm.err).startswith("Usage: mailadm user ")
    assert "(see " not in mailadm.err


@pytest.mark.parametrize(
    "wrong", [("--quota", "lots"), ("--quota", "5KK"), ("--quota", "9" * 30), ("--scheme", "ROT13")]
)
def test_what_is_wrong_is_said_before_a_password_is_asked_for(mailadm, wrong):
    """Standard input is no terminal here: asked for the password, the command would say that instead."""
    assert mailadm("user", "add", "lee", *wrong) == 64
    assert wrong[1] in mailadm.err and "--password-stdin" not in mailadm.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_configuration_that_may_not_be_read_is_a_wrong_configuration(mailadm):
    mailadm.config.chmod(0)
    assert mailadm("config", "check") == 78
    assert f"{mailadm.config}: cannot be read: Permission denied" in mailadm.err


def test_the_disks_own_words_and_the_path_are_told(mailadm):
    mailadm.users.write_text(f"lee:{{PLAIN}}x::::{mailadm.users}/home::\n")
    assert mailadm("mailbox", "list", "lee") == 75
    assert mailadm.err.splitlines()[-1] == f"mailadm: {mailadm.users}/home: Not a directory"
