"""MOVE from one account to another, killed at every step: a message may be there twice, and never not at all."""

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.test_store_faults import Killing
from tests.session.imap.house import run
from tests.session.imap.sharing import INBOX, KIM, LEE, Houses

MOST_STEPS = 400
SUBJECTS = [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(5)]


def prepared(folder: Path) -> Houses:
    house = Houses(folder)
    house.given("INBOX", SUBJECTS)
    house.grant("lrswipkxte")
    run(house.account_of(KIM).mailboxes())
    run(house.store.close())
    return Houses(folder)


def bodies(house: Houses, user: str, name: str) -> list[bytes]:
    mailbox = run(house.account_of(user).open_mailbox(name, lambda change: None))
    found = run(mailbox.read(list(mailbox.columns.uids)))
    run(mailbox.close())
    return [octets for octets in found if isinstance(octets, bytes)]


def kill_at(house: Houses, steps: int) -> None:
    files = Killing(steps)
    house.store.make_files = lambda location: files


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    return 1 if request.config.getoption("--long") else 7


def test_a_move_between_accounts_killed_at_any_step_loses_nothing(tmp_path: Path, stride: int) -> None:
    (tmp_path / "before").mkdir()
    run(prepared(tmp_path / "before").store.close())
    for steps in range(1, MOST_STEPS, stride):
        folder = tmp_path / str(steps)
        shutil.copytree(tmp_path / "before", folder)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                house = Houses(folder)
                kill_at(house, steps)
                said = house.kim(INBOX).ask("MOVE 1:* Archive").status
                run(house.store.close())
                status = 0 if said == "OK MOVE completed" else 2
            finally:
                os._exit(status)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9), f"the move failed by itself at step {steps}"
        after = Houses(folder)
        left, moved = bodies(after, LEE, "INBOX"), bodies(after, KIM, "Archive")
        assert {*left, *moved} == set(SUBJECTS), f"killed at step {steps}"
        assert len(set(left)) == len(left) and len(set(moved)) == len(moved)
        if code == 0:
            assert left == [] and moved == SUBJECTS
            return
    raise AssertionError("the move has more steps than expected")
