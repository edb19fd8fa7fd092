"""Opens the store for a command: everything runs at once on this thread, beside a server that may be running.

Several processes may open one account; the store's locks order them and a running server notices. Run by
root, a command becomes ``process.user`` first, as the server does: a file of root's in a Maildir would be one
that the server cannot read.
"""

import grp
import os
import pwd
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from mailaccess.admin.output import CANNOT_CREATE, DATA, NO_INPUT, TEMPORARY, Failure
from mailaccess.admin.tool import Tool
from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import (
    BadMailboxName,
    LimitReached,
    MailboxExists,
    MailboxHasChildren,
    MailboxNotSelectable,
    MailError,
    NoSuchMailbox,
    TooBig,
    UseAttribute,
)
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Level, Value
from mailaccess.store.api import Account, Store
from mailaccess.store.engine import MaildirStore
from mailaccess.store.public import SHARES_FILE

T = TypeVar("T")


class StderrLog:
    """Warnings and errors of the engines on standard error; the rest is the server's log's affair."""

    def log(self, event: str, level: Level = Level.INFO, /, **fields: Value) -> None:
        if level in (Level.WARNING, Level.ERROR):
            told = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            print(f"mailadm: {level.value}: {event}: {told}", file=sys.stderr)


def with_store(tool: Tool, work: Callable[[Store], Awaitable[T]], about: str = "") -> T:
    """The result of ``work``; what it owes the disk is done too. A MailError ends with an exit code.

    about: what the command is about, such as a mailbox, for the sentence that it ends with.
    """
    become(tool.settings.process.user)
    settings = tool.settings
    store = MaildirStore(
        settings.store,
        InlineRunner(),
        None,
        StderrLog(),
        time.time,
        shares=settings.state_dir / SHARES_FILE,
    )

    async def whole() -> T:
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return complete(whole())
    except MailError as error:
        fail(error, about)


def become(user: str) -> None:
    """Give up root for ``user``, its groups first; nothing where there is no user or we are not root."""
    if not user or os.geteuid() != 0:
        return
    entry = pwd.getpwnam(user)  # the configuration was checked: it exists
    groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
    os.setgroups([entry.pw_gid, *groups])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.umask(0o077)


def with_account(
    tool: Tool, location: AccountLocation, work: Callable[[Account], Awaitable[T]], about: str = ""
) -> T:
    """As ``with_store``, for one account."""

    async def opened(store: Store) -> T:
        return await work(await store.open(location))

    return with_store(tool, opened, about)


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as all work is done inline here."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a command waits for something that nobody brings")


def fail(error: MailError, about: str = "") -> NoReturn:
    """End with the exit code that fits, and with what the log would tell: the reader is the operator."""
    match error:
        case NoSuchMailbox():
            code = NO_INPUT
        case MailboxExists():
            code = CANNOT_CREATE
        case BadMailboxName() | MailboxNotSelectable() | MailboxHasChildren() | UseAttribute() | TooBig():
            code = DATA
        case LimitReached():
            code = CANNOT_CREATE
        case _:
            code = TEMPORARY
    reason = f"{error}: {error.detail}" if error.detail else str(error)
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.strerror:  # the disk's own words say more
        reason = cause.strerror
        about = os.fsdecode(cause.filename) if isinstance(cause.filename, str | bytes) else about
    raise Failure(code, f"{about}: {reason}" if about else reason) from error
