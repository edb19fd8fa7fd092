"""``mailadm mailbox acl``: who may use a mailbox of an account, or of nobody."""

from typing import Final

import click

from mailaccess.admin.opening import with_account, with_store
from mailaccess.admin.output import DATA, Failure
from mailaccess.admin.tool import Tool, mailbox_name, pass_tool
from mailaccess.imap.namespaces import who_is
from mailaccess.model import identifiers
from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import MailError
from mailaccess.model.identifiers import Change
from mailaccess.model.rights import ALL, NO_ACL, VIRTUAL, Acl, AclEntry, Rights, expanded, shown
from mailaccess.store.api import Account, Store

_DASHES: Final = {"ignore_unknown_options": True}
"""Negative identifiers and rights to take away begin with a dash."""

PAIRS: Final = ("mailbox", "identifier", "rights")


@click.group("acl")
def command() -> None:
    """Rights on mailboxes: list, set, delete, rights, recalc. USER may be a public namespace, as in "Public/"."""


def _owner(location: AccountLocation) -> str:
    return "" if location.shared else location.name


def _entry(tool: Tool, identifier: str, location: AccountLocation) -> AclEntry:
    def canonical(word: str) -> str:
        return tool.naming.canonical(word) or word.lower()

    try:
        return identifiers.entry_of(identifier, _owner(location), canonical)
    except ValueError:
        raise Failure(DATA, f"{identifier!r} is not an identifier") from None


def _rights(written: str) -> tuple[Change, Rights]:
    change = Change(written[:1]) if written[:1] in ("+", "-") else Change.REPLACE
    letters = written.removeprefix(change.value)
    unknown = sorted(set(letters) - ALL - VIRTUAL.keys())
    if unknown:
        raise Failure(DATA, f"{unknown[0]!r} is no right; rights are letters of lrswipkxtea, c and d")
    return change, expanded(letters)


@command.command("list")
@click.argument("user")
@click.argument("mailbox", required=False)
@pass_tool
def list_entries(tool: Tool, user: str, mailbox: str | None) -> None:
    """List who has which rights on MAILBOX, or on all mailboxes that have a list."""
    location = tool.location(user)

    async def rows(account: Account) -> list[dict[str, object]]:
        acls = dict(await account.acls())
        if mailbox is not None:
            name = mailbox_name(mailbox)
            await account.require(name)
            acls = {name: acls.get(name, NO_ACL)}
        return [
            {"mailbox": name, "identifier": identifier, "rights": rights}
            for name, acl in sorted(acls.items())
            for identifier, rights in identifiers.pairs(acl, _owner(location))
        ]

    tool.output.table(PAIRS, with_account(tool, location, rows, mailbox or ""))


@command.command("set", context_settings=_DASHES)
@click.argument("user")
@click.argument("mailbox")
@click.argument("identifier")
@click.argument("rights")
@pass_tool
def set_rights(tool: Tool, user: str, mailbox: str, identifier: str, rights: str) -> None:
    """Give IDENTIFIER the RIGHTS on a mailbox of USER; +RIGHTS adds, -RIGHTS takes away.

    IDENTIFIER is an account, $group, anyone or authenticated; with a dash in front, what is taken away.
    """
    location = tool.location(user)
    name, entry, (change, wanted) = mailbox_name(mailbox), _entry(tool, identifier, location), _rights(rights)
    owner = _owner(location)

    def rewrite(acl: Acl) -> Acl:
        return identifiers.changed(acl, entry, change, wanted, owner)

    acl = with_account(tool, location, lambda account: account.change_acl(name, rewrite), name)
    now = acl.of(entry)
    held = shown(now.rights) if now is not None else ""
    tool.output.done(f"{identifier} has {held or 'no rights'} on {name}", identifier=identifier, rights=held)


@command.command(context_settings=_DASHES)
@click.argument("user")
@click.argument("mailbox")
@click.argument("identifier")
@pass_tool
def delete(tool: Tool, user: str, mailbox: str, identifier: str) -> None:
    """Remove the entry of IDENTIFIER."""
    location = tool.location(user)
    name, entry = mailbox_name(mailbox), _entry(tool, identifier, location)
    owner = _owner(location)
    with_account(
        tool,
        location,
        lambda account: account.change_acl(name, lambda acl: identifiers.deleted(acl, entry, owner)),
        name,
    )
    tool.output.done(f"removed {identifier} from {name}", identifier=identifier, deleted=True)


@command.command()
@click.argument("user")
@click.argument("mailbox")
@click.argument("who")
@pass_tool
def rights(tool: Tool, user: str, mailbox: str, who: str) -> None:
    """Show what the account WHO may do with a mailbox of USER, all entries taken together."""
    location = tool.location(user)
    identity = tool.account(who).identity
    domains = tool.settings.domains
    somebody = who_is(identity, domains[0] if domains else "")
    name = mailbox_name(mailbox)

    async def found(account: Account) -> str:
        await account.require(name)
        acl = (await account.acls()).get(name, NO_ACL)
        return shown(acl.rights(somebody, owned=identity.name == _owner(location)))

    held = with_account(tool, location, found, name)
    tool.output.done(held or "no rights", who=identity.name, mailbox=name, rights=held)


@command.command()
@pass_tool
def recalc(tool: Tool) -> None:
    """Find all grants anew: after Dovecot's Maildirs were adopted, or shares.sqlite was lost."""
    accounts = list(tool.table().accounts.values())

    async def work(store: Store) -> int:
        failed = 0
        for account in accounts:
            location = account.identity.location
            if location.maildir.is_dir():
                try:
                    await (await store.open(location)).acls()
                except MailError as error:
                    failed += 1
                    click.echo(f"{location.name}: {error.detail or error}", err=True)
        return failed

    failed = with_store(tool, work)
    if failed:
        raise Failure(DATA, f"{failed} of {len(accounts)} accounts could not be read")
    tool.output.done(f"read the lists of {len(accounts)} accounts", accounts=len(accounts))
