"""Takes into the index what other programs did to a mailbox's folder (told in ``maildir/scan.py``).

``check`` costs two ``stat`` calls where nothing changed. The modification times of ``new/`` and ``cur/`` are
kept in the mailbox's row: as they were before the last listing, or as our own operations left them, if they
were as recorded just before. An operation of ours may so hide a change that another program made in the same
instant; ``scanned`` tells (``is_doubtful``), and such a folder is listed again when it has been quiet.

Plain blocking code for the account's serial jobs.
"""

import os
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mailaccess.model.sequence import UidSet
from mailaccess.store import comparing, firstlook, naming, tree, unpacking
from mailaccess.store.bounds import next_modseq, take_uids
from mailaccess.store.changes import Delta, Rows
from mailaccess.store.comparing import Key
from mailaccess.store.describing import Describer, appended, measured
from mailaccess.store.folder import Disk, folder_times, is_doubtful
from mailaccess.store.forgetting import forget
from mailaccess.store.index import fulltext, mailboxes, messages, packed
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names, scan, uids
from mailaccess.store.remembered import Remembered
from mailaccess.store.spelling import known_flags
from mailaccess.store.vault import Vault

INSERTED_AT_ONCE: Final = 5_000
"""Rows made before they are inserted: bounds memory, and the garbage collector's work on them."""

NAMED_AT_ONCE: Final = 64
"""New files that get their names within the scan: 2 ms. The UIDs of more of them go to a list, as Dovecot does it,
and into their names when those change for another reason."""

MAX_MESSAGES: Final = 2**31
"""Messages in one mailbox."""


def check(vault: Vault, name: str, *, thorough: bool = False) -> Box:
    """The mailbox's row, after whatever other programs did. thorough: list the folders in any case.

    Raises NoSuchMailbox, MailboxNotSelectable.
    """
    box = tree.find(vault, name)
    if vault.uids_stamp(box.folder) != box.uids_stamp:
        tree.sync(vault, force=True)
        box = tree.find(vault, name)
    now = folder_times(vault, box)
    if 0 in now and tree.sync(vault, force=True):
        box = tree.find(vault, name)
        now = folder_times(vault, box)
    if now != (box.new_mtime, box.cur_mtime) or (thorough and is_doubtful(box)):
        vault.require_thread()
        with vault.transaction() as connection:
            fresh = mailboxes.by_id(connection, box.id)
            if fresh is None:
                return check(vault, name)
            box = fresh
            take_in(vault, box)
    return box


def take_in(vault: Vault, box: Box) -> bool:
    """List the mailbox's folders and bring rows, columns and owed names up to date, within a transaction."""
    listed_at = _now(vault)
    times = folder_times(vault, box)
    if box.messages == 0 and firstlook.take(_Intake(vault, box, times)):
        box.new_mtime, box.cur_mtime, box.scanned = times[0], times[1], listed_at
        mailboxes.save(vault.connection, box)
        return True
    differences = comparing.differences(vault, box, times)
    if differences:
        work = _Intake(vault, box, times)
        work.vanished(differences.vanished)
        work.renamed(differences.renamed)
        work.arrived(differences.new, distinct=differences.distinct)
        times = work.left_times
    if box.scanned == 0:
        if not differences.new:
            box.first_recent = box.uidnext
    box.new_mtime, box.cur_mtime, box.scanned = times[0], times[1], listed_at
    mailboxes.save(vault.connection, box)
    return bool(differences)


def _now(vault: Vault) -> int:
    return int(vault.clock() * 1_000_000_000)


@dataclass(slots=True)
class _Touched:
    """What one mailbox's rows underwent in a scan of a folder (a moved message's file may still lie elsewhere)."""

    box: Box
    modseq: int = 0
    rows: list[tuple[int, int, int]] = field(default_factory=list)


