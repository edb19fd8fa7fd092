"""``mailadm mailbox``: the mailboxes of an account, as a client would see and change them."""

import fnmatch
from typing import Final

import click

from mailaccess.admin import acl, handback
from mailaccess.admin.opening import with_account
from mailaccess.admin.output import DATA, Failure
from mailaccess.admin.tool import Tool, mailbox_name, pass_tool
from mailaccess.model import names
from mailaccess.store.api import Account, MailboxInfo

COLUMNS: Final = ("name", "messages", "unseen", "size", "special_use", "subscribed")
DETAILS: Final = (
    *("name", "messages", "recent", "unseen", "deleted", "size", "deleted_size"),
    *("uidnext", "uidvalidity", "highest_modseq", "mailbox_id"),
)


@click.group("mailbox")
def command() -> None:
    """Mailboxes of an account: list, create, delete, rename, status, subscribe, acl, handback.

    USER may be a namespace of sharing.public with a slash behind it, as in "Public/".
    """


command.add_command(acl.command)
command.add_command(handback.command)


@command.command("list")
@click.argument("user")
@click.argument("pattern", default="*")
@pass_tool
def list_mailboxes(tool: Tool, user: str, pattern: str) -> None:
    """List the mailboxes of USER that match PATTERN (with * and ?)."""
    location = tool.location(user)

    async def rows(account: Account) -> list[dict[str, object]]:
        subscribed = await account.subscriptions()
        found = [info for info in await account.mailboxes() if fnmatch.fnmatchcase(info.name, pattern)]
        return [await _row(account, info, subscribed) for info in found]

    tool.output.table(COLUMNS, with_account(tool, location, rows))


async def _row(account: Account, info: MailboxInfo, subscribed: frozenset[str]) -> dict[str, object]:
    row: dict[str, object] = {
        "name": info.name,
        "special_use": " ".join(sorted(info.special_use)),
        "subscribed": info.name in subscribed,
    }
    if info.selectable:
        status = await account.status(info.name)
        row |= {"messages": status.messages, "unseen": status.unseen, "size": status.size}
    return row


@command.command()
@click.argument("user")
@click.argument("mailbox")
@pass_tool
def status(tool: Tool, user: str, mailbox: str) -> None:
    """Show the numbers of one mailbox of USER."""
    location = tool.location(user)
    name = mailbox_name(mailbox)
    found = with_account(tool, location, lambda account: account.status(name), name)
    tool.output.record({key: name if key == "name" else getattr(found, key) for key in DETAILS})


@command.command()
@click.argument("user")
@click.argument("mailbox")
@click.option("--special-use", "-s", multiple=True, metavar="USE", help="Such as \\Sent; may be repeated.")
@pass_tool
def create(tool: Tool, user: str, mailbox: str, special_use: tuple[str, ...]) -> None:
    """Create a mailbox, and those above it where they are missing."""
    location = tool.location(user)
    name = mailbox_name(mailbox)
    by_case = {use.lower(): use for use in names.SPECIAL_USES}
    try:
        uses = frozenset(by_case["\\" + use.lower().lstrip("\\")] for use in special_use)
    except KeyError:
        raise Failure(DATA, f"special uses are {' '.join(names.SPECIAL_USES)}") from None

    async def work(account: Account) -> None:
        await account.create(name, uses)
        await account.set_subscribed(name, True)

    with_account(tool, location, work, name)
    tool.output.done(f"created {name}", mailbox=name, created=True)


@command.command()
@click.argument("user")
@click.argument("mailbox")
@click.option("--yes", is_flag=True, help="Delete it even though it holds messages.")
@pass_tool
def delete(tool: Tool, user: str, mailbox: str, yes: bool) -> None:
    """Delete a mailbox with its messages."""
    location = tool.location(user)
    name = mailbox_name(mailbox)

    async def work(account: Account) -> None:
        selectable = [info.selectable for info in await account.mailboxes() if info.name == name]
        held = (await account.status(name)).messages if any(selectable) else 0
        if held and not yes:
            raise Failure(DATA, f"{name} holds {held} messages; say --yes to delete them")
        await account.delete(name)
        await account.set_subscribed(name, False)

    with_account(tool, location, work, name)
    tool.output.done(f"deleted {name}", mailbox=name, deleted=True)


@command.command()
@click.argument("user")
@click.argument("old")
@click.argument("new")
@pass_tool
def rename(tool: Tool, user: str, old: str, new: str) -> None:
    """Rename a mailbox with everything below it; UIDs stay."""
    location = tool.location(user)
    source, target = mailbox_name(old), mailbox_name(new)

    async def work(account: Account) -> None:
        subscribed = await account.subscriptions()
        await account.rename(source, target)
        for name in subscribed if source != names.INBOX else ():
            if name == source or names.is_below(name, source):
                await account.set_subscribed(name, False)
                await account.set_subscribed(target + name[len(source) :], True)

    with_account(tool, location, work, f"{source} to {target}")
    tool.output.done(f"renamed {source} to {target}", old=source, new=target)


def _subscription(tool: Tool, user: str, mailbox: str, subscribed: bool) -> None:
    location = tool.location(user)
    name = mailbox_name(mailbox)
    with_account(tool, location, lambda account: account.set_subscribed(name, subscribed), name)
    verb = "subscribed to" if subscribed else "unsubscribed from"
    tool.output.done(f"{verb} {name}", mailbox=name, subscribed=subscribed)


@command.command()
@click.argument("user")
@click.argument("mailbox")
@pass_tool
def subscribe(tool: Tool, user: str, mailbox: str) -> None:
    """Subscribe USER to a mailbox."""
    _subscription(tool, user, mailbox, True)


@command.command()
@click.argument("user")
@click.argument("mailbox")
@pass_tool
def unsubscribe(tool: Tool, user: str, mailbox: str) -> None:
    """Unsubscribe USER from a mailbox."""
    _subscription(tool, user, mailbox, False)
