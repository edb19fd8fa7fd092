"""``mailadm deliver``: the local delivery agent for any MTA's pipe (Postfix, Exim, fetchmail, getmail).

    mailbox_command = /usr/bin/mailadm deliver "$USER"          (Postfix)

Exit codes are those an MTA understands: 0 the message is on disk, 65 it cannot be delivered as it is, 67 no
such user, 75 try again later (also over quota, as Dovecot's LDA says: the user may delete something).
"""

import sys
from collections.abc import Iterator
from typing import BinaryIO, Final

import click

from mailaccess.admin.opening import StderrLog, with_store
from mailaccess.admin.output import NO_USER, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.auth.accounts import Account
from mailaccess.delivery.api import Delivered, Envelope
from mailaccess.delivery.local import LocalDelivery
from mailaccess.model.work import InlineRunner
from mailaccess.store.api import Store

PIECE: Final = 65536
"""Octets read from the pipe at once."""


@click.command("deliver")
@click.argument("user")
@click.option("--mailbox", "-m", default="", metavar="NAME", help="Into this mailbox, made if it is missing.")
@click.option("--sender", "-f", default=None, metavar="ADDRESS", help="For Return-Path; else none is added.")
@click.option("--recipient", "-a", default="", metavar="ADDRESS", help="For Delivered-To; default: USER.")
@pass_tool
def command(tool: Tool, user: str, mailbox: str, sender: str | None, recipient: str) -> None:
    """Deliver the message on standard input to USER (name, or name+detail)."""
    account, detail = _account(tool, user)
    sender = sender.strip("<>") if sender is not None else None
    delivered = with_store(
        tool,
        lambda store: _deliver(
            tool, store, account, mailbox, detail, Envelope(sender, "lda"), recipient or account.identity.name
        ),
    )
    sentence = f"delivered to {delivered.user}, {delivered.mailbox}, UID {delivered.uid}"
    if tool.output.as_json or sys.stdout.isatty():  # an MTA puts what a pipe says into its log or a bounce
        tool.output.done(
            sentence,
            user=delivered.user,
            mailbox=delivered.mailbox,
            uid=delivered.uid,
            size=delivered.size,
        )


def _account(tool: Tool, user: str) -> tuple[Account, str]:
    """The account and the detail of ``user``; a whole name goes before a name with a detail."""
    accounts = tool.table().accounts
    name = tool.naming.canonical(user) or ""
    if name in accounts:
        return accounts[name], ""
    delimiter = tool.settings.smtp.recipient_delimiter
    local, at, domain = user.partition("@")
    base, found, detail = local.partition(delimiter) if delimiter else (local, "", "")
    name = tool.naming.canonical(base + at + domain) or "" if found and base else ""
    if name in accounts:
        return accounts[name], detail
    raise Failure(NO_USER, f"there is no account {user}")


async def _deliver(
    tool: Tool, store: Store, account: Account, mailbox: str, detail: str, envelope: Envelope, recipient: str
) -> Delivered:
    settings = tool.settings
    local = LocalDelivery(
        store,
        InlineRunner(),
        StderrLog(),
        limit=settings.store.message_size,
        spool=settings.state_dir,
        detail_mailbox=settings.smtp.detail_mailbox,
    )
    location = account.identity.location
    if mailbox:
        opened = await store.open(location)
        if mailbox not in [info.name for info in await opened.mailboxes()]:
            await opened.create(mailbox)
    elif detail:
        mailbox = await local.place(await store.open(location), detail)
    return await local.deliver(
        account.identity,
        _pieces(sys.stdin.buffer),
        mailbox=mailbox,
        recipient=recipient,
        envelope=envelope,
    )


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The message from a pipe, without the ``From `` line that mbox tools put before it."""
    first = stream.readline(PIECE)
    if not first.startswith(b"From "):
        yield first
    while piece := stream.read(PIECE):
        yield piece
