"""One client's connection without its socket: input framed, parsed and carried out, one command after
another.

Commands run strictly in the order in which they came, each to its end (RFC 9051 §5.5 allows more, but then
only between commands that cannot be told apart from ours in order). Most never wait: they are carried out
inside ``received`` and everything they answered leaves in one write. A command that has to wait leaves its
coroutine with the wire; input that comes meanwhile stays in the framer, and past ``MAX_BEHIND`` octets with
the client.
"""

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mailaccess.config.clients import ClientProfile
from mailaccess.imap import commands, dispatch, moving
from mailaccess.imap.announcing import Notes
from mailaccess.imap.answers import answer
from mailaccess.imap.commands.authentication import enter
from mailaccess.imap.deflate import Deflate
from mailaccess.imap.house import GREETING, House
from mailaccess.imap.incoming import Incoming
from mailaccess.imap.moving import Luggage
from mailaccess.imap.offers import ACCOUNT_FIELD, Words, account_words, mask
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, NotAuthenticated, Selected, State
from mailaccess.imap.silence import Silence
from mailaccess.imap.wire import Promise, Timer, Wire
from mailaccess.imap.withheld import NOT_OFFERED
from mailaccess.observe.events import Level
from mailaccess.proto.imap import framing, parse
from mailaccess.proto.imap import responses as r

if TYPE_CHECKING:
    from mailaccess.imap.notifying import Watch

commands.load()

MAX_BEHIND: Final = 256 * 1024
"""Octets a client may be ahead of us: enough for any pipeline, and for a piece of an APPEND."""

AGAIN: Final = 0.5
"""Seconds until what could not be told between commands is tried again: a failing store must not be asked at once."""

SOON: Final = 0.005
"""Seconds for which answers may wait for those of the commands sent behind them."""

TURN: Final = 200
"""Commands carried out before everybody else gets a turn: 2 to 4 ms of NOOPs."""

MISTAKES_BEFORE_LOGIN: Final = 3
MISTAKES: Final = 20
"""Commands in a row that are none, before BYE: Dovecot's bounds."""


