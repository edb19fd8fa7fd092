"""The small files beside a mailbox's messages: its UIDs, keywords, lists.

Plain blocking code for the account's serial jobs.
"""

import stat

from mailaccess.store.maildir import uids
from mailaccess.store.vault import Vault


def read_control(vault: Vault, folder: bytes, file: bytes) -> bytes | None:
    """A control file of a mailbox's folder; None where there is none (or it is no plain file, or huge)."""
    path = vault.folder(folder) + b"/" + file
    try:
        found = vault.files.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > uids.MAX_FILE:
            return None
        return vault.files.read(path)
    except FileNotFoundError:
        return None
