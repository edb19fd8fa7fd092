"""Commands on messages of the selected mailbox (RFC 9051 §6.4; RFC 4315; RFC 4731; RFC 6851; RFC 7162)."""

from dataclasses import dataclass
from enum import Enum

from mailaccess.model.criteria import Criterion
from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap.commands.base import Command
from mailaccess.proto.imap.fetch import FetchAtt


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """EXPUNGE; UID EXPUNGE (RFC 9051 §6.4.9) when ``uids`` is not None."""

    uids: SequenceSet | None = None


class SearchReturn(Enum):
    """search-return-opt. RFC 4731 §3.1, RFC 5182 §2."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"


@dataclass(frozen=True, slots=True)
class Search(Command):
    """SEARCH. ``criteria`` still holds message numbers (``MessageNumbers``, ``Recent``): the view resolves them.

    return_options: None is the old form, answered by ``* SEARCH``; else ``* ESEARCH`` (RETURN () is {ALL}).
    charset: as named by the client in capitals, None when not given.
    uses_modseq: a MODSEQ key stands somewhere, so the answer owes mod-sequences (RFC 7162 §3.1.5).
    """

    criteria: Criterion
    uid: bool = False
    return_options: frozenset[SearchReturn] | None = None
    charset: str | None = None
    uses_modseq: bool = False


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """FETCH. Macros are resolved, repetitions removed; with ``uid`` the item ``Uid`` is always among ``items``.

    changed_since: the modifier of RFC 7162 §3.1.4.1 (0 is allowed: Apple Mail); it implies MODSEQ, which is
    among ``items`` then.  vanished: RFC 7162 §3.2.6.
    """

    numbers: SequenceSet
    items: tuple[FetchAtt, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False


class StoreOperation(Enum):
    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True)
class Store(Command):
    """STORE. ``unchanged_since``: RFC 7162 §3.1.3. ``\\Recent`` is not among ``flags`` (it can't be stored)."""

    numbers: SequenceSet
    operation: StoreOperation
    flags: FlagSet
    silent: bool = False
    uid: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Copy(Command):
    numbers: SequenceSet
    mailbox: str
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Move(Command):
    """MOVE. RFC 6851 §3.1."""

    numbers: SequenceSet
    mailbox: str
    uid: bool = False
