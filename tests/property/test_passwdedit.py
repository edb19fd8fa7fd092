"""Editing the passwd-file leaves everything else as it was, octet for octet."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.auth.names import Naming
from mailaccess.auth.passwdedit import BadField, Editor, NoSuchUser, UserExists
from mailaccess.auth.passwdfile import parse_table

NAMING = Naming(("naver.com",), "{user}", Path("/"))
NAMES = ("lee", "kim", "Park@Naver.com", "choi@daum.net")

LINES = st.one_of(
    st.sampled_from([b"", b"# a comment", b"   # lee:{PLAIN}x", b":broken", b"\xff\xfe", b"   "]),
    st.builds(
        lambda name, rest: name.encode() + rest,
        st.sampled_from(NAMES),
        st.sampled_from([b"", b":{PLAIN}x", b":{PLAIN}x:1:2::/home/x::a=b userdb_mail=maildir:~/M", b":"]),
    ),
)
FILES = st.builds(
    lambda lines, end, last: end.join(lines) + last,
    st.lists(LINES, max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n"]),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "users"


def first_line_of(data, name):
    for number, line in enumerate(data.split(b"\n")):
        text = line.split(b":")[0].decode("utf-8", "replace").strip()
        if not line.lstrip().startswith(b"#") and text and NAMING.canonical(text) == name:
            return number
    return None


@given(FILES)
def test_adding_appends_one_line(path, data):
    path.write_bytes(data)
    try:
        Editor(path, NAMING).add("new@naver.com", "{PLAIN}secret", extra="userdb_quota_rule=*:storage=1G")
    except UserExists:
        raise AssertionError("nobody has that name") from None
    after = path.read_bytes()
    assert after.startswith(data)
    assert after.count(b"\n") == data.count(b"\n") + 1 + (not data.endswith(b"\n") and data != b"")
    assert parse_table(after, NAMING).accounts["new@naver.com"].password == "{PLAIN}secret"


@given(FILES, st.sampled_from(["lee@naver.com", "park@naver.com", "choi@daum.net"]))
def test_a_new_password_changes_one_field(path, data, name):
    path.write_bytes(data)
    at = first_line_of(data, name)
    if at is None:
        with pytest.raises(NoSuchUser):
            Editor(path, NAMING).set_password(name, "{SSHA}new=")
        assert path.read_bytes() == data
        return
    Editor(path, NAMING).set_password(name, "{SSHA}new=")
    before, after = data.split(b"\n"), path.read_bytes().split(b"\n")
    assert before[:at] + before[at + 1 :] == after[:at] + after[at + 1 :]
    old, new = before[at].rstrip(b"\r").split(b":"), after[at].rstrip(b"\r").split(b":")
    assert new[1] == b"{SSHA}new="
    assert (new[0], new[2:]) == (old[0], old[2:])
    assert before[at].endswith(b"\r") == after[at].endswith(b"\r")


@given(FILES, st.sampled_from(["lee@naver.com", "park@naver.com", "choi@daum.net"]))
def test_deleting_removes_one_line(path, data, name):
    path.write_bytes(data)
    at = first_line_of(data, name)
    if at is None:
        with pytest.raises(NoSuchUser):
            Editor(path, NAMING).delete(name)
        return
    Editor(path, NAMING).delete(name)
    lines = data.split(b"\n")
    assert path.read_bytes().split(b"\n") == lines[:at] + lines[at + 1 :] or at == len(lines) - 1


def test_a_user_is_not_added_twice(path):
    editor = Editor(path, NAMING)
    editor.add("lee@naver.com", "{PLAIN}x")
    with pytest.raises(UserExists):
        editor.add("lee@naver.com", "{PLAIN}y")
    assert path.read_text() == "lee@naver.com:{PLAIN}x\n"


def test_a_new_file_is_its_owners_only(path):
    Editor(path, NAMING).add("lee@naver.com", "{PLAIN}x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_mode_and_link_stay_and_nothing_is_left_behind(path, tmp_path):
    real = tmp_path / "real"
    real.write_text("lee:{PLAIN}x\n")
    real.chmod(0o640)
    path.symlink_to(real)
    Editor(path, NAMING).set_password("lee@naver.com", "{PLAIN}y")
    assert path.is_symlink() and real.read_text() == "lee:{PLAIN}y\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["real", "users"]


@pytest.mark.parametrize("value", ["a:b", "a\nb", "a\0b"])
def test_a_value_cannot_become_a_second_field_or_line(path, value):
    path.write_text("lee:x\n")
    with pytest.raises(BadField):
        Editor(path, NAMING).set_password("lee@naver.com", value)
    with pytest.raises(BadField):
        Editor(path, NAMING).add("kim@naver.com", "{PLAIN}x", home=value)
    assert path.read_text() == "lee:x\n"


def test_a_write_that_fails_leaves_the_old_file(path, tmp_path, monkeypatch):
    path.write_text("lee:x\n")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        Editor(path, NAMING).delete("lee@naver.com")
    assert path.read_text() == "lee:x\n"
    assert os.listdir(tmp_path) == ["users"]


def test_edits_at_the_same_time_do_not_lose_each_other(path):
    """Four processes add ten accounts each; every one is there at the end."""
    children = []
    for worker in range(4):
        child = os.fork()
        if child == 0:
            try:
                for number in range(10):
                    Editor(path, NAMING).add(f"u{worker}-{number}@naver.com", "{PLAIN}x")
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(parse_table(path.read_bytes(), NAMING).accounts) == 40
