"""A message's octets while they come in for several accounts: in memory, past a bound in an unnamed file."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from mailaccess.model.errors import disk_failure
from mailaccess.model.work import ThreadRunner

IN_MEMORY: Final = 256 * 1024
"""Octets of one message in memory: most messages are smaller, and 100 connections hold 25 MB."""

PIECE: Final = 256 * 1024
"""Octets read back at once."""


class Held:
    """folder: where files go, made when first needed. They have no name, so a crash leaves nothing behind."""

    def __init__(self, threads: ThreadRunner, folder: Path) -> None:
        self._threads = threads
        self._folder = folder
        self._parts: list[bytes] = []
        self._in_memory = 0
        self._file: IO[bytes] | None = None

    async def write(self, data: bytes) -> None:
        """Raises TemporaryFailure (disk full)."""
        self._parts.append(data)
        self._in_memory += len(data)
        if self._in_memory > IN_MEMORY:
            parts, self._parts, self._in_memory = self._parts, [], 0
            try:
                await self._threads.run(self._spill, b"".join(parts))
            except OSError as error:
                raise disk_failure(error, f"{self._folder}: {error}") from error

    async def pieces(self) -> AsyncIterator[bytes]:
        """Everything written, from the start; may be asked for several times, once at a time."""
        if self._file is not None:
            position = 0
            while True:
                try:
                    piece = await self._threads.run(self._read, position)
                except OSError as error:
                    raise disk_failure(error, f"{self._folder}: {error}") from error
                if not piece:
                    break
                position += len(piece)
                yield piece
        if self._parts:
            self._parts = [b"".join(self._parts)]
            yield self._parts[0]

    def discard(self) -> None:
        self._parts.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self, data: bytes) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        self._file.seek(0, 2)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _read(self, position: int) -> bytes:
        assert self._file is not None
        self._file.seek(position)
        return self._file.read(PIECE)
