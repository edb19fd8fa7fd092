"""How much an account may send to other domains in an hour and in a day.

A stolen password sends a hundred thousand messages in a night, and the server's address is on every list in the
morning. Counted are messages and recipients that leave, when the recipient is accepted, whatever becomes of the
message then; in steps of ten minutes, so that a window moves with them. The counts are written down once a minute and
at the end: a kill -9 forgets a minute of them, a restart nothing.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mailaccess.config.sections import Sending

FILE: Final = "sending.json"
"""In ``state_dir``: what accounts sent in the last day."""

STEP: Final = 600
"""Seconds of one count."""

HOUR: Final = 3600
DAY: Final = 86400

TOLD: Final = DAY
"""Seconds between two notices about one account."""

MAX_FILE: Final = 64 * 2**20
"""Octets of the counts' file: 100,000 accounts that all send have a tenth."""


@dataclass(frozen=True, slots=True)
class Cap:
    """most: of ``what`` (messages or recipients) in ``seconds``."""

    what: str
    seconds: int
    most: int

    def __str__(self) -> str:
        return f"{self.most} {self.what} {'an hour' if self.seconds == HOUR else 'a day'}"


def wanted(sending: Sending) -> tuple[Cap, ...]:
    """The caps that the configuration sets; those of an hour first."""
    found = (
        Cap("messages", HOUR, sending.messages_per_hour),
        Cap("recipients", HOUR, sending.recipients_per_hour),
        Cap("messages", DAY, sending.messages_per_day),
        Cap("recipients", DAY, sending.recipients_per_day),
    )
    return tuple(cap for cap in found if cap.most)


@dataclass(slots=True)
class _Account:
    """steps: by their number, messages and recipients.  told: when the last notice about it went out."""

    steps: dict[int, list[int]] = field(default_factory=dict)
    told: float = float("-inf")


class Caps:
    """caps: those that hold.  exempt: accounts that have none.  now: seconds since the epoch.

    reached: is told of an account and its cap, at most once a day.  Several processes that serve count together: each
    tells what it counts (``counted``), the others ``hear`` it.
    """

    def __init__(
        self,
        caps: Sequence[Cap],
        exempt: Sequence[str],
        now: Callable[[], float],
        reached: Callable[[str, Cap], None],
    ) -> None:
        self._caps = tuple(caps)
        self._exempt = frozenset(exempt)
        self._now = now
        self._reached = reached
        self._accounts: dict[str, _Account] = {}
        self.changed = False
        """There is something to write down."""
        self.counted: Callable[[str, int, int, int], None] | None = None
        """Told of an account, a step, and its messages and recipients more; or of none of them: its cap was told."""

    def take(self, name: str, *, messages: int, recipients: int) -> Cap | None:
        """Count them for an account; or the cap that they would exceed, and nothing is counted then."""
        if name in self._exempt:
            return None
        now = self._now()
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = _Account()
        step = int(now // STEP)
        _forget(account, step)
        for cap in self._caps:
            place, more = (0, messages) if cap.what == "messages" else (1, recipients)
            since = step - cap.seconds // STEP
            if (
                more
                and more + sum(each[place] for at, each in account.steps.items() if at > since) > cap.most
            ):
                if now - account.told >= TOLD:
                    account.told = now
                    self.changed = True
                    if self.counted is not None:
                        self.counted(name, step, 0, 0)
                    self._reached(name, cap)
                return cap
        counts = account.steps.setdefault(step, [0, 0])
        counts[0] += messages
        counts[1] += recipients
        self.changed = True
        if self.counted is not None:
            self.counted(name, step, messages, recipients)
        return None

    def hear(self, name: str, step: int, messages: int, recipients: int) -> None:
        """What another process has counted; written down here too, for that one may end before it does."""
        self.changed = True
        account = self._accounts.setdefault(name, _Account())
        if not messages and not recipients:
            account.told = self._now()
            return
        counts = account.steps.setdefault(step, [0, 0])
        counts[0] += messages
        counts[1] += recipients

    def merge(self, snapshot: dict[str, Any]) -> None:
        """Take up what another process knows. Raises as ``restore``."""
        known = self._accounts
        self.restore(snapshot)
        for name, account in known.items():
            other = self._accounts.setdefault(name, _Account())
            other.told = max(other.told, account.told)
            for step, counts in account.steps.items():
                theirs = other.steps.get(step, counts)
                other.steps[step] = [max(counts[0], theirs[0]), max(counts[1], theirs[1])]

    def snapshot(self) -> dict[str, Any]:
        """What ``write`` writes; accounts that have not sent for a day are forgotten."""
        self.changed = False
        now = self._now()
        for name, account in list(self._accounts.items()):
            _forget(account, int(now // STEP))  # others' accounts are only heard of, never counted here
            if not account.steps and now - account.told >= TOLD:
                del self._accounts[name]
        return {
            name: {
                "steps": {str(step): list(counts) for step, counts in account.steps.items()},
                "told": max(account.told, 0.0),
            }
            for name, account in self._accounts.items()
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take up what was written. Raises ValueError, TypeError, AttributeError, KeyError where it is nonsense."""
        self._accounts = {
            str(name): _Account(
                {int(step): [int(counts[0]), int(counts[1])] for step, counts in given["steps"].items()},
                float(given["told"]),
            )
            for name, given in snapshot.items()
        }


def _forget(account: _Account, step: int) -> None:
    """Counts older than a day. step: the present one."""
    for old in [each for each in account.steps if each <= step - DAY // STEP]:
        del account.steps[old]


def sent(snapshot: dict[str, Any], now: float) -> list[tuple[str, list[int], list[int]]]:
    """By account: messages and recipients of the last hour, and of the last day."""
    step = int(now // STEP)
    rows = []
    for name, given in sorted(snapshot.items()):
        sums = []
        for seconds in (HOUR, DAY):
            counts = [each for at, each in given["steps"].items() if int(at) > step - seconds // STEP]
            sums.append([sum(each[0] for each in counts), sum(each[1] for each in counts)])
        rows.append((str(name), sums[0], sums[1]))
    return rows


def write(path: Path, snapshot: dict[str, Any]) -> None:
    """Replace the file. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")  # several processes may write the same counts
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        json.dump(snapshot, file)
    os.replace(fresh, path)


def read(path: Path) -> dict[str, Any]:
    """What was written; empty where nothing was. Raises OSError, ValueError."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_FILE))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no counts")
    return found
