"""Does what index transactions owe to the Maildir: renames, links, unlinks.

In small batches, each one write transaction: rows of ``owed`` in their order, then ``doomed`` files that no
copy is still waiting to be linked from. Every operation may already have been done by a process that was
killed before its commit: then the file is found where it should go, and that counts as done. A file that is
not where the row says, because another program renamed it meanwhile, is looked for by the unique part of its
name. What fails for want of space stays owed and does not hold up the rest.

A copy's file gets a unique part of its own, a moved one keeps it. A file leaves ``new/`` once a session has
been told of it, or when it has flags.

Plain blocking code for the account's serial jobs.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import Level
from mailaccess.store import naming
from mailaccess.store.bounds import write_uids
from mailaccess.store.folder import own_changes
from mailaccess.store.index import mailboxes, messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names
from mailaccess.store.vault import Vault

BATCH: Final = 128
"""Files in one transaction: some 5 to 10 ms."""


class Progress(Enum):
    DONE = "nothing is owed"
    MORE = "call again"
    STALLED = "what is left failed: try again later"


Row = tuple[int, int, int, int, int, bytes, int, int]
"""uid, flags, size, home, place, file, saved, content"""


def settle(vault: Vault, limit: int = BATCH) -> Progress:
    """Do up to ``limit`` operations, in one mailbox."""
    connection = vault.connection
    first = connection.execute("SELECT mailbox FROM owed ORDER BY id LIMIT 1").fetchone()
    if first is None:
        return _unlink(vault, limit)
    with vault.transaction():
        box = mailboxes.by_id(connection, first[0])
        entries = connection.execute(
            "SELECT id, uids FROM owed WHERE mailbox = ? ORDER BY id LIMIT ?", (first[0], limit)
        ).fetchall()
        connection.executemany("DELETE FROM owed WHERE id = ?", [(number,) for number, _ in entries])
        if box is None or not entries:
            return Progress.MORE
        uids = UidSet.from_ranges([item for _, text in entries for item in UidSet.parse(text).ranges])
        piece = UidSet(uids.ranges[:limit])
        messages.choose(connection, piece)
        rows: list[Row] = connection.execute(
            "SELECT uid, flags, size, home, place, file, saved, content FROM ranges CROSS JOIN messages"
            " ON mailbox = ? AND uid BETWEEN first AND last ORDER BY uid LIMIT ?",
            (box.id, limit),
        ).fetchall()
        reached = rows[-1][0] if len(rows) == limit else piece.ranges[-1][1]
        failed = _Batch(vault, box).run(rows)
        vault.owe(box, uids - UidSet(((1, reached),)))
        vault.owe(box, UidSet.of(failed))
        return Progress.STALLED if failed and len(failed) == len(rows) else Progress.MORE


def owes(vault: Vault) -> bool:
    """Whether anything is owed."""
    query = "SELECT EXISTS (SELECT 1 FROM owed) OR EXISTS (SELECT 1 FROM doomed)"
    return bool(vault.connection.execute(query).fetchone()[0])


def finish(vault: Vault) -> None:
    """Do all that is owed, as far as the disk allows: before a deleted index is left, at closing, after a crash."""
    bound = vault.connection.execute("SELECT count(*) FROM owed").fetchone()[0] * 2 + 8
    stalled = 0
    while stalled < bound:
        progress = settle(vault, 1000)
        if progress is Progress.DONE:
            return
        stalled = stalled + 1 if progress is Progress.STALLED else 0


@dataclass(slots=True)
class _Batch:
    """One batch's operations in the folders of one mailbox and those that its files come from."""

    vault: Vault
    box: Box
    homes: dict[int, Box] = field(default_factory=dict)
    listings: dict[int, dict[bytes, tuple[int, bytes]]] = field(default_factory=dict)

    def run(self, rows: list[Row]) -> list[int]:
        """Do what each row needs; returns the UIDs of those that failed."""
        vault, box = self.vault, self.box
        connection = vault.connection
        keywords = mailboxes.keywords(connection, box)
        lettering = naming.Lettering(keywords)
        self.homes = {box.id: box}
        for home in {row[3] for row in rows} - {box.id}:
            found = mailboxes.by_id(connection, home)
            if found is not None:
                self.homes[home] = found
        done: list[tuple[int, int, bytes, int, int]] = []
        spelled: dict[tuple[int, str], str] = {}
        failed: list[int] = []
        sharing = connection.execute("SELECT 1 FROM messages WHERE place >= 2 LIMIT 1").fetchone() is not None
        with own_changes(vault, list(self.homes.values())):
            for row in rows:
                parsed = names.parse(row[5])
                letters = spelled.get((row[1], parsed.letters))
                if letters is None:
                    ours = lettering.letters_of(vault.flag_sets.of_row(row[1]), parsed.letters)
                    letters = spelled[row[1], parsed.letters] = "".join(sorted(ours))
                try:
                    result = self._one(row, parsed, letters)
                except OSError as error:
                    vault.log.log("owed-failed", Level.WARNING, user=vault.location.name, error=str(error))
                    failed.append(row[0])
                    continue
                if result is not None:
                    done.append((box.id, result[0], result[1], box.id, row[0]))
                    if sharing:
                        self._follow(row, result)
        connection.executemany(
            "UPDATE messages SET home = ?, place = ?, file = ? WHERE mailbox = ? AND uid = ?", done
        )
        if any(number >= names.LETTERED for number in keywords):
            write_uids(vault, box)
        for other in self.homes.values():
            mailboxes.save(connection, other)
        return failed

    def _follow(self, row: Row, result: tuple[int, bytes]) -> None:
        """Copies that wait to be linked from a file that was renamed find it under its new name."""
        home, place, file = row[3:6]
        if place < messages.SHARED:
            self.vault.connection.execute(
                "UPDATE messages SET home = ?, place = ? + 2, file = ? WHERE place >= 2 AND home = ? AND file = ?",
                (self.box.id, result[0], result[1], home, file),
            )

    def _one(self, row: Row, parsed: names.FileName, letters: str) -> tuple[int, bytes] | None:
        """Bring one file to where and what it should be: (place, name) where that is new, None where all is well.

        parsed: its name.  letters: those that it should have, in their order.
        """
        uid, flags, size, home, place, file, saved, content = row
        vault, box = self.vault, self.box
        source_box = self.homes.get(home)
        if source_box is None:
            return None
        shared = place >= messages.SHARED
        at = 1 if place & 1 or flags or uid < box.first_recent else 0
        shown = letters if at else ""
        if (
            not shared
            and home == box.id
            and place == at
            and parsed.uid == uid
            and parsed.wire == size
            and parsed.size is not None
            and parsed.letters == shown
            and (b":2," in file or not shown)
        ):
            return None
        stored = parsed.size
        if stored is None or parsed.wire != size:
            stored = vault.files.stat(vault.path(source_box.folder, place, file)).st_size
        unique = parsed.unique
        if shared or home != box.id or not names.fits(unique):
            # A copied or moved file begins with its save date (RFC 8514 §3), for a rebuild to find. The name is
            # the same whenever it is made, so that a link made before a crash is found by it.
            text = f"{saved}.V{box.uidvalidity}I{uid}C{content}.{vault.unique_names.host}"
            unique = text.encode("ascii")
        name = names.render(unique, stored, size, uid, parsed.others, letters)
        if not at:
            name = name[: name.rindex(b":")]
        return self._bring(source_box, row, at, name, shared)

    def _bring(
        self, source_box: Box, row: Row, at: int, name: bytes, shared: bool
    ) -> tuple[int, bytes] | None:
        place, file = row[4], row[5]
        vault, box = self.vault, self.box
        target = vault.path(box.folder, at, name)
        operation = vault.files.link if shared else vault.files.rename
        try:
            operation(vault.path(source_box.folder, place, file), target)
            return at, name
        except FileExistsError:  # linked before a crash
            return at, name
        except FileNotFoundError:
            pass
        already = self._listing(box).get(names.unique(name))
        if already is not None:
            return already
        moved = self._listing(source_box).get(names.unique(file))
        if moved is None:
            return None  # another program removed it: the next scan says so
        operation(vault.path(source_box.folder, *moved), target)
        return at, name

    def _listing(self, box: Box) -> dict[bytes, tuple[int, bytes]]:
        """Where each file of the mailbox is, by its unique part; read once a batch, and only where one is missed."""
        if box.id not in self.listings:
            self.listings[box.id] = {
                names.unique(name): (place, name)
                for place in (0, 1)
                for name in self.vault.files.listdir(self.vault.path(box.folder, place, b""))
            }
        return self.listings[box.id]


