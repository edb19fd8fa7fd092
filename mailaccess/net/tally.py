"""Counts by key that several processes share: ours exactly, the others' as they last told.

Each process tells the others what of its own has changed, as absolute numbers, so that a message too many does no
harm; what a process had is taken away when it has ended. Between a change and its telling some hundredths of a
second pass: a limit over all processes may be passed by what arrives meanwhile.
"""

from collections.abc import Callable, Mapping


class Tally:
    """changed: called when there is something to tell, once until ``changes`` has been asked; None: alone."""

    def __init__(self) -> None:
        self._ours: dict[str, int] = {}
        self._theirs: dict[int, dict[str, int]] = {}
        self._elsewhere: dict[str, int] = {}
        self._untold: set[str] = set()
        self.changed: Callable[[], None] | None = None

    def __getitem__(self, key: str) -> int:
        """How many there are, here and elsewhere."""
        count = self._ours.get(key, 0)
        return count + self._elsewhere.get(key, 0) if self._elsewhere else count

    def add(self, key: str) -> None:
        """One more here."""
        self._ours[key] = self._ours.get(key, 0) + 1
        if self.changed is not None:
            self._note(key)

    def take(self, key: str) -> None:
        """One less here. A count of nought is forgotten: the table stays as small as what is open."""
        left = self._ours[key] - 1
        if left:
            self._ours[key] = left
        else:
            del self._ours[key]
        if self.changed is not None:
            self._note(key)

    def _note(self, key: str) -> None:
        first = not self._untold
        self._untold.add(key)
        if first and self.changed is not None:
            self.changed()

    def changes(self) -> dict[str, int]:
        """Our counts that changed since this was asked last."""
        untold, self._untold = self._untold, set()
        return {key: self._ours.get(key, 0) for key in untold}

    def snapshot(self) -> dict[str, int]:
        """All our counts: for a process that has just come."""
        return dict(self._ours)

    def heard(self, process: int, counts: Mapping[str, int]) -> None:
        """Another process tells what has changed there."""
        known = self._theirs.setdefault(process, {})
        for key, count in counts.items():
            self._shift(key, count - known.get(key, 0))
            if count > 0:
                known[key] = count
            else:
                known.pop(key, None)

    def gone(self, process: int) -> None:
        """Another process has ended, and its connections with it."""
        for key, count in self._theirs.pop(process, {}).items():
            self._shift(key, -count)

    def _shift(self, key: str, by: int) -> None:
        count = self._elsewhere.get(key, 0) + by
        if count > 0:
            self._elsewhere[key] = count
        else:
            self._elsewhere.pop(key, None)
