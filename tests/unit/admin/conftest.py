"""mailadm, and an account with mail in it."""

import pytest

from tests.unit.admin.running import Tool


@pytest.fixture
def mailadm(tmp_path, capfd, monkeypatch):
    return Tool(tmp_path, capfd, monkeypatch)


@pytest.fixture
def three_messages(mailadm):
    """In lee's INBOX; kim's account has none."""
    mailadm.users.write_text("lee:{PLAIN}x\nkim:{PLAIN}x\n")
    for number in range(3):
        assert mailadm("deliver", "lee", stdin=b"Subject: %d\n\nbody\n" % number) == 0


@pytest.fixture
def maildir(mailadm):
    """lee's."""
    return mailadm.folder / "mail/naver.com/lee/Maildir"
