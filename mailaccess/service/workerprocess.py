"""A worker: a house of its own behind doors that the supervisor has opened. Forked from the nursery."""

import signal
from typing import Any

from mailaccess.service.brief import Brief
from mailaccess.service.company import Company
from mailaccess.service.handover import Handover
from mailaccess.service.main import foreground
from mailaccess.service.starting import StartingHouse


def serve(brief: Brief) -> None:
    """Serve until told to stop."""
    # Of a terminal, Ctrl-C reaches everybody; the supervisor tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _name(f"mailaccess {brief.number}")
    reactor = _fresh_reactor()
    ended: list[bool] = []

    def stop() -> None:
        if not ended:
            ended.append(True)
            reactor.callWhenRunning(reactor.stop)

    company = Company(brief, reactor, stop=stop)
    if brief.boxes:
        company.handover = Handover(brief.number, brief.boxes, reactor)
    foreground(StartingHouse(brief.settings, as_json=brief.as_json, company=company))


def _fresh_reactor() -> Any:
    """Importing ``twisted.mail.smtp`` makes the reactor, so ours is the nursery's: the same object, made anew.

    What it had, the epoll descriptor and the pipe that wakes it, all who are forked would share; it is closed here.
    """
    from twisted.internet import reactor as installed

    reactor: Any = installed
    reactor.waker.connectionLost(None)
    reactor.__init__()
    return reactor


def _name(name: str) -> None:
    """For ``ps`` and ``top``, which else show all alike."""
    try:
        with open("/proc/self/comm", "w") as comm:
            comm.write(name)
    except OSError:  # no /proc
        pass
