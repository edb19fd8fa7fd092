"""Who granted what to whom, over all accounts."""

import os
import sqlite3

import pytest

from mailaccess.model.errors import TemporaryFailure
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from mailaccess.store.shares import MAX_OWNERS, Shares
from tests.unit.store.inline import now


class Setting:
    def __init__(self, path):
        self.path, self.time, self.log = path, 100.0, Recorder()

    def shares(self):
        return Shares(self.path, InlineRunner(), self.log, lambda: self.time)


@pytest.fixture
def setting(tmp_path):
    return Setting(tmp_path / "state" / "shares.sqlite")


ME = frozenset({"user=kim", "anyone"})


def test_owners_are_found_by_any_identifier(setting):
    shares = setting.shares()
    now(shares.publish("lee", frozenset({"user=kim", "group=x"})))
    now(shares.publish("park", frozenset({"anyone"})))
    now(shares.publish("choi", frozenset({"user=other"})))
    assert now(shares.owners(ME)) == ("lee", "park")
    now(shares.publish("lee", frozenset()))
    assert now(shares.owners(ME)) == ("park",)
    assert now(setting.shares().owners(ME)) == ("park",)  # another process
    assert setting.path.stat().st_mode & 0o777 == 0o600


def test_another_process_is_noticed_within_two_seconds(setting):
    one, other = setting.shares(), setting.shares()
    assert now(one.owners(ME)) == ()
    now(other.publish("lee", ME))
    setting.time += 2
    assert now(one.owners(ME)) == ("lee",)


def test_another_process_that_tells_is_noticed_at_once(setting):
    one, other = setting.shares(), setting.shares()
    assert now(one.owners(ME)) == ()
    now(other.publish("lee", ME))
    one.forget()
    assert now(one.owners(ME)) == ("lee",)


def test_an_answer_is_bounded(setting):
    shares = setting.shares()
    for number in range(MAX_OWNERS + 5):
        now(shares.publish(f"user{number:04}", frozenset({"anyone"})))
    assert len(now(shares.owners(ME))) == MAX_OWNERS


def test_a_damaged_file_is_replaced(setting):
    shares = setting.shares()
    now(shares.publish("lee", ME))
    shares.close()
    setting.path.write_bytes(b"no database" * 1000)
    assert now(setting.shares().owners(ME)) == ()
    assert "shares-damaged" in [name for name, _, _ in setting.log.events]


def test_a_file_that_cannot_be_used_is_a_temporary_failure(setting):
    setting.path.mkdir(parents=True)
    with pytest.raises(TemporaryFailure):
        now(setting.shares().owners(ME))


def test_it_is_an_ordinary_table(setting):
    now(setting.shares().publish("lee", frozenset({"anyone"})))
    with sqlite3.connect(setting.path) as connection:
        assert connection.execute("SELECT owner, identifier FROM shares").fetchall() == [("lee", "anyone")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_made_by_root_it_belongs_to_whom_the_folder_belongs(setting):
    setting.path.parent.mkdir()
    os.chown(setting.path.parent, 12345, 12346)
    now(setting.shares().publish("lee", ME))
    assert (setting.path.stat().st_uid, setting.path.stat().st_gid) == (12345, 12346)
