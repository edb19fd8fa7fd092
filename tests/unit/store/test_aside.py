"""The process beside the server: what it answers, what its death does, and that nothing depends on it."""

import os
import resource
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailaccess.store.aside import work
from mailaccess.store.aside.process import Aside
from mailaccess.store.index import cache, fulltext, heads, picked
from tests.interop.running import eventually

MESSAGE = (
    b"From: Kim <kim@naver.com>\nSubject: =?utf-8?B?7ZqM7J2Y?=\nDate: Mon, 4 Mar 2019 10:00:00 +0900\n"
    b"Content-Type: text/plain; charset=utf-8\n\nHello \xed\x9a\x8c\xec\x9d\x98\n"
)
WIRE = MESSAGE.replace(b"\n", b"\r\n")


@pytest.fixture
def aside() -> Iterator[Aside]:
    made = Aside(1, work.VERSIONS)
    yield made
    made.stop()


def asked(aside: Aside, kind: str, items: list[tuple[object, ...]]) -> list[tuple[object, ...]] | None:
    """Ask until the process is there; it is started by the first request."""
    ticket = eventually(lambda: aside.send(kind, items), "the process has started")
    assert ticket is not None
    return ticket.answer()


def test_it_answers_what_the_server_would_make_of_the_files(aside: Aside, tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(MESSAGE)
    name = os.fsencode(path)
    answer = asked(aside, work.HEADS, [(7, name), (8, name + b".gone")])
    assert answer is not None
    block = WIRE[: WIRE.index(b"\r\n\r\n") + 4]
    assert [work.head_in(item) for item in answer] == [(7, block, heads.compute(block))]
    answer = asked(
        aside, work.WHOLE, [(7, name, len(WIRE), work.FACTS + work.TEXTS), (9, os.fsencode(tmp_path), 5, 3)]
    )
    assert answer is not None
    ((content, computed, texts),) = [(item[0], item[2], item[3]) for item in answer]
    assert content == 7 and texts == fulltext.packed(WIRE)
    assert work.computed_in(computed) == cache.compute(WIRE)


def test_it_answers_a_part_of_that(aside: Aside, tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(MESSAGE)
    name = os.fsencode(path)
    block = WIRE[: WIRE.index(b"\r\n\r\n") + 4]
    assert asked(aside, work.PICKED, [(7, name)]) == [(7, picked.fields_of(block))]
    computed = cache.compute(WIRE)
    told = asked(aside, work.DESCRIBED, [(7, name, len(WIRE), ("envelope", "body"))])
    assert told == [(7, (computed.envelope, computed.body))]
    bodies = asked(aside, work.WHOLE, [(7, name, len(WIRE), work.BODIES)])
    assert bodies == [(7, len(WIRE), None, (zlib.compress(b"", 1), fulltext.packed(WIRE)[1]))]


def test_a_link_is_not_followed(aside: Aside, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    os.symlink(tmp_path / "message", tmp_path / "link")
    assert asked(aside, work.HEADS, [(1, os.fsencode(tmp_path / "link"))]) == []


def test_its_death_leaves_the_work_to_whoever_asked(aside: Aside, tmp_path: Path) -> None:
    asked(aside, work.HEADS, [(1, b"/nowhere")])
    (pid,) = aside.pids()
    os.kill(pid, signal.SIGKILL)
    while aside.pids():  # the kernel closes its pipes in its own time
        ticket = aside.send(work.HEADS, [(1, b"/nowhere")])
        assert ticket is None or ticket.answer() in (None, [])
    assert aside.send(work.HEADS, [(1, b"/nowhere")]) is None


def test_one_that_has_stopped_reading_is_ended(aside: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(aside, work.HEADS, [(1, b"/nowhere")])
    (pid,) = aside.pids()
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("mailaccess.store.aside.process.HANG_SECONDS", 0.1)
    more_than_a_pipe_holds: list[tuple[object, ...]] = [(n, b"/%d" % n * 1000) for n in range(1000)]
    assert aside.send(work.HEADS, more_than_a_pipe_holds) is None
    assert not aside.pids()


def test_one_of_another_version_is_not_asked() -> None:
    aside = Aside(1, (0, 0))
    try:
        with pytest.raises(AssertionError, match="did not start"):
            asked_briefly(aside)
    finally:
        aside.stop()


def asked_briefly(aside: Aside) -> None:
    assert aside.send(work.HEADS, [(1, b"/nowhere")]) is None
    process = aside._all[0]._process
    assert process is not None and process.stdout is not None
    while process.poll() is None and aside._all[0]._process is process:
        assert aside.send(work.HEADS, [(1, b"/nowhere")]) is None
    raise AssertionError("the process did not start, as it should")


def test_none_is_started_where_none_is_wanted() -> None:
    assert Aside(0).send(work.HEADS, [(1, b"/nowhere")]) is None


def test_it_is_asked_also_by_a_server_with_thousands_of_connections(aside: Aside, tmp_path: Path) -> None:
    """Each question failed once its pipes had numbers above 1,023: what select(2) can wait for."""
    path = tmp_path / "message"
    path.write_bytes(MESSAGE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("this process may not have so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    connections: list[int] = []
    try:
        while not connections or connections[-1] < 1100:
            connections.append(os.open(os.devnull, os.O_RDONLY))
        block = WIRE[: WIRE.index(b"\r\n\r\n") + 4]
        answer = asked(aside, work.HEADS, [(7, os.fsencode(path))])
        assert answer is not None
        assert [work.head_in(item) for item in answer] == [(7, block, heads.compute(block))]
    finally:
        for each in connections:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
