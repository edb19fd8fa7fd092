"""What the floors above see of the store: accounts, mailboxes, and what changes in them.

Everything here is called on the reactor thread. What blocks runs on the account's serial queue
(``model.work.ThreadRunner``); when an awaited call returns, the in-memory columns already show its
effect and every listener, the caller's own included, has been told. Calls raise the classes of
``model.errors`` and nothing else; TemporaryFailure stands for I/O errors, whose detail is for the log.

Names are Unicode with "/" (``model.names``), canonical. Message sizes and offsets are those of the
wire form: CRLF line ends, as RFC822.SIZE counts. Dates are seconds since the epoch, UTC.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mailaccess.model.account import AccountLocation
from mailaccess.model.collation import Collation
from mailaccess.model.criteria import Criterion
from mailaccess.model.flags import Flag, FlagSet
from mailaccess.model.rights import Acl, Who
from mailaccess.model.secret import Secret
from mailaccess.model.sequence import UidSet
from mailaccess.store.sort import SortCriterion, SortKey
from mailaccess.store.values import (
    MAX_METADATA,
    MAX_METADATA_OCTETS,
    MAX_METADATA_VALUE,
    UNDATED,
    AnnotationMark,
    Appended,
    Columns,
    Copied,
    Expunged,
    Fact,
    FlagFilter,
    FlagOperation,
    FlagsStored,
    Mailboxes,
    MailboxInfo,
    Mark,
    Quota,
    Status,
    ThreadAlgorithm,
    ThreadTree,
)

__all__ = [
    "Account", "AnnotationMark", "Appended", "Body", "Change", "Columns", "Copied", "Expunged", "Fact",
    "FlagFilter", "FlagOperation", "FlagsStored", "Hearing", "Listener", "Lock", "MAX_METADATA",
    "MAX_METADATA_OCTETS", "MAX_METADATA_VALUE", "Mailbox", "MailboxInfo", "Mailboxes", "Mark",
    "NewMessage", "Quota", "Replaced", "SortCriterion", "SortKey", "Status", "Store", "ThreadAlgorithm",
    "ThreadTree", "UNDATED", "Upload",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What one transaction, ours or another process's, did to an open mailbox. The columns show it already.

    appended: new UIDs, ascending.  changed: UIDs whose flags or keywords changed (not the appended ones).
    expunged: UIDs gone.  modseq: HIGHESTMODSEQ now.  gone: the mailbox was deleted or its UIDVALIDITY
    changed; nothing follows.  by: the handle whose call did it; None for another session's, a delivery,
    another process.
    """

    appended: Sequence[int] = ()
    changed: Sequence[int] = ()
    expunged: UidSet = UidSet()  # noqa: RUF009  frozen
    modseq: int = 0
    gone: bool = False
    by: "Mailbox | None" = None


Listener = Callable[[Change], None]
"""Called in commit order on the reactor thread; must be quick and must not raise."""


class Body(Protocol):
    """The octets of one large message, read in pieces; holds a file open until closed."""

    size: int

    async def read(self, offset: int, length: int) -> bytes:
        """At most ``length`` octets (keep it at or below 1 MiB) of the wire form from ``offset``; none where the file
        has become shorter. Raises TemporaryFailure.
        """
        ...

    def close(self) -> None: ...


class Bodies(Protocol):
    """Messages to be read one after the other, by their places among the UIDs asked for."""

    def present(self, place: int) -> bytes | None:
        """The wire form, where it can be had without waiting; else ``read`` has it."""
        ...

    async def read(self, place: int) -> bytes | Body | None:
        """The wire form: octets where it is at most 2 MiB, else an open Body, the caller's to close; None if gone."""
        ...

    def close(self) -> None:
        """Close what was read ahead."""
        ...


