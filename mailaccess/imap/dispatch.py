"""The command table, and how a command is carried out.

A row says under which names a handler is called, in which state, and whether its answer may carry EXPUNGE
(RFC 3501 §7.4.1). Not the handler but ``perform`` tells what other sessions did, before the tagged answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailaccess.imap import announcing, contexts
from mailaccess.imap.answers import answer
from mailaccess.imap.fetch.unasked import tell_joined
from mailaccess.imap.replies import Replies
from mailaccess.imap.rights import recheck
from mailaccess.imap.session import Authenticated, NotAuthenticated, Selected, State
from mailaccess.imap.withheld import NOT_OFFERED
from mailaccess.model.errors import MailError
from mailaccess.observe.events import Level
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import Request
from mailaccess.proto.imap.fetch import FetchAtt

if TYPE_CHECKING:
    from mailaccess.imap.connection import Connection

Handler = Callable[[Any, Any, Replies], Awaitable[r.Status | None]]


@dataclass(frozen=True, slots=True)
class Row:
    """One name of the table. uid: FETCH told meanwhile carries UID (it answers a UID command)."""

    name: str
    state: type[State]
    handler: Handler
    tells_expunges: bool
    uid: bool


TABLE: Final[dict[str, Row]] = {}


H = TypeVar("H", bound=Handler)


def command(*names: str, state: type[State], tells_expunges: bool = False) -> Callable[[H], H]:
    """Enter a handler into the table.

    It returns the completion (None if it has answered itself), or raises what ``answers`` knows.
    """

    def enter(handler: H) -> H:
        for name in names:
            TABLE[name] = Row(name, state, handler, tells_expunges, name.startswith("UID "))
        return handler

    return enter


_WRONG_STATE: Final[dict[type[State], str]] = {
    NotAuthenticated: "You are logged in already",
    Authenticated: "Please log in first",
    Selected: "No mailbox is selected",
}


async def perform(connection: "Connection", request: Request) -> None:
    """Carry out one command and answer it. Raises nothing but ConnectionResetError."""
    out = connection.out
    row = TABLE.get(request.name)
    if row is None:
        out.send(r.Tagged(request.tag, r.Bad("There is no such command")))
        connection.count_mistake()
        return
    if connection.mask.refuses(request):
        out.send(r.Tagged(request.tag, r.Bad(NOT_OFFERED)))
        return
    state = connection.state
    if not isinstance(state, row.state):
        wrong = Authenticated if isinstance(state, NotAuthenticated) else row.state
        out.send(r.Tagged(request.tag, r.Bad(_WRONG_STATE[wrong])))
        if isinstance(state, Authenticated):  # before login it shows at least that the peer speaks IMAP
            connection.count_mistake()
        return
    connection.tag = request.tag
    connection.old_names = request.old_names
    watch = connection.watch
    try:
        if isinstance(state, Selected) and not state.place.owned and not await recheck(state, out):
            return
        status = await row.handler(state, request.command, out)
    except ConnectionResetError:
        raise
    except Exception as error:
        status = answer(error, connection.house.log, command=request.name, user=connection.user)
    else:
        connection.mistakes = 0
        if watch is not None and isinstance(state, Authenticated):
            watch.did(state, request.command, status)
        if status is None:
            return
    state = connection.state
    if connection.notes:
        announce(connection, out)
    if watch is not None and isinstance(state, Authenticated):
        if watch.ripe or (watch.dirty and row.name in ASK_FOR_NEWS):
            await tell_watched(state, out)
    if isinstance(state, Selected) and not connection.ended and due(state, expunges=row.tells_expunges):
        new = row.name in ASK_FOR_NEWS or not connection.has_quirk("delay-newmail")
        await tell(state, out, expunges=row.tells_expunges, uid=row.uid, new=new)
        admit(state, out)
        out.complete(connection.tag, status)
        if state.updates.gone:
            connection.end(r.Bye("The selected mailbox was deleted"))
        return
    if isinstance(state, Selected):
        admit(state, out)
    out.complete(connection.tag, status)


def admit(state: Selected, out: Replies) -> None:
    """Say how far all is told while something is held back, lest a client that breaks off misses it.

    RFC 7162 §3.2 (as its §6 has it): mod-sequences told meanwhile may be above that of a removal.
    """
    if state.qresync and (told := state.updates.held_back) is not None:
        out.send(r.Ok("What came after this is not told yet", r.HighestModSeq(told)))


ASK_FOR_NEWS: Final = frozenset(("NOOP", "CHECK", "IDLE"))
"""The commands by which a client asks for new messages: all that quirk delay-newmail tells them in."""


def due(state: Selected, *, expunges: bool) -> bool:
    """Whether there may be something to tell of the selected mailbox."""
    watch = state.connection.watch
    return state.updates.due(expunges=expunges and (watch is None or watch.expunges))


def announce(connection: "Connection", out: Replies) -> None:
    """Tell of changed annotations after ENABLE METADATA, once: NOTIFY may do it already."""
    notes = connection.notes
    if notes is not None:
        if connection.watch is not None and connection.watch.tells_annotations:
            notes.take()
        else:
            announcing.tell(notes, out)


async def tell_watched(state: Authenticated, out: Replies) -> None:
    """Tell what NOTIFY asks for of other mailboxes than the selected one."""
    connection = state.connection
    if connection.watch is not None:
        try:
            await connection.watch.look(state, out)
        except MailError as error:
            connection.house.log.log("imap-notify-failed", Level.WARNING, error=error.detail or str(error))


async def tell_between(state: Authenticated, out: Replies) -> None:
    """Tell what NOTIFY asks for while no command runs. RFC 5465 §3.1."""
    connection = state.connection
    watch = connection.watch
    if watch is None:
        return
    if isinstance(state, Selected):
        if state.updates.gone:
            connection.end(r.Bye("The selected mailbox was deleted"))
            return
        if due(state, expunges=watch.at_once):
            if not state.place.owned and not await recheck(state, out):
                return
            await tell(state, out, expunges=watch.at_once)
    if watch.ripe:
        await tell_watched(state, out)


async def tell(state: Selected, out: Replies, *, expunges: bool, uid: bool = False, new: bool = True) -> None:
    """Tell a session what is due, without new messages if not ``new``.

    A failing store makes it wait for the next time.
    """
    modseq = state.condstore
    uid = uid or modseq or state.rev2  # RFC 9051 §7.5.2: unsolicited FETCH carries UID
    watch = state.connection.watch
    flags = later = True
    if watch is not None:
        uid = True  # RFC 5465 §5.1
        later, flags = watch.new, watch.flags
        new = new and watch.new
        expunges = expunges and watch.expunges
    last = state.view.last
    try:
        if state.contexts and expunges:
            await contexts.tell_losses(state, out)
        await state.updates.tell(
            out,
            expunges=expunges,
            uid=state.names_uid(uid),
            modseq=modseq,
            vanished=state.qresync or state.uid_only,
            new=new,
            flags=flags,
            later=later,
        )
        joined: Mapping[int, tuple[FetchAtt, ...]] = {}
        if state.contexts and not state.updates.gone:
            found = await contexts.results(state)
            joined = contexts.joined(found, last)
            await tell_joined(state, joined, watch.items if watch is not None else (), out)
            await contexts.tell_changes(state, found, out)
        if watch is not None and state.view.last > last and not state.updates.gone:
            await watch.tell_new(state, last, joined, out)
    except MailError as error:
        state.connection.house.log.log("imap-update-failed", Level.WARNING, error=error.detail or str(error))
