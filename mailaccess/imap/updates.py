"""What the client of a selected mailbox is told unasked, and when (RFC 3501 §5.2, §7.4.1; RFC 7162 §3.1,
§3.2.10).

``heard`` is the mailbox's listener: it notes, bounded, what has to be told. ``tell`` says it: the dispatcher
awaits it before a command's tagged answer, IDLE as soon as something happened. Order: what is gone, what has
come, new keywords, changed flags; each refers to the numbers that hold after those before it.

Changes are coalesced: of a message whose flags changed ten times the last state is told once. Past
``MAX_LISTED`` changed messages the list is dropped and the mod-sequence remembered from which on to look:
memory does not grow with what other sessions do.
"""

from collections.abc import Callable, Sequence
from typing import Final

from mailaccess.imap.fetch.flags import FlagTexts
from mailaccess.imap.replies import Replies
from mailaccess.imap.view import View
from mailaccess.model.flags import SYSTEM_FLAGS, Flag
from mailaccess.model.rights import ALL, Rights, permitted
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.model.work import ThreadRunner
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap import responses as r
from mailaccess.store.api import Change, Mailbox

MAX_LISTED: Final = 1000
"""Changed messages remembered one by one; past that, by mod-sequence."""

SLICE: Final = 500
"""Lines rendered between two looks at the client's buffer: well below a millisecond."""