class Upload(Protocol):
    """A message on its way in: octets are taken, line ends made CRLF; it shows when it is appended."""

    size: int

    async def write(self, data: bytes) -> None:
        """Take the next octets. Small messages stay in memory, larger ones go to a file in ``tmp/``.

        Raises TooBig past the limit given to ``upload``, TemporaryFailure (disk full).
        """
        ...

    async def settle(self, date: int) -> None:
        """Have it on disk already, so that it takes neither memory nor a descriptor; it is whole now.

        date: its INTERNALDATE. Raises TemporaryFailure.
        """
        ...

    async def discard(self) -> None:
        """Forget it; harmless after an append."""
        ...


@dataclass(frozen=True, slots=True)
class Replaced:
    """A message that goes in the moment in which another comes. RFC 8508 §3.4."""

    mailbox: "Mailbox"
    uid: int


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message to append. date: INTERNALDATE, None is now.

    replaces: what goes for it, in the same transaction; it leaves its room in the quota.
    """

    upload: Upload
    flags: FlagSet = frozenset()
    date: int | None = None
    replaces: Replaced | None = None


class Mailbox(Protocol):
    """An open mailbox: one handle for each session, over state that all of them share."""

    @property
    def name(self) -> str:
        """Follows a RENAME."""
        ...

    @property
    def mailbox_id(self) -> str: ...

    @property
    def uidvalidity(self) -> int: ...

    @property
    def columns(self) -> Columns: ...

    @property
    def uidnext(self) -> int: ...

    @property
    def highest_modseq(self) -> int: ...

    @property
    def keywords(self) -> Sequence[Flag]:
        """The keywords in use or once used in this mailbox, for FLAGS (RFC 9051 §7.3.5)."""
        ...

    async def claim_recent(self) -> UidSet:
        """The messages that are \\Recent to the asking session, and to no later one. RFC 3501 §2.3.2."""
        ...

    def recent(self) -> int:
        """How many messages nobody has claimed yet (EXAMINE)."""
        ...

    async def refresh(self) -> None:
        """Notice at once what other processes and programs did (CHECK, NOOP); listeners are told."""
        ...

    async def set_flags(
        self, uids: UidSet, operation: FlagOperation, flags: FlagSet, *, unchanged_since: int | None = None
    ) -> FlagsStored:
        """Change flags in one transaction; UIDs that are not there are passed over.

        Raises LimitReached (too many keywords).  Source: RFC 9051 §6.4.6, RFC 7162 §3.1.3.
        """
        ...

    async def expunge(self, only: UidSet | None = None) -> Expunged:
        """Remove the messages marked \\Deleted; with ``only``, those among them. RFC 9051 §6.4.3, §6.4.9."""
        ...

    async def remove(self, uids: UidSet) -> Expunged:
        """Remove messages whatever their flags (POP3 at QUIT)."""
        ...

    async def copy(self, uids: UidSet, destination: str, *, keep: FlagFilter | None = None) -> Copied:
        """All or nothing; flags, INTERNALDATE kept. Raises NoSuchMailbox, OverQuota. RFC 9051 §6.4.7.

        keep: which of a message's flags the copy gets (RFC 4314 §4); None: all. Called in the account's thread.
        """
        ...

    async def move(self, uids: UidSet, destination: str, *, keep: FlagFilter | None = None) -> Copied:
        """As ``copy``, and the sources are gone in the same transaction. RFC 6851 §3."""
        ...

    async def facts(self, uids: Sequence[int], wanted: Sequence[Fact]) -> list[tuple[bytes, ...] | None]:
        """For each UID a tuple in the order of ``wanted``; None where it is gone. At most 1,000 at a time."""
        ...

    async def header_fields(
        self, uids: Sequence[int], fields: Sequence[bytes], *, exclude: bool = False
    ) -> list[bytes | None]:
        """HEADER.FIELDS (or .NOT, with ``exclude``) of each, with the blank line. ``fields``: upper case.

        Sets that clients ask for again are kept as rendered octets. RFC 9051 §6.4.5.1.
        """
        ...

    async def read(self, uids: Sequence[int]) -> list["bytes | Body | None"]:
        """The whole wire form of each: octets where it is at most 2 MiB, else an open Body; None if gone.

        The caller keeps a call to some 64 messages and 2 MiB (``columns.sizes`` tells), and closes Bodies.
        """
        ...

    async def bodies(self, uids: Sequence[int]) -> "Bodies":
        """``read`` one by one: of some 64 messages at a time, in their order."""
        ...

    def recall(self, key: Hashable) -> Any:
        """What was given to ``remember`` for this mailbox, by any session; None where it is not there any more."""
        ...

    def remember(self, key: Hashable, value: object, octets: int) -> None:
        """Keep ``value`` for a while, as far as there is room. It must never be out of date."""
        ...

    async def settle_dates(self, uids: UidSet) -> None:
        """Have ``columns.dates`` say INTERNALDATE of each of ``uids``; nothing where ``columns.undated`` is not set.

        Files found in great numbers are looked at only when it is asked for.  RFC 9051 §2.3.3.
        """
        ...

    async def search(self, criteria: Criterion, relevancies: dict[int, int] | None = None) -> list[int]:
        """UIDs that match, ascending. ``Recent`` and ``MessageNumbers`` must have been resolved to ``Uids``.

        relevancies: filled with a score from 1 to 100 for each UID, of what FUZZY keys found (RFC 6203 §4).
        The result equals a sequential scan over the decoded text.  Source: RFC 9051 §6.4.4.
        """
        ...

    async def sort(
        self,
        criteria: Criterion,
        order: Sequence[SortCriterion],
        relevancies: dict[int, int] | None = None,
    ) -> list[int]:
        """UIDs that match (as ``search``), in the order of the keys, then of UIDs. RFC 5256 §3, RFC 5957."""
        ...

    async def thread(
        self,
        criteria: Criterion,
        algorithm: ThreadAlgorithm,
        collation: Collation = Collation.UNICODE_CASEMAP,
    ) -> "list[ThreadTree]":
        """What matches as threads of UIDs, each a list of the form that ``store.thread`` tells. RFC 5256 §3.

        collation: how subjects are compared (RFC 5255 §4.2).
        """
        ...

    async def expunged_since(self, modseq: int) -> UidSet | None:
        """UIDs expunged after ``modseq``; None: the index does not remember that far. RFC 7162 §3.2.5."""
        ...

    async def close(self) -> None:
        """Detach the listener. Further calls are errors."""
        ...


class Account(Protocol):
    """One account's mailboxes. All conversations of a process share it."""

    location: AccountLocation

    async def mailboxes(self) -> Mailboxes:
        """The whole hierarchy, INBOX first, then by name; \\Noselect parents included.

        The same object as before where nothing has changed.
        """
        ...

    async def subscriptions(self) -> frozenset[str]: ...

    async def set_subscribed(self, name: str, subscribed: bool) -> None:
        """A name need not exist (RFC 9051 §6.3.7). Raises BadMailboxName."""
        ...

    async def create(self, name: str, special_use: frozenset[str] = frozenset()) -> MailboxInfo:
        """Missing parents are made. Raises MailboxExists, BadMailboxName, UseAttribute. RFC 9051 §6.3.4."""
        ...

    async def delete(self, name: str) -> None:
        """The messages go; a name with mailboxes below it stays as \\Noselect. Raises NoSuchMailbox,
        MailboxHasChildren (a \\Noselect name with children), BadMailboxName (INBOX). RFC 9051 §6.3.5.
        """
        ...

    async def rename(self, old: str, new: str) -> None:
        """With everything below it. Of INBOX the messages move, and it stays, empty. RFC 9051 §6.3.6."""
        ...

    async def status(self, name: str) -> Status: ...

    async def statuses(self, names: Sequence[str]) -> Mapping[str, Status]:
        """Those of ``names`` that can be told now: for LIST-STATUS, with a bounded number of names."""
        ...

    async def require(self, name: str) -> None:
        """Raises NoSuchMailbox, MailboxNotSelectable where an append would; costs no count."""
        ...

    async def open_mailbox(self, name: str, listener: Listener) -> Mailbox:
        """Raises NoSuchMailbox, MailboxNotSelectable."""
        ...

    def upload(self, limit: int) -> Upload:
        """A message to take in, of at most ``limit`` octets."""
        ...

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended:
        """All or none. On disk before it returns: it would survive kill -9 and loss of power.

        Raises NoSuchMailbox, MailboxNotSelectable, OverQuota, LimitReached, TemporaryFailure; NoSuchMessage,
        MailboxGone where what is to be replaced is not there any more.  RFC 9051 §6.3.12.
        """
        ...

    async def check_quota(self, octets: int, messages: int = 1) -> None:
        """Raises OverQuota if that much more would not fit now (LMTP's RCPT, APPEND's literal)."""
        ...

    async def quota(self) -> Quota: ...

    async def metadata(self, mailbox: str | None) -> Mapping[str, bytes]:
        """The annotations of a mailbox, by entry in lower case; None: the account's own. RFC 5464 §3.

        Raises NoSuchMailbox, MailboxNotSelectable.
        """
        ...

    async def access_key(self, mailbox_id: str, *, make: bool) -> Secret | None:
        """This account's key for a mailbox, own or another's; None where there is none and none is to be made.

        Raises LimitReached.  RFC 4467 §2.2.
        """
        ...

    async def reset_access_keys(self, mailbox_id: str | None) -> None:
        """A new key for one mailbox, or with None no keys any more: what was made with them is void."""
        ...

    async def set_metadata(self, mailbox: str | None, values: Mapping[str, bytes | None]) -> None:
        """Set some annotations, remove those that are None: all or nothing. Raises LimitReached besides."""
        ...

    async def acls(self, max_age: float = 0) -> Mapping[str, Acl]:
        """The access control lists of those mailboxes that have one, by name.

        max_age: seconds since they were last looked at, after which they are looked at again; what was changed
        through this account shows at once. RFC 4314 §2.
        """
        ...

    async def change_acl(self, mailbox: str, rewrite: Callable[[Acl], Acl]) -> Acl:
        """Replace a mailbox's list by what ``rewrite`` makes of it, in the account's thread; gives the new one.

        Raises NoSuchMailbox, MailboxNotSelectable, LimitReached.
        """
        ...

    async def lock(self, purpose: str) -> "Lock":
        """An exclusive lock of the account over all processes, such as POP3's. Raises InUse. RFC 1939 §4."""
        ...

    def overhear(self, heard: Callable[[], None]) -> "Hearing":
        """Have ``heard`` called on the reactor thread, soon, after anything in the account may have changed.

        By whomever: sessions of this process, deliveries, other processes. ``heard`` must be quick, must not raise
        and must not call the account; it looks later (``marks`` and the rest), and one look may do for many calls.
        """
        ...

    async def marks(self) -> Mapping[str, "Mark"]:
        """A mark of every mailbox that holds messages, by name: who compares them sees where something happened."""
        ...

    async def annotation_marks(
        self, mailboxes: Sequence[str | None], known: "Mapping[str | None, AnnotationMark]"
    ) -> "Mapping[str | None, AnnotationMark]":
        """The same of annotations; None is the account's own. known: as told before, not read again if unchanged.

        Mailboxes that are not there are left out.
        """
        ...


class Hearing(Protocol):
    def watch(self, names: Sequence[str]) -> None:
        """Also notice what other programs put into these mailboxes; the first of them, up to a bound."""
        ...

    def close(self) -> None:
        """Hear nothing any more."""
        ...


class Lock(Protocol):
    def release(self) -> None: ...


class Store(Protocol):
    async def open(self, location: AccountLocation) -> Account:
        """The account, made (INBOX, the configured mailboxes) if it has no Maildir. Cheap when open."""
        ...

    async def sharers(self, who: Who) -> Sequence[str]:
        """The names of accounts that granted ``who`` something, bounded. Their lists decide what."""
        ...

    def forget_rights(self, owner: str) -> None:
        """Another process has changed lists of the account of this name: who asks next is answered from the disk."""
        ...

    async def close(self) -> None:
        """Finish every owed file operation, write back, close the indexes."""
        ...
