"""Responses and codes of extensions: SORT, THREAD (RFC 5256), QUOTA (RFC 9208), ACL (RFC 4314),
METADATA (RFC 5464), NOTIFY (RFC 5465), OBJECTID (RFC 8474).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailaccess.proto.imap.responses import Code, Response, Word

NOTIFICATIONOVERFLOW = Word("NOTIFICATIONOVERFLOW")  # RFC 5465 §5.8


@dataclass(frozen=True, slots=True)
class SortResult(Response):
    """SORT. RFC 5256 §4; ``modseq``: RFC 7162 §3.1.6."""

    numbers: Sequence[int]
    modseq: int | None = None


@dataclass(frozen=True, slots=True)
class Languages(Response):
    """LANGUAGE. RFC 5255 §3.3: one tag is the language that is spoken now, several are those there are."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageLimit(Code):
    """MESSAGELIMIT. RFC 9738 §3.1. ``last_uid``: the lowest that was worked on; None where none was."""

    limit: int
    last_uid: int | None = None


ThreadList = list[Any]
"""A thread: numbers, each the parent of the next, and at its end a list for every branch. RFC 5256 §4."""


@dataclass(frozen=True, slots=True)
class Threads(Response):
    """THREAD. RFC 5256 §4. A thread without its first message begins with branches."""

    roots: Sequence[ThreadList]


@dataclass(frozen=True, slots=True)
class QuotaEntry(Response):
    """QUOTA. RFC 9208 §4.2.1. ``resources``: name, use, limit; STORAGE in units of 1024 octets."""

    root: str
    resources: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class QuotaRoots(Response):
    """QUOTAROOT. RFC 9208 §4.2.2."""

    mailbox: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acl(Response):
    """ACL. RFC 4314 §3.6: pairs of identifier and rights."""

    mailbox: str
    rights: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RightsList(Response):
    """LISTRIGHTS. RFC 4314 §3.7. ``required``: always granted; ``optional``: sets that go together."""

    mailbox: str
    identifier: str
    required: str
    optional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnRights(Response):
    """MYRIGHTS. RFC 4314 §3.8."""

    mailbox: str
    rights: str


@dataclass(frozen=True, slots=True)
class MetadataValues(Response):
    """METADATA with values. RFC 5464 §4.4.1. ``mailbox``: empty for the server's own."""

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class MetadataChanged(Response):
    """METADATA without values: these entries changed. RFC 5464 §4.4.2."""

    mailbox: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetadataCode(Code):
    """METADATA in a status: LONGENTRIES n, MAXSIZE n, TOOMANY, NOPRIVATE. RFC 5464 §5."""

    reason: str
    octets: int | None = None


BADCOMPARATOR = Word("BADCOMPARATOR")  # RFC 5255 §4.9


@dataclass(frozen=True, slots=True)
class ActiveComparator(Response):
    """COMPARATOR. RFC 5255 §4.8. ``matching``: all that matched, where that was more than one."""

    name: str
    matching: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizedUrls(Response):
    """GENURLAUTH. RFC 4467 §8."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UrlMech(Code):
    """URLMECH INTERNAL: the one mechanism there is. RFC 4467 §8."""


@dataclass(frozen=True, slots=True)
class BadUrl(Code):
    """BADURL with the URL that could not be had. RFC 4469 §4.1."""

    url: str


@dataclass(frozen=True, slots=True)
class BadEvent(Code):
    """BADEVENT with the events that would do. RFC 5465 §5."""

    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndefinedFilter(Code):
    """UNDEFINED-FILTER. RFC 5466 §4."""

    name: str


@dataclass(frozen=True, slots=True)
class MailboxId(Code):
    """MAILBOXID. RFC 8474 §4.1, §4.2."""

    mailbox_id: str


@dataclass(frozen=True, slots=True)
class InProgress(Code):
    """INPROGRESS of the command under this tag; how much is done is not known. RFC 9585 §4."""

    tag: bytes


@dataclass(frozen=True, slots=True)
class UidBatchList(Response):
    """UIDBATCHES. RFC 10022. ``ranges``: the higher UID first."""

    tag: bytes
    ranges: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class NoUpdate(Code):
    """NOUPDATE: the search of this tag is not told of. RFC 5267 §4.3.1."""

    tag: bytes


@dataclass(frozen=True, slots=True)
class ContextChange(Response):
    """ESEARCH with ADDTO or, where not ``added``, REMOVEFROM. RFC 5267 §4.3.3, §4.3.4.

    runs: a position, 0 for mailbox order, and the results there.
    """

    tag: bytes
    uid: bool
    added: bool
    runs: Sequence[tuple[int, Sequence[int]]]
