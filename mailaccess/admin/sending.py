"""``mailadm sending``: who sends how much."""

import time

import click

from mailaccess.admin.output import DATA, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.delivery.caps import FILE, read, sent, wanted


@click.group("sending")
def command() -> None:
    """What accounts send to other domains, and their caps."""


@command.command("list")
@pass_tool
def list_(tool: Tool) -> None:
    """Messages and recipients of each account in the last hour and day; a minute old at most."""
    if not wanted(tool.settings.sending):
        raise Failure(DATA, "nothing is counted: [sending] sets no cap")
    file = tool.settings.state_dir / FILE
    try:
        found = sent(read(file), time.time())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Failure(DATA, f"{file}: {error}") from None
    tool.output.table(
        ("user", "messages_hour", "recipients_hour", "messages_day", "recipients_day"),
        [
            {
                "user": name,
                "messages_hour": hour[0],
                "recipients_hour": hour[1],
                "messages_day": day[0],
                "recipients_day": day[1],
            }
            for name, hour, day in found
        ],
    )
