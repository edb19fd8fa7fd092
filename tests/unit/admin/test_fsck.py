"""``mailadm fsck``: an index and a Maildir that agree, that do not, and that were made to."""

import re

import pytest

pytestmark = pytest.mark.usefixtures("three_messages")


def files(maildir):
    """In the order of their UIDs, those without one last; names alone sort otherwise once microseconds get shorter."""

    def uid(path):
        found = re.search(r",I=(\d+)", path.name)
        return int(found[1]) if found else 2**32

    return sorted([*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()], key=uid)


def uids(mailadm):
    return mailadm.json("mailbox", "status", "lee", "INBOX")["uidnext"]


def test_what_agrees_is_in_order(mailadm):
    assert mailadm("fsck", "lee", "--thorough") == 0
    assert "lee@naver.com INBOX: 3 messages, in order\n" in mailadm.out
    assert mailadm("fsck", "--all") == 0
    assert "kim@naver.com: 0 messages, in order; no mail yet" in mailadm.out


def test_what_another_program_dropped_is_no_fault(mailadm, maildir):
    (maildir / "new/1.dropped").write_text("Subject: x\n\nx\n")
    delivered = files(maildir)[2]
    delivered.rename(maildir / "cur" / (delivered.name + ":2,S"))
    assert mailadm("fsck", "lee") == 0
    assert "INBOX: 4 messages, in order; 2 files" in mailadm.out
    assert mailadm("fsck", "lee") == 0
    assert "INBOX: 4 messages, in order\n" in mailadm.out


def test_a_file_that_is_gone_is_told_once(mailadm, maildir):
    files(maildir)[1].unlink()
    assert mailadm("fsck", "lee") == 65
    assert "UID 2: its file is gone" in mailadm.err
    assert mailadm("fsck", "lee") == 0
    assert "INBOX: 2 messages" in mailadm.out


def test_a_file_that_changed_its_size_is_repaired_without_losing_a_uid(mailadm, maildir):
    before = uids(mailadm)
    with files(maildir)[0].open("a") as file:
        file.write("more\n")
    assert mailadm("fsck", "lee") == 65
    assert "octets" in mailadm.err
    assert mailadm("fsck", "lee", "--repair") == 0
    assert mailadm("fsck", "lee", "--thorough") == 0
    assert uids(mailadm) >= before
    assert sorted(path.name.partition(",I=")[2][:1] for path in files(maildir)) == ["1", "2", "3"]


def test_a_change_that_keeps_the_size_shows_only_when_files_are_read(mailadm, maildir):
    path = files(maildir)[0]
    path.write_bytes(path.read_bytes().replace(b"body\r\n", b"b\n\n\n\n\n"))
    assert mailadm("fsck", "lee") == 0
    assert mailadm("fsck", "lee", "--thorough") == 65


def test_a_uid_that_two_files_carry_is_told_apart(mailadm, maildir):
    first = files(maildir)[0]
    (maildir / "new" / first.name.replace("1", "2", 1)).write_bytes(first.read_bytes())
    assert mailadm("fsck", "lee") in (0, 65)
    assert mailadm("fsck", "lee", "--repair") == 0
    assert mailadm("fsck", "lee") == 0
    assert "INBOX: 4 messages, in order" in mailadm.out


def test_a_damaged_index_is_rebuilt(mailadm):
    index = mailadm.folder / "mail/naver.com/lee/index/index.sqlite"
    index.write_bytes(b"no database" * 1000)
    assert mailadm("fsck", "lee", "--repair") == 0
    assert "INBOX: 3 messages, in order" in mailadm.out


def test_for_machines(mailadm, maildir):
    files(maildir)[0].unlink()
    assert mailadm("fsck", "lee", options=("--json",)) == 65
    import json

    row = next(row for row in json.loads(mailadm.out) if row["mailbox"] == "INBOX")
    assert row["faults"] == ["UID 1: its file is gone"] and row["messages"] == 2


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 64), (("lee", "--all"), 64), (("nobody",), 67), (("lee", "--fast"), 64)]
)
def test_usage(mailadm, arguments, code):
    assert mailadm("fsck", *arguments) == code