class Updates:
    """For one session and one selected mailbox.

    recent: the messages that are \\Recent in this session (RFC 3501 §2.3.2).
    tells_recent: False once IMAP4rev2 is enabled, which knows no \\Recent (RFC 9051 Appendix E).
    uid_only: UIDONLY is on, so messages are told by their UIDs (RFC 9586).
    wake: called, if set, when something has come up to tell (IDLE).  gone: the mailbox does not exist any
    more.
    rights: the client's on the mailbox, for PERMANENTFLAGS (RFC 4314 §5.1.1).
    """

    __slots__ = (
        "__weakref__",
        "_all_told",
        "_changed",
        "_changed_since",
        "_heard_modseq",
        "_keywords_told",
        "_mailbox",
        "_runner",
        "_said",
        "_stirred",
        "_view",
        "_waits",
        "_writable",
        "flags",
        "gone",
        "recent",
        "rights",
        "tells_recent",
        "uid_only",
        "wake",
    )

    def __init__(
        self,
        mailbox: Mailbox,
        view: View,
        runner: ThreadRunner,
        *,
        writable: bool,
        tells_recent: bool = True,
        uid_only: bool = False,
        rights: Rights = ALL,
    ) -> None:
        self._mailbox = mailbox
        self._view = view
        self._runner = runner
        self._writable = writable
        self.rights = rights
        self._changed: set[int] | None = None  # an empty set takes 216 octets
        self._changed_since: int | None = None
        self._heard_modseq = mailbox.highest_modseq
        self._waits = False
        self._all_told = self._heard_modseq
        self._keywords_told = len(mailbox.keywords)
        self._stirred = False
        self._said: r.Response | None = None
        self.recent: UidSet = EMPTY
        self.tells_recent = tells_recent
        self.uid_only = uid_only
        self.flags = FlagTexts(mailbox)
        self.gone = False
        self.wake: Callable[[], None] | None = None

    # --- what happens ---------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """The mailbox's listener. What this session's own STORE did, its answer tells."""
        self.gone |= change.gone
        if not self._waits and (change.expunged or change.appended):
            self._waits = True
            self._all_told = self._heard_modseq
        if change.expunged:
            self._view.lose(change.expunged)
        if change.changed and change.by is not self._mailbox:
            if self._changed_since is None:
                if self._changed is None:
                    self._changed = set()
                self._changed.update(change.changed)
                if len(self._changed) > MAX_LISTED:
                    self._changed_since = self._oldest()
                    self._changed = None
        self._heard_modseq = max(self._heard_modseq, change.modseq)
        self._stirred = True
        if self.wake is not None:
            self.wake()

    def _oldest(self) -> int:
        """The mod-sequence just below those of all listed changes."""
        columns = self._mailbox.columns
        places = [place for uid in self._changed or () if (place := columns.position(uid)) >= 0]
        return min((columns.modseqs[place] for place in places), default=self._heard_modseq) - 1

    def say(self, response: r.Response) -> None:
        """Something else of the mailbox, to be told at the next occasion; the last of several counts."""
        self._said = response
        self._stirred = True
        if self.wake is not None:
            self.wake()

    def told_flags(self, uids: UidSet) -> None:
        """The flags these messages have now were told by a command's own answer."""
        if self._changed:
            self._changed.difference_update(uids.among(sorted(self._changed)))

    @property
    def held_back(self) -> int | None:
        """While removals or new messages may not be told yet, the mod-sequence up to which all was told."""
        return self._all_told if self._waits else None

    # --- what is told ---------------------------------------------------------------------------------

    def due(self, *, expunges: bool) -> bool:
        """Whether there may be anything to tell."""
        return self._stirred or (expunges and self._view.has_losses)

    async def tell(
        self,
        out: Replies,
        *,
        expunges: bool,
        uid: bool = False,
        modseq: bool = False,
        vanished: bool = False,
        new: bool = True,
        flags: bool = True,
        later: bool = True,
    ) -> None:
        """Tell what is due.

        expunges: EXPUNGE may be told now (not during FETCH, STORE, SEARCH: RFC 3501 §7.4.1).
        uid, modseq: FETCH carries them.  vanished: QRESYNC is on.  new: new messages may be told now.
        flags: flags may.  later: what may not be told now is due again at the next command.
        """
        if self.gone:
            return
        self._stirred = False
        if self._said is not None:
            out.send(self._said)
            self._said = None
        if expunges and self._view.has_losses:
            await self._tell_losses(out, vanished)
        if self._view.has_grown:
            if new:
                await self.tell_new(out)
            elif later:
                self._stirred = True
        self._waits = self._waits and (self._view.has_losses or self._view.has_grown)
        if not flags:
            return
        self.tell_keywords(out)
        if self._changed or self._changed_since is not None:
            await self._tell_changed(out, uid=uid, modseq=modseq)

    async def _tell_losses(self, out: Replies, vanished: bool) -> None:
        gone, told = self._view.forget_losses()
        if self.recent:
            self.recent -= gone
        if vanished:
            out.send(r.Vanished(gone))
            return
        for number, times in told:
            line = b"* %d EXPUNGE\r\n" % number
            while times > 0:
                out.octets(line * min(times, SLICE))
                times -= SLICE
                await out.room()
            await out.room()

    async def tell_new(self, out: Replies) -> None:
        """EXISTS and RECENT."""
        await self.claim()
        if self._view.grow():
            out.send(r.Exists(self._view.count))
            self.tell_recent(out)

    async def claim(self) -> None:
        """Make the messages that nobody has claimed \\Recent here.

        RFC 3501 §2.3.2. A read-only session is told of them and leaves them to the next one (§6.3.2).
        """
        if not self.tells_recent:
            self.recent = EMPTY
        elif not self._writable:
            if unclaimed := self._mailbox.recent():
                # UIDs are claimed up to a bound, so the unclaimed are the last ones.
                self.recent |= UidSet.of(self._mailbox.columns.uids[-unclaimed:])
        elif self._mailbox.recent():
            claimed = await self._mailbox.claim_recent()
            # What came and went before it could be told is nobody's.
            self.recent |= UidSet.of(claimed.among(self._mailbox.columns.uids))

    def tell_recent(self, out: Replies) -> None:
        """RECENT. RFC 3501 §7.3.2."""
        if self.tells_recent:
            out.send(r.RecentCount(len(self.recent)))

    def tell_keywords(self, out: Replies) -> None:
        """FLAGS and PERMANENTFLAGS, if the mailbox has got keywords that were not told."""
        keywords = self._mailbox.keywords
        if len(keywords) > self._keywords_told:
            self.send_flags(out)

    def send_flags(self, out: Replies) -> None:
        """FLAGS and PERMANENTFLAGS. RFC 9051 §7.3.5, §7.1; PERMANENTFLAGS () in a read-only session."""
        for response in flag_responses(self.take_keywords(), self.rights if self._writable else None):
            out.send(response)

    def take_keywords(self) -> tuple[Flag, ...]:
        """The mailbox's keywords, which count as told."""
        keywords = tuple(self._mailbox.keywords)
        self._keywords_told = len(keywords)
        return keywords

    async def _tell_changed(self, out: Replies, *, uid: bool, modseq: bool) -> None:
        columns = self._mailbox.columns
        if self._changed_since is not None:
            since = self._changed_since
            uids = [u for u, m in zip(columns.uids, columns.modseqs, strict=True) if m > since]
        else:
            uids = sorted(self._changed or ())
        self._changed = None
        self._changed_since = None
        for start in range(0, len(uids), SLICE):
            if start:
                await self._runner.pause()
            self._tell_slice(out, uids[start : start + SLICE], uid=uid, modseq=modseq)
            await out.room()

    def _tell_slice(self, out: Replies, uids: list[int], *, uid: bool, modseq: bool) -> None:
        columns, view = self._mailbox.columns, self._view
        rows = [
            (number, each, place)
            for each in uids
            if (number := view.number(each)) and (place := columns.position(each)) >= 0
        ]
        if not rows:
            return
        numbers, known, places = (list(column) for column in zip(*rows, strict=True))
        parts: list[render_fetch.Column] = []
        if uid:
            parts.append((render_fetch.UID, known))
        parts.append(
            (render_fetch.FLAGS, self.flags.column([columns.flag_ids[p] for p in places], known, self.recent))
        )
        if modseq:
            parts.append((render_fetch.MODSEQ, [columns.modseqs[p] for p in places]))
        out.octets(self.lines(numbers, known, parts))

    def lines(
        self, numbers: Sequence[int], uids: Sequence[int], parts: Sequence[render_fetch.Column]
    ) -> bytes:
        """FETCH lines of messages of these numbers and UIDs."""
        if self.uid_only:
            return render_fetch.columns(uids, parts, "UIDFETCH")
        return render_fetch.columns(numbers, parts)


def flag_responses(keywords: tuple[Flag, ...], rights: Rights | None) -> tuple[r.Response, r.Response]:
    """FLAGS and PERMANENTFLAGS. rights: the client's, None in a read-only session."""
    flags = (*SYSTEM_FLAGS, *keywords)
    if rights is None:
        return r.MailboxFlags(flags), r.Ok("Read-only mailbox", r.PermanentFlags(()))
    ours = permitted(rights, frozenset(flags))
    # "]" would end the response code for whoever reads it; such keywords stand in FLAGS only.
    told = tuple([flag for flag in flags if flag in ours and "]" not in flag])
    permanent = r.PermanentFlags(told, may_create="w" in rights)
    return r.MailboxFlags(flags), r.Ok("Flags permitted", permanent)
