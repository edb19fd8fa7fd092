"""Octets in, whole commands out (RFC 9051 §2.2.1, §4.3; RFC 7888).

A pull parser: ``feed`` puts octets in, ``next`` gives one event at a time, None when it needs more. So
pipelined commands are framed one by one, each under the rules that hold when its turn comes (IDLE's DONE,
a SASL response, a STARTTLS in between). A ``StreamStart`` must be answered before ``next`` is called again.

A line ends with CRLF; LF alone will do, as with Dovecot, and empty lines are passed over (clients that put
CRLF behind a literal's CRLF). What is not framed yet lies in the chunks that came; only a command that is
not whole yet is copied together, so the cost is linear however the octets are cut.

The literals of APPEND and REPLACE other than the mailbox name are streamed, whatever their size.
"""

import re
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class Frame(Event):
    """A whole command, without its line end.

    octets: the line, each literal right behind its ``{n}`` CRLF.
    streamed: offsets in ``octets`` where the octets of a streamed literal would stand.
    """

    octets: bytes
    streamed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedContinuation(Event):
    """A synchronising literal of ``size`` octets is awaited: write ``+ OK`` and call ``next`` again."""

    size: int


@dataclass(frozen=True, slots=True)
class StreamStart(Event):
    """The literal of a message is announced; it is not buffered.

    frame: the command up to here; ``parse`` reads it.  size: octets.  binary: literal8.
    number: counts the messages of this command from 0.  synchronising: the client waits for ``+``.

    Answer with ``accept()``, and ``+ OK`` if synchronising; ``StreamChunk`` events and ``StreamEnd`` follow.
    Or with ``refuse()`` and the tagged NO or BAD: the rest of the command is skipped, and the next event is
    the next command's.
    """

    frame: Frame
    size: int
    synchronising: bool
    binary: bool
    number: int


@dataclass(frozen=True, slots=True)
class StreamChunk(Event):
    """Some of the octets of the streamed literal, in order, at most as many as one ``feed`` brought."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class StreamEnd(Event):
    """All octets of the literal were handed out. A ``Frame``, another ``StreamStart`` or an error follows."""


@dataclass(frozen=True, slots=True)
class Line(Event):
    """A raw line, asked for by ``expect_line``, without its line end."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The command was dropped: answer ``tag`` (None: untagged) with this and go on.

    fatal: there would be too many octets to skip before the next command: say BYE and close.
    """

    tag: bytes | None
    fatal: bool


@dataclass(frozen=True, slots=True)
class LiteralTooBig(Refused):
    """A literal of ``size`` octets where at most ``limit`` may come: ``NO [TOOBIG]`` (RFC 7889 §4).

    non_synchronising: it would have been taken synchronising, so it is ``BAD [TOOBIG]`` (RFC 7888 §5).
    """

    size: int
    limit: int
    non_synchronising: bool = False


@dataclass(frozen=True, slots=True)
class CommandTooLong(Refused):
    """Line and buffered literals together passed ``limit`` octets: ``BAD``."""

    limit: int


NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may make us hold or read, in octets.

    line: a command without its streamed literals (lines and literals together).
    message: one streamed literal; 0 refuses all (before login).
    skip: what is read and thrown away to get past a refused command.
    non_synchronising: the largest ``{n+}``: 4096 where LITERAL- is offered (RFC 7888 §5), None for LITERAL+; NONE
        where neither is.
    """

    line: int = 8 * 1024
    message: int = 0
    skip: int = 1024 * 1024
    non_synchronising: int | None = None


BEFORE_LOGIN: Final = Limits(non_synchronising=4096)
"""8 KiB as Dovecot: the longest command before login is AUTHENTICATE with a token. LITERAL-: RFC 7888 §5."""

AFTER_LOGIN: Final = Limits(line=64 * 1024, message=64 * 1024 * 1024, skip=256 * 1024 * 1024)
"""64 KiB as Dovecot; SOGo's UID sets want 2 MB (``dataclasses.replace`` with the configured values)."""

MAX_STREAMED: Final = 1000
"""Messages in one APPEND: what a client can make us hold open before the first is stored."""

