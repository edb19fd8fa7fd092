"""What was lately asked of many messages, kept in memory within one bound for the whole process.

An index row costs 3 to 5 µs to read and a search key as much to compare; a mail program that lists a mailbox,
or a webmail that shows the same page after every click, asks for the same again. Only what never changes of a
message is kept here, so nothing is ever out of date: what a UID's envelope, header fields and texts are is
settled when it gets its UID. The least lately used goes first.

Used on the reactor thread only.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

T = TypeVar("T")

MOST: Final = 24 * 2**20
"""Octets in all, about: some 20,000 envelopes with structures, or the search keys of 500,000 messages."""

LARGEST: Final = 3 / 4
"""Of that, what one value may take: the fields that Thunderbird lists of 10,000 messages are 12 MiB."""

OVERHEAD: Final = 160
"""Octets that Python adds to a message's answer: the objects and their place in a dict."""


@dataclass(slots=True)
class _Entry:
    value: Any
    octets: int


class Memory:
    """Values by key, at most ``most`` octets of them together, as whoever puts them counts."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.octets = 0
        self.asked = 0
        """Times that anybody looked for an answer here, or kept one."""

    def get(self, key: Hashable) -> Any:
        """The value of ``key``, which counts as used now; None where there is none."""
        self.asked += 1
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: Hashable, value: Any, octets: int) -> None:
        """Keep ``value``, if it is worth the room (LARGEST)."""
        self.asked += 1
        self.forget(key)
        if octets <= LARGEST * self._most:
            self._entries[key] = _Entry(value, octets)
            self.octets += octets
            self._make_room()

    def grow(self, key: Hashable, octets: int) -> None:
        """``key``'s value has become larger by so much."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.octets += octets
            self.octets += octets
            if entry.octets > LARGEST * self._most:
                self.forget(key)
            self._make_room()

    def forget(self, key: Hashable) -> None:
        """Let go of ``key``."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.octets -= entry.octets

    def clear(self) -> None:
        """Let go of everything."""
        self._entries.clear()
        self.octets = 0

    def _make_room(self) -> None:
        while self.octets > self._most:
            _, entry = self._entries.popitem(last=False)
            self.octets -= entry.octets

    # Answers by UID

    def recall(self, key: Hashable, uids: Sequence[int]) -> Sequence[Any]:
        """What is kept of each UID under ``key``, None where nothing is; empty where nothing is of any."""
        known: Mapping[int, Any] | None = self.get(key)
        return [] if known is None else list(map(known.get, uids))

    def remember(self, key: Hashable, uids: Sequence[int], answers: Sequence[T | None], octets: int) -> None:
        """Keep the answers that are not None; ``octets``: what their contents take together."""
        known: dict[int, T] | None = self.get(key)
        new = {uid: each for uid, each in zip(uids, answers, strict=True) if each is not None}
        octets += OVERHEAD * len(new)
        if known is None:
            self.put(key, new, octets)
        else:
            known.update(new)
            self.grow(key, octets)
