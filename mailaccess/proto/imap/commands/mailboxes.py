"""Commands on mailboxes as a whole (RFC 9051 §6.3, §6.4.1, §6.4.2; RFC 2342; RFC 3691; RFC 6154; RFC 7162).

Mailbox names are ``str`` of Unicode with ``/`` between levels, in the canonical form of
``model.names.canonical``; that a name is possible (``model.names.problem``) the store checks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.model import names
from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rule, Rules
from mailaccess.proto.imap.responses import USEATTR, No
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported


@dataclass(frozen=True, slots=True)
class QResync:
    """The QRESYNC parameter of SELECT and EXAMINE. RFC 7162 §3.2.5.

    known_uids: None when not given.  seq_match, uid_match: the pair of equally long sets of
    seq-match-data (RFC 7162 §3.2.5.2), None when not given.
    """

    uid_validity: int
    modseq: int
    known_uids: SequenceSet | None = None
    seq_match: SequenceSet | None = None
    uid_match: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Select(Command):
    """SELECT, and EXAMINE with ``examine=True``. RFC 9051 §6.3.2, §6.3.3.

    condstore: the parameter of RFC 7162 §3.1.8; it makes the session CONDSTORE-aware.
    """

    mailbox: str
    examine: bool = False
    condstore: bool = False
    qresync: QResync | None = None


@dataclass(frozen=True, slots=True)
class Create(Command):
    """CREATE. RFC 9051 §6.3.4. A trailing separator, which says "there will be children", is taken off.

    special_use: attributes of the USE parameter (RFC 6154 §3) in their canonical case.
    """

    mailbox: str
    special_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename(Command):
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    mailbox: str


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """NAMESPACE. RFC 2342 §5."""


@dataclass(frozen=True, slots=True)
class Check(Command):
    """CHECK. RFC 3501 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Close(Command):
    """CLOSE: expunges silently, then unselects. RFC 9051 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """UNSELECT. RFC 3691 §2."""


def _select(cur: ImapCursor, *, examine: bool = False) -> Select:
    """``select`` = "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"]. RFC 4466 §2.1."""
    tokens.space(cur)
    name = tokens.mailbox(cur)
    condstore, qresync = False, None
    if tokens.more(cur):
        tokens.space(cur)
        cur.skip(b"(", '"(" or the end of the command')
        while True:
            at = cur.pos
            match tokens.keyword(cur, "a SELECT parameter"):
                case b"CONDSTORE" if not condstore:
                    condstore = True
                case b"QRESYNC" if qresync is None:
                    tokens.space(cur)
                    qresync = _qresync(cur)
                case _:
                    cur.fail("a known SELECT parameter, once", at)
            if tokens.list_ends(cur):
                break
    return Select(name, examine, condstore, qresync)


def _examine(cur: ImapCursor) -> Select:
    return _select(cur, examine=True)


def _qresync(cur: ImapCursor) -> QResync:
    """select-param-value of QRESYNC: "(" uidvalidity SP mod-sequence-value [SP known-uids]
    [SP seq-match-data] ")". RFC 7162 §7.
    """
    cur.skip(b"(", '"("')
    uid_validity = tokens.nz_number(cur, "a UIDVALIDITY")
    tokens.space(cur)
    modseq = tokens.mod_sequence_value(cur)
    known = seqs = uids = None
    if not tokens.list_ends(cur):
        if cur.peek() != b"(":
            known = _plain_set(cur)
        if known is None or not tokens.list_ends(cur):
            cur.skip(b"(", '"("')
            seqs = _plain_set(cur)
            tokens.space(cur)
            uids = _plain_set(cur)
            cur.skip(b")", '")"')
            cur.skip(b")", '")"')
    return QResync(uid_validity, modseq, known, seqs, uids)


def _plain_set(cur: ImapCursor) -> SequenceSet:
    """A set of numbers without ``*`` and ``$``. RFC 7162 §7 (known-uids)."""
    at = cur.pos
    found = tokens.sequence_set(cur)
    if found.saved or any(item.first is None or item.last is None for item in found.ranges):
        cur.fail('a set of numbers without "*"', at)
    return found


def _create(cur: ImapCursor) -> Create:
    """``create`` = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"].

    RFC 6154 §6.
    """
    tokens.space(cur)
    name = tokens.mailbox(cur)
    if len(name) > 1:
        name = name.removesuffix(names.SEPARATOR)
    uses: tuple[str, ...] = ()
    if tokens.more(cur):
        tokens.space(cur)
        at = cur.pos
        if not (cur.skip_if(b"(") and tokens.keyword(cur, "USE") == b"USE"):
            cur.fail('"(USE (...))"', at)
        tokens.space(cur)
        uses = _use_attributes(cur)
        cur.skip(b")", '")"')
    return Create(name, uses)


def _use_attributes(cur: ImapCursor) -> tuple[str, ...]:
    cur.skip(b"(", '"("')
    found: dict[str, None] = {}
    if not cur.skip_if(b")"):
        while True:
            at = cur.pos
            cur.skip(b"\\", "a special-use attribute")
            word = "\\" + tokens.atom(cur, "a special-use attribute").decode("ascii")
            known = _SPECIAL_USES.get(word.lower())
            if known is None:
                # RFC 6154 §3: what the server does not know is refused with USEATTR, and nothing is created.
                raise Unsupported(No("There is no such special use here", USEATTR), at)
            found[known] = None
            if tokens.list_ends(cur):
                break
    return tuple(found)


_SPECIAL_USES: Final = {use.lower(): use for use in names.SPECIAL_USES}


def _of_one_mailbox(kind: Callable[[str], Command]) -> Rule:
    """The rule of a command whose only argument is a mailbox."""

    def rule(cur: ImapCursor) -> Command:
        tokens.space(cur)
        return kind(tokens.mailbox(cur))

    return rule


def _rename(cur: ImapCursor) -> Rename:
    """``rename`` = "RENAME" SP mailbox SP mailbox"""
    tokens.space(cur)
    source = tokens.mailbox(cur)
    tokens.space(cur)
    target = tokens.mailbox(cur)
    return Rename(source, target.removesuffix(names.SEPARATOR) if len(target) > 1 else target)


def quirk_trailing_separator(cur: ImapCursor) -> str:
    """A mailbox whose name may end in a separator: Thunderbird deletes and subscribes ``Folder/`` so."""
    name = tokens.mailbox(cur)
    return name.removesuffix(names.SEPARATOR) if len(name) > 1 else name


def _of_old_mailbox(kind: Callable[[str], Command]) -> Rule:
    def rule(cur: ImapCursor) -> Command:
        tokens.space(cur)
        return kind(quirk_trailing_separator(cur))

    return rule


RULES: Rules = {
    b"SELECT": _select,
    b"EXAMINE": _examine,
    b"CREATE": _create,
    b"DELETE": _of_old_mailbox(Delete),
    b"RENAME": _rename,
    b"SUBSCRIBE": _of_old_mailbox(Subscribe),
    b"UNSUBSCRIBE": _of_one_mailbox(Unsubscribe),
    b"NAMESPACE": lambda cur: Namespace(),
    b"CHECK": lambda cur: Check(),
    b"CLOSE": lambda cur: Close(),
    b"UNSELECT": lambda cur: Unselect(),
}
