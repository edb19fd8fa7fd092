"""How messages come in: taken octet by octet, staged in ``tmp/``, committed in groups.

``MessageUpload`` takes the octets on the reactor thread, ``stage`` writes and syncs the file in the unordered
pool, so that many are synced at once. ``commit`` runs in the account's serial jobs and takes *all* uploads that
wait for the account by then: their files are renamed, each folder is synced once, and one index transaction
holds them all. A crash between rename and commit leaves a file with a UID in its name below the reserved
bound: the next scan takes it in under that UID. After an error the files are back in ``tmp/``.
"""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mailaccess.model.errors import (
    LimitReached,
    MailboxGone,
    MailError,
    NoSuchMailbox,
    TemporaryFailure,
    TooBig,
)
from mailaccess.model.flags import FlagSet
from mailaccess.model.work import ThreadRunner
from mailaccess.store import intake, naming, tree
from mailaccess.store.api import Appended
from mailaccess.store.changes import Delta
from mailaccess.store.describing import appended
from mailaccess.store.folder import own_changes
from mailaccess.store.index import cache, fulltext, mailboxes, messages
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import deliver, names
from mailaccess.store.maildir.files import Files
from mailaccess.store.reading import crlf
from mailaccess.store.vault import Vault
from mailaccess.store.window import Window

IN_MEMORY: Final = 256 * 1024
"""Octets of an upload kept in memory; a larger one goes to its file in ``tmp/`` piece by piece."""

MAX_GROUP: Final = 64
"""Appends committed together: bounds how long the first of them waits for the last."""


class MessageUpload:
    """``api.Upload``. path: of its own in ``tmp/``."""

    def __init__(self, files: Files, runner: ThreadRunner, path: bytes, limit: int) -> None:
        self.size = 0
        self.path = path
        self._files = files
        self._runner = runner
        self._limit = limit
        self._pieces: list[bytes] = []
        self._held = 0
        self._descriptor = -1
        self._after_cr = False
        self._on_disk = False

    async def write(self, data: bytes) -> None:
        piece = crlf(data, self._after_cr)
        if data:
            self._after_cr = data.endswith(b"\r")
        self.size += len(piece)
        if self.size > self._limit:
            await self.discard()
            raise TooBig
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > IN_MEMORY:
            pieces, self._pieces, self._held = self._pieces, [], 0
            try:
                await self._runner.run(self._spill, pieces)
            except OSError as error:
                await self.discard()
                raise TemporaryFailure(detail=repr(error)) from error

    def _spill(self, pieces: list[bytes]) -> None:
        if self._descriptor < 0:
            self._descriptor = self._files.create(self.path)
            self._on_disk = True
        self._files.write(self._descriptor, b"".join(pieces))

    async def discard(self) -> None:
        self._pieces = []
        if self._descriptor >= 0 or self._on_disk:
            await self._runner.run(self.remove)

    def remove(self) -> None:
        """Blocking."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._on_disk:
            self._files.discard(self.path)
            self._on_disk = False

    def stage(self, date: int | None) -> cache.Computed:
        """Have the whole file on disk; returns what the index keeps of the message. Blocking, any thread.

        Raises OSError; the file is gone then.
        """
        try:
            if self._descriptor < 0:
                whole = b"".join(self._pieces)
                deliver.stage(self._files, self.path, [whole], date)
                self._on_disk = True
                return cache.compute(whole)
            self._files.write(self._descriptor, b"".join(self._pieces))
            deliver.finish(self._files, self._descriptor, date)
            os.close(self._descriptor)
            self._descriptor = -1
            return self._computed_from_file()
        except OSError:
            self.remove()
            raise
        finally:
            self._pieces = []

    def _computed_from_file(self) -> cache.Computed:
        descriptor = self._files.open(self.path)
        try:
            return cache.compute(
                Window(lambda offset, length: os.pread(descriptor, length, offset), self.size)
            )
        finally:
            os.close(descriptor)

    def taken(self) -> None:
        """The file is in a mailbox now, under another name."""
        self._on_disk = False

    def returned(self) -> None:
        self._on_disk = True


@dataclass(slots=True)
class Staged:
    """A message whose file is complete in ``tmp/``."""

    upload: MessageUpload
    flags: FlagSet
    date: int
    computed: cache.Computed
    replaces: int | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One call of ``append``: all of its messages or none."""

    name: str
    staged: Sequence[Staged]
    outcome: "Appended | MailError | None" = None


@dataclass(slots=True)
class _Placed:
    """A message being committed."""

    request: Request
    box: Box
    staged: Staged
    flags: FlagSet
    uid: int
    place: int
    file: bytes


def commit(vault: Vault, waiting: "deque[Request]", own: Request) -> None:
    """Append what waits, ``own`` included; each request's outcome is set. Raises what is nobody's own fault."""
    if own.outcome is not None:
        return
    group: list[Request] = []
    while waiting and len(group) < MAX_GROUP:
        group.append(waiting.popleft())
    if own not in group:
        group.append(own)
        if own in waiting:
            waiting.remove(own)
    try:
        targets = _targets(vault, group)
        with vault.transaction():
            _Commit(vault).run([request for request in group if request.outcome is None], targets)
    except BaseException:
        for request in group:
            if isinstance(request.outcome, Appended):
                request.outcome = None
        waiting.extendleft(
            reversed([request for request in group if request.outcome is None and request is not own])
        )
        raise


