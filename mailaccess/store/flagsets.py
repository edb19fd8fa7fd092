"""Sets of flags, each held once for an account and known by a number.

The number is the place in ``sets``, which only grows: sessions may keep it. It is also the id in the
index's ``flag_sets``, except where another process numbered its sets otherwise (possible only if the index
was deleted while both ran); then a table translates. Written to in the account's serial jobs alone; the
reactor thread reads ``sets``.
"""

import sqlite3
from array import array
from typing import Final

from mailaccess.model.errors import LimitReached
from mailaccess.model.flags import FlagSet, is_keyword, ordered

MAX_FLAG_SETS: Final = 20_000
"""Different sets in one account: real ones have some dozens, and each costs every session memory."""

MAX_FLAGS_OF_ONE: Final = 200
"""Flags and keywords on one message: bounds the size of its FLAGS."""


MAX_SHARED: Final = 1_000
"""Different sets that all accounts have together: most have the same dozen, of 220 octets each."""

_shared: Final[dict[FlagSet, FlagSet]] = {}


class FlagSets:
    def __init__(self) -> None:
        self.sets: list[FlagSet] = [frozenset()]
        self._numbers: dict[FlagSet, int] = {frozenset(): 0}
        self._to_row: dict[int, int] = {0: 0}
        self._from_row: dict[int, int] = {0: 0}
        self._alike = True
        self._added: list[int] = []  # in the open transaction

    def attach(self, connection: sqlite3.Connection) -> None:
        """Begin with another index file: what it has is learnt, what it lacks is written when needed."""
        self._to_row, self._from_row, self._alike, self._added = {0: 0}, {0: 0}, True, []
        self.refresh(connection, everything=True)

    def refresh(self, connection: sqlite3.Connection, *, everything: bool = False) -> None:
        """Learn the sets that other processes added."""
        after = -1 if everything else max(self._from_row)
        for row, text in connection.execute(
            "SELECT id, flags FROM flag_sets WHERE id > ? ORDER BY id", (after,)
        ):
            self._pair(self._number(frozenset(text.split(" ")) if text else frozenset()), row)

    def _number(self, flags: FlagSet) -> int:
        number = self._numbers.get(flags)
        if number is None:
            number = len(self.sets)
            if len(_shared) < MAX_SHARED:
                flags = _shared.setdefault(flags, flags)
            self.sets.append(flags)
            self._numbers[flags] = number
        return number

    def _pair(self, number: int, row: int) -> None:
        self._to_row[number] = row
        self._from_row[row] = number
        self._alike = self._alike and number == row

    def row(self, connection: sqlite3.Connection, flags: FlagSet) -> int:
        """The index's id for ``flags``, which is given one, within the open transaction, if it has none.

        Raises LimitReached; never for system flags alone.
        """
        room = len(self.sets) < MAX_FLAG_SETS or not any(is_keyword(flag) for flag in flags)
        number = self._number(flags) if room else self._numbers.get(flags)
        if number is None or len(flags) > MAX_FLAGS_OF_ONE:
            raise LimitReached("There are too many different flags and keywords")
        row = self._to_row.get(number)
        if row is None:
            row = number if number not in self._from_row else max(self._from_row) + 1
            connection.execute("INSERT INTO flag_sets VALUES (?, ?)", (row, " ".join(ordered(flags))))
            self._pair(number, row)
            self._added.append(number)
        return row

    def of_row(self, row: int) -> FlagSet:
        return self.sets[self._from_row[row]]

    def number(self, row: int) -> int:
        """The place in ``sets`` of the index's id."""
        return row if self._alike else self._from_row[row]

    def numbers(self, rows: "array[int]") -> "array[int]":
        """A column of the index's ids as places in ``sets``."""
        return rows if self._alike else array("I", map(self._from_row.__getitem__, rows))

    def rows_with(self, flag: str) -> list[int]:
        """The index's ids of all sets that hold ``flag``."""
        return [row for row, number in self._from_row.items() if flag in self.sets[number]]

    def committed(self) -> None:
        self._added.clear()

    def rolled_back(self) -> None:
        """The index forgot what the transaction added; the sets stay, and are added when next needed."""
        for number in self._added:
            self._from_row.pop(self._to_row.pop(number), None)
        self._added.clear()
