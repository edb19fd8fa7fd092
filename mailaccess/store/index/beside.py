"""Part of a job's contents is worked on by the process beside the server, while the job does the others itself.

``Read`` may know that process (``reading.Reader``); it is asked by attribute, since most readers do not.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

OWN_HALF: Final = 0.55
"""The other's share where somebody waits: both cores work, and the other has the files to open too."""

ALL: Final = 1.0
"""Its share where nobody waits: then the server's interpreter lock stays free."""

FEW: Final = 12
"""Contents for which asking is not worth the way there and back."""

Take = Callable[[], dict[int, T]]
"""Waits for the answer and gives it by content, as far as there is one. It must be called, once, in this thread."""


class Ask(Protocol[T]):
    def __call__(self, contents: Sequence[int], /, *what: Any) -> "Take[T] | None": ...


def split(
    ask: "Ask[T] | None", contents: Sequence[int], share: float, *what: Any
) -> tuple[Sequence[int], Take[T]]:
    """The contents to do here, and the way to the answer about those after them; ``what`` goes with the question."""
    cut = len(contents) - int(len(contents) * share)
    if ask is not None and len(contents) - cut >= FEW:
        take = ask(contents[cut:], *what)
        if take is not None:
            return contents[:cut], take
    return contents, dict