_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)*")
_LITERAL: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\Z")
_TAIL: Final = 32  # octets: longer than any literal's announcement
_TAG: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff+]+(?= )')
_STREAMS: Final = re.compile(rb"\S+ +(?:UID +)?(APPEND|REPLACE) ", re.IGNORECASE)
# The mailbox name, or a URL of CATENATE, as a literal: those are small and belong to the frame.
_NAME_LITERAL: Final = re.compile(rb"\S+ +(?:APPEND|(?:UID +)?REPLACE +\S+) +\Z", re.IGNORECASE)
_URL_LITERAL: Final = re.compile(rb"[( ]URL \Z", re.IGNORECASE)

_CR: Final = 13
_BRACE: Final = 125


class _State(Enum):
    COMMAND = auto()  # reading a line of a command
    LITERAL = auto()  # reading a buffered literal
    DECIDE = auto()  # StreamStart was given, accept or refuse is due
    STREAM = auto()  # handing out a streamed literal
    SKIP = auto()  # throwing away counted octets of a refused command
    SKIP_LINE = auto()  # throwing away the rest of its line
    LINE = auto()  # reading a raw line


class Framer:
    """The stream of one connection. ``limits`` may be replaced at any time (after login)."""

    __slots__ = (
        "_chunk",
        "_chunks",
        "_command",
        "_left",
        "_line_at",
        "_line_limit",
        "_pos",
        "_skipped",
        "_state",
        "_streamed",
        "_synchronising",
        "_waiting",
        "limits",
    )

    def __init__(self, limits: Limits = BEFORE_LOGIN) -> None:
        self.limits = limits
        self._chunks: deque[bytes] | None = (
            None  # fed, behind _chunk; made when needed, for it has 760 octets
        )
        self._waiting = 0  # octets in _chunks
        self._chunk = b""  # being read, from _pos
        self._pos = 0
        self._command = bytearray()  # of a command or line that is not whole yet
        self._streamed: list[int] = []
        self._state = _State.COMMAND
        self._line_at = 0  # where the line being read starts in _command
        self._left = 0  # octets of the literal, stream or skip still to come
        self._synchronising = False
        self._skipped = 0  # octets thrown away of the refused command
        self._line_limit = 0

    # --- what the connection calls ------------------------------------------------------------------

    def feed(self, octets: bytes) -> None:
        """Add what the peer sent."""
        if self._pos >= len(self._chunk) and not self._chunks:
            self._chunk, self._pos = octets, 0
        elif octets:
            if self._chunks is None:
                self._chunks = deque()
            self._chunks.append(octets)
            self._waiting += len(octets)

    @property
    def pending(self) -> int:
        """Octets that were fed and not handed out: when there are many, stop reading from the peer."""
        return len(self._command) + len(self._chunk) - self._pos + self._waiting

    def next(self) -> Event | None:
        """The next event; None until more is fed."""
        while True:
            if self._state is _State.COMMAND:
                event = self._read_command()
            elif self._state is _State.LITERAL:
                event = self._read_literal()
            elif self._state is _State.STREAM:
                event = self._read_stream()
            elif self._state is _State.LINE:
                event = self._read_line()
            elif self._state is _State.SKIP:
                event = self._skip()
            elif self._state is _State.SKIP_LINE:
                event = self._skip_line()
            else:
                raise RuntimeError("accept or refuse the announced message first")
            if event is not None:
                return event
            if self._pos >= len(self._chunk) and not self._advance():
                # An empty stream ends without further octets.
                if self._state in (_State.STREAM, _State.LITERAL) and self._left == 0:
                    continue
                return None

    def alike(self, line: "re.Pattern[bytes]", most: int) -> "list[re.Match[bytes]]":
        """The commands that come next, at most ``most``, as long as ``line`` matches each with its line end.

        They stay to be framed, until ``pass_over``. ``line`` must match no announcement of a literal.
        """
        found: list[re.Match[bytes]] = []
        if self._state is _State.COMMAND and not self._command:
            at = self._pos
            while len(found) < most and (match := line.match(self._chunk, at)):
                found.append(match)
                at = match.end()
        return found

    def pass_over(self, last: "re.Match[bytes]") -> None:
        """Commands that ``alike`` found are done, up to and with ``last``. Nothing was framed since."""
        self._pos = last.end()

    def accept(self) -> None:
        """Take the announced message; see ``StreamStart``."""
        self._check_deciding()
        self._state = _State.STREAM

    def refuse(self) -> None:
        """Do not take the announced message; see ``StreamStart``."""
        self._check_deciding()
        self._drop_literal(self._left)

    def expect_line(self, limit: int) -> None:
        """The next event is a ``Line``: IDLE's DONE, a SASL response.

        Past ``limit`` octets it is a ``CommandTooLong`` without a tag instead. One line only.
        """
        if self._state is not _State.COMMAND:
            raise RuntimeError("a raw line can only follow a whole command")
        self._line_limit = limit
        self._state = _State.LINE

    def expect_command(self) -> None:
        """Take ``expect_line`` back."""
        if self._state is _State.LINE:
            self._state = _State.COMMAND

    def discard(self) -> int:
        """Throw away what was not framed yet and say how many octets it was.

        For STARTTLS: what was pipelined behind it in the clear may be an attacker's (RFC 9051 §6.2.1).
        """
        return len(self.take())

    def take(self) -> bytes:
        """Take out what was not framed yet (COMPRESS: it is compressed already)."""
        rest = bytes(self._command) + self._chunk[self._pos :] + b"".join(self._chunks or ())
        self._chunks = None
        self._waiting = 0
        self._chunk, self._pos = b"", 0
        self._forget()
        return rest

    # --- reading ------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Go on to the next chunk."""
        if not self._chunks:
            return False
        self._chunk, self._pos = self._chunks.popleft(), 0
        self._waiting -= len(self._chunk)
        if not self._chunks:
            self._chunks = None
        return True

    def _forget(self) -> None:
        """Be at the start of a command."""
        self._command = bytearray()
        self._streamed = []
        self._left = self._skipped = self._line_at = 0
        self._state = _State.COMMAND

    def _read_command(self) -> Event | None:
        chunk, start = self._chunk, self._pos
        end = chunk.find(b"\n", start)
        if end < 0:
            self._command += memoryview(chunk)[start:]
            self._pos = len(chunk)
            return self._too_long(ended=False) if len(self._command) > self.limits.line else None
        self._pos = end + 1
        if not self._command:  # the common case: the line lies whole in what came
            stop = end - 1 if end > start and chunk[end - 1] == _CR else end
            if stop == start:
                # An empty line, and whatever others follow: megabytes of them shall cost next to nothing.
                others = _EMPTY_LINES.match(chunk, self._pos)
                self._pos = others.end() if others is not None else self._pos
                return None
            if chunk[stop - 1] != _BRACE and stop - start <= self.limits.line:
                return Frame(chunk[start:stop])
        self._command += memoryview(chunk)[start:end]
        if self._command and self._command[-1] == _CR:
            del self._command[-1]
        if not self._command:
            return None
        if len(self._command) > self.limits.line:
            return self._too_long(ended=True)
        # From the start of this line at most: an announcement can't reach back into a literal.
        announced = _LITERAL.search(self._command, max(self._line_at, len(self._command) - _TAIL))
        if announced is not None:
            return self._literal(announced)
        frame = Frame(bytes(self._command), tuple(self._streamed))
        self._forget()
        return frame

    def _literal(self, announced: "re.Match[bytes]") -> Event | None:
        """A line ends with the announcement of a literal."""
        before = announced.start()
        binary, size, synchronising = (
            bool(announced.group(1)),
            int(announced.group(2)),
            not announced.group(3),
        )
        self._command += b"\r\n"
        self._synchronising = synchronising
        limit = self.limits.non_synchronising
        if limit is not None and not synchronising and size > limit:
            return replace(self._too_big(size, limit), non_synchronising=True)
        if self._is_streamed(before):
            if size > self.limits.message:
                return self._too_big(size, self.limits.message)
            if len(self._streamed) >= MAX_STREAMED:
                return CommandTooLong(self._tag(), self._drop_literal(size), self.limits.line)
            self._streamed.append(len(self._command))
            self._left = size
            self._state = _State.DECIDE
            frame = Frame(bytes(self._command), tuple(self._streamed))
            return StreamStart(frame, size, synchronising, binary, len(self._streamed) - 1)
        room = self.limits.line - len(self._command)
        if size > room:
            return self._too_big(size, max(room, 0))
        self._left = size
        self._state = _State.LITERAL
        return NeedContinuation(size) if synchronising else None

    def _is_streamed(self, before: int) -> bool:
        if _STREAMS.match(self._command) is None:
            return False
        if _NAME_LITERAL.match(self._command, 0, before):
            return False
        return _URL_LITERAL.search(self._command, max(0, before - 5), before) is None

    def _read_literal(self) -> Event | None:
        wanted = min(self._left, len(self._chunk) - self._pos)
        self._command += memoryview(self._chunk)[self._pos : self._pos + wanted]
        self._pos += wanted
        self._left -= wanted
        if self._left == 0:
            self._line_at = len(self._command)
            self._state = _State.COMMAND
        return None

    def _read_stream(self) -> Event | None:
        if self._left == 0:
            self._line_at = len(self._command)
            self._state = _State.COMMAND
            return StreamEnd()
        wanted = min(self._left, len(self._chunk) - self._pos)
        if wanted == 0:
            return None
        piece = self._chunk[self._pos : self._pos + wanted]
        self._pos += wanted
        self._left -= wanted
        return StreamChunk(piece)

    def _read_line(self) -> Event | None:
        chunk, start = self._chunk, self._pos
        end = chunk.find(b"\n", start)
        self._command += memoryview(chunk)[start : end if end >= 0 else len(chunk)]
        self._pos = end + 1 if end >= 0 else len(chunk)
        if len(self._command) > self._line_limit + 1:  # one more for the CR
            self._forget()
            if end < 0:
                self._state = _State.SKIP_LINE
            return CommandTooLong(None, False, self._line_limit)
        if end < 0:
            return None
        line = bytes(self._command.removesuffix(b"\r"))
        self._forget()
        return Line(line)

    # --- getting past what was refused --------------------------------------------------------------

    def _check_deciding(self) -> None:
        if self._state is not _State.DECIDE:
            raise RuntimeError("no message is announced")

    def _tag(self) -> bytes | None:
        found = _TAG.match(self._command)
        return None if found is None else found.group()

    def _too_big(self, size: int, limit: int) -> LiteralTooBig:
        return LiteralTooBig(self._tag(), self._drop_literal(size), size, limit)

    def _drop_literal(self, size: int) -> bool:
        """Forget the command whose literal was announced: a synchronising one will not come any more."""
        return self._drop(0 if self._synchronising else size, ended=self._synchronising)

    def _too_long(self, *, ended: bool) -> CommandTooLong:
        """``ended``: the line was read to its end."""
        tag = self._tag()
        if ended and (announced := _LITERAL.search(self._command, max(0, len(self._command) - _TAIL))):
            # A synchronising literal will not come: the client reads our answer instead of "+".
            size = int(announced.group(2)) if announced.group(3) else 0
            fatal = self._drop(size, ended=not announced.group(3))
        else:
            tail = self._command[-_TAIL:]
            fatal = self._drop(0, ended=ended)
            if not ended:
                self._command = tail
        return CommandTooLong(tag, fatal, self.limits.line)

    def _drop(self, octets: int, *, ended: bool) -> bool:
        """Forget the command; ``octets`` of a literal still come, and a line behind it unless ``ended``.

        Says whether that is too much.
        """
        skipped = self._skipped
        self._forget()
        if not ended:
            self._left, self._skipped = octets, skipped + octets
            self._state = _State.SKIP if octets else _State.SKIP_LINE
        return skipped + octets > max(self.limits.skip, self.limits.message)

    def _skip(self) -> Event | None:
        wanted = min(self._left, len(self._chunk) - self._pos)
        self._pos += wanted
        self._left -= wanted
        if self._left == 0:
            self._state = _State.SKIP_LINE
        return None

    def _skip_line(self) -> Event | None:
        """Pass over the rest of a refused command's line, and over literals that hang on it."""
        chunk, start = self._chunk, self._pos
        end = chunk.find(b"\n", start)
        stop = end if end >= 0 else len(chunk)
        self._pos = end + 1 if end >= 0 else stop
        # Only the tail can tell whether a literal follows.
        self._command = (self._command + chunk[max(start, stop - _TAIL) : stop])[-_TAIL:]
        self._skipped += stop - start
        if self._skipped > max(self.limits.skip, self.limits.message):
            self._forget()
            self._state = _State.SKIP_LINE
            return CommandTooLong(None, True, self.limits.line)
        if end < 0:
            return None
        announced = _LITERAL.search(self._command.removesuffix(b"\r"))
        if announced is not None and announced.group(3):
            if self._drop(int(announced.group(2)), ended=False):
                return CommandTooLong(None, True, self.limits.line)
        else:
            self._forget()
        return None
