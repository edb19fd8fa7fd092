"""How messages come in: taken octet by octet, staged in ``tmp/``, committed in groups.

``uploading`` takes the octets on the reactor thread. ``commit`` runs in the account's turn and takes *all*
uploads that wait for the account by then: UIDs and names are given, the files are written, synced and renamed,
each folder is synced once, and one index transaction holds them all. It is made of steps (``steps.py``): what
touches only files is done in threads, which then never wait for the interpreter lock with Python work in hand;
all else is some ten statements of SQLite on the reactor thread. A crash between rename and commit leaves a file
with a UID in its name below the reserved bound: the next scan takes it in under that UID. After an error the
files are back in ``tmp/``.

Nothing is computed from a message before it is acknowledged: ENVELOPE, keys and text are made in the background
(``fulltext.enqueue``), or when somebody asks first.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from mailaccess.model.errors import LimitReached, MailboxGone, MailError, NoSuchMessage, disk_failure
from mailaccess.model.flags import FlagSet, is_keyword
from mailaccess.model.sequence import UidSet
from mailaccess.store import intake, naming, steps, tree, unpacking
from mailaccess.store.api import Appended, Replaced
from mailaccess.store.bounds import next_modseq, take_uids
from mailaccess.store.changes import Delta
from mailaccess.store.describing import appended
from mailaccess.store.folder import folder_time, folder_times
from mailaccess.store.forgetting import forget
from mailaccess.store.index import fulltext, mailboxes, messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import names, together
from mailaccess.store.spelling import known_flags
from mailaccess.store.steps import Steps
from mailaccess.store.uploading import MessageUpload
from mailaccess.store.vault import Vault

MAX_GROUP: Final = 64
"""Appends committed together: bounds how long the first of them waits for the last."""

MAX_SHARES: Final = 4
"""Threads among which the files of one group are shared out: each waits for the disk most of the time."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to commit. date: INTERNALDATE."""

    upload: MessageUpload
    flags: FlagSet
    date: int
    replaces: Replaced | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One call of ``append``: all of its messages or none."""

    name: str
    incoming: Sequence[Incoming]
    outcome: "Appended | MailError | None" = None


@dataclass(slots=True)
class _Placed:
    """A message being committed. flags: of the index. target: its path in the mailbox."""

    request: Request
    box: Box
    incoming: Incoming
    flags: int
    uid: int
    place: int
    file: bytes
    target: bytes


def commit(vault: Vault, waiting: "deque[Request]", own: Request) -> Steps:
    """Append what waits, ``own`` included; each request's outcome is set. Raises what is nobody's own fault."""
    if own.outcome is not None:
        return
    group = _group(waiting, own)
    this = _Round(vault)
    try:
        if not vault.at_once:
            _look(vault, group)
        with vault.transaction():
            try:
                this.place(group)
                yield from this.store()
                this.record()
            except BaseException:
                this.take_back()
                raise
    except BaseException:
        this.take_back()  # the commit itself failed
        for request in group:
            if isinstance(request.outcome, Appended):
                request.outcome = None
        waiting.extendleft(
            reversed([request for request in group if request.outcome is None and request is not own])
        )
        raise


def commit_here(vault: Vault, waiting: "deque[Request]", own: Request) -> None:
    """``commit`` as a job in a thread: blocking."""
    steps.finish(commit(vault, waiting, own))


def _group(waiting: "deque[Request]", own: Request) -> list[Request]:
    group: list[Request] = []
    while waiting and len(group) < MAX_GROUP:
        group.append(waiting.popleft())
    if own not in group:
        group.append(own)
        if own in waiting:
            waiting.remove(own)
    return group


def _look(vault: Vault, group: list[Request]) -> None:
    """Have the mailboxes looked at that were never listed, or whose folder is gone; blocking."""
    for name in {request.name for request in group}:
        try:
            box = tree.find(vault, name)
            if _needs_a_look(box, folder_times(vault, box)):
                intake.check(vault, name)
        except MailError:  # it is the request's outcome, when its turn comes
            continue


def _needs_a_look(box: Box, times: tuple[int, int]) -> bool:
    return not (box.scanned and all(times))


class _Round:
    """One group's transaction."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.boxes: dict[str, Box] = {}
        self.modseqs: dict[str, int] = {}
        self.placed: list[_Placed] = []
        self.octets = 0
        self._going: set[tuple[int, int]] = set()  # mailbox and UID of what is replaced
        self._shown: list[_Placed] = []
        self._trusted: list[Box] = []  # whose folders were as recorded before this

    def place(self, group: list[Request]) -> None:
        """UIDs, mod-sequences and names; a request that can't be has its outcome. Nothing blocks."""
        for request in group:
            if request.outcome is None:
                try:
                    self._place(request)
                except MailError as error:
                    request.outcome = error
        for name in {item.request.name for item in self.placed}:
            self.modseqs[name] = next_modseq(self.vault, self.boxes[name])

    def _box(self, name: str) -> Box:
        box = self.boxes.get(name)
        if box is None:
            box = tree.find(self.vault, name)
            times = folder_times(self.vault, box)
            if _needs_a_look(box, times):
                self.vault.require_thread()
            if times == (box.new_mtime, box.cur_mtime):
                self._trusted.append(box)
            self.boxes[name] = box
        return box

    def _place(self, request: Request) -> None:
        """Raises OverQuota, LimitReached, NoSuchMailbox, and NoSuchMessage of what is to be replaced."""
        vault, incoming = self.vault, request.incoming
        box = self._box(request.name)
        octets = sum([message.upload.size for message in incoming])
        going = [self._goes(message.replaces) for message in incoming if message.replaces is not None]
        octets -= sum([size for _, size in going])
        vault.require_room(self.octets + octets, len(self.placed) + len(incoming) - len(going))
        if box.messages + len(self.placed) + len(incoming) > intake.MAX_MESSAGES:
            raise LimitReached("The mailbox is full")
        flag_sets = [known_flags(vault, box, message.flags) for message in incoming]
        rows = [vault.flag_sets.row(vault.connection, flags) for flags in flag_sets]
        lettering = _NO_KEYWORDS
        if any([is_keyword(flag) for flags in flag_sets for flag in flags]):
            lettering = naming.Lettering(mailboxes.keywords(vault.connection, box))
        uid = take_uids(vault, box, len(incoming))
        for message, flags, row in zip(incoming, flag_sets, rows, strict=True):
            size = message.upload.size
            unique = vault.unique_names.make().encode("ascii")
            place = 1 if flags else 0
            if place:
                file = names.render(unique, size, size, uid, (), lettering.letters_of(flags, ""))
            else:
                file = names.base(unique, size, size, uid)
            target = vault.path(box.folder, place, file)
            self.placed.append(_Placed(request, box, message, row, uid, place, file, target))
            uid += 1
        self.octets += octets
        self._going.update([where for where, _ in going])

    def _goes(self, what: Replaced) -> tuple[tuple[int, int], int]:
        """Where a message is that is to be replaced, and its octets. Raises NoSuchMessage, MailboxGone."""
        box = self._holding(what)
        where = (box.id, what.uid)
        unpacking.unpack_one(self.vault, box, what.uid)
        row = self.vault.connection.execute(
            "SELECT size FROM messages WHERE mailbox = ? AND uid = ?", where
        ).fetchone()
        if row is None or where in self._going:
            raise NoSuchMessage
        return where, int(row[0])

    def _holding(self, what: Replaced) -> Box:
        """The mailbox of a message that is replaced: the same object as that of an append to it."""
        for box in self.boxes.values():
            if box.mailbox_id == what.mailbox.mailbox_id:
                return box
        found = mailboxes.by_mailbox_id(self.vault.connection, what.mailbox.mailbox_id)
        if found is None:
            raise MailboxGone
        return found

    def _replace(self) -> None:
        """What was replaced goes; its files are unlinked later, as after an expunge."""
        connection = self.vault.connection
        for item in self.placed:
            what = item.incoming.replaces
            if what is not None:
                box = self._holding(what)
                gone = UidSet.of([what.uid])
                messages.choose(connection, gone)
                messages.doom(connection, box)
                forget(self.vault, box, gone, by=what.mailbox)
                mailboxes.save(connection, box)
                self.vault.owing = True

    def store(self) -> Steps:
        """The files into the mailboxes, on disk. What blocks touches nothing but files."""
        if len(self.placed) == 1:
            yield (self._store_one,)
        elif self.placed:
            if len(self.placed) >= together.FROM:
                yield (self._stage_together,)
            left = [item for item in self.placed if not item.incoming.upload.is_staged]
            shares = min(len(left), MAX_SHARES)
            yield [partial(self._stage, left[number::shares]) for number in range(shares)]
            self.placed = [item for item in self.placed if item.request.outcome is None]
            yield (self._publish,)
        used = {(item.box.id, item.place) for item in self._shown}
        for box in self._trusted:  # as folder.own_changes has it, for the folders that we changed
            if (box.id, 0) in used:
                box.new_mtime = folder_time(self.vault, box, 0)
            if (box.id, 1) in used:
                box.cur_mtime = folder_time(self.vault, box, 1)

    def _store_one(self) -> None:
        self._stage(self.placed)
        self._publish()

    def _stage(self, share: "Sequence[_Placed]") -> None:
        self._write(share, MessageUpload.stage)

    def _write(self, share: "Sequence[_Placed]", write: Callable[[MessageUpload, int], None]) -> None:
        """A disk that is full refuses the message that is too large for it, not those beside it."""
        for item in share:
            if item.request.outcome is None:
                try:
                    write(item.incoming.upload, item.incoming.date)
                except OSError as error:
                    item.request.outcome = disk_failure(error)

    def _stage_together(self) -> None:
        """``_stage`` by one sync of all, where that can be. What could not be brought to disk so is left to it."""
        small = [item for item in self.placed if not item.incoming.upload.is_on_disk]
        if not small:
            return
        with self.vault.files.syncing_together(os.path.dirname(small[0].incoming.upload.path)) as sync:
            if sync is None:
                return
            self._write(small, MessageUpload.write_out)
            try:
                sync()
            except OSError:
                return
        for item in small:
            item.incoming.upload.is_staged = item.request.outcome is None

    def _publish(self) -> None:
        files = self.vault.files
        self.placed = [item for item in self.placed if item.request.outcome is None]
        for item in self.placed:
            files.rename(item.incoming.upload.path, item.target)
            item.incoming.upload.taken()
            self._shown.append(item)
        for folder in {os.path.dirname(item.target) for item in self.placed}:
            files.sync_folder(folder)

    def record(self) -> None:
        """The rows. What a client may ask for later is read from the files then, or before in the background."""
        for name, box in self.boxes.items():
            mine = [item for item in self.placed if item.request.name == name]
            if mine:
                self._insert(box, self.modseqs[name], mine)
                mailboxes.save_numbers(self.vault.connection, box)
        self._replace()
        self._tell_outcomes()

    def _insert(self, box: Box, modseq: int, mine: list[_Placed]) -> None:
        vault = self.vault
        connection = vault.connection
        content = mailboxes.take_contents(connection, len(mine))
        now = int(vault.clock())
        rows: list[messages.Row] = [
            (
                *(box.id, item.uid, item.flags, modseq, item.incoming.date),
                # The second in the file's name, which a rebuild of the index finds again.
                *(names.seconds(item.file) or now, item.incoming.upload.size),
                *(number, box.id, item.place, item.file),
            )
            for number, item in enumerate(mine, content)
        ]  # fmt: skip
        messages.insert(connection, rows)
        fulltext.enqueue(connection, range(content, content + len(mine)))
        box.messages += len(rows)
        box.octets += sum([row[6] for row in rows])
        heard = box.mailbox_id in vault.loaded or vault.counts.has(box.mailbox_id)
        come = appended(vault, rows) if heard else None
        vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, appended=come))

    def _tell_outcomes(self) -> None:
        uids: dict[Request, list[int]] = {}
        for item in self.placed:
            uids.setdefault(item.request, []).append(item.uid)
        for request, given in uids.items():
            box = self.boxes[request.name]
            request.outcome = Appended(box.uidvalidity, given, self.modseqs[request.name])

    def take_back(self) -> None:
        """After an error nothing shows: the files go back to ``tmp/``, or away."""
        for item in self._shown:
            try:
                os.rename(item.target, item.incoming.upload.path)
                item.incoming.upload.returned()
            except OSError:
                self.vault.files.discard(item.target)
        self._shown.clear()


_NO_KEYWORDS: Final = naming.Lettering({})


def outcome(request: Request) -> Appended:
    """What a committed request came to. Raises its MailError."""
    if isinstance(request.outcome, MailError):
        raise request.outcome
    if request.outcome is None:
        raise MailboxGone
    return request.outcome
