"""Locks of an account over all processes, such as POP3's (RFC 1939 §4)."""

import errno
import fcntl
import os

from mailaccess.model.errors import BadMailboxName, InUse
from mailaccess.store.vault import Vault


class AccountLock:
    """An flock on a file in the index's folder: gone with the process, over all processes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.release()


def lock(vault: Vault, purpose: str) -> AccountLock:
    if not purpose.isalnum():
        raise BadMailboxName
    path = os.fsencode(vault.location.index) + b"/" + purpose.encode("ascii") + b".lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise InUse from None
        raise
    return AccountLock(descriptor)
