"""``mailadm mailbox acl``, and mailboxes of nobody."""

import pytest

from tests.unit.admin.running import Tool


@pytest.fixture
def mailadm(tmp_path, capfd, monkeypatch):
    tool = Tool(tmp_path, capfd, monkeypatch)
    with tool.config.open("a") as file:
        file.write('[sharing]\npublic = { "Public" = "public/Maildir", "공지" = "notices" }\n')
    tool.users.write_text("lee:{PLAIN}x\nkim@daum.net:{PLAIN}x::::::userdb_acl_groups=sales,staff\n")
    assert tool("mailbox", "create", "lee", "Work") == 0
    return tool


def test_rights_are_set_added_taken_away_and_deleted(mailadm):
    acl = ("mailbox", "acl")
    assert mailadm(*acl, "set", "lee", "Work", "kim@daum.net", "lrswd") == 0
    assert mailadm.out == "kim@daum.net has lrswted on Work\n"
    assert mailadm(*acl, "set", "lee", "Work", "$sales", "+li") == 0
    assert mailadm(*acl, "set", "lee", "Work", "kim@daum.net", "-te") == 0
    assert mailadm(*acl, "set", "lee", "Work", "-kim@daum.net", "w") == 0
    assert mailadm(*acl, "list", "lee", "Work") == 0
    assert mailadm.out.splitlines() == [
        "Work\tlee@naver.com\tlrswipkxteacd",
        "Work\t$sales\tli",
        "Work\tkim@daum.net\tlrsw",
        "Work\t-kim@daum.net\tw",
    ]
    assert mailadm(*acl, "rights", "lee", "Work", "kim@daum.net") == 0
    assert mailadm.out == "lrs\n"
    assert mailadm(*acl, "rights", "lee", "Work", "lee") == 0
    assert mailadm.out == "lrswipkxteacd\n"
    assert mailadm(*acl, "delete", "lee", "Work", "kim@daum.net") == 0
    assert mailadm.json(*acl, "list", "lee")[1:] == [
        {"mailbox": "Work", "identifier": "$sales", "rights": "li"},
        {"mailbox": "Work", "identifier": "-kim@daum.net", "rights": "w"},
    ]
    path = mailadm.folder / "mail/naver.com/lee/Maildir/.Work/dovecot-acl"
    assert path.read_text() == "group=sales il\n-user=kim@daum.net w\n"


def test_what_is_wrong_is_told(mailadm):
    acl = ("mailbox", "acl")
    assert mailadm(*acl, "set", "lee", "Work", "kim", "lrq") == 65
    assert "'q' is no right" in mailadm.err
    assert mailadm(*acl, "set", "lee", "Work", "$", "lr") == 65
    assert mailadm(*acl, "set", "lee", "Nowhere", "kim", "lr") == 66
    assert mailadm(*acl, "list", "lee", "Nowhere") == 66
    assert mailadm(*acl, "set", "nobody", "Work", "kim", "lr") == 67
    assert mailadm(*acl, "list", "Nothing/") == 67
    assert "there is no namespace Nothing/ in sharing.public" in mailadm.err


def test_mailboxes_of_nobody_are_administered_by_their_namespace(mailadm):
    assert mailadm("mailbox", "create", "Public/", "News/2026") == 0
    assert mailadm("mailbox", "acl", "set", "Public/", "News/2026", "anyone", "lr") == 0
    assert mailadm("mailbox", "acl", "list", "Public/") == 0
    assert mailadm.out == "News/2026\tanyone\tlr\n"
    assert mailadm("mailbox", "list", "Public/") == 0
    assert [line.split("\t")[0] for line in mailadm.out.splitlines()] == ["INBOX", "News", "News/2026"]
    assert (mailadm.folder / "public/Maildir/.News.2026/dovecot-acl").read_text() == "anyone lr\n"
    assert mailadm("mailbox", "create", "공지/", "전체") == 0
    assert (mailadm.folder / "notices/.&yATMtA-/cur").is_dir()


def test_grants_are_found_anew(mailadm):
    assert mailadm("mailbox", "acl", "set", "lee", "Work", "kim@daum.net", "lr") == 0
    (mailadm.folder / "shares.sqlite").unlink()
    assert mailadm("mailbox", "acl", "recalc") == 0
    assert "read the lists of 2 accounts" in mailadm.out
    import sqlite3

    with sqlite3.connect(mailadm.folder / "shares.sqlite") as connection:
        rows = connection.execute("SELECT owner, identifier FROM shares").fetchall()
    assert rows == [("lee@naver.com", "user=kim@daum.net")]
