"""IDLE (RFC 2177): what happens is told at once, until the client says DONE."""

from mailaccess.imap.answers import bad
from mailaccess.imap.dispatch import announce, command, due, tell, tell_watched
from mailaccess.imap.replies import Replies
from mailaccess.imap.rights import recheck
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.wire import Timer
from mailaccess.proto.imap import framing
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.session import Idle

LINE = 64
"""Octets of the line that ends IDLE; it is "DONE"."""


@command("IDLE", state=Authenticated, tells_expunges=True)
async def idle(session: Authenticated, args: Idle, out: Replies) -> r.Status:
    """RFC 2177 §3. Commands pipelined behind DONE (iOS) wait in the framer as behind any other command."""
    connection = session.connection
    out.send(r.Continue("idling"))
    connection.framer.expect_line(LINE)
    selected = session if isinstance(session, Selected) else None
    if selected is not None:
        selected.updates.wake = connection.wake
    notes = connection.notes
    if notes is not None:
        notes.wake = connection.wake
    keeper = _Keeper(session)
    connection.idling = True
    try:
        while True:
            if (
                connection.wire.full
            ):  # meanwhile changes gather where they are bounded, not in what is to be sent
                await connection.wire.drain()
            if selected is not None:
                if selected.updates.gone:
                    return r.Ok("IDLE terminated")
                if due(selected, expunges=True):
                    if not await recheck(selected, out):
                        raise ConnectionResetError("the mailbox may not be read any more")
                    await tell(selected, out, expunges=True)
                    continue  # more may have come up while that waited for the store
            if notes:
                announce(connection, out)
            if connection.watch is not None and connection.watch.ripe:
                await tell_watched(session, out)
                continue
            event = connection.next_event()
            if event is not None or connection.stopping:
                break
            if keeper.due:
                out.send(r.Ok("Still here"))
                keeper.wind()
            await connection.woken()
    finally:
        connection.idling = False
        connection.framer.expect_command()
        keeper.stop()
        if notes is not None:
            notes.wake = None
        if selected is not None:
            connection.listen_between()
    if isinstance(event, framing.Line) and event.octets.strip().upper() != b"DONE":
        raise bad("Expected DONE", r.CLIENTBUG)
    if event is not None and not isinstance(event, framing.Line):
        raise bad("Expected DONE", r.CLIENTBUG)
    return r.Ok("IDLE completed")


class _Keeper:
    """Tells every ``idle_notify`` seconds that the server is still here: NAT and phones forget quiet
    connections.
    """

    __slots__ = ("_connection", "_timer", "due")

    def __init__(self, session: Authenticated) -> None:
        self._connection = session.connection
        self.due = False
        self._timer: Timer | None = None
        self.wind()

    def wind(self) -> None:
        self.due = False
        seconds = self._connection.house.settings.idle_notify
        self._timer = self._connection.wire.later(seconds, self._ring) if seconds else None

    def _ring(self) -> None:
        self._timer = None
        connection = self._connection
        if (
            connection.waits and not connection.wire.full
        ):  # with 10,000 who wait, 80 a second: nobody is woken for it
            connection.out.send(r.Ok("Still here"))
            connection.out.flush()
            self.wind()
        else:
            self.due = True
            connection.wake()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