class _Intake(Remembered):
    """One scan's effects, within the open transaction."""

    def __init__(self, vault: Vault, box: Box, times: tuple[int, int]) -> None:
        super().__init__(vault, box)
        self.connection = vault.connection
        self.stats: dict[scan.Entry, os.stat_result] = {}
        self.left_times = times

    def _other(self, number: int) -> Box:
        if number == self.box.id:
            return self.box
        found = mailboxes.by_id(self.connection, number)
        assert found is not None, "messages belong to mailboxes"
        return found

    def vanished(self, keys: list[Key]) -> None:
        """Files that are gone: their messages are expunged, and copies that were to be linked from them too.

        A moved message's file may be where it was going already, if the journal was killed before its commit.
        """
        self._unpack(keys)
        by_mailbox: defaultdict[int, set[int]] = defaultdict(set)
        arrived: dict[int, dict[int, scan.Entry]] = {}
        for mailbox, uid in keys:
            if mailbox and mailbox != self.box.id:
                if mailbox not in arrived:
                    arrived[mailbox] = self._numbered(self._other(mailbox))
                entry = arrived[mailbox].get(uid)
                if entry is not None:
                    self.connection.execute(
                        "UPDATE messages SET home = mailbox, place = ?, file = ? WHERE mailbox = ? AND uid = ?",
                        (*entry, mailbox, uid),
                    )
                    continue
            if mailbox:
                by_mailbox[mailbox].add(uid)
                sharing = self.connection.execute(
                    "SELECT mailbox, uid FROM messages WHERE place >= 2 AND home = ? AND file ="
                    " (SELECT file FROM messages WHERE mailbox = ? AND uid = ?)",
                    (self.box.id, mailbox, uid),
                )
                for other, copy in sharing.fetchall():
                    by_mailbox[other].add(copy)
            else:
                self.connection.execute("DELETE FROM doomed WHERE id = ?", (uid,))
        for mailbox, gone in by_mailbox.items():
            box = self._other(mailbox)
            forget(self.vault, box, UidSet.of(gone))
            if box is not self.box:
                mailboxes.save(self.connection, box)

    def _unpack(self, keys: Iterable[Key]) -> None:
        unpacking.unpack_set(
            self.vault, self.box, UidSet.of([uid for number, uid in keys if number == self.box.id])
        )

    def _numbered(self, box: Box) -> dict[int, scan.Entry]:
        """The files of a mailbox's folder by the UID in their names."""
        disk = Disk(self.vault, box.folder)
        found: dict[int, scan.Entry] = {}
        for place in (0, 1):
            for name in disk.listing(place):
                uid = names.parse(name).uid
                if uid is not None:
                    found[uid] = (place, name)
        return found

    def renamed(self, pairs: list[tuple[Key, scan.Entry]]) -> None:
        """Files under another name: flags that another program changed are merged with ours."""
        self._unpack([key for key, _ in pairs])
        touched: dict[int, tuple[_Touched, naming.Lettering]] = {}
        owing: defaultdict[int, list[int]] = defaultdict(list)
        for (mailbox, uid), (place, file) in pairs:
            if not mailbox:
                self.connection.execute(
                    "UPDATE doomed SET place = ?, file = ? WHERE id = ?", (place, file, uid)
                )
                continue
            if mailbox not in touched:
                box = self._other(mailbox)
                lettering = naming.Lettering(mailboxes.keywords(self.connection, self.box))
                touched[mailbox] = (_Touched(box), lettering)
            of, lettering = touched[mailbox]
            self._rename(of, lettering, uid, place, file)
            owing[mailbox].append(uid)
        for mailbox, (of, _) in touched.items():
            self.vault.owe(of.box, UidSet.of(owing[mailbox]))
            if of.rows:
                self.vault.tell(Delta(of.box.mailbox_id, of.modseq, of.box.uidnext, rows=of.rows))
            if of.box is not self.box:
                mailboxes.save(self.connection, of.box)

    def _rename(self, of: _Touched, lettering: naming.Lettering, uid: int, place: int, file: bytes) -> None:
        row = self.connection.execute(
            "SELECT flags, file FROM messages WHERE mailbox = ? AND uid = ?", (of.box.id, uid)
        ).fetchone()
        ours = self.vault.flag_sets.of_row(row[0])
        merged = lettering.merged(ours, row[1], file)
        self.connection.execute(
            "UPDATE messages SET place = ? + 2, file = ? WHERE place >= 2 AND home = ? AND file = ?",
            (place, file, self.box.id, row[1]),
        )
        self.connection.execute(
            "UPDATE messages SET place = ?, file = ? WHERE mailbox = ? AND uid = ?",
            (place, file, of.box.id, uid),
        )
        if merged != ours:
            of.modseq = of.modseq or next_modseq(self.vault, of.box)
            flags = self.vault.flag_sets.row(self.connection, known_flags(self.vault, of.box, merged))
            self.connection.execute(
                "UPDATE messages SET flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?",
                (flags, of.modseq, of.box.id, uid),
            )
            of.rows.append((uid, self.vault.flag_sets.number(flags), of.modseq))

    def arrived(self, entries: list[scan.Entry], *, distinct: bool) -> None:
        """New files: a UID, flags from name or ``mailaccess-uids``, sizes from the name if they can be true."""
        if not entries:
            return
        vault, box = self.vault, self.box
        if box.messages:
            entries = self._unexpected(entries)
        entries = self._messages(entries if distinct else self._distinct(entries))
        if not entries:
            return
        first_time = box.scanned == 0
        assigned = scan.assign(
            entries,
            taken=self._taken,
            lowest=1 if first_time else box.uidnext,
            bound=box.uid_bound,
            following=box.uidnext,
            listed=self.listed(),
        )
        highest = assigned[-1][0]
        in_order = not first_time or box.messages == 0
        if highest >= box.uidnext:
            take_uids(vault, box, highest + 1 - box.uidnext)
        modseq = next_modseq(vault, box)
        self._insert(assigned, modseq, tell=in_order)
        if first_time:
            box.first_recent = next(
                (uid for uid, entry in assigned if b",I=" not in entry[1] and entry[0] == 0), box.uidnext
            )

    def _insert(self, assigned: list[tuple[int, scan.Entry]], modseq: int, *, tell: bool) -> None:
        """Rows for new files, some thousands at a time; columns for whoever has the mailbox open."""
        vault, box, connection = self.vault, self.box, self.connection
        content = mailboxes.take_contents(connection, len(assigned))
        columns = Rows(array("I"), array("I"), array("Q"), array("Q"), array("q"))
        describer = Describer(self, modseq)
        few = len(assigned) <= NAMED_AT_ONCE
        listed: list[bytes] = []
        for start in range(0, len(assigned), INSERTED_AT_ONCE):
            piece = assigned[start : start + INSERTED_AT_ONCE]
            rows = describer.rows(piece, content + start)
            if few:
                rows = self._name(rows, describer.nameless, describer.lettering)
            else:
                listed += [uids.line(row[1], row[10]) for row in rows if row[1] in describer.nameless]
                describer.nameless.clear()
            messages.insert(connection, rows)
            columns.extend(appended(vault, rows))
        if listed:
            self.write_list(listed)
        fulltext.enqueue(connection, range(content, content + len(assigned)))
        vault.owing = True  # their facts and texts are indexed in the background
        vault.structured = min(vault.structured or content, content - 1)
        vault.described = min(vault.described or content, content - 1)
        box.messages += len(assigned)
        box.octets += sum(columns.sizes)
        vault.owe(box, UidSet.of([] if few else describer.strays))
        if tell:
            vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, appended=columns))

    def _name(
        self, rows: list[messages.Row], uids: set[int], lettering: naming.Lettering
    ) -> list[messages.Row]:
        """Give new files their names before anybody hears of their UIDs, so that not even the loss of the index
        together with a crash gives them others. Where the disk refuses, a file keeps its name for now.
        """
        before = folder_times(self.vault, self.box)
        rows = [self._named(row, lettering) if row[1] in uids else row for row in rows]
        self.left_times = folder_times(self.vault, self.box) if before == self.left_times else (-1, -1)
        return rows

    def _named(self, row: messages.Row, lettering: naming.Lettering) -> messages.Row:
        place, file = row[9], row[10]
        stored = self.stats[place, file].st_size
        parsed = names.parse(file)
        if names.fits(parsed.unique):
            letters = lettering.letters_of(self.vault.flag_sets.of_row(row[2]), parsed.letters)
            name = names.render(parsed.unique, stored, row[6], row[1], parsed.others, letters)
            name = name if place else name[: name.rindex(b":")]
            try:
                self.vault.files.rename(
                    self.vault.path(self.box.folder, place, file),
                    self.vault.path(self.box.folder, place, name),
                )
                return (*row[:10], name)
            except OSError:
                pass
        self.vault.owe(self.box, UidSet.of([row[1]]))
        return row

    def measured(self, place: int, file: bytes, stored: int) -> int:
        return measured(self.vault.files, self.vault.path(self.box.folder, place, file), stored)

    def _taken(self, uid: int) -> bool:
        row = self.connection.execute(
            "SELECT 1 FROM messages WHERE mailbox = ? AND uid = ?", (self.box.id, uid)
        ).fetchone()
        return row is not None

    def _unexpected(self, entries: list[scan.Entry]) -> list[scan.Entry]:
        """Without those that the journal brought here before it was killed: their rows are waiting for them."""
        result: list[scan.Entry] = []
        for place, name in entries:
            uid = names.parse(name).uid if self.box.messages and b",I=" in name else None
            if uid is not None:
                cursor = self.connection.execute(
                    "UPDATE messages SET home = mailbox, place = ?, file = ?"
                    " WHERE mailbox = ? AND uid = ? AND (home <> mailbox OR place >= 2)",
                    (place, name, self.box.id, uid),
                )
                if cursor.rowcount:
                    continue
            result.append((place, name))
        return result

    def _messages(self, entries: list[scan.Entry]) -> list[scan.Entry]:
        """Those that are still there and plain files: no folders, no symbolic links."""
        prefixes = [self.vault.path(self.box.folder, place, b"") for place in (0, 1)]
        found = self.vault.files.stat_plain([prefixes[place] + name for place, name in entries])
        self.stats = {entry: what for entry, what in zip(entries, found, strict=True) if what is not None}
        return entries if len(self.stats) == len(entries) else list(self.stats)

    def _distinct(self, entries: list[scan.Entry]) -> list[scan.Entry]:
        """Another message by a known unique part gets one of its own at once, so that they are told apart."""
        taken: set[bytes] = set()
        if not self.box.messages:
            count = len({names.unique(entry[1]) for entry in entries})
            if count == len(entries):
                return entries
        else:
            rows = self.connection.execute(
                "SELECT file FROM messages WHERE mailbox = ? AND home = ?", (self.box.id, self.box.id)
            )
            taken.update([names.unique(row[0]) for row in rows])
            for chunk in packed.chunks(self.connection, self.box.id):
                taken.update(map(names.unique, chunk.names))
        result: list[scan.Entry] = []
        for place, name in entries:
            unique = names.unique(name)
            if unique in taken:
                renamed = self.vault.unique_names.make().encode() + name[len(unique) :]
                renamed = renamed[: names.MAX_NAME]
                self.vault.files.rename(
                    self.vault.path(self.box.folder, place, name),
                    self.vault.path(self.box.folder, place, renamed),
                )
                name = renamed
            taken.add(names.unique(name))
            result.append((place, name))
        return result
