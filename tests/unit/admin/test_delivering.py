"""``mailadm deliver`` and ``mailadm mailbox`` on a real Maildir."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.unit.admin.running import CONFIG, Tool

MESSAGE = b"From: kim@daum.net\nSubject: hello\n\nthe body\n"


@pytest.fixture
def mailadm(tmp_path, capfd, monkeypatch):
    tool = Tool(tmp_path, capfd, monkeypatch)
    tool.users.write_text("lee:{PLAIN}x\nsmall:{PLAIN}x::::::userdb_quota_rule=*:bytes=10\n")
    return tool


def stored(mailadm, folder="new"):
    return [
        path.read_bytes()
        for path in sorted((mailadm.folder / "mail/naver.com/lee/Maildir" / folder).iterdir())
    ]


def test_a_message_from_a_pipe_lies_in_the_inbox(mailadm):
    assert mailadm("deliver", "lee", stdin=MESSAGE) == 0
    assert mailadm.out == ""
    [message] = stored(mailadm)
    assert message.replace(b"\r\n", b"\n") == b"Delivered-To: lee@naver.com\n" + MESSAGE


def test_what_a_command_makes_is_nobody_elses_to_read(mailadm):
    """Since 0.1.0's beginning the index, with subjects and texts in it, was made with the shell's umask."""
    command = [sys.executable, "-m", "mailaccess.admin.main", "-c", str(mailadm.config), "deliver", "lee"]
    subprocess.run(command, input=MESSAGE, check=True, umask=0o022, timeout=60)
    made = [path for path in (mailadm.folder / "mail/naver.com/lee").rglob("*") if path.is_file()]
    assert any(path.name == "index.sqlite" for path in made)
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_sender_recipient_and_the_mbox_line(mailadm):
    arguments = ("--sender", "<kim@daum.net>", "--recipient", "lee+x@naver.com")
    told = mailadm.json("deliver", "lee", *arguments, stdin=b"From kim Mon Jan 1\n" + MESSAGE)
    assert told["mailbox"] == "INBOX" and told["uid"] == 1
    [message] = stored(mailadm)
    lines = message.replace(b"\r\n", b"\n").split(b"\n")
    assert lines[:3] == [
        b"Return-Path: <kim@daum.net>",
        b"Delivered-To: lee+x@naver.com",
        b"From: kim@daum.net",
    ]


def test_into_a_mailbox_by_option_or_detail(mailadm):
    assert mailadm.json("deliver", "lee", "--mailbox", "Lists/dev", stdin=MESSAGE)["mailbox"] == "Lists/dev"
    assert mailadm.json("deliver", "lee+Junk@naver.com", stdin=MESSAGE)["mailbox"] == "Junk"
    assert mailadm.json("deliver", "lee+unknown", stdin=MESSAGE)["mailbox"] == "INBOX"


@pytest.mark.parametrize(("user", "code"), [("nobody", 67), ("a/b", 67), ("nobody+x", 67), ("small", 75)])
def test_an_mta_learns_by_exit_code_what_became_of_it(mailadm, user, code):
    assert mailadm("deliver", user, stdin=MESSAGE) == code
    assert mailadm.err.startswith("mailadm: ")


def test_a_message_past_the_limit_is_refused_for_good(mailadm):
    mailadm.config.write_text(mailadm.config.read_text() + "[store]\nmessage_size = 65536\n")
    assert mailadm("deliver", "lee", stdin=MESSAGE[:60] + b"x" * 60_000) == 0
    reading = b"x: y\n\n" + b"0123456789abcde\n" * 4090
    assert mailadm("deliver", "lee", stdin=reading[:65_000] + b"") == 0
    assert len(stored(mailadm)) == 2


def test_mailboxes_are_made_listed_renamed_and_deleted(mailadm):
    assert mailadm("mailbox", "create", "lee", "Work/2026") == 0
    assert mailadm("mailbox", "create", "lee", "Mine", "--special-use", "flagged") == 0
    assert mailadm("deliver", "lee", "-m", "Work/2026", stdin=MESSAGE) == 0
    rows = {row["name"]: row for row in mailadm.json("mailbox", "list", "lee")}
    assert rows["Work/2026"]["messages"] == 1 and rows["Work/2026"]["subscribed"] is True
    assert rows["Sent"]["special_use"] == "\\Sent"
    before = mailadm.json("mailbox", "status", "lee", "Work/2026")
    assert mailadm("mailbox", "rename", "lee", "Work", "Play") == 0
    after = mailadm.json("mailbox", "status", "lee", "Play/2026")
    assert {**after, "name": ""} == {**before, "name": ""}
    assert [row["name"] for row in mailadm.json("mailbox", "list", "lee", "Play*") if row["subscribed"]] == [
        "Play/2026"
    ]
    assert mailadm("mailbox", "delete", "lee", "Play/2026") == 65
    assert "1 messages" in mailadm.err
    assert mailadm("mailbox", "delete", "lee", "Play/2026", "--yes") == 0
    assert mailadm("mailbox", "status", "lee", "Play/2026") == 66


def test_subscriptions(mailadm):
    assert mailadm("mailbox", "unsubscribe", "lee", "Sent") == 0
    assert not next(row for row in mailadm.json("mailbox", "list", "lee") if row["name"] == "Sent")[
        "subscribed"
    ]
    assert mailadm("mailbox", "subscribe", "lee", "Sent") == 0
    assert next(row for row in mailadm.json("mailbox", "list", "lee") if row["name"] == "Sent")["subscribed"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "lee", "INBOX"), 73),
        (("create", "lee", "a//b"), 65),
        (("create", "lee", "Own", "--special-use", "nonsense"), 65),
        (("delete", "lee", "INBOX"), 65),
        (("delete", "lee", "Nowhere"), 66),
        (("rename", "lee", "Nowhere", "There"), 66),
        (("rename", "lee", "Sent", "Junk"), 73),
        (("status", "lee", "Nowhere"), 66),
        (("list", "nobody"), 67),
    ],
)
def test_what_cannot_be_is_said_by_exit_code(mailadm, arguments, code):
    assert mailadm("mailbox", *arguments) == code
    assert mailadm.err.startswith("mailadm: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_run_by_root_nothing_becomes_roots():
    """Each command in a process of its own, as it gives up root for good."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody in
        folder = Path(name)
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir()
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
        config = folder / "mailaccess.toml"
        config.write_text(CONFIG.replace('"."', '"state"') + '[process]\nuser = "nobody"\n')
        command = [sys.executable, "-m", "mailaccess.admin.main", "--config", str(config)]
        for arguments, stdin in (
            (("user", "add", "lee", "--password-stdin"), b"x"),
            (("deliver", "lee"), MESSAGE),
        ):
            root = Path(__file__).parents[3]
            subprocess.run([*command, *arguments], input=stdin, check=True, timeout=60, cwd=root)
        found = [folder / "users", *state.rglob("*")]
        assert len(found) > 5
        assert {path.stat().st_uid for path in found} == {nobody.pw_uid}
