"""What a connection needs of whatever carries its octets: Twisted's transport, or a test's two lists."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from mailaccess.imap.moving import Luggage

T = TypeVar("T")


class Timer(Protocol):
    def cancel(self) -> None:
        """Do not fire; harmless after it has."""
        ...


class Promise(Protocol):
    """Something to wait for once: a coroutine awaits it, and goes on when ``keep`` is called."""

    def __await__(self) -> Generator[Any, None, None]: ...

    def keep(self) -> None:
        """Let the waiting coroutine go on, before this returns. To be called once."""
        ...


class Wire(Protocol):
    """One client's connection. Everything is called on the reactor thread."""

    @property
    def address(self) -> str:
        """The client's textual IP; "" for a UNIX socket."""
        ...

    @property
    def local_address(self) -> str: ...

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        ...

    @property
    def tls_available(self) -> bool:
        """Whether ``start_tls`` may be called: there is a certificate, and no TLS yet."""
        ...

    @property
    def full(self) -> bool:
        """Whether the client reads more slowly than we write: then ``drain`` waits."""
        ...

    def write(self, data: bytes) -> None: ...

    def write_all(self, parts: list[bytes]) -> None:
        """Write ``parts``, one after the other, as one."""
        ...

    def drain(self) -> Awaitable[None]:
        """Wait for room. Raises ConnectionResetError once the connection is gone."""
        ...

    def start_tls(self) -> None:
        """What was written before goes out in the clear; what follows, either way, is TLS."""
        ...

    def hold_input(self) -> None:
        """Read nothing more from the client until ``take_input``."""
        ...

    def take_input(self) -> None: ...

    def close(self) -> None:
        """Close once everything written has gone out."""
        ...

    def abort(self) -> None:
        """Close at once; what was written and not sent is dropped."""
        ...

    def admit(self, user: str) -> bool:
        """Count this connection as ``user``'s; False where the account has its fill of connections."""
        ...

    def dismiss(self) -> None:
        """Count this connection as nobody's again."""
        ...

    def belongs_elsewhere(self, user: str) -> bool:
        """Whether a connection of ``user`` had better be served by another process, and can be."""
        ...

    def move(self, luggage: "Luggage") -> Awaitable[bool]:
        """Whether another process has it from now on; nothing is read from the client meanwhile."""
        ...

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> Timer: ...

    def promise(self) -> Promise: ...

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Start ``coroutine`` now, beside what runs; its outcome is awaited later."""
        ...

    def go_on(self, coroutine: Coroutine[Any, Any, None], awaited: Any, then: Callable[[], None]) -> None:
        """Drive a coroutine that was started and now waits for ``awaited``; call ``then`` at its end.

        The coroutine raises nothing: its own errors are its own affair.
        """
        ...
