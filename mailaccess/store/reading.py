"""Octets of stored messages: the wire form of whatever lies in the file.

A file as long as the message's wire form has CRLF line ends already and is handed out as it is; any other is
converted: a lone LF gets its CR, a CRLF stays. A file that is not where the row says (another program renamed
it this moment) is looked for once by the unique part of its name, and one that another worker is moving where
that one says.

``Body.read`` runs in the unordered pool, everything else in the account's serial jobs.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from mailaccess.message.headers import find_end
from mailaccess.model.errors import disk_failure
from mailaccess.model.work import ThreadRunner
from mailaccess.store import changing
from mailaccess.store.api import Body, Fact
from mailaccess.store.aside.asking import Asking
from mailaccess.store.index import fieldsets, fulltext, objectids
from mailaccess.store.index.picked import Picked
from mailaccess.store.index.wordblocks import Row
from mailaccess.store.maildir import names
from mailaccess.store.maildir.files import PRESENT, present_octets
from mailaccess.store.vault import Vault
from mailaccess.store.window import Octets, Window
from mailaccess.store.wireform import HEAD, SMALL, read_all, to_wire

_PIECE: Final = 2**20

MOST_MOVES: Final = 4
"""Times that a file is looked for which others rename meanwhile: after a MOVE, for its flags, and two to spare."""

T = TypeVar("T")

Place = tuple[int, int, bytes, int]
"""home, place, file, size: where a message's octets are, and how many in the wire form."""


