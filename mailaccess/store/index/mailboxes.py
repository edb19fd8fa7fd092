"""Rows of mailboxes, and the numbers that are given in them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailaccess.model.sequence import UidSet

_COLUMNS: Final = (
    "id, name, folder, mailbox_id, special_use, uidvalidity, uidnext, uid_bound, highest_modseq, modseq_bound,"
    " modseq_floor, first_recent, messages, octets, new_mtime, cur_mtime, scanned, uids_stamp"
)


@dataclass(slots=True)
class Box:
    """A row of ``mailboxes``: changed in the thread within a transaction, and written back by ``save``."""

    id: int
    name: str
    folder: bytes
    mailbox_id: str
    special_use: str
    uidvalidity: int
    uidnext: int
    uid_bound: int
    highest_modseq: int
    modseq_bound: int
    modseq_floor: int
    first_recent: int
    messages: int
    octets: int
    new_mtime: int
    cur_mtime: int
    scanned: int
    uids_stamp: str


def by_name(connection: sqlite3.Connection, name: str) -> Box | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM mailboxes WHERE name = ?", (name,)).fetchone()
    return Box(*row) if row else None


def by_id(connection: sqlite3.Connection, number: int) -> Box | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM mailboxes WHERE id = ?", (number,)).fetchone()
    return Box(*row) if row else None


def by_mailbox_id(connection: sqlite3.Connection, mailbox_id: str) -> Box | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,)
    ).fetchone()
    return Box(*row) if row else None


def everything(connection: sqlite3.Connection) -> list[Box]:
    return [Box(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM mailboxes ORDER BY name")]


def names_behind(connection: sqlite3.Connection, name: str, most: int) -> list[str]:
    rows = connection.execute("SELECT name FROM mailboxes WHERE name > ? ORDER BY name LIMIT ?", (name, most))
    return [row[0] for row in rows]


def has_folder(connection: sqlite3.Connection, folder: bytes) -> bool:
    """Whether a mailbox lies in that folder."""
    return connection.execute("SELECT 1 FROM mailboxes WHERE folder = ?", (folder,)).fetchone() is not None


def count(connection: sqlite3.Connection) -> int:
    """How many mailboxes the account has."""
    return int(connection.execute("SELECT count(*) FROM mailboxes").fetchone()[0])


def add(connection: sqlite3.Connection, box: Box) -> None:
    """A new row; ``box.id`` is set."""
    cursor = connection.execute(
        f"INSERT INTO mailboxes ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _values(box)[1:],
    )
    assert cursor.lastrowid is not None
    box.id = cursor.lastrowid


def save(connection: sqlite3.Connection, box: Box) -> None:
    """Write back what changes in a mailbox; its name does by ``rename`` alone, for its indexes have to follow."""
    connection.execute(
        "UPDATE mailboxes SET uidnext = ?, uid_bound = ?, highest_modseq = ?, modseq_bound = ?, modseq_floor = ?,"
        " first_recent = ?, messages = ?, octets = ?, new_mtime = ?, cur_mtime = ?, scanned = ?, uids_stamp = ?"
        " WHERE id = ?",
        (*_values(box)[6:], box.id),
    )


def rename(connection: sqlite3.Connection, box: Box) -> None:
    """Write back ``name`` and ``folder``."""
    connection.execute(
        "UPDATE mailboxes SET name = ?, folder = ? WHERE id = ?", (box.name, box.folder, box.id)
    )


def save_numbers(connection: sqlite3.Connection, box: Box) -> None:
    """``save`` where only numbers changed: no index of the table has to follow."""
    connection.execute(
        "UPDATE mailboxes SET uidnext = ?, uid_bound = ?, highest_modseq = ?, modseq_bound = ?, messages = ?,"
        " octets = ?, new_mtime = ?, cur_mtime = ?, uids_stamp = ? WHERE id = ?",
        (
            box.uidnext, box.uid_bound, box.highest_modseq, box.modseq_bound, box.messages,
            box.octets, box.new_mtime, box.cur_mtime, box.uids_stamp, box.id,
        ),
    )  # fmt: skip


def _values(box: Box) -> tuple[int | str | bytes, ...]:
    return (
        box.id, box.name, box.folder, box.mailbox_id, box.special_use, box.uidvalidity, box.uidnext,
        box.uid_bound, box.highest_modseq, box.modseq_bound, box.modseq_floor, box.first_recent, box.messages,
        box.octets, box.new_mtime, box.cur_mtime, box.scanned, box.uids_stamp,
    )  # fmt: skip


def remove(connection: sqlite3.Connection, box: Box) -> None:
    """The mailbox and everything of it; its contents are swept later."""
    for table, column in (
        ("messages", "mailbox"), ("expunged", "mailbox"), ("keywords", "mailbox"), ("owed", "mailbox"),
        ("doomed", "home"), ("packed", "mailbox"), ("mailboxes", "id"),
    ):  # fmt: skip
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (box.id,))
    connection.execute("UPDATE account SET unswept = unswept + ?", (box.messages,))


def keywords(connection: sqlite3.Connection, box: Box) -> dict[int, str]:
    """The mailbox's keywords by number, in the order of the numbers."""
    rows = connection.execute(
        "SELECT number, keyword FROM keywords WHERE mailbox = ? ORDER BY number", (box.id,)
    )
    return dict(rows.fetchall())


def add_keywords(connection: sqlite3.Connection, box: Box, new: Iterable[tuple[int, str]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO keywords VALUES (?, ?, ?)",
        [(box.id, number, keyword) for number, keyword in new],
    )


def take_contents(connection: sqlite3.Connection, count: int) -> int:
    """``count`` new content ids: the first of them."""
    row = connection.execute("SELECT next_content FROM account").fetchone()
    connection.execute("UPDATE account SET next_content = next_content + ?", (count,))
    return int(row[0])


def owe(connection: sqlite3.Connection, box: Box, uids: UidSet) -> None:
    """The names of these messages' files are to be brought up to date."""
    if uids:
        connection.execute("INSERT INTO owed (mailbox, uids) VALUES (?, ?)", (box.id, str(uids)))


def used(connection: sqlite3.Connection) -> tuple[int, int]:
    """Octets and messages of the whole account."""
    row = connection.execute(
        "SELECT coalesce(sum(octets), 0), coalesce(sum(messages), 0) FROM mailboxes"
    ).fetchone()
    return int(row[0]), int(row[1])
