"""What a screen is given, and what it may say.

A function of one's own (``hooks.python``) gets a ``Message`` and gives a ``Verdict`` made by one of the functions
below, or None, which lets the message pass::

    from mailaccess.screening.api import Message, Verdict, refuse, tag

    def check(message: Message) -> Verdict | None:
        if message.sender.endswith("@casino.example"):
            return refuse("We do not gamble")
        return tag({"X-Seen": "yes"})
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


class Action(Enum):
    """What becomes of the message: taken, refused for now (4xx), refused for good (5xx)."""

    ACCEPT = "accept"
    DEFER = "defer"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a screen says.

    text: for the sender's server, where the message is not taken, without line ends.  enhanced: RFC 3463.
    add: fields to put in front of the message.  header: the message's own header, where it is to be another.
    mailbox: where accounts get it if they have such a mailbox, else INBOX; a special use such as ``\\Junk`` names
    the mailbox that has it.
    """

    action: Action = Action.ACCEPT
    text: str = ""
    enhanced: str = ""
    add: tuple[tuple[str, str], ...] = ()
    header: bytes | None = None
    mailbox: str = ""


PASS: Final = Verdict()


def tag(fields: Mapping[str, str], mailbox: str = "") -> Verdict:
    """Take it, with these fields in front."""
    return Verdict(add=tuple(fields.items()), mailbox=mailbox)


def file(mailbox: str) -> Verdict:
    """Take it, into that mailbox of each recipient who has one: a name such as ``Lists/news``, or ``\\Junk``."""
    return Verdict(mailbox=mailbox)


def defer(text: str = "Try again later") -> Verdict:
    """Have the sender's server try again later: 451."""
    return Verdict(Action.DEFER, text, "4.7.1")


def refuse(text: str = "The message is not accepted here") -> Verdict:
    """Refuse it for good: 550."""
    return Verdict(Action.REFUSE, text, "5.7.1")


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its envelope, as a function of one's own gets it.

    octets: header and body, CRLF.  sender: the reverse-path, "" for the null one.  recipients: as in RCPT.
    address: the client's IP, "" for a UNIX socket.  user: the account that submits it, "" on port 25.
    service: smtp, submission or lmtp.  id: the message's in the log.
    """

    octets: bytes
    sender: str
    recipients: tuple[str, ...]
    address: str
    helo: str
    user: str
    service: str
    id: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as screens get it. header: up to the blank line.  body: gives the rest from the start, in pieces.

    size: octets in all.  The rest as in ``Message``.
    """

    header: bytes
    body: Callable[[], AsyncIterator[bytes]]
    size: int
    sender: str
    recipients: tuple[str, ...]
    address: str
    helo: str
    user: str
    service: str
    id: str


class Screen(Protocol):
    """name: for the log.  largest: octets of a message past which it is not asked."""

    name: str
    largest: int

    async def look(self, message: Arrived) -> Verdict:
        """What this screen says. An exception counts as nothing said, and is logged."""
        ...
