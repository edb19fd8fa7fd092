"""Messages on their way into an account: APPEND and delivery, in groups where several wait for the account's turn.

Used on the reactor thread only.
"""

import contextlib
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from mailaccess.store import appending, steps, uploading
from mailaccess.store.api import Appended, NewMessage
from mailaccess.store.indexer import Indexed
from mailaccess.store.surroundings import Engine, Surroundings
from mailaccess.store.vault import NeedsThread


class Receiver(Engine, Indexed, Protocol):
    """The account."""

    async def hold(self) -> None:
        """Wait for the account's turn, as a job does."""
        ...

    def release(self) -> None:
        """End the turn; then columns and listeners are up to date."""
        ...

    def catch_up_quietly(self) -> Coroutine[Any, Any, None]:
        """Open the index, and take in what other processes committed."""
        ...


class Arrivals:
    def __init__(self, account: Receiver, surroundings: Surroundings) -> None:
        self._account = account
        self._surroundings = surroundings
        self._waiting: deque[appending.Request] | None = None

    @property
    def _appends(self) -> "deque[appending.Request]":
        """Made when needed: a phone that waits for mail brings none, and a deque takes 760 octets."""
        if self._waiting is None:
            self._waiting = deque()
        return self._waiting

    def upload(self, limit: int) -> uploading.MessageUpload:
        if (
            not self._account.vault.is_open
        ):  # while the message comes and is brought to disk: it saves a millisecond
            self._account.runner.start(self._account.catch_up_quietly())
        path = self._account.vault.root + b"/tmp/" + self._surroundings.unique_names.make().encode("ascii")
        return uploading.MessageUpload(self._account.vault.files, self._account.runner, path, limit)

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended:
        now = int(self._account.clock())
        incoming: list[appending.Incoming] = []
        for message in messages:
            upload = message.upload
            assert isinstance(upload, uploading.MessageUpload), "uploads come from Account.upload"
            date = now if message.date is None else message.date
            incoming.append(appending.Incoming(upload, message.flags, date, message.replaces))
        request = appending.Request(name, incoming)
        waiting = self._appends
        waiting.append(request)
        try:
            await self._account.hold()
            try:
                await self._commit(request)
            finally:
                self._account.release()
            return appending.outcome(request)
        finally:
            if not isinstance(request.outcome, Appended):
                with contextlib.suppress(ValueError):
                    waiting.remove(request)
                left = [each.upload for each in incoming if each.upload.is_on_disk]
                if left:
                    await self._account.runner.run(_remove_all, left)

    async def _commit(self, request: appending.Request) -> None:
        if request.outcome is not None:  # whoever had his turn before took it along
            return
        account = self._account
        try:
            await steps.drive(
                self._account.runner,
                self._account.vault.steps_at_once(appending.commit, self._appends, request),
            )
        except NeedsThread:
            await self._account.runner.run(
                self._account.vault.job, appending.commit_here, self._appends, request
            )
        self._surroundings.indexer.wants(account)


def _remove_all(uploads: Sequence[uploading.MessageUpload]) -> None:
    for upload in uploads:
        upload.remove()
