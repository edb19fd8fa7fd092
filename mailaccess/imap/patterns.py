"""LIST's wildcards (RFC 3501 §6.3.8): ``*`` stands for anything, ``%`` for anything without a separator.

A pattern is matched bit by bit: one bit of a number for each place in the pattern, one step for each
character of the name. So the work is the name's length times the pattern's length over the word size,
whatever the wildcards; a regular expression would try every way to share out a name among ten stars.
"""

import re
from typing import Final

from mailaccess.model.names import INBOX, MAX_NAME_OCTETS, SEPARATOR

_RUN: Final = re.compile(r"[*%]{2,}")


class Pattern:
    """Reference and pattern already joined. INBOX, and as a first level, matches in any case (RFC 3501
    §5.1).
    """

    __slots__ = ("_any_case", "_text", "_wild")

    def __init__(self, text: str) -> None:
        # A run of wildcards is "*" if it holds one. Longer than any name twice over matches nothing anyway.
        text = _RUN.sub(lambda run: "*" if "*" in run[0] else "%", text)[: 2 * MAX_NAME_OCTETS]
        self._text = text
        self._wild = "*" in text or "%" in text
        head = text[: len(INBOX)].upper()
        self._any_case: str | None = head + text[len(INBOX) :] if head != text[: len(INBOX)] else None

    def may_match_below(self, head: str) -> bool:
        """Whether ``head`` or a name below it may be meant: judged by what stands before the first wildcard."""
        fixed = re.split(r"[*%]", self._text, maxsplit=1)[0]
        if len(fixed) == len(self._text):
            return fixed == head or fixed.startswith(head + SEPARATOR)
        return (head + SEPARATOR).startswith(fixed) or fixed.startswith(head + SEPARATOR)

    def matches(self, name: str) -> bool:
        """Whether ``name`` (canonical) is meant."""
        if _matches(self._text, name, self._wild):
            return True
        if self._any_case is None or not (name == INBOX or name.startswith(INBOX + SEPARATOR)):
            return False
        return _matches(self._any_case, name, self._wild)


def _matches(pattern: str, name: str, wild: bool) -> bool:
    if not wild:
        return pattern == name
    if pattern == "*":
        return True
    if pattern == "%":
        return SEPARATOR not in name
    return _walk(pattern, name)


def _walk(pattern: str, name: str) -> bool:
    """Follow all ways through the pattern at once: bit ``i`` is set while its first ``i`` characters are
    used up.
    """
    stars = percents = 0
    literal: dict[str, int] = {}
    for place, char in enumerate(pattern):
        if char == "*":
            stars |= 1 << place
        elif char == "%":
            percents |= 1 << place
        else:
            literal[char] = literal.get(char, 0) | 1 << place
    wild = stars | percents
    states = 1
    states |= (states & wild) << 1  # a wildcard may stand for nothing; two never stand side by side
    for char in name:
        stay = stars if char == SEPARATOR else wild
        states = (states & stay) | ((states & literal.get(char, 0)) << 1)
        states |= (states & wild) << 1
        if not states:
            return False
    return bool(states >> len(pattern) & 1)