def _targets(vault: Vault, group: list[Request]) -> dict[str, int]:
    """The rows of the mailboxes asked for; a request for one that is not there has its outcome."""
    found: dict[str, int] = {}
    for request in group:
        if request.name not in found:
            try:
                box = tree.find(vault, request.name)
                if box.scanned == 0 or not vault.files.mtime(vault.folder(box.folder) + b"/new"):
                    box = intake.check(vault, request.name)
                found[request.name] = box.id
            except MailError as error:
                request.outcome = error
    return found


@dataclass(slots=True)
class _Commit:
    """One group's transaction."""

    vault: Vault
    boxes: dict[str, Box] = field(default_factory=dict)
    placed: list[_Placed] = field(default_factory=list)

    def run(self, group: list[Request], targets: dict[str, int]) -> None:
        vault = self.vault
        for name, number in targets.items():
            box = mailboxes.by_id(vault.connection, number)
            if box is not None:
                self.boxes[name] = box
        for request in group:
            try:
                self._place(request)
            except MailError as error:
                request.outcome = error
        self.placed = [item for item in self.placed if item.request.outcome is None]
        renamed: list[_Placed] = []
        boxes = list({id(box): box for box in self.boxes.values()}.values())
        try:
            with own_changes(vault, boxes):
                for item in self.placed:
                    target = vault.path(item.box.folder, item.place, item.file)
                    vault.files.rename(item.staged.upload.path, target)
                    item.staged.upload.taken()
                    renamed.append(item)
                for folder in {vault.path(item.box.folder, item.place, b"")[:-1] for item in self.placed}:
                    vault.files.sync_folder(folder)
            self._record(boxes)
        except BaseException:
            for item in renamed:
                self._take_back(item)
            raise

    def _place(self, request: Request) -> None:
        """UIDs and names for one request's messages. Raises OverQuota, LimitReached, NoSuchMailbox."""
        vault = self.vault
        box = self.boxes.get(request.name)
        if box is None:
            raise NoSuchMailbox
        earlier = [item for item in self.placed if item.request.outcome is None]
        vault.require_room(
            sum([staged.upload.size - (staged.replaces or 0) for staged in request.staged])
            + sum([item.staged.upload.size for item in earlier]),
            sum([staged.replaces is None for staged in request.staged]) + len(earlier),
        )
        if box.messages + len(self.placed) + len(request.staged) > intake.MAX_MESSAGES:
            raise LimitReached("The mailbox is full")
        flag_sets = [vault.known_flags(box, staged.flags) for staged in request.staged]
        for flags in flag_sets:
            vault.flag_sets.row(vault.connection, flags)
        first = vault.take_uids(box, len(request.staged))
        lettering = naming.Lettering(mailboxes.keywords(vault.connection, box))
        for uid, (staged, flags) in enumerate(zip(request.staged, flag_sets, strict=True), first):
            size = staged.upload.size
            unique = vault.unique_names.make().encode("ascii")
            file = names.render(unique, size, size, uid, (), lettering.letters_of(flags, ""))
            place = 1 if flags else 0
            file = file if place else file[: file.rindex(b":")]
            self.placed.append(_Placed(request, box, staged, flags, uid, place, file))

    def _record(self, boxes: list[Box]) -> None:
        vault = self.vault
        connection = vault.connection
        content = mailboxes.take_contents(connection, len(self.placed))
        now = int(vault.clock())
        kept: list[tuple[int, cache.Computed]] = []
        for box in boxes:
            mine = [item for item in self.placed if item.box is box]
            if mine:
                modseq = vault.next_modseq(box)
                rows: list[messages.Row] = []
                for item in mine:
                    flags = vault.flag_sets.row(connection, item.flags)
                    size = item.staged.upload.size
                    # The second in the file's name, which a rebuild of the index finds again.
                    saved = names.seconds(item.file) or now
                    rows.append(
                        (
                            *(box.id, item.uid, flags, modseq, item.staged.date, saved, size, content),
                            *(box.id, item.place, item.file),
                        )
                    )  # fmt: skip
                    kept.append((content, item.staged.computed))
                    content += 1
                messages.insert(connection, rows)
                box.messages += len(rows)
                box.octets += sum([row[6] for row in rows])
                vault.tell(Delta(box.mailbox_id, modseq, box.uidnext, appended=appended(vault, rows)))
            mailboxes.save(connection, box)
        cache.store(connection, kept)
        fulltext.enqueue(connection, [number for number, _ in kept])
        vault.owing = True  # their texts are indexed in the background
        uids: dict[Request, list[int]] = {}
        for item in self.placed:
            uids.setdefault(item.request, []).append(item.uid)
        for request, given in uids.items():
            box = self.boxes[request.name]
            request.outcome = Appended(box.uidvalidity, given, box.highest_modseq)

    def _take_back(self, item: _Placed) -> None:
        """After an error nothing shows: the file goes back to ``tmp/``, or away."""
        path = self.vault.path(item.box.folder, item.place, item.file)
        try:
            os.rename(path, item.staged.upload.path)
            item.staged.upload.returned()
        except OSError:
            self.vault.files.discard(path)


def outcome(request: Request) -> Appended:
    """What a committed request came to. Raises its MailError."""
    if isinstance(request.outcome, MailError):
        raise request.outcome
    if request.outcome is None:
        raise MailboxGone
    return request.outcome
