"""What the small files in a mailbox's folder say of its messages, and no file's name does (``maildir/uids.py``).

UIDs of files without ``I=`` in their names, ours and Dovecot's, and keywords past the 26 that have letters. They are
asked when a folder is looked at for the first time: the index, which knows all of it afterwards, was lost or never was.

Plain blocking code for the account's serial jobs.
"""

from collections.abc import Sequence
from typing import Final

from mailaccess.model.flags import MAX_KEYWORDS, FlagSet
from mailaccess.store.control import read_control
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import uids
from mailaccess.store.vault import Vault

SYNCED_FROM: Final = 16 * 1024
"""Octets of a list that is brought to disk soon; a shorter one the file system writes when it likes to."""


class Remembered:
    """The lists of one mailbox."""

    def __init__(self, vault: Vault, box: Box) -> None:
        self.vault = vault
        self.box = box
        self._carried: dict[int, FlagSet] | None = None

    def write_list(self, lines: list[bytes]) -> None:
        """Have the UIDs of many new files in one file, instead of one rename for each. Nobody waits for the disk.

        All of them are below the bound in ``mailaccess-uids``. Where the machine loses its power before the list is on
        disk, and the index is lost with it, the messages get others, above the bound: clients fetch them once more,
        and none of the UIDs that they were told is another message's. A list that is there in part is none (``uids``).
        """
        box = self.box
        path = self.vault.folder(box.folder) + b"/" + uids.OWN_UIDLIST
        data = read_control(self.vault, box.folder, uids.OWN_UIDLIST)
        before = data if data is not None and self._in_list(uids.OWN_UIDLIST) else b""
        data = uids.render_uidlist(box.uidvalidity, box.uidnext, before, lines)
        self.vault.files.replace(path, data, sync=False)
        if len(data) >= SYNCED_FROM:
            self.vault.sync_later(path)

    def listed(self) -> dict[bytes, int]:
        """UIDs from our list and Dovecot's where their UIDVALIDITY is the same; at the first look only."""
        if self.box.scanned:
            return {}
        return self._in_list(uids.UIDLIST) | self._in_list(uids.OWN_UIDLIST)

    def is_listed(self, unique: Sequence[bytes], uids_: Sequence[int]) -> bool:
        """Whether our list has all of these already, after the index was lost."""
        if self.box.scanned:
            return False
        known = self._in_list(uids.OWN_UIDLIST)
        return len(known) >= len(unique) and [known.get(each) for each in unique] == list(uids_)

    def _in_list(self, file: bytes) -> dict[bytes, int]:
        data = read_control(self.vault, self.box.folder, file)
        listed = uids.parse_uidlist(data) if data is not None else None
        return listed.uids if listed is not None and listed.uidvalidity == self.box.uidvalidity else {}

    def carried(self) -> dict[int, FlagSet]:
        """The keywords without letters, by UID, where the index was lost."""
        if self._carried is None:
            self._carried = {} if self.box.scanned else self._carried_on_disk()
        return self._carried

    def _carried_on_disk(self) -> dict[int, FlagSet]:
        data = read_control(self.vault, self.box.folder, uids.FILE)
        known = uids.parse(data) if data is not None else None
        found: dict[int, FlagSet] = {}
        if known is not None:
            for number, of in known.carries.items():
                keyword = known.keywords.get(number)
                if keyword is not None and number < MAX_KEYWORDS:
                    for uid in of:
                        if uid >= self.box.uid_bound:
                            break
                        found[uid] = found.get(uid, frozenset()) | {keyword}
        return found
