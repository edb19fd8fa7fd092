"""The queue's folder. Everything here blocks and is called in a thread, or by ``mailadm``.

::

    queue/lock              held (flock) by the owner: the process that may change what is there
    queue/present           held (flock, shared) by each process that may put in something new
    queue/tmp/ID            what is being written
    queue/body/ID           a message's octets, CRLF line ends
    queue/envelope/ID       its envelope (``envelope.py``)

A message exists if its envelope does. In: the body is written and fsynced under tmp/, renamed into body/ and
that folder fsynced; then the same with the envelope. Out: the envelope goes first, then the body. A change
replaces the envelope. So a kill between any two steps leaves the message whole as it was before or after,
or a body nobody knows of, which ``clean`` removes where nobody else is putting in anything: the message it belonged
to was never acknowledged, or was done with. Ids are never given twice, so that any process may put in new messages
beside the owner.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from mailaccess.spool.envelope import BadEnvelope, Envelope, parse, render
from mailaccess.spool.foldersync import FolderSync
from mailaccess.spool.recent import Recent

FOLDER: Final = "queue"
"""Where it is, below ``state_dir``."""

_ID: Final = re.compile(r"[0-9A-Za-z]{1,64}")

MAX_ENVELOPE: Final = 64 * 2**20
"""Octets of an envelope file: a thousand recipients with their whole history take 30 MB."""

_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")


WHOLE: Final = 128 * 1024
"""Octets of a message that is kept in memory until it is sent for the first time."""

RECENT: Final = 2000
"""Envelopes kept in memory: those of what comes faster than it goes; some 2 MB."""

FEW: Final = 20
"""Recipients of an envelope that is kept in memory."""


class NotQueued(Exception):
    """There is no such message."""


def _nothing(step: str) -> None:
    return None


class Queue:
    """folder: made when first needed.  sync: False only in tests.  step: told before each change on disk."""

    def __init__(self, folder: Path, *, sync: bool = True, step: Callable[[str], None] = _nothing) -> None:
        self.folder = folder
        self._sync = sync
        self._step = step
        self._lock: int | None = None
        self._presence: int | None = None
        self._root = str(folder)
        self._syncs = {kind: FolderSync(f"{self._root}/{kind}") for kind in ("body", "envelope")}
        self._recent: Recent[Envelope] = Recent(RECENT)

    # Ownership and start.

    def lock(self) -> bool:
        """Become the one who may change the queue; False if another process is. Makes the folders."""
        self.attend()
        descriptor = self._open("lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        self._recent.clear()
        return True

    def attend(self) -> None:
        """Be one of those who may put in new messages. Makes the folders. Raises OSError."""
        if self._presence is None:
            for name in ("tmp", "body", "envelope", "requests"):
                (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._presence = self._open("present")
            fcntl.flock(self._presence, fcntl.LOCK_SH)  # waits for another's ``clean``

    def _open(self, name: str) -> int:
        return os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def locked(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock is not None

    def unlock(self) -> None:
        """Be neither the owner nor present any more."""
        descriptors = self._lock, self._presence
        self._lock = self._presence = None
        self._recent.clear()
        for descriptor in descriptors:
            if descriptor is not None:
                os.close(descriptor)

    def clean(self) -> list[str]:
        """Remove what a crash left behind, if nobody else is there; the ids of the messages.

        Only for the owner, before it has taken in anything itself.
        """
        assert self._presence is not None
        try:
            fcntl.flock(self._presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._presence, fcntl.LOCK_SH)  # a failed change of a lock may have given it up
            return self.ids()
        try:
            return self._clean()
        finally:
            fcntl.flock(self._presence, fcntl.LOCK_SH)

    def _clean(self) -> list[str]:
        for entry in os.scandir(self.folder / "tmp"):
            os.unlink(entry.path)
        ids = self.ids()
        known = set(ids)
        for entry in os.scandir(self.folder / "body"):
            if entry.name not in known:
                os.unlink(entry.path)
        for entry in os.scandir(self.folder / "requests"):
            if entry.name.startswith(".") or entry.name.endswith(".answer"):
                os.unlink(entry.path)
        return ids

    def envelopes(self, ids: Iterable[str]) -> Iterator[Envelope]:
        """The envelopes of these messages that are still there.

        One that cannot be read is passed over and stays for a person to look at.
        """
        for id in ids:
            try:
                yield self.read(id)
            except (NotQueued, BadEnvelope):
                continue

    # Reading: any process may.

    def ids(self) -> list[str]:
        """The messages that are there, oldest id first (ids begin with the time)."""
        try:
            return sorted(
                entry.name for entry in os.scandir(self.folder / "envelope") if _ID.fullmatch(entry.name)
            )
        except FileNotFoundError:
            return []

    def read(self, id: str) -> Envelope:
        """Raises NotQueued, BadEnvelope, OSError."""
        known = self.recent(id)
        if known is not None:
            return known
        try:
            with open(self._path("envelope", id), "rb") as file:
                return parse(file.read(MAX_ENVELOPE))
        except FileNotFoundError:
            raise NotQueued(id) from None

    def recent(self, id: str) -> Envelope | None:
        """The envelope, if memory has it: never blocks. Only the owner's has any."""
        return self._recent.get(id)

    def read_body(self, id: str, offset: int, length: int) -> bytes:
        """Octets of the message; fewer, or none, at its end. Raises NotQueued."""
        try:
            descriptor = os.open(self._path("body", id), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotQueued(id) from None
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    # Changing: only with the lock.

    def begin(self, id: str) -> "Writing":
        """Start to take in a message."""
        return Writing(self, id)

    def update(self, envelope: Envelope) -> None:
        """Replace a message's envelope; it is on disk when this returns. Raises NotQueued, OSError."""
        if self.recent(envelope.id) is None and not os.path.exists(self._path("envelope", envelope.id)):
            raise NotQueued(envelope.id)
        self._put(envelope)

    def remove(self, *ids: str) -> None:
        """The messages are done with. Nothing happens to one that is gone already."""
        for id in ids:
            self._recent.drop(id)
            self._unlink("envelope", id)
        self._sync_folder("envelope")
        for id in ids:
            self._unlink("body", id)

    # Inside.

    def _path(self, kind: str, id: str) -> str:
        if not _ID.fullmatch(id):
            raise NotQueued(id)
        return f"{self._root}/{kind}/{id}"

    def _put(self, envelope: Envelope) -> None:
        self._recent.drop(envelope.id)  # until it is on disk nobody knows which of the two will be there
        fresh = self._path("tmp", envelope.id)
        self._step("write envelope")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write(descriptor, render(envelope))
            self._fsync(descriptor)
        finally:
            os.close(descriptor)
        self._step("rename envelope")
        os.replace(fresh, self._path("envelope", envelope.id))
        self._sync_folder("envelope")
        if self.locked and len(envelope.recipients) <= FEW:
            self._recent.put(envelope.id, envelope)

    def _unlink(self, kind: str, id: str) -> None:
        self._step(f"unlink {kind}")
        _unlink(self._path(kind, id))

    def _fsync(self, descriptor: int) -> None:
        if self._sync:
            os.fsync(descriptor)

    def _sync_folder(self, kind: str) -> None:
        self._step(f"sync {kind}")
        if self._sync:
            self._syncs[kind]()


class Writing:
    """A message on its way into the queue. ``write`` its octets, then ``commit``; or ``discard`` at any time.

    Bare CR and bare LF become CRLF, so that no server behind us sees an end of DATA that we did not send.
    """

    def __init__(self, queue: Queue, id: str) -> None:
        self._queue = queue
        self._id = id
        self._descriptor: int | None = None
        self._cr = False  # the last octet was a CR, kept back
        self._last = b""
        self._in_header = True
        self._tail = b""
        self._parts: list[bytes] = []
        self.size = 0
        self.eight_bit = False
        self.utf8 = False
        """Octets above 127 stand in the header."""

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        if self._cr:
            data, self._cr = b"\r" + data, False
        if data.endswith(b"\r"):
            data, self._cr = data[:-1], True
        if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
            data = _BARE.sub(b"\r\n", data)
        self._take(data)

    def _take(self, data: bytes) -> None:
        if not data:
            return
        if self._descriptor is None:
            self._queue._step("create body")
            path = self._queue._path("tmp", self._id)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        if self._in_header:
            joined = self._tail + data
            end = 0 if not self.size and data.startswith(b"\r\n") else joined.find(b"\r\n\r\n")
            header = joined if end < 0 else joined[:end]
            self.utf8 = self.utf8 or not header.isascii()
            self._in_header = end < 0
            self._tail = joined[-3:]
        self.eight_bit = self.eight_bit or not data.isascii()
        _write(self._descriptor, data)
        self.size += len(data)
        if self.size <= WHOLE:
            self._parts.append(data)
        else:
            self._parts.clear()
        self._last = data[-1:]

    def commit(self, envelope: Envelope) -> Envelope:
        """Make the message part of the queue: it is on disk when this returns. Raises OSError.

        Gives the envelope with what is known of the octets.
        """
        if self._cr:
            self._cr = False
            self._take(b"\r\n")
        if self._last != b"\n":
            self._take(b"\r\n")  # a message ends with a whole line, RFC 5321 §4.1.1.4
        assert self._descriptor is not None
        whole = _with_facts(envelope, self)
        queue = self._queue
        queue._step("sync body")
        queue._fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None
        queue._step("rename body")
        os.replace(queue._path("tmp", self._id), queue._path("body", self._id))
        queue._sync_folder("body")
        try:
            queue._put(whole)
        except (
            OSError
        ):  # the sender hears of it, and comes again: nothing may be left that looks like a message
            for kind in ("tmp", "envelope", "body"):
                _unlink(queue._path(kind, self._id))
            raise
        return whole

    @property
    def whole(self) -> bytes | None:
        """All of the message, if it is small; None otherwise."""
        return b"".join(self._parts) if self.size <= WHOLE else None

    def discard(self) -> None:
        """Forget it; harmless after ``commit``."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _unlink(self._queue._path("tmp", self._id))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _with_facts(envelope: Envelope, writing: Writing) -> Envelope:
    addresses = (envelope.sender, *(each.address for each in envelope.recipients))
    return replace(
        envelope,
        size=writing.size,
        eight_bit=writing.eight_bit,
        utf8=writing.utf8 or not all(each.isascii() for each in addresses),
    )


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