class Connection:
    """From greeting to BYE.

    tag: of the command being carried out.  frame: that command as it came.  together: commands sent behind it that
    were carried out with it.  old_names: ``Request.old_names`` of that command.
    mistakes: commands in a row that were none.  profile: of the mail program, once ID has told which it is.
    mask: what is offered.
    idling: IDLE is on, so there is no autologout.  ended: nothing more is read or answered.
    stopping: the server goes down; IDLE ends itself.
    """

    def __init__(self, house: House, wire: Wire) -> None:
        self.house = house
        self.wire = wire
        self.out = Replies(wire)
        self.incoming = Incoming(house.limits(logged_in=False))
        self.framer = self.incoming.framer
        self.state: State = NotAuthenticated(self)
        self.profile: ClientProfile | None = None
        self._account_words: Words = ()
        self.notes: Notes | None = None  # METADATA is enabled
        self.watch: Watch | None = None  # NOTIFY has been used
        self._between: Timer | None = None
        self.mask = mask(house.settings.capabilities)
        self._limit()
        self.tag = b""
        self.frame = b""
        self.together = 0
        self.old_names: tuple[tuple[str, str], ...] = ()
        self.user = ""
        self.mistakes = 0
        self.idling = False
        self.ended = False
        self.stopping = False
        self.announced: framing.StreamStart | None = None
        self._busy = False
        self._working = False
        self._held = False
        self._lost = False
        self._promise: Promise | None = None
        self._flushing: Timer | None = None
        self._silence = Silence(self)

    # --- what the protocol calls ----------------------------------------------------------------------

    def begin(self) -> None:
        """Greet. RFC 9051 §7.1; the capabilities spare the client a round trip."""
        self.out.send(r.Ok(GREETING, r.CapabilityCode(self.state.capabilities())))
        self.out.flush()
        self._silence.begin()

    def resume(self, luggage: Luggage) -> None:
        """Go on where another process has left off: the client has logged in, and waits for the answer."""
        self._silence.begin()
        self.incoming.feed(luggage.ahead)
        state = self.state
        assert isinstance(state, NotAuthenticated)
        self._start(moving.arrive(self, luggage, partial(enter, state)))
        if not self._busy:
            self._work()

    def received(self, octets: bytes) -> None:
        """Octets from the client, decrypted."""
        if self.ended:
            return
        self._silence.broken()
        self.incoming.feed(octets)
        if self._promise is not None:
            self.wake()
        elif not self._busy:
            self._work()
        if self._busy and not self._held and self.incoming.waiting > MAX_BEHIND:
            self._held = True
            self.wire.hold_input()

    @property
    def busy(self) -> bool:
        """Whether a command runs that has to wait."""
        return self._busy

    def _feed_inflated(self) -> bool:
        """Hand the framer a piece of what came compressed; says whether there was any."""
        try:
            return self.incoming.inflate()
        except ValueError:
            self.end(r.Bye("That was not compressed"))
            return False

    def lost(self) -> None:
        """The client is gone; whatever runs ends at its next look at the connection."""
        self._lost = self.ended = True
        for timer in (self._flushing, self._between):
            if timer is not None:
                timer.cancel()
        self._flushing = self._between = None
        self._silence.stop()
        self.notify(None)
        self.wake()
        if not self._busy:
            self._leave()

    def stop(self) -> None:
        """The server goes down: say BYE, at once or after the command that runs."""
        self.stopping = True
        if not self._busy:
            self.end(r.Bye("The server is shutting down"))
        else:
            self.wake()

    # --- for handlers ---------------------------------------------------------------------------------

    def become(self, state: State) -> None:
        self.state = state
        if self.watch is not None:
            self.listen_between()

    def logged_in(self, state: Authenticated) -> None:
        """Login succeeded: other limits hold, and what the account is offered."""
        self.state = state
        self.user = state.identity.name
        self._account_words = account_words(state.identity.extra.get(ACCOUNT_FIELD, ""))
        self._mask_anew()

    def known_as(self, profile: ClientProfile | None) -> None:
        """The client told with ID what it is."""
        self.profile = profile
        self._mask_anew()

    def has_quirk(self, name: str) -> bool:
        """Whether something of ``config.clients.QUIRKS`` is to be done for this client."""
        return self.profile is not None and name in self.profile.quirks

    def _mask_anew(self) -> None:
        words = () if self.profile is None else self.profile.capabilities
        self.mask = mask(self.house.settings.capabilities, self._account_words, words)
        self._limit()

    def _limit(self) -> None:
        known = isinstance(self.state, Authenticated)
        self.framer.limits = self.house.limits(
            logged_in=known, literals=("LITERAL+" if known else "LITERAL-") not in self.mask.withheld
        )

    def end(self, bye: r.Bye | None = None) -> None:
        """Say BYE, if given, and close when everything has gone out; nothing more is read."""
        if self.ended:
            return
        self.ended = True
        if bye is not None:
            self.out.send(bye)
        if not self._working and not self._busy:
            self._close()

    def count_mistake(self) -> None:
        """A command that was none: too many in a row come from something that does not speak IMAP."""
        self.mistakes += 1
        known = isinstance(self.state, Authenticated)
        if self.mistakes >= (MISTAKES if known else MISTAKES_BEFORE_LOGIN):
            self.house.log.log(
                "imap-too-many-mistakes", Level.INFO, user=self.user or None, rip=self.wire.address
            )
            self.end(r.Bye("Too many invalid commands"))

    async def event(self) -> framing.Event:
        """What the client sends next inside a command. Raises ConnectionResetError."""
        while True:
            event = self.next_event()
            if type(event) is framing.NeedContinuation:
                self.out.send(r.Continue())
            elif event is not None:
                return event
            else:
                self._take_input()
                await self.woken()
                if self.stopping:
                    self.end(r.Bye("The server is shutting down"))
                    raise ConnectionResetError("the server is shutting down")

    def next_event(self) -> framing.Event | None:
        """What has come already, or None."""
        event = self.framer.next()
        if event is None and self.incoming.more and self._feed_inflated():
            event = self.framer.next()
        return event

    async def woken(self) -> None:
        """Wait for input, for a ``wake``, or for the end.

        Raises ConnectionResetError when the client is gone.
        """
        self.out.flush()
        if self._lost:
            raise ConnectionResetError("the client is gone")
        if self.incoming.more:
            await self.house.runner.pause()
            return
        self._promise = self.wire.promise()
        await self._promise
        if self._lost:
            raise ConnectionResetError("the client is gone")

    def wake(self) -> None:
        """Let a command that waits in ``woken`` look around."""
        promise, self._promise = self._promise, None
        if promise is not None:
            promise.keep()

    @property
    def waits(self) -> bool:
        """Whether a command waits in ``woken``, with nothing left to write."""
        return self._promise is not None and not self._lost

    @property
    def compressed(self) -> bool:
        """Whether COMPRESS is on."""
        return self.incoming.compressed

    def start_compression(self) -> None:
        """What was written goes out plain; from here both ways are DEFLATE, also what has come already."""
        self.out.flush()
        self.out.deflate = Deflate()
        self.incoming.compress()

    def logged_out(self, state: State) -> None:
        """The login is taken back (RFC 8437): the limits and the time-out of before it hold again.

        Says so: the OK is the last thing compressed, if that was on, and what follows is plain, either way.
        """
        self.state = state
        self.user = ""
        self._account_words = ()
        self.notes = None
        self.notify(None)
        self._mask_anew()
        self.wire.dismiss()
        self.out.complete(self.tag, r.Ok("You are nobody now", r.CapabilityCode(state.capabilities())))
        if self.incoming.compressed:
            self.out.flush()
            self.out.deflate = None
            self.incoming.uncompress()
        self.out.utf8 = False
        self.out.language = None
        self._silence.begin()

    def start_tls(self) -> None:
        """Go on over TLS. What came in the clear behind STARTTLS is thrown away: RFC 9051 §6.2.1."""
        self.out.flush()
        self.framer.discard()
        self.wire.start_tls()

    # --- between commands (NOTIFY) ----------------------------------------------------------------------

    def notify(self, watch: "Watch | None") -> None:
        """From here on this is what the client is told of; None: as RFC 3501 has it."""
        if self.watch is not None:
            self.watch.close()
        self.watch = watch
        self.listen_between()

    def listen_between(self) -> None:
        """Have what happens in the selected mailbox told between commands, if the client wants that."""
        if isinstance(self.state, Selected):
            self.state.updates.wake = self.stir if self.watch is not None else None

    def stir(self, seconds: float = SOON) -> None:
        """Something has come up that may be told between commands; or by IDLE, if that is what runs."""
        if self._busy:
            self.wake()
        elif self._between is None and not self.ended:
            self._between = self.wire.later(seconds, self._tell_between)

    def _tell_between(self) -> None:
        self._between = None
        if self.watch is None or self._busy or self._working or self.ended:
            return
        if isinstance(self.state, Authenticated) and self.watch.due(self.state):
            self._start(self._tell_unasked(self.state))
            if not self._busy:
                self._work()

    async def _tell_unasked(self, state: Authenticated) -> None:
        try:
            if self.wire.full:  # meanwhile changes gather where they are bounded, not in what is to be sent
                await self.wire.drain()
            await dispatch.tell_between(state, self.out)
        except ConnectionResetError:
            self.ended = True
        except Exception as error:
            status = answer(error, self.house.log, user=self.user, rip=self.wire.address)
            self.end(r.Bye(status.text, status.code))

    # --- carrying out ---------------------------------------------------------------------------------

    def _work(self) -> None:
        """Carry out what has come in, until a command waits or nothing is left."""
        if self._working:
            return
        self._working = True
        turn = 0
        next_event = self.framer.next
        try:
            while not self._busy and not self.ended:
                event = next_event()
                if event is None:
                    if not self.incoming.more or not self._feed_inflated():
                        break
                    self._start(self._give_way())
                    continue
                self._start(self._carry_out(event))
                turn += 1 + self.together
                self.together = 0
                if not self._busy and (turn >= TURN or self.wire.full):
                    turn = 0
                    self._start(self._give_way())
        finally:
            self._working = False
        if self._busy:
            return
        if self.stopping and not self.ended:
            self.end(r.Bye("The server is shutting down"))
        if self.ended:
            self._close()
        else:
            self.out.flush()
            self._take_input()
            if (
                self.watch is not None
                and isinstance(self.state, Authenticated)
                and self.watch.due(self.state)
            ):
                self.stir(AGAIN)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as far as it goes; if it has to wait, leave it with the wire."""
        try:
            awaited = coroutine.send(None)
        except StopIteration:
            return
        self._busy = True
        if self.framer.pending:
            self._flush_soon()
        else:
            self.out.flush()
        self.wire.go_on(coroutine, awaited, self._finished)

    def _flush_soon(self) -> None:
        """Whoever sends many commands at once gets their answers in few writes, if they don't take long."""
        if self._flushing is None and self.out.gathered:
            self._flushing = self.wire.later(SOON, self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = None
        self.out.flush()

    def _finished(self) -> None:
        self._busy = False
        if self._lost:
            self._leave()
        else:
            self._work()

    async def _carry_out(self, event: framing.Event) -> None:
        try:
            match event:
                case framing.Frame():
                    await self._command(event)
                case framing.StreamStart():
                    self.announced = event
                    await self._command(event.frame)
                    if self.announced is not None:  # no handler wanted it
                        self.announced = None
                        self.framer.refuse()
                case framing.NeedContinuation():
                    self.out.send(r.Continue())
                case framing.Refused():
                    self._refused(event)
        except ConnectionResetError:
            self.ended = True
        except Exception as error:
            # Not a command's handler: so there is no tag to say it under.
            status = answer(error, self.house.log, user=self.user, rip=self.wire.address)
            self.end(r.Bye(status.text, status.code))

    async def _command(self, frame: framing.Frame) -> None:
        try:
            request = parse.parse(frame, utf8=self.out.utf8)
        except parse.ParseError as error:
            self.out.send(error.response)
            self.count_mistake()
            return
        self.frame = frame.octets
        await dispatch.perform(self, request)

    def _refused(self, event: framing.Refused) -> None:
        """What the framer would not take."""
        status: r.Status
        if isinstance(event, framing.LiteralTooBig):
            text = f"At most {event.limit} octets are taken here"
            # RFC 7888 §5: BAD for what LITERAL- forbids.  RFC 7889 §4: NO for what is too large.
            status = r.Bad(text, r.TOOBIG) if event.non_synchronising else r.No(text, r.TOOBIG)
            if event.limit == framing.NONE:
                status = r.Bad(NOT_OFFERED)
        else:
            status = r.Bad("The command is too long")
        self.out.send(status if event.tag is None else r.Tagged(event.tag, status))
        if event.fatal:
            self.end(r.Bye("That was too much"))
        else:
            self.count_mistake()

    async def _give_way(self) -> None:
        if self.wire.full:
            self.out.flush()
            try:
                await self.wire.drain()
            except ConnectionResetError:
                self.ended = True
        else:
            await self.house.runner.pause()

    def _take_input(self) -> None:
        if self._held:
            self._held = False
            self.wire.take_input()

    # --- the end --------------------------------------------------------------------------------------

    def _close(self) -> None:
        if not self._lost:
            self.out.flush()
            self.wire.close()

    def _leave(self) -> None:
        """Let go of everything, once nothing runs any more."""
        state, self.state = self.state, NotAuthenticated(self)
        if self.user:
            self.house.log.log("imap-logout", Level.DEBUG, user=self.user, rip=self.wire.address)
        self.wire.begin(self._let_go(state))

    async def _let_go(self, state: State) -> None:
        try:
            await state.leave()
        except Exception as error:
            self.house.log.log("imap-close-failed", Level.WARNING, error=repr(error))
