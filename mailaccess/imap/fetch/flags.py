"""The text of FLAGS for many messages: made once for each flag set of the mailbox, looked up ever after."""

from collections.abc import Sequence

from mailaccess.model.flags import RECENT, ordered
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap.render_fetch import flags_text
from mailaccess.store.api import Mailbox


class FlagTexts:
    """For one selected mailbox; relies on flag-set ids never changing their meaning
    (``store.api.Columns``).
    """

    __slots__ = ("_mailbox", "_recent", "_texts")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._texts: list[str] = []
        self._recent: list[str] = []  # the same with \Recent

    def _grow(self) -> None:
        sets = self._mailbox.columns.flag_sets
        for flag_set in sets[len(self._texts) :]:
            flags = ordered(flag_set)
            self._texts.append(flags_text(flags))
            self._recent.append(flags_text((*flags, RECENT)))

    def column(self, flag_ids: Sequence[int], uids: Sequence[int], recent: UidSet) -> list[str]:
        """What stands between the parentheses of FLAGS, for each message.

        flag_ids, uids: of the same messages, UIDs ascending.  recent: UIDs that are \\Recent in the session.
        """
        if len(self._texts) < len(self._mailbox.columns.flag_sets):
            self._grow()
        texts = list(map(self._texts.__getitem__, flag_ids))
        if recent and uids and recent.ranges[-1][1] >= uids[0]:
            fresh = set(recent.among(uids))
            if fresh:
                marked = self._recent
                for place, uid in enumerate(uids):
                    if uid in fresh:
                        texts[place] = marked[flag_ids[place]]
        return texts
