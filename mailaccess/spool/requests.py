"""What ``mailadm queue`` asks of the server that owns the queue: one file a request, one an answer.

The asker writes ``requests/NAME``; the owner looks once a second, does it, writes ``requests/NAME.answer`` and
removes the request. Where no server runs, ``mailadm`` takes the lock and does the same to the files itself.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mailaccess.spool.envelope import FAILED, WAITING, BadEnvelope, Envelope
from mailaccess.spool.queue import NotQueued, Queue

ACTIONS: Final = ("flush", "hold", "release", "delete", "requeue")

MAX_REQUEST: Final = 16 * 2**20
"""Octets: 100,000 ids take 3 MB."""


@dataclass(frozen=True, slots=True)
class Request:
    """action: one of ACTIONS.  ids: the messages; empty means all."""

    action: str
    ids: tuple[str, ...]


def ask(
    folder: Path, request: Request, *, wait: float, sleep: Callable[[float], None] = time.sleep
) -> list[str] | None:
    """Have the queue's owner do it: the ids it was done to; None if there is no answer after ``wait`` seconds."""
    requests = folder / "requests"
    name = f"{time.time_ns()}-{os.getpid()}"
    fresh = requests / f".{name}"
    fresh.write_text(json.dumps({"action": request.action, "ids": request.ids}), "utf-8")
    os.replace(fresh, requests / name)
    answer = requests / f"{name}.answer"
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if answer.exists():
            done: list[str] = json.loads(answer.read_text("utf-8"))
            answer.unlink()
            return done
        sleep(0.05)
    (requests / name).unlink(missing_ok=True)
    return None


def pending(folder: Path) -> list[tuple[Path, Request]]:
    """Requests that wait, oldest first; what is none is removed."""
    try:
        names = sorted(os.listdir(folder / "requests"))
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        path = folder / "requests" / name
        if name.startswith(".") or name.endswith(".answer"):
            continue
        try:
            with path.open("rb") as file:
                tree: Any = json.loads(file.read(MAX_REQUEST))
            request = Request(str(tree["action"]), tuple(map(str, tree["ids"])))
            if request.action not in ACTIONS:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            continue
        except FileNotFoundError:
            continue
        found.append((path, request))
    return found


def answer(path: Path, done: list[str]) -> None:
    """Tell the asker, and forget the request."""
    fresh = path.with_name(f".{path.name}.answer")
    fresh.write_text(json.dumps(done), "utf-8")
    os.replace(fresh, path.with_name(f"{path.name}.answer"))
    path.unlink(missing_ok=True)


def changed(envelope: Envelope, action: str, now: float) -> Envelope:
    """The envelope after ``action`` (not "delete").

    requeue: what failed is tried once more, and the five days begin anew.
    """
    match action:
        case "hold":
            return replace(envelope, held=True)
        case "release":
            return replace(envelope, held=False, due=now)
        case "requeue":
            again = envelope.with_recipients(
                lambda each: (
                    replace(each, state=WAITING, reported=False, warned=False)
                    if each.state in (FAILED, WAITING)
                    else each
                )
            )
            return replace(again, held=False, created=now, due=now, attempts=0)
        case _:
            return replace(envelope, due=now)


def carry_out(queue: Queue, request: Request, now: float) -> list[str]:
    """Do it to the files; only for the one who holds the queue's lock. The ids it was done to."""
    done = []
    for id in request.ids or queue.ids():
        try:
            if request.action == "delete":
                queue.read(id)
                queue.remove(id)
            else:
                queue.update(changed(queue.read(id), request.action, now))
        except (NotQueued, BadEnvelope):
            continue
        done.append(id)
    return done