def _unlink(vault: Vault, limit: int) -> Progress:
    """Unlink doomed files, but for those that a copy is still to be linked from."""
    query = (
        "SELECT id, home, place, file FROM doomed AS d WHERE NOT EXISTS"
        " (SELECT 1 FROM messages AS m WHERE m.place >= 2 AND m.home = d.home AND m.file = d.file) LIMIT ?"
    )
    if vault.connection.execute(query, (1,)).fetchone() is None:
        return Progress.DONE
    with vault.transaction() as connection:
        rows = connection.execute(query, (limit,)).fetchall()
        homes = {home: mailboxes.by_id(connection, home) for home in {row[1] for row in rows}}
        boxes = [box for box in homes.values() if box is not None]
        gone: list[tuple[int]] = []
        with own_changes(vault, boxes):
            for number, home, place, file in rows:
                box = homes[home]
                if box is None or _unlink_one(vault, box, place, file):
                    gone.append((number,))
        connection.executemany("DELETE FROM doomed WHERE id = ?", gone)
        for box in boxes:
            mailboxes.save(connection, box)
    return Progress.MORE if gone else Progress.STALLED


def _unlink_one(vault: Vault, box: Box, place: int, file: bytes) -> bool:
    """Whether it is gone. One that another program renamed is found by its unique part."""
    try:
        vault.files.unlink(vault.path(box.folder, place, file))
        return True
    except FileNotFoundError:
        pass
    except OSError as error:
        vault.log.log("owed-failed", Level.WARNING, user=vault.location.name, error=str(error))
        return False
    unique = names.unique(file)
    try:
        for other in (1, 0):
            for name in vault.files.listdir(vault.path(box.folder, other, b"")):
                if names.unique(name) == unique:
                    vault.files.unlink(vault.path(box.folder, other, name))
    except FileNotFoundError:
        pass
    except OSError as error:
        vault.log.log("owed-failed", Level.WARNING, user=vault.location.name, error=str(error))
        return False
    return True
