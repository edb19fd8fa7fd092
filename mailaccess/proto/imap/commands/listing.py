"""LIST with its extensions, LSUB, STATUS (RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9; RFC 5258; RFC 5819)."""

from dataclasses import dataclass
from enum import Enum

from mailaccess.proto.imap.commands.base import Command


class SelectOption(Enum):
    """What narrows a LIST. RFC 9051 §6.3.9.1, RFC 6154 §5.2."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ReturnOption(Enum):
    """What a LIST tells besides. RFC 9051 §6.3.9.2. STATUS is ``List.status``."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"
    MYRIGHTS = "MYRIGHTS"


class StatusItem(Enum):
    """status-att. RFC 9051 §6.3.11; RFC 3501 (RECENT); RFC 7162 (HIGHESTMODSEQ); RFC 8438 (SIZE)."""

    MESSAGES = "MESSAGES"
    RECENT = "RECENT"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    DELETED = "DELETED"
    SIZE = "SIZE"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"
    APPENDLIMIT = "APPENDLIMIT"
    MAILBOXID = "MAILBOXID"
    DELETED_STORAGE = "DELETED-STORAGE"


@dataclass(frozen=True, slots=True)
class List(Command):
    """LIST, plain or extended.

    reference, patterns: Unicode, ``*`` and ``%`` are wildcards; patterns are not made canonical.
    extended: written in the extended form, whose answers differ a little (RFC 5258 §3).
    status: the items of RETURN (STATUS (...)); empty when not asked.
    A single empty pattern asks for the separator and root (RFC 9051 §6.3.9).
    """

    reference: str
    patterns: tuple[str, ...]
    select_options: frozenset[SelectOption] = frozenset()
    return_options: frozenset[ReturnOption] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """LSUB. RFC 3501 §6.3.9."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Status(Command):
    """STATUS. ``items`` in the order asked, each once."""

    mailbox: str
    items: tuple[StatusItem, ...]
