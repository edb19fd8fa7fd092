"""The screens in order. The first that refuses or defers ends it; what the others add is gathered.

A screen that fails, or takes too long, says nothing: mail is never lost or refused by a fault of ours.
"""

import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.header import Header
from typing import Final

from mailaccess.observe.events import EventLog, Level
from mailaccess.screening.api import Action, Arrived, Screen

MAX_FIELD: Final = 8000
"""Octets of one added field; what a screen says past that is cut."""

MAX_ADDED: Final = 48 * 1024
"""Octets of the fields that all screens may add to a message; those past that are left out."""

_NAME: Final = re.compile(r"[!-9;-~]{1,76}")
_SPACE: Final = re.compile(r"\s+")

CRLF: Final = "\r\n"
FOLD: Final = "\r\n\t"
WIDTH: Final = 78
"""RFC 5322 §2.1.1."""

LONGEST: Final = 900
"""Characters of a word; one that is longer is cut in two, since no line may have more than 998."""

_WORD: Final = re.compile(rf"[^ ]{{1,{LONGEST}}}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a message. front: fields to put before it.  header: its own, changed or not.

    text, enhanced: for the reply, where ``action`` is not ACCEPT.
    """

    action: Action
    front: bytes
    header: bytes
    mailbox: str = ""
    text: str = ""
    enhanced: str = ""


class Screening:
    """One for a kind of listener, used on the reactor thread."""

    def __init__(self, screens: Sequence[Screen], log: EventLog) -> None:
        self._screens = tuple(screens)
        self._log = log

    async def judge(self, message: Arrived) -> Judgement:
        """Never raises."""
        added: list[bytes] = []
        mailbox = ""
        for screen in self._screens:
            if message.size > screen.largest:
                self._log.log("screening-skipped", screen=screen.name, message=message.id, size=message.size)
                continue
            try:
                verdict = await screen.look(message)
            except Exception:
                self._log.log(
                    "screening-failed",
                    Level.ERROR,
                    screen=screen.name,
                    message=message.id,
                    error=traceback.format_exc(limit=-3),
                )
                continue
            if verdict.action is not Action.ACCEPT:
                text = _SPACE.sub(" ", verdict.text).strip()[:400]
                self._log.log(
                    "screened",
                    screen=screen.name,
                    action=verdict.action.value,
                    message=message.id,
                    sender=message.sender,
                    rip=message.address or None,
                    reason=text,
                )
                return Judgement(verdict.action, b"", message.header, text=text, enhanced=verdict.enhanced)
            added += [field(name, value) for name, value in verdict.add]
            mailbox = verdict.mailbox or mailbox
            if verdict.header is not None:
                message = replace(message, header=verdict.header)
        while sum(map(len, added)) > MAX_ADDED:
            added.pop()
        return Judgement(Action.ACCEPT, b"".join(added), message.header, mailbox)


def field(name: str, value: str) -> bytes:
    """A header field, folded; nothing in ``value`` can begin another one. RFC 5322 §2.2.

    A value that holds CRLF and a tab is folded as it stands; "" where ``name`` can be none.
    """
    if not _NAME.fullmatch(name):
        return b""
    parts = [_SPACE.sub(" ", part).strip() for part in value[:MAX_FIELD].split(FOLD)]
    parts = ["".join(char if char.isprintable() else "?" for char in part) for part in parts]
    whole = FOLD.join(part for part in parts if part)
    if not whole.isascii():
        encoded = Header(_SPACE.sub(" ", whole), "utf-8", header_name=name).encode(linesep=CRLF)
        return f"{name}: {encoded}{CRLF}".encode("ascii")
    lines: list[str] = []
    for line in f"{name}: {whole}".split(FOLD):
        lines += _folded(line)
    return (FOLD.join(lines) + CRLF).encode("ascii")


def _folded(line: str) -> list[str]:
    """``line`` at its blanks, where it is longer than WIDTH; a word that is longer stays whole, up to LONGEST."""
    if len(line) <= WIDTH:
        return [line]
    lines, current = [], ""
    for word in _WORD.findall(line):
        if current and len(current) + 1 + len(word) > WIDTH:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [*lines, current]
