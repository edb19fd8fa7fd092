"""``mailadm fsck``: holds index and Maildir of accounts against each other, and repairs.

Repairing is dropping the index, which the Maildir rebuilds without a UID, flag or keyword changing; a server
that runs meanwhile notices and goes on with the new one.
"""

import sys

import click

from mailaccess.admin.inspection import Report, inspect
from mailaccess.admin.opening import with_account
from mailaccess.admin.output import DATA, USAGE, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.auth.accounts import Account as Person
from mailaccess.model.account import AccountLocation
from mailaccess.store import api
from mailaccess.store.account import MaildirAccount
from mailaccess.store.index import connection as index_file


@click.command("fsck")
@click.argument("user", required=False)
@click.option("--all", "everybody", is_flag=True, help="Every account of the passwd-file.")
@click.option("--repair", is_flag=True, help="Rebuild the index of accounts that have faults.")
@click.option("--thorough", is_flag=True, help="Read every message, not only the folders.")
@pass_tool
def command(tool: Tool, user: str | None, everybody: bool, repair: bool, thorough: bool) -> int:
    """Compare index and Maildir of USER, or of --all. Exit code 65 if faults remain."""
    if (user is not None) == everybody:
        raise Failure(USAGE, "name a user, or say --all")
    people = list(tool.table().accounts.values()) if user is None else [tool.account(user)]
    rows: list[dict[str, object]] = []
    faulty = 0
    for person in people:
        remaining = _account(tool, person, repair, thorough, rows)
        faulty += remaining > 0
    if tool.output.as_json:
        tool.output.table(("user", "mailbox", "messages", "faults", "notes", "repaired"), rows)
    else:
        for row in rows:
            _tell(tool, row)
    return DATA if faulty else 0


def _account(tool: Tool, person: Person, repair: bool, thorough: bool, rows: list[dict[str, object]]) -> int:
    """Look at one account, append what was found; how many faults are left."""
    location = person.identity.location
    name = person.identity.name
    if not location.maildir.is_dir():
        rows.append({"user": name, "mailbox": "", "messages": 0, "notes": ["no mail yet"], "faults": []})
        return 0
    reports = _inspected(tool, location, thorough)
    faults = sum(len(report.faults) for report in reports)
    rows += [_row(name, report, False) for report in reports if report.mailbox or report.faults]
    if not faults or not repair:
        return faults
    index_file.set_aside(location.index)
    reports = _inspected(tool, location, thorough)
    rows += [_row(name, report, True) for report in reports if report.mailbox or report.faults]
    return sum(len(report.faults) for report in reports)


def _inspected(tool: Tool, location: AccountLocation, thorough: bool) -> list[Report]:
    async def work(account: api.Account) -> list[Report]:
        assert isinstance(account, MaildirAccount)
        return await account.run(inspect, thorough)

    return with_account(tool, location, work)


def _row(user: str, report: Report, repaired: bool) -> dict[str, object]:
    return {
        "user": user,
        "mailbox": report.mailbox,
        "messages": report.messages,
        "faults": report.faults,
        "notes": report.notes,
        "repaired": repaired,
    }


def _tell(tool: Tool, row: dict[str, object]) -> None:
    where = f"{row['user']} {row['mailbox']}".rstrip()
    after = " after the repair" if row.get("repaired") else ""
    faults, notes = row["faults"], row["notes"]
    assert isinstance(faults, list) and isinstance(notes, list)
    for fault in faults:
        print(f"{where}: {fault}{after}", file=sys.stderr)
    told = "".join(f"; {note}" for note in notes)
    state = "in order" if not faults else f"{len(faults)} faults"
    tool.output.text(f"{where}: {row['messages']} messages, {state}{after}{told}")
