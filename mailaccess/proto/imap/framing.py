"""Octets in, whole commands out (RFC 9051 §2.2.1, §4.3; RFC 7888).

A pull parser: ``feed`` puts octets in, ``next`` gives one event at a time, None when it needs more octets. So
pipelined commands are framed one by one, each under the rules that hold when its turn comes (IDLE's DONE, a
SASL response, a STARTTLS in between). Events that ask something (``NeedContinuation``, ``StreamStart``) must be
answered before ``next`` is called again.
"""

from dataclasses import dataclass


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
    """The literal of a message is announced, which is not buffered.

    frame: the command up to here; ``parse`` reads it.  size: octets.  binary: literal8.
    number: counts the messages of this command from 0.
    synchronising: the client waits for ``+``.

    Answer with ``accept()`` (then write ``+ OK`` if synchronising; ``StreamChunk`` events and a ``StreamEnd`` follow) or
    ``refuse()`` (write the tagged NO or BAD; the rest of the command is skipped, the next event is the next command's).
    """

    frame: Frame
    size: int
    synchronising: bool
    binary: bool
    number: int


@dataclass(frozen=True, slots=True)
class StreamChunk(Event):
    """Some of the octets of the streamed literal, in order."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class StreamEnd(Event):
    """All octets of the streamed literal were handed out. A ``Frame``, another ``StreamStart`` or an error follows."""


@dataclass(frozen=True, slots=True)
class Line(Event):
    """A raw line, asked for by ``expect_line``, without its line end."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The command was dropped: answer ``tag`` (None: untagged) with this and go on.

    fatal: the octets that come now can't be told from commands any more, or would be too many to skip: say BYE and close.
    """

    tag: bytes | None
    fatal: bool


@dataclass(frozen=True, slots=True)
class LiteralTooBig(Refused):
    """A literal of ``size`` octets where at most ``limit`` may come: ``NO [TOOBIG]`` (RFC 7889 §4)."""

    size: int
    limit: int


@dataclass(frozen=True, slots=True)
class CommandTooLong(Refused):
    """Line and literals together passed ``limit`` octets: ``BAD``."""

    limit: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may make us hold, in octets.

    line: a command without its streamed literals (lines and literals together).
    message: one streamed literal.  skip: what is read and thrown away to get past a refused command.
    """

    line: int = 8 * 1024
    message: int = 0
    skip: int = 1024 * 1024


class Framer:
    """The stream of one connection. ``limits`` may be replaced at any time (after login)."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits

    def feed(self, octets: bytes) -> None:
        """Add what the peer sent."""

    def next(self) -> Event | None:
        """The next event; None until more is fed."""
        return None

    def accept(self) -> None:
        """Take the announced message; see ``StreamStart``."""

    def refuse(self) -> None:
        """Do not take the announced message; see ``StreamStart``."""

    def expect_line(self, limit: int) -> None:
        """The next event is a ``Line`` (``CommandTooLong`` past ``limit`` octets): IDLE's DONE, a SASL response."""

    def expect_command(self) -> None:
        """Take ``expect_line`` back."""

    def discard(self) -> int:
        """Throw away what was not framed yet (STARTTLS) and say how many octets it was."""
        return 0

    def take(self) -> bytes:
        """Take out what was not framed yet (COMPRESS: it is compressed already)."""
        return b""
