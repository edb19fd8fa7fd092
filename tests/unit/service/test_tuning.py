"""What a process of ours sets for itself: file descriptors, as many as the limits need, with one
warning where they do not do; no core dumps."""

import resource
from dataclasses import replace
from typing import Any

import pytest

from mailaccess.config.sections import Limits, Settings
from mailaccess.service import tuning


class Log:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def log(self, event: str, level: Any = None, /, **fields: Any) -> None:
        self.events.append({"event": event, **fields})


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A system with limits of its own, on which nobody is root; the process's stay as they are."""
    limits = {"soft": 1024, "hard": 1048576}

    def given(what: int, pair: tuple[int, int]) -> None:
        if what == resource.RLIMIT_CORE:
            limits["core"] = pair[0]
            return
        assert pair[0] <= limits["hard"] and pair[1] <= limits["hard"]
        limits["soft"] = pair[0]

    monkeypatch.setattr(resource, "getrlimit", lambda what: (limits["soft"], limits["hard"]))
    monkeypatch.setattr(resource, "setrlimit", given)
    monkeypatch.setattr(tuning.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(tuning.os, "umask", lambda mask: 0)
    for name in ("collect", "freeze", "set_threshold"):
        monkeypatch.setattr(tuning.gc, name, lambda *arguments: None)
    monkeypatch.setattr(tuning.sys, "setswitchinterval", lambda seconds: None)
    return limits


def tuned(connections: int) -> tuple[int, list[dict[str, Any]]]:
    log = Log()
    fit = tuning.tune(replace(Settings(), limits=Limits(connections=connections)), log)  # type: ignore[arg-type]
    return fit, log.events


def test_the_soft_limit_is_raised_to_what_the_limits_promise(system):
    assert tuned(20000) == (20000, [])
    assert system["soft"] == 21000


def test_memory_is_not_dumped_into_a_file(system):
    """It holds passwords, keys and mail."""
    tuned(20000)
    assert system["core"] == 0


def test_nearly_as_many_as_connections_do_without_a_word(system):
    system.update(soft=20000, hard=20000)
    assert tuned(20000) == (19000, [])


def test_far_too_few_are_told_with_the_connections_that_fit(system):
    system.update(soft=1024, hard=4096)
    fit, told = tuned(20000)
    assert system["soft"] == 4096
    assert fit == 3096
    assert told == [
        {"event": "few-file-descriptors", "allowed": 4096, "wanted": 21000, "connections": 3096},
    ]


def test_a_limit_of_some_hundreds_still_serves(system):
    system.update(soft=256, hard=256)
    assert tuned(20000)[0] == 128
    assert tuned(100) == (100, [])
