"""Every response and response code, a frozen class each (RFC 9051 §7; RFC 5530; RFC 4315; RFC 7162).

Untagged data and status are ``Response``; ``render.render`` turns one into octets. Text of a status is for
people: ASCII or, after ENABLE UTF8=ACCEPT, UTF-8; what could break the line is taken out when rendering.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mailaccess.model.flags import Flag
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap.status import StatusItem


@dataclass(frozen=True, slots=True)
class Response:
    """Base of all responses."""


# --- response codes: the part in brackets, RFC 9051 §7.1 -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Code:
    """Base of all response codes."""


@dataclass(frozen=True, slots=True)
class Word(Code):
    """A code without arguments; the constants below are all there are."""

    name: str


ALERT = Word("ALERT")
READ_ONLY = Word("READ-ONLY")
READ_WRITE = Word("READ-WRITE")
TRYCREATE = Word("TRYCREATE")
PARSE = Word("PARSE")
CLOSED = Word("CLOSED")  # RFC 7162 §3.2.11
NOMODSEQ = Word("NOMODSEQ")  # RFC 7162 §3.1.2.2
UIDNOTSTICKY = Word("UIDNOTSTICKY")  # RFC 4315 §3
HASCHILDREN = Word("HASCHILDREN")  # RFC 9051 §7.1
NOTSAVED = Word("NOTSAVED")  # RFC 5182 §2.5
UNKNOWN_CTE = Word("UNKNOWN-CTE")  # RFC 3516 §5
TOOBIG = Word("TOOBIG")  # RFC 7889 §4 and RFC 4469 §5
COMPRESSIONACTIVE = Word("COMPRESSIONACTIVE")  # RFC 4978 §3
USEATTR = Word("USEATTR")  # RFC 6154 §6
UIDREQUIRED = Word("UIDREQUIRED")  # RFC 9586
# RFC 5530 §3
UNAVAILABLE = Word("UNAVAILABLE")
AUTHENTICATIONFAILED = Word("AUTHENTICATIONFAILED")
AUTHORIZATIONFAILED = Word("AUTHORIZATIONFAILED")
EXPIRED = Word("EXPIRED")
PRIVACYREQUIRED = Word("PRIVACYREQUIRED")
CONTACTADMIN = Word("CONTACTADMIN")
NOPERM = Word("NOPERM")
INUSE = Word("INUSE")
EXPUNGEISSUED = Word("EXPUNGEISSUED")
CORRUPTION = Word("CORRUPTION")
SERVERBUG = Word("SERVERBUG")
CLIENTBUG = Word("CLIENTBUG")
CANNOT = Word("CANNOT")
LIMIT = Word("LIMIT")
OVERQUOTA = Word("OVERQUOTA")
ALREADYEXISTS = Word("ALREADYEXISTS")
NONEXISTENT = Word("NONEXISTENT")


@dataclass(frozen=True, slots=True)
class BadCharset(Code):
    """BADCHARSET with the charsets that would do. RFC 9051 §7.1."""

    charsets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CapabilityCode(Code):
    """CAPABILITY in a greeting or a login's OK, which saves clients a round trip."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PermanentFlags(Code):
    """PERMANENTFLAGS; ``may_create`` adds ``\\*``."""

    flags: tuple[Flag, ...]
    may_create: bool = False


@dataclass(frozen=True, slots=True)
class UidNext(Code):
    uid: int


@dataclass(frozen=True, slots=True)
class UidValidityCode(Code):
    uid_validity: int


@dataclass(frozen=True, slots=True)
class Unseen(Code):
    """Message number of the first unseen message. RFC 3501 §7.1."""

    seq: int


@dataclass(frozen=True, slots=True)
class AppendUid(Code):
    """APPENDUID. RFC 4315 §3."""

    uid_validity: int
    uids: Sequence[int]


@dataclass(frozen=True, slots=True)
class CopyUid(Code):
    """COPYUID. RFC 4315 §3: the n-th of ``source`` became the n-th of ``target``.

    Sequences of equal length, written in that order: the grammar knows no other way to pair them.
    """

    uid_validity: int
    source: Sequence[int]
    target: Sequence[int]


@dataclass(frozen=True, slots=True)
class HighestModSeq(Code):
    """HIGHESTMODSEQ. RFC 7162 §3.1.2.1."""

    modseq: int


@dataclass(frozen=True, slots=True)
class Modified(Code):
    """MODIFIED: the messages a STORE UNCHANGEDSINCE left alone; numbers or UIDs. RFC 7162 §3.1.3."""

    numbers: UidSet


# --- status, RFC 9051 §7.1 ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status(Response):
    """Base of status responses. Untagged while ``tag`` is None; ``Tagged`` gives one a tag."""

    text: str
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Ok(Status):
    pass


@dataclass(frozen=True, slots=True)
class No(Status):
    pass


