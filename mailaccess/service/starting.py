"""A house as a program of its own: its failure to start ends the process with a sentence instead of a traceback.

A worker that takes another's place says it in the log, where everybody looks by then.

Apart from ``maker``, which a supervisor of workers uses, too: what is imported here is everything that serves.
"""

from mailaccess.observe.events import Level
from mailaccess.service.failing import EX_TEMPFAIL, CannotStart, refuse
from mailaccess.service.house import House
from mailaccess.service.tuning import tune


class StartingHouse(House):
    """A house that tunes the process when its doors are open."""

    def privilegedStartService(self) -> None:
        """As House's; raises SystemExit."""
        try:
            super().privilegedStartService()
        except CannotStart as error:
            if self._company is None or self._company.brief.first:
                refuse(str(error), EX_TEMPFAIL)
            self.log.log("worker-cannot-start", Level.ERROR, error=str(error))
            raise SystemExit(EX_TEMPFAIL) from None
        assert self.built is not None
        first = self._company is None or self._company.brief.number == 1  # what all share is told once
        self.built.limits.here = tune(self.settings, self.log if first else None)
