"""What a capability gives inside commands that exist without it: options, items, keys, parameters.

Where a capability is withheld (``imap.offers``) these are refused with BAD, as a server that never heard of them
would; whole commands are told by ``proto.imap.capabilities``. One table says it all: who asks, and which names
allow it. IMAP4rev2 makes no exception: it has most of them in its base, and who withholds one means it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mailaccess.model import criteria as c
from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap.commands.acl import SetAcl
from mailaccess.proto.imap.commands.append import Append, AppendMessage, Catenation, MessageLiteral
from mailaccess.proto.imap.commands.authentication import Authenticate
from mailaccess.proto.imap.commands.base import Command
from mailaccess.proto.imap.commands.listing import List, ReturnOption, SelectOption, Status, StatusItem
from mailaccess.proto.imap.commands.mailboxes import Create, Select
from mailaccess.proto.imap.commands.messages import Copy, Expunge, Fetch, Move, Search, SearchReturn, Store
from mailaccess.proto.imap.commands.notify import Notify
from mailaccess.proto.imap.commands.quota import SetQuota
from mailaccess.proto.imap.commands.replace import Replace
from mailaccess.proto.imap.commands.session import StartTls
from mailaccess.proto.imap.commands.sorting import Sort, SortKey, Thread
from mailaccess.proto.imap.fetch import FetchAtt, ModSeq
from mailaccess.proto.imap.fetch_binary import Binary, BinarySize
from mailaccess.proto.imap.fetch_facts import EmailId, Preview, SaveDate, ThreadId

NOT_OFFERED: Final = "That is not offered here"

Asks = Callable[[Command], bool]


@dataclass(frozen=True, slots=True)
class Given:
    """names: capabilities in capitals, any of which allows what ``asks`` finds in a command."""

    names: frozenset[str]
    asks: Asks


def asked(command: Command, features: tuple[Given, ...]) -> bool:
    """Whether a command asks for any of what is withheld."""
    return any(feature.asks(command) for feature in features)


@lru_cache(maxsize=256)
def withheld(gone: frozenset[str]) -> tuple[Given, ...]:
    """What none of the names that are left allows."""
    return tuple(feature for feature in TABLE if feature.names <= gone)


# --- what commands hold -----------------------------------------------------------------------------------


def _items(command: Command) -> Iterator[FetchAtt]:
    match command:
        case Fetch(items=items):
            yield from items
        case Search(update_items=items) | Sort(update_items=items):
            yield from items
        case Notify(groups=groups):
            for group in groups:
                yield from group.new_items


def _keys(command: Command) -> Iterator[c.Criterion]:
    """Every criterion of a search; the grammar bounds their number."""
    if not isinstance(command, Search | Sort | Thread):
        return
    pending = [command.criteria]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case c.And(parts):
                pending += parts
            case c.Or(left, right):
                pending += (left, right)
            case c.Not(part) | c.Fuzzy(part) | c.Collated(part, _):
                pending.append(part)


def _status_items(command: Command) -> tuple[StatusItem, ...]:
    match command:
        case Status(items=items) | List(status=items):
            return items
    return ()


def _sets(command: Command) -> Iterator[SequenceSet]:
    match command:
        case Fetch(numbers=numbers) | Store(numbers=numbers) | Copy(numbers=numbers) | Move(numbers=numbers):
            yield numbers
        case Replace(number=numbers):
            yield numbers
        case Expunge(uids=numbers) if numbers is not None:
            yield numbers
    for key in _keys(command):
        if isinstance(key, c.MessageNumbers):
            yield key.numbers


def _messages(command: Command) -> tuple[AppendMessage, ...]:
    match command:
        case Append(messages=messages):
            return messages
        case Replace(message=message):
            return (message,)
    return ()


def _literals(command: Command) -> Iterator[MessageLiteral]:
    for message in _messages(command):
        parts = message.data.parts if isinstance(message.data, Catenation) else (message.data,)
        yield from (part for part in parts if isinstance(part, MessageLiteral))


# --- questions --------------------------------------------------------------------------------------------


def _fetches(*kinds: type[FetchAtt]) -> Asks:
    return lambda command: any(isinstance(item, kinds) for item in _items(command))


def _searches(*kinds: type[c.Criterion]) -> Asks:
    return lambda command: any(isinstance(key, kinds) for key in _keys(command))


def _tells(item: StatusItem) -> Asks:
    return lambda command: item in _status_items(command)


def _returns(kind: type[Search] | type[Sort], *options: SearchReturn) -> Asks:
    def asks(command: Command) -> bool:
        if not isinstance(command, kind) or command.return_options is None:
            return False
        return not options or not command.return_options.isdisjoint(options)

    return asks


def _sorts(*keys: SortKey) -> Asks:
    return lambda command: isinstance(command, Sort) and any(each.key in keys for each in command.order)


def _threads(algorithm: str) -> Asks:
    return lambda command: isinstance(command, Thread) and command.algorithm == algorithm


def _selects(command: Command) -> bool:
    return isinstance(command, Select) and command.condstore


def _resynchronises(command: Command) -> bool:
    return (isinstance(command, Select) and command.qresync is not None) or (
        isinstance(command, Fetch) and command.vanished
    )


def _since(command: Command) -> bool:
    return (isinstance(command, Fetch) and command.changed_since is not None) or (
        isinstance(command, Store) and command.unchanged_since is not None
    )


def _special_use(command: Command) -> bool:
    return isinstance(command, List) and (
        SelectOption.SPECIAL_USE in command.select_options
        or ReturnOption.SPECIAL_USE in command.return_options
    )


def _saved_dates(command: Command) -> bool:
    return any(
        isinstance(key, c.SaveDates) or (isinstance(key, c.DateIs) and key.field is c.DateField.SAVED)
        for key in _keys(command)
    )


def _attributes(command: Command) -> bool:
    return isinstance(command, Search | Sort) and bool(command.update_items)


def _limits(resource: str) -> Asks:
    return lambda command: isinstance(command, SetQuota) and resource in dict(command.limits)


def _given(names: str, *asks: Asks) -> tuple[Given, ...]:
    allowing = frozenset(names.split())
    return tuple(Given(allowing, each) for each in asks)


TABLE: Final[tuple[Given, ...]] = (
    *_given("STARTTLS", lambda command: isinstance(command, StartTls)),
    *_given(
        "SASL-IR",
        lambda command: isinstance(command, Authenticate) and command.initial_response is not None,
    ),
    *_given("MULTIAPPEND", lambda command: len(_messages(command)) > 1),
    *_given("CATENATE", lambda command: any(isinstance(m.data, Catenation) for m in _messages(command))),
    *_given("CREATE-SPECIAL-USE", lambda command: isinstance(command, Create) and bool(command.special_use)),
    *_given("SPECIAL-USE", _special_use),
    *_given("LIST-EXTENDED", lambda command: isinstance(command, List) and command.extended),
    *_given("LIST-STATUS", lambda command: isinstance(command, List) and bool(command.status)),
    *_given("LIST-METADATA", lambda command: isinstance(command, List) and bool(command.metadata)),
    *_given(
        "LIST-MYRIGHTS",
        lambda command: isinstance(command, List) and ReturnOption.MYRIGHTS in command.return_options,
    ),
    *_given("STATUS=SIZE", _tells(StatusItem.SIZE)),
    *_given("OBJECTID", _tells(StatusItem.MAILBOXID), _fetches(EmailId, ThreadId)),
    *_given("OBJECTID", _searches(c.EmailId, c.ThreadId)),
    *_given("APPENDLIMIT", _tells(StatusItem.APPENDLIMIT)),
    *_given("QUOTA=RES-STORAGE", _tells(StatusItem.DELETED_STORAGE), _limits("STORAGE")),
    *_given("QUOTA=RES-MESSAGE", _limits("MESSAGE")),
    *_given("QUOTA=RES-MESSAGE IMAP4REV2", _tells(StatusItem.DELETED)),
    *_given("QUOTA=RES-MAILBOX", _limits("MAILBOX")),
    *_given(
        "RIGHTS=TEXK", lambda command: isinstance(command, SetAcl) and bool(command.rights & set("texk"))
    ),
    *_given("CONDSTORE", _selects, _since, _fetches(ModSeq), _searches(c.ModSeqSince)),
    *_given("CONDSTORE", _tells(StatusItem.HIGHESTMODSEQ)),
    *_given("QRESYNC", _resynchronises),
    *_given("ESEARCH", _returns(Search)),
    *_given("ESORT", _returns(Sort)),
    *_given("SEARCHRES", lambda command: any(numbers.saved for numbers in _sets(command))),
    *_given("SEARCHRES", _returns(Search, SearchReturn.SAVE), _returns(Sort, SearchReturn.SAVE)),
    *_given("CONTEXT=SEARCH", _returns(Search, SearchReturn.CONTEXT, SearchReturn.UPDATE)),
    *_given("CONTEXT=SORT", _returns(Sort, SearchReturn.CONTEXT, SearchReturn.UPDATE)),
    *_given("PARTIAL", lambda command: isinstance(command, Fetch) and command.partial is not None),
    *_given("PARTIAL CONTEXT=SEARCH", _returns(Search, SearchReturn.PARTIAL)),
    *_given("PARTIAL CONTEXT=SORT", _returns(Sort, SearchReturn.PARTIAL)),
    *_given("NOTIFY", _attributes),
    *_given("FILTERS", lambda command: isinstance(command, Search | Sort | Thread) and command.uses_filter),
    *_given("WITHIN", _searches(c.Older, c.Younger)),
    *_given("SEARCH=FUZZY", _searches(c.Fuzzy), _sorts(SortKey.RELEVANCY)),
    *_given("SEARCH=FUZZY", _returns(Search, SearchReturn.RELEVANCY), _returns(Sort, SearchReturn.RELEVANCY)),
    *_given(
        "BINARY", _fetches(Binary, BinarySize), lambda command: any(x.binary for x in _literals(command))
    ),
    *_given("UTF8=ACCEPT", lambda command: any(literal.utf8 for literal in _literals(command))),
    *_given("PREVIEW", _fetches(Preview)),
    *_given("SAVEDATE", _fetches(SaveDate), _saved_dates),
    *_given("SORT=DISPLAY", _sorts(SortKey.DISPLAYFROM, SortKey.DISPLAYTO)),
    *_given("THREAD=ORDEREDSUBJECT", _threads("ORDEREDSUBJECT")),
    *_given("THREAD=REFERENCES", _threads("REFERENCES")),
    *_given("THREAD=REFS", _threads("REFS")),
)
