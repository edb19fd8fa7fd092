"""The signals that end a program: the reactor is stopped once, however often somebody presses Ctrl-C.

Twisted's own handlers call ``reactor.stop`` for each signal, and the second one prints a traceback.
"""

import signal
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.error import ReactorNotRunning

ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def end_once(reactor: Any, told: Callable[[], None] = lambda: None) -> None:
    """From the reactor's start on, the first SIGINT or SIGTERM stops it and the others do nothing.

    told: called in the reactor's thread when it comes.
    """
    ending: list[bool] = []

    def end() -> None:
        if ending:
            return
        ending.append(True)
        told()
        try:
            reactor.stop()
        except ReactorNotRunning:  # it ends already, of its own accord
            pass

    def came(_number: int, _frame: Any) -> None:
        reactor.callFromThread(end)

    def install() -> None:
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # who ignores one has said so
                signal.signal(number, came)

    reactor.callWhenRunning(install)
