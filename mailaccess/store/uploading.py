"""A message on its way in, before it is in a mailbox: in memory, or in a file in ``tmp/``."""

import os
from typing import Final

from mailaccess.model.errors import TooBig, disk_failure
from mailaccess.model.work import ThreadRunner
from mailaccess.store.maildir import deliver
from mailaccess.store.maildir.files import Files
from mailaccess.store.reading import crlf

IN_MEMORY: Final = 256 * 1024
"""Octets of an upload kept in memory; a larger one goes to its file in ``tmp/`` piece by piece."""


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
        self._written = False
        self.is_staged = False
        """Whether all of it is on disk."""

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
                raise disk_failure(error) from error

    def _spill(self, pieces: list[bytes]) -> None:
        if self._descriptor < 0:
            self._descriptor = self._files.create(self.path)
            self._on_disk = True
        self._files.write(self._descriptor, b"".join(pieces))

    async def settle(self, date: int) -> None:
        try:
            await self._runner.run(self.stage, date)
        except OSError as error:
            raise disk_failure(error) from error

    async def discard(self) -> None:
        self._pieces = []
        if self.is_on_disk:
            await self._runner.run(self.remove)

    @property
    def is_on_disk(self) -> bool:
        """Whether there is something to ``remove``."""
        return self._descriptor >= 0 or self._on_disk

    def remove(self) -> None:
        """Blocking."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._on_disk:
            self._files.discard(self.path)
            self._on_disk = False

    def stage(self, date: int) -> None:
        """Have the whole file on disk, once. Blocking, any thread. Raises OSError; the file is gone then."""
        if self.is_staged:
            return
        if not self._written:
            self.write_out(date, sync=True)
        else:
            try:
                self._files.sync_file(self.path)
            except OSError:
                self.remove()
                raise
        self.is_staged = True

    def write_out(self, date: int, *, sync: bool = False) -> None:
        """Have the whole file written, and on disk if ``sync``. Blocking. Raises OSError; the file is gone then."""
        pieces, self._pieces = self._pieces, []
        try:
            if self._descriptor < 0:
                self._descriptor = self._files.create(self.path)
                self._on_disk = True
            deliver.finish(self._files, self._descriptor, b"".join(pieces), date, sync=sync)
            os.close(self._descriptor)
            self._descriptor = -1
            self._written = True
        except OSError:
            self.remove()
            raise

    def taken(self) -> None:
        """The file is in a mailbox now, under another name."""
        self._on_disk = False

    def returned(self) -> None:
        self._on_disk = True
