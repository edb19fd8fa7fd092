"""A new index: the same whoever makes it, and never beside what is left of another one."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from mailaccess.store.index import connection, schema
from mailaccess.store.index.connection import FILE, Index


def tables(path: Path) -> list[tuple[str, str, str | None]]:
    with sqlite3.connect(path) as made:
        found = made.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
        numbers = [
            made.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
        ]
        assert made.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    made.close()
    return [*found, ("numbers", str(numbers), None)]


def test_it_is_the_same_as_the_one_that_statements_make(tmp_path, monkeypatch):
    (tmp_path / "quick").mkdir()
    (tmp_path / "slow").mkdir()
    Index(tmp_path / "quick").close()
    monkeypatch.setattr(schema, "blank", lambda: None)
    Index(tmp_path / "slow").close()
    assert tables(tmp_path / "quick" / FILE) == tables(tmp_path / "slow" / FILE)
    assert [path.name for path in (tmp_path / "quick").iterdir()] == [FILE]


def test_the_log_of_an_index_that_is_gone_does_not_come_back(tmp_path):
    index = Index(tmp_path)
    index.connection.execute("CREATE TABLE old (content)")
    log = (tmp_path / f"{FILE}-wal").read_bytes()
    index.close()
    (tmp_path / FILE).unlink()
    (tmp_path / f"{FILE}-wal").write_bytes(log)
    index = Index(tmp_path)
    assert not index.connection.execute("SELECT name FROM sqlite_schema WHERE name = 'old'").fetchall()
    index.close()
    assert tables(tmp_path / FILE)


def test_an_index_that_is_there_stays(tmp_path):
    index = Index(tmp_path)
    index.connection.execute("CREATE TABLE mine (content)")
    index.close()
    index = Index(tmp_path)
    assert index.connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)
    index.close()


@pytest.mark.parametrize("missing", ["link", "open"])
def test_where_a_file_without_a_name_cannot_be_had_it_is_made_all_the_same(tmp_path, monkeypatch, missing):
    def refuse(*arguments, **named):
        raise OSError("not here")

    monkeypatch.setattr(connection.os, missing, refuse)
    index = Index(tmp_path)
    monkeypatch.undo()
    index.close()
    assert tables(tmp_path / FILE)
    assert os.listdir(tmp_path) == [FILE]


def test_many_that_make_it_at_once_have_the_same(tmp_path):
    failures: list[BaseException] = []
    begin = threading.Barrier(8)

    def make(number: int) -> None:
        try:
            begin.wait()
            index = Index(tmp_path)
            index.connection.execute("CREATE TABLE IF NOT EXISTS shared (number INTEGER)")
            index.connection.execute("INSERT INTO shared VALUES (?)", (number,))
            index.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    index = Index(tmp_path)
    assert sorted(index.connection.execute("SELECT number FROM shared")) == [(number,) for number in range(8)]
    index.close()


def level(index: Index) -> int:
    return int(index.connection.execute("PRAGMA synchronous").fetchone()[0])


def written(index: Index, text: str, *, end: str = "COMMIT") -> int:
    """Write in a transaction; with what care it was."""
    index.begin()
    careful = level(index)
    index.connection.execute("INSERT INTO flag_sets (flags) VALUES (?)", (text,))
    index.connection.execute(end)
    index.ended()
    assert level(index) == 1
    return careful


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_the_first_commit_to_an_empty_log_alone_waits_for_no_disk(tmp_path, end):
    index = Index(tmp_path)
    assert index.begins_at_once
    assert written(index, "one", end=end) == 0
    index.connection.execute("INSERT INTO flag_sets (flags) VALUES ('two')")
    assert not index.begins_at_once
    assert written(index, "three") == 1
    other = Index(tmp_path)
    assert not other.begins_at_once
    assert written(other, "four") == 1
    other.close()
    index.close()
    index = Index(tmp_path)  # the log went with the last who had it open
    assert written(index, "five") == 0
    index.close()


def test_a_log_that_another_process_began_meanwhile_is_not_empty(tmp_path, monkeypatch):
    index, other = Index(tmp_path), Index(tmp_path)
    looks = iter([True])
    monkeypatch.setattr(index, "_log_is_empty", lambda: next(looks, False))
    other.connection.execute("INSERT INTO flag_sets (flags) VALUES ('theirs')")
    assert written(index, "ours") == 1
    assert index.connection.execute("SELECT count(*) FROM flag_sets").fetchone() == (2,)
    other.close()
    index.close()
