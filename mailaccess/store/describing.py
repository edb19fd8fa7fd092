"""New files as rows of the index, and rows as columns: the loop that a folder of 100,000 files goes through at once."""

import os
from array import array
from typing import Final, Protocol

from mailaccess.model.errors import LimitReached
from mailaccess.model.flags import SYSTEM_FLAGS, FlagSet
from mailaccess.store import naming
from mailaccess.store.changes import Rows
from mailaccess.store.index import mailboxes, messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names, scan
from mailaccess.store.maildir.files import Files
from mailaccess.store.vault import Vault

PIECE: Final = 2**20
"""Octets read at once of a file that is measured."""


class NewFiles(Protocol):
    """The files to describe. stats: of each."""

    vault: Vault
    box: Box
    stats: dict[scan.Entry, os.stat_result]

    def carried(self) -> dict[int, FlagSet]:
        """The keywords without letters, by UID."""
        ...

    def measured(self, place: int, file: bytes, stored: int) -> int:
        """Octets of the wire form, by reading the file."""
        ...


class Describer:
    """Makes rows of new files; in its own class for the speed of the loop, which a folder of 100,000 files goes
    through at once.
    """

    def __init__(self, intake: NewFiles, modseq: int) -> None:
        self._intake = intake
        self._modseq = modseq
        self._carried = intake.carried()
        self._flag_rows: dict[tuple[str, FlagSet], int] = {}
        self._strays: set[tuple[str, FlagSet]] = set()
        self.nameless: set[int] = set()
        """UIDs of files whose names do not say what they should."""
        self.strays: list[int] = []
        """UIDs of files with keyword letters that mean nothing."""
        self.lettering = naming.Lettering(mailboxes.keywords(intake.vault.connection, intake.box))

    def rows(self, assigned: list[tuple[int, scan.Entry]], content: int) -> list[messages.Row]:
        """Rows of (uid, entry), contents numbered from ``content``."""
        mailbox, modseq, carried = self._intake.box.id, self._modseq, self._carried
        stats, flag_rows, no_flags = self._intake.stats, self._flag_rows, frozenset[str]()
        parse, seconds = names.parse, names.seconds
        rows: list[messages.Row] = []
        for number, (uid, entry) in enumerate(assigned, content):
            place, file = entry
            _, stored, wire, named, _, letters = parse(file)
            found = stats[entry]
            on_disk, internal = found.st_size, int(found.st_mtime)
            size = wire
            if stored != on_disk or size is None or size < stored:
                size = self._intake.measured(place, file, on_disk)
            more = carried.get(uid, no_flags) if carried else no_flags
            flags = flag_rows.get((letters, more))
            if flags is None:
                flags = self._flags(letters, more)
            saved = seconds(file)
            if saved is None:
                saved = internal
            rows.append((mailbox, uid, flags, modseq, internal, saved, size, number, mailbox, place, file))
            if named != uid or stored != on_disk or wire != size:
                self.nameless.add(uid)
            if self._strays and (letters, more) in self._strays:
                self.nameless.add(uid)
                self.strays.append(uid)
        return rows

    def flag_row(self, letters: str) -> int:
        """The index's id of the flags that ``letters`` mean."""
        return self._flags(letters, frozenset())

    @property
    def has_strays(self) -> bool:
        """Whether any of the letters seen means nothing."""
        return bool(self._strays)

    def _flags(self, letters: str, more: FlagSet) -> int:
        vault = self._intake.vault
        named = self.lettering.flags_of(letters)
        try:
            flags = vault.flag_sets.row(vault.connection, named | more)
        except LimitReached:  # the account has too many different sets: its mail is to be read all the same
            flags = vault.flag_sets.row(vault.connection, named & frozenset(SYSTEM_FLAGS))
        self._flag_rows[letters, more] = flags
        if self.lettering.strays(letters):
            self._strays.add((letters, more))
        return flags


def appended(vault: Vault, rows: list[messages.Row]) -> Rows:
    """New rows as columns."""
    return Rows(
        array("I", [row[1] for row in rows]),
        vault.flag_sets.numbers(array("I", [row[2] for row in rows])),
        array("Q", [row[3] for row in rows]),
        array("Q", [row[6] for row in rows]),
        array("q", [row[4] for row in rows]),
    )


def measured(files: Files, path: bytes, stored: int) -> int:
    """Octets of the wire form, by reading the file; stored: what to say of one that is not there."""
    try:
        descriptor = files.open(path)
    except FileNotFoundError:
        return stored  # renamed or removed this moment: the next look tells
    try:
        size = offset = 0
        last = b""
        while piece := os.pread(descriptor, PIECE, offset):
            offset += len(piece)
            size += wire_size(piece) - (last == b"\r" and piece[:1] == b"\n")
            last = piece[-1:]
        return size
    finally:
        os.close(descriptor)


def wire_size(data: bytes) -> int:
    """Octets with CRLF line ends: a lone LF counts for two, what stands as CRLF stays."""
    return len(data) + data.count(b"\n") - data.count(b"\r\n")