class Reader(Asking):
    """Finds and opens files, for one job."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self._listings: dict[int, dict[bytes, tuple[int, bytes]]] = {}
        self._kept = -1

    def __call__(self, content: int) -> Octets | None:
        """The wire form of a content, from the first of its messages whose file is there (``rows.Read``)."""
        self._vault.require_thread()
        opened = self._opened_of(content, self._lying(content))
        return None if opened is None else self._octets(*opened)

    def _lying(self, content: int) -> list[Place]:
        """Where files of a content are, as far as this process knows."""
        return self._vault.connection.execute(
            "SELECT home, place, file, size FROM messages WHERE content = ? LIMIT 8", (content,)
        ).fetchall()

    def _opened_of(self, content: int, places: Sequence[Place]) -> tuple[int, int] | None:
        return self._opened(places, lambda: self._lying(content))

    def _opened(
        self, places: Sequence[Place], again: Callable[[], Sequence[Place]]
    ) -> tuple[int, int] | None:
        """A descriptor of the first file that is there, and its size in the wire form.

        Where there is none another worker may have renamed it this moment: it commits where files are after it has
        brought a batch of them there. So its commit is waited for, and they are looked up ``again``.
        """
        for _ in range(MOST_MOVES):
            for at in places:
                descriptor = self.open(at)
                if descriptor is not None:
                    return descriptor, at[3]
            before = list(places)
            if not before or not self._vault.let_others_commit():
                return None
            places = again()
            if list(places) == before:
                return None
            self._listings.clear()
        return None

    @property
    def memory(self) -> Picked:
        """Fields of headers that were read for a question."""
        return self._vault.picked

    def heads(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The header octets, with the blank line, of those contents whose files hold them in the first HEAD octets."""
        self._vault.require_thread()
        wanted, found = set(contents), dict[int, bytes]()
        for content, home, place, file, size in self._rows(contents):
            if content in wanted and content not in found:
                block = self._head(content, (home, place, file, size))
                if block is not None:
                    found[content] = block
        return found

    def _head(self, content: int, at: Place) -> bytes | None:
        try:
            opened = self._opened_of(content, [at])
        except (PermissionError, IsADirectoryError):
            return None
        if opened is None:
            return None
        descriptor, _ = opened
        try:
            data = os.pread(descriptor, HEAD, 0)
        finally:
            os.close(descriptor)
        # Of a file shorter than HEAD the rest is seen too; a header with CRLF throughout needs nothing done.
        end = find_end(data, 0, len(data))
        if end < 0:
            return None
        return to_wire(data[:end])

    def words(self, block: int, contents: Sequence[int], kinds: Sequence[int]) -> list[Row]:
        """``firstwords.Texts``."""
        self._vault.require_thread()
        return fulltext.words_stored(block, self.stored(contents), kinds)

    def stored(self, contents: Sequence[int]) -> Iterator[tuple[int, bytes, int]]:
        """``described.Stored``."""
        self._vault.require_thread()
        wanted, seen = set(contents), set[int]()
        for content, home, place, file, size in self._rows(contents):
            if content not in wanted or content in seen or size > SMALL:
                continue
            try:
                opened = self._opened_of(content, [(home, place, file, size)])
            except (PermissionError, IsADirectoryError):
                continue
            if opened is None:
                continue
            descriptor, size = opened
            seen.add(content)
            try:
                length = os.fstat(descriptor).st_size
                data = read_all(descriptor, length) if length <= SMALL else None
            finally:
                os.close(descriptor)
            if data is not None:
                yield content, data, size

    def open(self, at: Place) -> int | None:
        """A descriptor of the file; None where it is gone."""
        home, place, file, _ = at
        folder = self._folder(home)
        if folder is None:
            return None
        try:
            return self._vault.files.open(self._vault.path(folder, place, file))
        except FileNotFoundError:
            self._vault.require_thread()
            found = self._listing(home, folder).get(names.unique(file))
        if found is None:
            return None
        try:
            return self._vault.files.open(self._vault.path(folder, *found))
        except FileNotFoundError:
            return None

    def _listing(self, home: int, folder: bytes) -> dict[bytes, tuple[int, bytes]]:
        if home not in self._listings:
            try:
                self._listings[home] = {
                    names.unique(name): (place, name)
                    for place in (0, 1)
                    for name in self._vault.files.listdir(self._vault.path(folder, place, b""))
                }
            except FileNotFoundError:
                self._listings[home] = {}
        return self._listings[home]

    def _octets(self, descriptor: int, size: int) -> Octets:
        """Small files whole; a large one through a window, whose descriptor this job keeps (one at a time)."""
        stored = os.fstat(descriptor).st_size
        if stored <= SMALL:
            try:
                data = read_all(descriptor, stored)
                return data if len(data) == size else to_wire(data)
            finally:
                os.close(descriptor)
        self._keep(descriptor)
        if stored != size:
            self._kept = descriptor = converted(descriptor)
        return Window(
            lambda offset, length: os.pread(descriptor, length, offset), os.fstat(descriptor).st_size
        )

    def _keep(self, descriptor: int) -> None:
        if self._kept >= 0:
            os.close(self._kept)
        self._kept = descriptor

    def close(self) -> None:
        """Close what the last large message was read from."""
        self._keep(-1)

    def __del__(self) -> None:
        self.close()

    def announce(self, at: Place | None) -> None:
        """Have the kernel begin to read a file; nobody waits for it, and nobody minds if that fails."""
        with contextlib.suppress(OSError):
            if at is not None and (descriptor := self.open(at)) is not None:
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(descriptor)

    def whole(
        self, at: Place, again: Callable[[], Sequence[Place]], runner: ThreadRunner
    ) -> "bytes | Body | None":
        """As ``Mailbox.read`` hands it out. again: tells where it is by now."""
        opened = self._opened([at], again)
        if opened is None:
            return None
        descriptor, size = opened
        try:
            stored = os.fstat(descriptor).st_size
            if stored <= SMALL and size <= SMALL:
                data = read_all(descriptor, stored)
                os.close(descriptor)
                return data if stored == size else to_wire(data)
            if stored != size:
                descriptor = converted(descriptor)
            return FileBody(descriptor, os.fstat(descriptor).st_size, runner)
        except OSError:
            os.close(descriptor)
            raise


