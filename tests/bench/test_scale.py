"""The scale runs with small numbers: their answers are right. The figures are docs/performance.md's."""

from pathlib import Path

from tests.bench import scale


def quiet(line: str) -> None:
    return None


def test_sessions_wait_and_are_told(tmp_path: Path) -> None:
    figures = scale.idle(tmp_path, connections=24, accounts=4, rest=0.1, tell=quiet)
    assert figures["connect, deliver, and it is told: p50"] > 0
    assert figures["memory a connection"] < 500  # KiB, with so few of them the first's own share


def test_many_messages_are_opened_searched_and_added_to(tmp_path: Path) -> None:
    figures = scale.messages(tmp_path, 400, tell=quiet)
    assert figures["messages found by it"] == 2  # letters 89 and 267; 0, 178 and 356 are Korean


def test_many_mailboxes_are_made_listed_and_renamed(tmp_path: Path) -> None:
    figures = scale.mailboxes(tmp_path, 40, tell=quiet)
    assert figures["RENAME of the parent of a tenth"] > 0
