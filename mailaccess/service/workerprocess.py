"""A worker: a house of its own behind doors that the supervisor has opened. Started by it, not by people."""

import signal
import sys
from typing import Any

from mailaccess.service.brief import read
from mailaccess.service.company import Company
from mailaccess.service.main import foreground
from mailaccess.service.starting import StartingHouse


def main() -> None:
    """Serve until told to stop."""
    brief = read(sys.stdin.buffer)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # of a terminal, Ctrl-C reaches everybody; the supervisor tells us
    from twisted.internet import reactor as installed

    reactor: Any = installed
    ended: list[bool] = []

    def stop() -> None:
        if not ended:
            ended.append(True)
            reactor.callWhenRunning(reactor.stop)

    company = Company(brief, reactor, stop=stop)
    foreground(StartingHouse(brief.settings, as_json=brief.as_json, company=company))


if __name__ == "__main__":
    main()
