"""Mailboxes of others: two clients of a real server, and the lists as Dovecot's own tool sees them."""

import os
import shutil
import subprocess

import pytest

from mailaccess.model.rights import Kind
from mailaccess.store.maildir.acl import parse, render
from tests.interop import messages
from tests.interop.running import Server, eventually
from tests.interop.test_imapclient import connect

imapclient = pytest.importorskip("imapclient", reason="IMAPClient is not installed")


def test_a_second_account_reads_files_and_is_sent_away_again(server: Server, user: str) -> None:
    other = "reader-" + user
    server.add_user(other)
    shared = f"Other Users/{user}/업무"
    with connect(server, user) as owner, connect(server, other) as reader:
        owner.create_folder("업무")
        owner.append("업무", messages.PLAIN)
        assert reader.namespace().other == (("Other Users/", "/"),)
        assert not reader.folder_exists(shared)
        owner.setacl("업무", other, "lrsip")
        assert shared in [name for _, _, name in reader.list_folders("Other Users/")]
        assert owner.getacl("업무")[1] == (other.encode(), b"lrsip")
        reader.select_folder(shared)
        assert reader.fetch([1], ["BODY[]"])[1][b"BODY[]"] == messages.PLAIN
        owner.select_folder("업무")
        assert imapclient.SEEN in owner.get_flags([1])[1]
        reader.copy([1], "INBOX")
        reader.append(shared, messages.MIXED)
        owner.noop()
        assert len(owner.search("ALL")) == 2
        with pytest.raises(imapclient.exceptions.IMAPClientError, match="NOPERM"):
            reader.delete_folder(shared)
        reader.unselect_folder()
        owner.setacl("업무", other, "-lrsip")
        assert not reader.folder_exists(shared)
        assert reader.select_folder("INBOX")[b"EXISTS"] == 1


def test_what_mailadm_grants_counts_in_the_running_server(server: Server, user: str) -> None:
    other = "granted-" + user
    server.add_user(other)
    with connect(server, user) as owner:
        owner.append("INBOX", messages.PLAIN)
    server.mailadm("mailbox", "acl", "set", user, "INBOX", other, "lr")
    shared = f"Other Users/{user}/INBOX"
    with connect(server, other) as reader:
        # What another process grants counts within seconds (docs/administration.md).
        eventually(lambda: bool(reader.folder_exists(shared)), "the mailbox shows")
        assert reader.select_folder(shared, readonly=True)[b"EXISTS"] == 1
        assert reader.search("ALL") == [1]


CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
ssl = no
protocols =
mail_plugins = acl
mail_location = maildir:{maildir}
first_valid_uid = 1
first_valid_gid = 1
namespace {{
  type = private
  separator = /
  inbox = yes
}}
plugin {{
  acl = vfile
}}
"""


@pytest.mark.dovecot
@pytest.mark.skipif(shutil.which("doveadm") is None, reason="install it with: apt install dovecot-core")
def test_dovecots_tool_reads_our_lists_and_we_read_its(tmp_path) -> None:
    maildir = tmp_path / "mail"
    for sub in ("", "cur", "new", "tmp"):
        (maildir / sub).mkdir()
    (tmp_path / "dovecot.conf").write_text(CONFIGURATION.format(folder=tmp_path, maildir=maildir))
    ours = (
        b'anyone kel\n"group=sales team" l\nowner alr\nuser=kim@daum.net lr\n-user=fred w\nuser=fred lrw\n'
        b'group-override=we"ird i\n'
    )
    (maildir / "dovecot-acl").write_bytes(render(parse(ours)))
    found = doveadm(tmp_path, "acl", "get", "INBOX")
    shown = {" ".join(line.split()) for line in found.splitlines()[1:]}
    assert "anyone create expunge lookup" in shown
    assert "group=sales team lookup" in shown
    assert "user=kim@daum.net lookup read" in shown
    assert 'group-override=we"ird insert' in shown
    assert any("fred" in line and "-write" in line for line in shown), shown
    doveadm(tmp_path, "acl", "set", "INBOX", "user=park@naver.com", "lookup", "read", "write-seen")
    doveadm(tmp_path, "acl", "set", "INBOX", "group=a b\\c", "lookup")
    names = {
        (entry.kind, entry.name, "".join(sorted(entry.rights)))
        for entry in parse((maildir / "dovecot-acl").read_bytes()).entries
    }
    assert (Kind.USER, "park@naver.com", "lrs") in names
    assert (Kind.GROUP, "a b\\c", "l") in names


def doveadm(folder, *arguments: str) -> str:
    """Run as nobody where we are root: Dovecot opens no mail as root."""
    command = ["doveadm", "-c", str(folder / "dovecot.conf"), *arguments]
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody:nogroup", str(folder)], check=True)
        for parent in folder.parents:
            if str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    environment = {**os.environ, "USER": "nobody", "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