def converted(descriptor: int) -> int:
    """A nameless temporary file with the wire form of a large one; ``descriptor`` is closed."""
    with tempfile.TemporaryFile() as target:
        offset, after_cr = 0, False
        while piece := os.pread(descriptor, _PIECE, offset):
            offset += len(piece)
            target.write(crlf(piece, after_cr))
            after_cr = piece.endswith(b"\r")
        target.flush()
        result = os.dup(target.fileno())
    os.close(descriptor)
    return result


def crlf(piece: bytes, after_cr: bool) -> bytes:
    """A piece of a message with CRLF line ends. after_cr: the piece before it ended in CR."""
    if after_cr and piece[:1] == b"\n":
        return b"\n" + to_wire(piece[1:])
    return to_wire(piece)


class FileBody:
    """``api.Body`` over an open file."""

    def __init__(self, descriptor: int, size: int, runner: ThreadRunner) -> None:
        self.size = size
        self._descriptor = descriptor
        self._runner = runner

    async def read(self, offset: int, length: int) -> bytes:
        data = present_octets(self._descriptor, min(length, PRESENT), offset)
        # What ends early may do so because the rest is not in memory: the thread tells that from the end.
        if data is not None and (len(data) == length or offset + len(data) == self.size):
            return data
        try:
            return await self._runner.run(os.pread, self._descriptor, length, offset)
        except OSError as error:
            raise disk_failure(error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()


# What a session asks of many messages


_HERE: Final = "mailbox = (SELECT id FROM mailboxes WHERE mailbox_id = ?)"


def _made(vault: Vault, mailbox_id: str, uids: Sequence[int]) -> None:
    """Have rows of ``uids`` there, in a mailbox that a session has open. Raises MailboxGone."""
    known = vault.loaded.get(mailbox_id)
    if known is None or known.row in vault.packed:
        changing.opened(vault, mailbox_id, uids)


def contents(vault: Vault, mailbox_id: str, uids: Sequence[int]) -> list[int | None]:
    """The content id of each UID; None where the message is gone."""
    return _column(vault, mailbox_id, uids, "content")


def saved_dates(vault: Vault, mailbox_id: str, uids: Sequence[int]) -> list[int | None]:
    return _column(vault, mailbox_id, uids, "saved")


def _column(vault: Vault, mailbox_id: str, uids: Sequence[int], column: str) -> list[int | None]:
    if not uids:
        return []
    _made(vault, mailbox_id, uids)
    connection = vault.connection
    low, high = min(uids), max(uids)
    if high - low < 4 * len(uids):
        found = dict(
            connection.execute(
                f"SELECT uid, {column} FROM messages WHERE {_HERE} AND uid BETWEEN ? AND ?",
                (mailbox_id, low, high),
            ).fetchall()
        )
        return [found.get(uid) for uid in uids]
    query = f"SELECT {column} FROM messages WHERE {_HERE} AND uid = ?"
    rows = [connection.execute(query, (mailbox_id, uid)).fetchone() for uid in uids]
    return [row[0] if row else None for row in rows]


def facts(
    vault: Vault, mailbox_id: str, uids: Sequence[int], wanted: Sequence[Fact]
) -> list[tuple[bytes, ...] | None]:
    if Fact.SAVE_DATE in wanted:
        return _with_save_dates(vault, mailbox_id, uids, wanted)
    ids = contents(vault, mailbox_id, uids)
    there = [content for content in ids if content is not None]
    answers = objectids.facts(vault.connection, there, wanted, Reader(vault)) if there else []
    return _spread(ids, answers)


def _with_save_dates(
    vault: Vault, mailbox_id: str, uids: Sequence[int], wanted: Sequence[Fact]
) -> list[tuple[bytes, ...] | None]:
    """The save date is of a message in its mailbox and not of its content, which copies share. RFC 8514 §3."""
    dates = saved_dates(vault, mailbox_id, uids)
    others = [fact for fact in wanted if fact is not Fact.SAVE_DATE]
    kept = facts(vault, mailbox_id, uids, others) if others else [()] * len(dates)
    answers: list[tuple[bytes, ...] | None] = []
    for date, values in zip(dates, kept, strict=True):
        if date is None or values is None:
            answers.append(None)
            continue
        rest = iter(values)
        answers.append(tuple([b"%d" % date if fact is Fact.SAVE_DATE else next(rest) for fact in wanted]))
    return answers


def header_fields(
    vault: Vault, mailbox_id: str, uids: Sequence[int], fields: Sequence[bytes], exclude: bool
) -> list[bytes | None]:
    ids = contents(vault, mailbox_id, uids)
    there = [content for content in ids if content is not None]
    answers = (
        fieldsets.header_fields(vault.connection, there, fields, exclude, Reader(vault)) if there else []
    )
    return _spread(ids, answers)


def _spread(ids: list[int | None], answers: list[T | None]) -> list[T | None]:
    if len(ids) == len(answers):
        return answers
    rest = iter(answers)
    return [None if content is None else next(rest) for content in ids]


def places(vault: Vault, mailbox_id: str, uids: Sequence[int]) -> list[Place | None]:
    """Where the octets of each UID are; None where the message is gone."""
    if not uids:
        return []
    _made(vault, mailbox_id, uids)
    low, high = min(uids), max(uids)
    if high - low < 4 * len(uids):
        rows = vault.connection.execute(
            f"SELECT uid, home, place, file, size FROM messages WHERE {_HERE} AND uid BETWEEN ? AND ?",
            (mailbox_id, low, high),
        )
        found = {row[0]: row[1:] for row in rows}
        return [found.get(uid) for uid in uids]
    query = f"SELECT home, place, file, size FROM messages WHERE {_HERE} AND uid = ?"
    return [vault.connection.execute(query, (mailbox_id, uid)).fetchone() for uid in uids]


def _place(vault: Vault, mailbox_id: str, uid: int) -> list[Place]:
    return [at for at in places(vault, mailbox_id, [uid]) if at is not None]


def folders(vault: Vault, found: Sequence[Place | None]) -> dict[int, bytes]:
    """The folders of the mailboxes that ``found`` names: files shared by a COPY lie in their first mailbox's."""
    homes = {at[0] for at in found if at is not None}
    query = "SELECT folder FROM mailboxes WHERE id = ?"
    rows = [(home, vault.connection.execute(query, (home,)).fetchone()) for home in homes]
    return {home: row[0] for home, row in rows if row is not None}


def located(
    vault: Vault, mailbox_id: str, uids: Sequence[int]
) -> tuple[list[Place | None], dict[int, bytes]]:
    """``places`` of the messages, and their ``folders``."""
    found = places(vault, mailbox_id, uids)
    return found, folders(vault, found)


def present(vault: Vault, at: Place, folders: Mapping[int, bytes]) -> bytes | None:
    """The wire form of a message that the kernel has in memory: on the reactor thread, without waiting.

    None: gone, large, renamed this moment, or to be read from the disk; ``read`` knows which. A thread's way
    there and back costs more than such a read, and its fight for the interpreter lock more again.
    """
    folder, size = folders.get(at[0]), at[3]
    if folder is None or size > SMALL:
        return None
    data = vault.files.read_present(vault.path(folder, at[1], at[2]), size + 1)
    if data is None or len(data) == size:
        return data
    if len(data) < size and len(data := to_wire(data)) == size:
        return data
    return None


def read(
    vault: Vault, mailbox_id: str, uids: Sequence[int], runner: ThreadRunner, ahead: Sequence[int] = ()
) -> "list[bytes | Body | None]":
    """``Mailbox.read``. ahead: messages that will be asked for next; their octets begin to come from the disk."""
    reader = Reader(vault)
    result: list[bytes | Body | None] = []
    try:
        for uid, at in zip(uids, places(vault, mailbox_id, uids), strict=True):
            result.append(
                reader.whole(at, partial(_place, vault, mailbox_id, uid), runner) if at is not None else None
            )
    except BaseException:
        for item in result:
            if item is not None and not isinstance(item, bytes):
                item.close()
        raise
    for at in places(vault, mailbox_id, ahead):
        reader.announce(at)
    return result
