"""A waiting message's envelope: sender, recipients with what became of each, DSN wishes, times.

Written down as one JSON object (format 1). What a newer version added is not dropped silently: an unknown
format is refused, so that an older server never mangles a queue.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

FORMAT: Final = 1

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"

MAX_HISTORY: Final = 50
"""Attempts remembered for a recipient: five days of the schedule are about 40."""

MAX_TEXT: Final = 500
"""Characters kept of what a remote host said."""


class BadEnvelope(ValueError):
    """The file is not an envelope that this version can read."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try for one recipient. when: seconds since the epoch.  host: whom we spoke to, or ""."""

    when: float
    text: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """address: without brackets.  state: waiting, delivered or failed.  status: RFC 3463, of the last try.

    notify: NOTIFY words, empty if none were given; orcpt: as given (RFC 3461 §4.1, §4.2).
    reported: the sender was told of the final state, or need not be.  warned: was told of the delay.
    relayed: delivered to a host that does not promise DSNs.
    """

    address: str
    state: str = WAITING
    status: str = ""
    notify: tuple[str, ...] = ()
    orcpt: str = ""
    reported: bool = False
    warned: bool = False
    relayed: bool = False
    history: tuple[Attempt, ...] = ()

    @property
    def domain(self) -> str:
        """Where it goes, as written."""
        return self.address.rpartition("@")[2].lower()

    def after(self, state: str, status: str, attempt: Attempt) -> "Recipient":
        """The recipient after one try."""
        kept = replace(attempt, text=attempt.text[:MAX_TEXT])
        return replace(self, state=state, status=status, history=(*self.history, kept)[-MAX_HISTORY:])


@dataclass(frozen=True, slots=True)
class Envelope:
    """id: names the files.  sender: "" is the null one.  owner: whose mail it is, for fairness.

    created, due: seconds since the epoch.  attempts: rounds made.  held: not tried until released.
    size: octets of the body file.  eight_bit, utf8: it holds octets above 127, in its header (or addresses).
    smtputf8: it was given to us with SMTPUTF8.  ret, envid: RFC 3461 §4.3, §4.4.
    """

    id: str
    sender: str
    recipients: tuple[Recipient, ...]
    created: float
    due: float
    owner: str = ""
    attempts: int = 0
    held: bool = False
    size: int = 0
    eight_bit: bool = False
    utf8: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""

    @property
    def waiting(self) -> tuple[Recipient, ...]:
        return tuple(each for each in self.recipients if each.state == WAITING)

    @property
    def finished(self) -> bool:
        """Nobody waits, and whoever must be told was told."""
        return all(each.state != WAITING and each.reported for each in self.recipients)

    def with_recipients(self, change: Callable[[Recipient], Recipient]) -> "Envelope":
        return replace(self, recipients=tuple(change(each) for each in self.recipients))


def render(envelope: Envelope) -> bytes:
    """The file's content."""
    tree = {"format": FORMAT, **_fields(envelope)}
    tree["recipients"] = [
        {**_fields(each), "history": [_fields(attempt) for attempt in each.history]}
        for each in envelope.recipients
    ]
    text = json.dumps(tree, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def _fields(value: Envelope | Recipient | Attempt) -> dict[str, Any]:
    """As ``dataclasses.asdict`` has it at the top, which copies everything below, too: six times the cost."""
    return {name: getattr(value, name) for name in value.__slots__}


def parse(content: bytes) -> Envelope:
    """Raises BadEnvelope."""
    try:
        tree: dict[str, Any] = json.loads(content)
        if tree.pop("format") != FORMAT:
            raise BadEnvelope("the envelope's format is not known")
        recipients = tuple(_recipient(each) for each in tree.pop("recipients"))
        return Envelope(recipients=recipients, **tree)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadEnvelope(f"not an envelope: {error}") from error


def _recipient(tree: dict[str, Any]) -> Recipient:
    history = tuple(Attempt(**each) for each in tree.pop("history"))
    return Recipient(history=history, notify=tuple(tree.pop("notify")), **tree)
