"""``mailadm mailbox handback``: leaves a Maildir so that Dovecot goes on with it, with the same UIDs and keywords.

Dovecot knows a message by its file's name, fields and all, and our names tell UIDs that it does not read. So what
the index owes the Maildir is done first, and then each mailbox gets the two files that Dovecot keeps there:
``dovecot-uidlist`` (version 3) and ``dovecot-keywords``. Nothing else is changed, and it may be done again at any
time; what happens in the mailbox afterwards is not in the files, so a server that runs is stopped before.
"""

from dataclasses import dataclass

import click

from mailaccess.admin.opening import with_account
from mailaccess.admin.output import TEMPORARY, USAGE, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.auth.accounts import Account as Person
from mailaccess.store import api, intake, journal, unpacking
from mailaccess.store.account import MaildirAccount
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.journal import Progress
from mailaccess.store.maildir import uids
from mailaccess.store.vault import Vault

LETTERS = 26
"""Keywords that a file's name can carry."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One mailbox. lost: messages with keywords that no file's name carries, which Dovecot will not see."""

    mailbox: str
    messages: int
    lost: int


@click.command("handback")
@click.argument("user", required=False)
@click.option("--all", "everybody", is_flag=True, help="Every account of the passwd-file.")
@pass_tool
def command(tool: Tool, user: str | None, everybody: bool) -> None:
    """Write Dovecot's lists of UIDs and keywords for USER's mailboxes, or --all, so that Dovecot goes on with them.

    Stop the server first: what it changes afterwards is not in the lists.
    """
    if (user is not None) == everybody:
        raise Failure(USAGE, "name a user, or say --all")
    people = list(tool.table().accounts.values()) if user is None else [tool.account(user)]
    rows = [row for person in people for row in _account(tool, person)]
    if tool.output.as_json:
        tool.output.table(("user", "mailbox", "messages", "lost"), rows)
        return
    for row in rows:
        lost = f"; the keywords past the 26th of {row['lost']} messages stay behind" if row["lost"] else ""
        tool.output.text(f"{row['user']} {row['mailbox']}: {row['messages']} messages{lost}")


def _account(tool: Tool, person: Person) -> list[dict[str, object]]:
    name, location = person.identity.name, person.identity.location
    if not location.maildir.is_dir():
        return []

    async def work(account: api.Account) -> list[Handed]:
        assert isinstance(account, MaildirAccount)
        return await account.run(hand_back)

    done = with_account(tool, location, work, name)
    return [
        {"user": name, "mailbox": each.mailbox, "messages": each.messages, "lost": each.lost} for each in done
    ]


def hand_back(vault: Vault) -> list[Handed]:
    """Write the files of all mailboxes. Raises Failure where the disk does not take what the index owes it."""
    progress = Progress.MORE
    while progress is Progress.MORE:  # ends: each round does a part of what is owed, and nothing is added
        progress = journal.settle(vault)
    if progress is Progress.STALLED:
        raise Failure(TEMPORARY, "some file operations that the index owes cannot be done (disk full?)")
    handed = []
    for name in [box.name for box in mailboxes.everything(vault.connection)]:
        with vault.transaction() as connection:
            box = mailboxes.by_name(connection, name)
            if box is not None:
                handed.append(_mailbox(vault, box))
    return handed


def _mailbox(vault: Vault, box: Box) -> Handed:
    unpacking.unpack(vault, box)
    intake.take_in(vault, box)
    rows = vault.connection.execute(
        "SELECT uid, file FROM messages WHERE mailbox = ? ORDER BY uid", (box.id,)
    ).fetchall()
    folder = vault.folder(box.folder) + b"/"
    vault.files.replace(
        folder + uids.UIDLIST, uids.render_dovecot_uidlist(box.uidvalidity, box.uidnext, rows)
    )
    try:
        kept = uids.parse(vault.files.read(folder + uids.FILE))
    except FileNotFoundError:
        kept = None
    keywords = kept.keywords if kept is not None else {}
    lettered = {number: keyword for number, keyword in keywords.items() if number < LETTERS}
    vault.files.replace(folder + uids.KEYWORDS, uids.render_keywords(lettered))
    carried = kept.carries.values() if kept is not None else ()
    return Handed(box.name, len(rows), len({uid for of in carried for uid in of}))
