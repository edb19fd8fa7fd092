"""What a job did to a mailbox, on its way to the columns and the listeners.

A ``Delta`` is made in the account's thread, within the transaction it belongs to, and posted after the
commit. On the reactor thread ``OpenMailbox.apply`` brings the columns up to date and tells the handles, in
the order of the commits. Deltas are found again from mod-sequences if another process committed, so nothing
is queued without bound: a mailbox that nobody has open gets none.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailaccess.model.flags import Flag
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.store.api import Change, Listener, Mailbox
from mailaccess.store.columns import MailboxColumns


@dataclass(slots=True)
class Rows:
    """New messages as columns, flag sets as places in ``FlagSets.sets``."""

    uids: "array[int]"
    flag_ids: "array[int]"
    modseqs: "array[int]"
    sizes: "array[int]"
    dates: "array[int]"

    def extend(self, more: "Rows") -> None:
        self.uids.extend(more.uids)
        self.flag_ids.extend(more.flag_ids)
        self.modseqs.extend(more.modseqs)
        self.sizes.extend(more.sizes)
        self.dates.extend(more.dates)


@dataclass(slots=True)
class Delta:
    """mailbox_id: whose.  flagged, mapping: these UIDs' flag sets went over into those.  rows: (uid, flag set,
    modseq) of messages that changed singly.  whole: all columns anew, after the index was rebuilt.
    resized: (uid, size) of messages whose files' names told a wrong one.
    """

    mailbox_id: str
    modseq: int = 0
    uidnext: int = 0
    first_recent: int = 0
    appended: Rows | None = None
    flagged: UidSet = EMPTY
    mapping: dict[int, int] = field(default_factory=dict)
    rows: Sequence[tuple[int, int, int]] = ()
    resized: Sequence[tuple[int, int]] = ()
    expunged: UidSet = EMPTY
    keywords: tuple[Flag, ...] | None = None
    name: str = ""
    whole: MailboxColumns | None = None
    gone: bool = False
    by: Mailbox | None = None


class OpenMailbox:
    """A mailbox that this process has in memory: one for all its sessions.

    folder, uids_stamp, doubtful: as its last look at the disk found them (``index.mailboxes.Box``, ``folder``).
    """

    def __init__(
        self,
        name: str,
        mailbox_id: str,
        uidvalidity: int,
        columns: MailboxColumns,
        keywords: tuple[Flag, ...],
    ) -> None:
        self.name = name
        self.mailbox_id = mailbox_id
        self.uidvalidity = uidvalidity
        self.columns = columns
        self.keywords = keywords
        self.uidnext = 1
        self.highest_modseq = 1
        self.first_recent = 1
        self.gone = False
        self.folder = b""
        self.uids_stamp = ""
        self.doubtful = False
        self._listeners: dict[Mailbox, Listener] = {}

    def attach(self, handle: Mailbox, listener: Listener) -> None:
        self._listeners[handle] = listener

    def detach(self, handle: Mailbox) -> None:
        self._listeners.pop(handle, None)

    @property
    def in_use(self) -> bool:
        return bool(self._listeners)

    def apply(self, delta: Delta) -> None:
        """Bring the columns up to date, then tell every handle."""
        if self.gone:
            return
        if delta.keywords is not None:
            self.keywords = delta.keywords
        self.name = delta.name or self.name
        if delta.gone:
            self.gone = True
            self._tell(Change(modseq=self.highest_modseq, gone=True))
            return
        appended, changed, expunged = (
            self._replace(delta.whole) if delta.whole is not None else self._change(delta)
        )
        self.uidnext = max(self.uidnext, delta.uidnext)
        self.highest_modseq = max(self.highest_modseq, delta.modseq)
        self.first_recent = max(self.first_recent, delta.first_recent)
        if len(appended) or len(changed) or expunged:
            self._tell(Change(appended, changed, expunged, self.highest_modseq, by=delta.by))

    def _change(self, delta: Delta) -> tuple[Sequence[int], Sequence[int], UidSet]:
        columns = self.columns
        changed: Sequence[int] = ()
        if delta.flagged:
            columns.set_flags(delta.flagged, delta.mapping, delta.modseq)
            changed = list(delta.flagged)
        if delta.rows:
            columns.set_each(delta.rows)
            changed = [*changed, *[row[0] for row in delta.rows]]
        if delta.resized:
            columns.set_sizes(delta.resized)
        if delta.expunged:
            columns.remove(delta.expunged)
        new = delta.appended
        if new is None:
            return (), changed, delta.expunged
        columns.append(new.uids, new.flag_ids, new.modseqs, new.sizes, new.dates)
        return new.uids, changed, delta.expunged

    def _replace(self, whole: MailboxColumns) -> tuple[Sequence[int], Sequence[int], UidSet]:
        """Take ``whole`` for the columns; what differs is told as usual."""
        before = self.columns
        was = dict(zip(before.uids, before.flag_ids, strict=True))
        now = dict(zip(whole.uids, whole.flag_ids, strict=True))
        self.columns = whole
        appended = array("I", [uid for uid in whole.uids if uid not in was])
        changed = [uid for uid, flags in now.items() if uid in was and was[uid] != flags]
        return appended, changed, UidSet.of([uid for uid in was if uid not in now])

    def _tell(self, change: Change) -> None:
        for listener in list(self._listeners.values()):
            listener(change)
