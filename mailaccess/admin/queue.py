"""``mailadm queue``: the mail that waits to go out, and what became of it so far.

Looking needs nobody; what changes the queue is asked of the server that runs, or done here where none does.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import click

from mailaccess.admin.opening import become
from mailaccess.admin.output import DATA, NO_INPUT, TEMPORARY, USAGE, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.spool import requests
from mailaccess.spool.envelope import WAITING, BadEnvelope, Envelope
from mailaccess.spool.queue import FOLDER, NotQueued, Queue

COLUMNS: Final = ("id", "state", "size", "arrived", "next", "sender", "recipients")

PATIENCE: Final = 30.0
"""Seconds to wait for the server's answer."""


@click.group("queue")
def command() -> None:
    """Mail that waits to go out: list, show, flush, hold, release, delete, requeue."""


def _queue(tool: Tool) -> Queue:
    become(tool.settings.process.user)
    return Queue(tool.settings.state_dir / FOLDER, sync=tool.settings.store.fsync)


def _envelopes(queue: Queue) -> Iterator[Envelope]:
    return queue.envelopes(queue.ids())


@command.command("list")
@click.option(
    "--recipient", "-r", default="", metavar="TEXT", help="Only messages to an address with TEXT in it."
)
@click.option(
    "--sender", "-s", default="", metavar="TEXT", help="Only messages from an address with TEXT in it."
)
@pass_tool
def list_messages(tool: Tool, recipient: str, sender: str) -> None:
    """List the messages: id, state, size, times, sender, who still waits."""
    rows = [
        _row(envelope)
        for envelope in _envelopes(_queue(tool))
        if sender.lower() in envelope.sender.lower()
        and (not recipient or any(recipient.lower() in each.address.lower() for each in envelope.recipients))
    ]
    tool.output.table(COLUMNS, rows)


def _row(envelope: Envelope) -> dict[str, Any]:
    waiting = envelope.waiting
    state = "held" if envelope.held else "waiting" if waiting else "reporting"
    return {
        "id": envelope.id,
        "state": state,
        "size": envelope.size,
        "arrived": _time(envelope.created),
        "next": _time(envelope.due) if state == "waiting" else None,
        "sender": envelope.sender or "<>",
        "recipients": [each.address for each in waiting or envelope.recipients],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


@command.command()
@click.argument("id")
@click.option("--message", "-m", is_flag=True, help="The message itself instead.")
@pass_tool
def show(tool: Tool, id: str, message: bool) -> None:
    """Show one message: its recipients, and the history of attempts for each in words."""
    queue = _queue(tool)
    try:
        if message:
            octets = queue.read_body(id, 0, 2**31)
            tool.output.text(octets.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n"))
            return
        envelope = queue.read(id)
    except NotQueued:
        raise Failure(NO_INPUT, f"there is no message {id} in the queue") from None
    except BadEnvelope as error:
        raise Failure(DATA, str(error)) from None
    if tool.output.as_json:
        tool.output.record(_row(envelope) | {"owner": envelope.owner, "recipients": _histories(envelope)})
        return
    tool.output.record(
        {
            **{name: value for name, value in _row(envelope).items() if name != "recipients"},
            "owner": envelope.owner or None,
            "rounds": envelope.attempts,
        }
    )
    for each in envelope.recipients:
        lines = [f"\n{each.address}: {each.state}" + (f" ({each.status})" if each.status else "")]
        lines += [
            f"  {_time(attempt.when)}  " + (f"{attempt.host} said: " if attempt.host else "") + attempt.text
            for attempt in each.history
        ]
        if not each.history and each.state == WAITING:
            lines.append("  not tried yet")
        tool.output.text("\n".join(map(_printable, lines)))


def _histories(envelope: Envelope) -> list[dict[str, Any]]:
    return [
        {
            "address": each.address,
            "state": each.state,
            "status": each.status,
            "history": [
                {"when": _time(one.when), "host": one.host, "text": one.text} for one in each.history
            ],
        }
        for each in envelope.recipients
    ]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def _change(tool: Tool, action: str, ids: tuple[str, ...], everything: bool, done: str) -> None:
    """Have it done, and say to how many."""
    if bool(ids) is everything:
        raise Failure(USAGE, "name messages, or --all")
    queue = _queue(tool)
    request = requests.Request(action, ids)
    if queue.lock():
        try:
            changed = requests.carry_out(queue, request, time.time())
        finally:
            queue.unlock()
    else:
        answer = requests.ask(queue.folder, request, wait=PATIENCE)
        if answer is None:
            raise Failure(TEMPORARY, "the server that has the queue does not answer")
        changed = answer
    missing = sorted(set(ids) - set(changed))
    noun = "message" if len(changed) == 1 else "messages"
    tool.output.done(f"{len(changed)} {noun} {done}", action=action, ids=changed, missing=missing)
    if missing:
        raise Failure(NO_INPUT, f"not in the queue: {' '.join(missing)}")


@command.command()
@click.argument("ids", nargs=-1)
@pass_tool
def flush(tool: Tool, ids: tuple[str, ...]) -> None:
    """Try messages, or all, now."""
    _change(tool, "flush", ids, not ids, "to be tried now")


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@pass_tool
def hold(tool: Tool, ids: tuple[str, ...], everything: bool) -> None:
    """Keep messages without trying them, until they are released."""
    _change(tool, "hold", ids, everything, "held")


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@pass_tool
def release(tool: Tool, ids: tuple[str, ...], everything: bool) -> None:
    """Try held messages again."""
    _change(tool, "release", ids, everything, "released")


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@pass_tool
def delete(tool: Tool, ids: tuple[str, ...], everything: bool) -> None:
    """Delete messages; their senders are told nothing."""
    _change(tool, "delete", ids, everything, "deleted")


@command.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@pass_tool
def requeue(tool: Tool, ids: tuple[str, ...], everything: bool) -> None:
    """Begin anew: release, try who failed once more, and count the days from now."""
    _change(tool, "requeue", ids, everything, "queued anew")
