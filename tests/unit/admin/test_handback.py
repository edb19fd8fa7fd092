"""``mailadm mailbox handback``: what Dovecot finds when it takes a Maildir over."""

import pytest

pytestmark = pytest.mark.usefixtures("three_messages")


def test_the_list_has_whole_file_names_without_flags(mailadm, maildir):
    delivered = next((maildir / "new").iterdir())
    delivered.rename(maildir / "cur" / (delivered.name + ":2,S"))
    assert mailadm("mailbox", "handback", "lee") == 0
    assert "lee@naver.com INBOX: 3 messages\n" in mailadm.out
    status = mailadm.json("mailbox", "status", "lee", "INBOX")
    header, *lines = (maildir / "dovecot-uidlist").read_text().splitlines()
    assert header == f"3 V{status['uidvalidity']} N{status['uidnext']}"
    files = [*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()]
    assert [int(line.split()[0]) for line in lines] == [1, 2, 3]
    assert {line.partition(":")[2] for line in lines} == {path.name.partition(":")[0] for path in files}


def test_every_mailbox_has_its_keywords(mailadm, maildir):
    assert mailadm("mailbox", "create", "lee", "Work") == 0
    work = maildir / ".Work"
    (work / "dovecot-keywords").unlink(missing_ok=True)
    kept = work / "mailaccess-uids"
    kept.write_text(
        kept.read_text() + "keyword 0 $Forwarded\nkeyword 3 Later\nkeyword 26 More\ncarries 26 1,2\n"
    )
    rows = {row["mailbox"]: row for row in mailadm.json("mailbox", "handback", "lee")}
    assert (work / "dovecot-keywords").read_text() == "0 $Forwarded\n3 Later\n"
    assert rows["Work"]["lost"] == 2 and rows["INBOX"]["lost"] == 0


def test_it_may_be_done_for_all_and_again(mailadm, maildir):
    assert mailadm("mailbox", "handback", "--all") == 0
    first = (maildir / "dovecot-uidlist").read_bytes()
    assert mailadm("mailbox", "handback", "--all") == 0
    assert (maildir / "dovecot-uidlist").read_bytes() == first


@pytest.mark.parametrize("arguments", [(), ("lee", "--all")])
def test_it_wants_a_user_or_all(mailadm, arguments):
    assert mailadm("mailbox", "handback", *arguments) == 64
    assert "--all" in mailadm.err
