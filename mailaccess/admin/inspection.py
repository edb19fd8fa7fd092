"""Holds an account's index against its Maildir: what ``mailadm fsck`` finds.

Runs as one serial job of the account, each mailbox in a write transaction, so that no process of ours moves
anything meanwhile (other programs, which know of no lock, still may). First what the index owes the Maildir
is done; then every row must have its file and every file its row.

What other programs did since the last look (files dropped, renamed) is no fault: it is noted and taken in.
A file that is gone is told as a fault, since nobody but the operator knows whether somebody meant it.
"""

import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from mailaccess.store import describing, intake, journal, unpacking
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.journal import Progress
from mailaccess.store.maildir import names, uids
from mailaccess.store.vault import Vault

MAX_TOLD: Final = 20
"""Faults told one by one of one mailbox; the rest is a number."""

Place = tuple[int, bytes]
"""0 for new/ or 1 for cur/, and the file name."""


@dataclass(slots=True)
class Report:
    """Of one mailbox ("" is the account as a whole): faults must not be, notes may."""

    mailbox: str
    messages: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        self.faults.append(what)

    def shorten(self) -> None:
        if len(self.faults) > MAX_TOLD:
            more = len(self.faults) - MAX_TOLD
            self.faults[MAX_TOLD:] = [f"and {more} more"]


def inspect(vault: Vault, thorough: bool) -> list[Report]:
    """Look at the whole account. thorough: also read every message and measure it."""
    whole = Report("")
    for (line,) in vault.connection.execute("PRAGMA quick_check(5)").fetchall():
        if line != "ok":
            whole.fault(f"index: {line}")
    progress = Progress.MORE
    while progress is Progress.MORE:  # ends: each round does a part of what is owed, and nothing is added
        progress = journal.settle(vault)
    if progress is Progress.STALLED:
        whole.fault("some file operations that the index owes cannot be done (disk full?)")
    reports = [whole]
    for name in [box.name for box in mailboxes.everything(vault.connection)]:
        with vault.transaction() as connection:
            box = mailboxes.by_name(connection, name)
            if box is not None:
                reports.append(_mailbox(vault, box, thorough))
    for report in reports:
        report.shorten()
    return reports


def _mailbox(vault: Vault, box: Box, thorough: bool) -> Report:
    unpacking.unpack(vault, box)
    report = Report(box.name)
    before = {uid for _, uid in _rows(vault, box)}
    known = _placed(vault, box)
    strangers = len(_files(vault, box).keys() - known.keys())
    intake.take_in(vault, box)
    gone = before - {uid for _, uid in _rows(vault, box)}
    for uid in sorted(gone):
        report.fault(f"UID {uid}: its file is gone")
    if strangers:
        report.notes.append(f"{strangers} files of other programs or under other names taken in")
    report.messages = box.messages
    _files_and_rows(vault, box, report, thorough)
    _numbers(vault, box, report)
    return report


def _rows(vault: Vault, box: Box) -> list[tuple[Place, int]]:
    rows = vault.connection.execute("SELECT place, file, uid FROM messages WHERE mailbox = ?", (box.id,))
    return [((place & 1, file), uid) for place, file, uid in rows]


def _placed(vault: Vault, box: Box) -> dict[Place, int]:
    """What must lie in the folder: by place and name the UID, 0 for what belongs to another mailbox."""
    rows = vault.connection.execute(
        "SELECT place, file, CASE WHEN mailbox = ? AND place < 2 THEN uid ELSE 0 END"
        " FROM messages WHERE home = ?"
        " UNION ALL SELECT place, file, 0 FROM doomed WHERE home = ?",
        (box.id, box.id, box.id),
    )
    placed: dict[Place, int] = {}
    for place, file, uid in rows:
        key = (place & 1, file)
        placed[key] = placed.get(key) or uid
    return placed


def _files(vault: Vault, box: Box) -> dict[Place, int]:
    """The plain files of ``new/`` and ``cur/`` with their octets."""
    found: dict[Place, int] = {}
    for place in (0, 1):
        for name in vault.files.listdir(vault.path(box.folder, place, b"")):
            if name.startswith(b"."):
                continue
            try:
                status = vault.files.stat(vault.path(box.folder, place, name))
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                found[place, name] = status.st_size
    return found


def _files_and_rows(vault: Vault, box: Box, report: Report, thorough: bool) -> None:
    """Every row has its file, every file its row, and the file's name says what the row says."""
    files, placed = _files(vault, box), _placed(vault, box)
    for place, name in sorted(files.keys() - placed.keys()):
        report.fault(f"{_shown(place, name)}: no message in the index")
    for place, name in sorted(placed.keys() - files.keys()):
        report.fault(f"{_shown(place, name)}: the file of UID {placed[place, name]} is not there")
    numbered = Counter(names.parse(name).uid for _, name in files)
    for uid, count in numbered.items():
        if uid is not None and count > 1:
            report.fault(f"UID {uid}: {count} files carry it")
    sizes = dict(vault.connection.execute("SELECT uid, size FROM messages WHERE mailbox = ?", (box.id,)))
    for place, name in sorted(files.keys() & placed.keys()):
        uid = placed[place, name]
        if not uid:
            continue
        parsed = names.parse(name)
        if parsed.uid != uid:
            report.fault(f"{_shown(place, name)}: is UID {uid} in the index")
        if parsed.size != files[place, name]:
            report.fault(f"{_shown(place, name)}: has {files[place, name]} octets")
        if parsed.wire != sizes[uid]:
            report.fault(f"{_shown(place, name)}: has {sizes[uid]} octets with CRLF in the index")
        elif thorough:
            measured = describing.wire_size(vault.files.read(vault.path(box.folder, place, name)))
            if measured != sizes[uid]:
                report.fault(f"{_shown(place, name)}: has {measured} octets with CRLF")


def _numbers(vault: Vault, box: Box, report: Report) -> None:
    """Counts, and the bounds that keep a number from being given twice."""
    count, octets, highest, modseq = vault.connection.execute(
        "SELECT count(*), coalesce(sum(size), 0), coalesce(max(uid), 0), coalesce(max(modseq), 0)"
        " FROM messages WHERE mailbox = ?",
        (box.id,),
    ).fetchone()
    if (count, octets) != (box.messages, box.octets):
        report.fault(
            f"{count} messages of {octets} octets, but {box.messages} of {box.octets} are on the account"
        )
    if highest >= box.uidnext:
        report.fault(f"UIDNEXT {box.uidnext} is not above UID {highest}")
    if modseq > box.highest_modseq:
        report.fault(f"HIGHESTMODSEQ {box.highest_modseq} is below MODSEQ {modseq}")
    try:
        kept = uids.parse(vault.files.read(vault.folder(box.folder) + b"/" + uids.FILE))
    except FileNotFoundError:
        kept = None
    if kept is None:
        report.fault(f"{uids.FILE.decode()} is missing or damaged")
    elif (kept.uidvalidity, kept.mailbox_id) != (box.uidvalidity, box.mailbox_id):
        report.fault(f"{uids.FILE.decode()} has UIDVALIDITY {kept.uidvalidity}, the index {box.uidvalidity}")
    elif kept.uid_bound < box.uidnext or kept.modseq_bound < box.highest_modseq:
        report.fault(f"{uids.FILE.decode()}: its bounds are below the numbers in use")


def _shown(place: int, name: bytes) -> str:
    return ("new/", "cur/")[place] + name.decode("utf-8", "backslashreplace")
