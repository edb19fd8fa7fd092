"""The supervisor of workers: what a worker costs that ends again and again, and the supervisor itself."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock

from mailaccess.config.sections import Process, Settings
from mailaccess.service.supervisor import LONGEST_BACK_OFF, STEADY, Supervisor, how_many


class Log:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def log(self, event: str, level: Any = None, /, **fields: Any) -> None:
        self.events.append({"event": event, **fields})


class Starts(Supervisor):
    """Notes when a worker is started instead of starting it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Settings(), 2, reactor=clock)
        self.clock = clock
        self.log = Log()  # type: ignore[assignment]
        self.started: list[float] = []

    def _launch(self, worker: Any, *, first: bool = False) -> None:
        worker.begun = self.clock.seconds()
        self.started.append(self.clock.seconds())

    def _attach(self, worker: Any) -> None:
        pass

    def ends(self, code: int = 1) -> None:
        self._replace(self.workers[1], 4711, code)


def test_a_worker_that_ends_at_its_start_again_and_again_is_started_less_and_less_often():
    clock = Clock()
    supervisor = Starts(clock)
    waits = []
    for _ in range(12):
        supervisor.ends()
        begun, count = clock.seconds(), len(supervisor.started)
        while len(supervisor.started) == count:
            clock.advance(0.5)
        waits.append(supervisor.started[-1] - begun)
    assert [round(wait) for wait in waits[:8]] == [0, 1, 2, 4, 8, 16, 32, 60]
    assert set(map(round, waits[8:])) == {LONGEST_BACK_OFF}
    told = supervisor.log.events  # type: ignore[attr-defined]
    assert [each["event"] for each in told] == ["worker-ended"] * 12, "the log tells each end"
    assert [each["restart_in"] for each in told[:4]] == [0.0, 1.0, 2.0, 4.0]


def test_one_that_has_served_for_a_while_is_replaced_at_once():
    clock = Clock()
    supervisor = Starts(clock)
    for _ in range(5):
        supervisor.ends()
        clock.advance(LONGEST_BACK_OFF)
    clock.advance(STEADY)
    supervisor.ends(-9)
    event = supervisor.log.events[-1]  # type: ignore[attr-defined]
    assert event["restart_in"] == 0.0 and event["signal"] == "SIGKILL"


def test_auto_is_one_worker_for_each_core():
    settings = replace(Settings(), process=Process(workers="auto"))
    assert how_many(settings, lambda: 6) == 6
    assert how_many(replace(Settings(), process=Process(workers="3")), lambda: 6) == 3


def test_a_supervisor_imports_nothing_that_serves():
    """It would be another 20 MB."""
    program = (
        "import sys, mailaccess.service.maker, mailaccess.service.main\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('mailaccess', 'twisted.web', 'argon2'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    engines = ("imap", "pop3", "smtp", "store", "auth", "relay", "delivery", "screening", "message")
    assert "mailaccess.service.supervisor" in done.stdout.split()
    for name in done.stdout.split():
        assert not name.startswith(("twisted.web", "argon2")), name
        assert name.split(".")[1:2] not in [[engine] for engine in engines], name