@dataclass(frozen=True, slots=True)
class Bad(Status):
    pass


@dataclass(frozen=True, slots=True)
class Bye(Status):
    pass


@dataclass(frozen=True, slots=True)
class PreAuth(Status):
    pass


@dataclass(frozen=True, slots=True)
class Tagged(Response):
    """The completion of a command: ``Tagged(request.tag, Ok("FETCH completed"))``."""

    tag: bytes
    status: Status


@dataclass(frozen=True, slots=True)
class Continue(Response):
    """``+ text``: the command continuation request. RFC 9051 §7.6."""

    text: str = "OK"


@dataclass(frozen=True, slots=True)
class Challenge(Response):
    """``+ base64``: a SASL challenge. RFC 9051 §6.2.2."""

    octets: bytes


# --- untagged data, RFC 9051 §7.2 to §7.5 ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities(Response):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enabled(Response):
    """RFC 5161 §3.2; may be empty."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerId(Response):
    """ID. RFC 2971 §3.1; None is NIL."""

    fields: tuple[tuple[str, str | None], ...] | None


@dataclass(frozen=True, slots=True)
class NamespaceRoot:
    """One namespace: prefix (with its trailing separator, or empty) and separator.

    translation: what to show to people for the prefix (RFC 5255 §3.4).
    """

    prefix: str
    separator: str | None
    translation: str | None = None


@dataclass(frozen=True, slots=True)
class Namespaces(Response):
    """RFC 2342 §5; an empty tuple is NIL."""

    personal: tuple[NamespaceRoot, ...]
    others: tuple[NamespaceRoot, ...] = ()
    shared: tuple[NamespaceRoot, ...] = ()


@dataclass(frozen=True, slots=True)
class ListEntry(Response):
    """LIST, or LSUB with ``lsub``. RFC 9051 §7.3.1.

    attributes: with backslash, in the order given.  child_info: CHILDINFO criteria such as "SUBSCRIBED"
    (RFC 5258 §3.5).  old_name: OLDNAME (RFC 9051 §6.3.9.7).
    """

    name: str
    attributes: tuple[str, ...] = ()
    separator: str | None = "/"
    lsub: bool = False
    child_info: tuple[str, ...] = ()
    old_name: str | None = None


@dataclass(frozen=True, slots=True)
class StatusEntry(Response):
    """STATUS. RFC 9051 §7.3.2. Values in the order asked; None is NIL (APPENDLIMIT)."""

    mailbox: str
    values: tuple[tuple[StatusItem, int | str | None], ...]


@dataclass(frozen=True, slots=True)
class SearchResult(Response):
    """SEARCH. RFC 3501 §7.2.5. ``modseq``: RFC 7162 §3.1.5; it is told only when something was found."""

    numbers: Sequence[int]
    modseq: int | None = None


@dataclass(frozen=True, slots=True)
class ESearch(Response):
    """ESEARCH. RFC 4731 §3.1. What is None is not told; ``tag`` is that of the command.

    ordered: ALL of a SORT, in its order (RFC 5267 §3.1).  partial: the window as asked, and what lies in it
    (RFC 9394 §3.1).  relevancy: a score for each message, in their order (RFC 6203 §4).
    mailbox, uidvalidity: what was searched, told together (RFC 7377 §2.1).
    """

    tag: bytes | None
    uid: bool
    minimum: int | None = None
    maximum: int | None = None
    all: UidSet | None = None
    count: int | None = None
    modseq: int | None = None
    ordered: Sequence[int] | None = None
    partial: tuple[str, Sequence[int]] | None = None
    relevancy: Sequence[int] | None = None
    mailbox: str | None = None
    uidvalidity: int | None = None


@dataclass(frozen=True, slots=True)
class MailboxFlags(Response):
    """FLAGS. RFC 9051 §7.3.5."""

    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Exists(Response):
    count: int


@dataclass(frozen=True, slots=True)
class RecentCount(Response):
    """RECENT. RFC 3501 §7.3.2."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged(Response):
    """EXPUNGE. RFC 9051 §7.5.1: the number the message had the moment before."""

    seq: int


@dataclass(frozen=True, slots=True)
class Vanished(Response):
    """VANISHED, with ``earlier`` VANISHED (EARLIER). RFC 7162 §3.2.10."""

    uids: UidSet
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Fetched(Response):
    """FETCH for one message, whole in memory: for unsolicited changes and small answers.

    What is None is not told. ``date``: seconds since 1970, UTC. ``flags`` includes ``\\Recent`` where due.
    Answers to FETCH commands over many messages go through ``render_fetch`` instead.
    """

    seq: int
    uid: int | None = None
    flags: Iterable[Flag] | None = None
    modseq: int | None = None
    size: int | None = None
    date: int | None = None
    more: tuple[bytes, ...] = field(default=())
    """Further items as octets made by ``render_fetch`` (``item``, ``section``)."""
