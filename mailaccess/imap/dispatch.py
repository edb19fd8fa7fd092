"""The command table, and how a command is carried out.

A row says under which names a handler is called, in which state, and whether its answer may carry EXPUNGE
(RFC 3501 §7.4.1). Not the handler but ``perform`` tells what other sessions did, before the tagged answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailaccess.imap import announcing, contexts
from mailaccess.imap.answers import answer
from mailaccess.imap.replies import Replies
from mailaccess.imap.rights import recheck
from mailaccess.imap.session import Authenticated, NotAuthenticated, Selected, State
from mailaccess.model.errors import MailError
from mailaccess.observe.events import Level
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import Request

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
    if request.name in connection.mask.commands:
        out.send(r.Tagged(request.tag, r.Bad("That command is not offered here")))
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
        if status is None:
            return
    state = connection.state
    if connection.notes:
        announcing.tell(connection.notes, out)
    if (
        isinstance(state, Selected)
        and not connection.ended
        and state.updates.due(expunges=row.tells_expunges)
    ):
        new = row.name in ASK_FOR_NEWS or not connection.has_quirk("delay-newmail")
        await tell(state, out, expunges=row.tells_expunges, uid=row.uid, new=new)
        out.complete(request.tag, status)
        if state.updates.gone:
            connection.end(r.Bye("The selected mailbox was deleted"))
        return
    out.complete(request.tag, status)


ASK_FOR_NEWS: Final = frozenset(("NOOP", "CHECK", "IDLE"))
"""The commands by which a client asks for new messages: all that quirk delay-newmail tells them in."""


async def tell(state: Selected, out: Replies, *, expunges: bool, uid: bool = False, new: bool = True) -> None:
    """Tell a session what is due, without new messages if not ``new``.

    A failing store makes it wait for the next time.
    """
    modseq = state.condstore
    uid = uid or modseq or state.rev2  # RFC 9051 §7.5.2: unsolicited FETCH carries UID
    try:
        if state.contexts and expunges:
            await contexts.tell_losses(state, out)
        await state.updates.tell(
            out, expunges=expunges, uid=uid, modseq=modseq, vanished=state.qresync or state.uid_only, new=new
        )
        if state.contexts and not state.updates.gone:
            await contexts.tell_changes(state, out)
    except MailError as error:
        state.connection.house.log.log("imap-update-failed", Level.WARNING, error=error.detail or str(error))
