"""A connection that another process serves from its login on: what that one needs, and how it goes on there.

Between the check of the password and everything that follows from it nothing is open, and nothing is owed but the
command's answer, so a small value says all. The process it goes to counts the connection, opens the account and
answers; this one has said its last word. Where nobody takes it, the login goes on here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailaccess.auth.api import Identity
from mailaccess.imap.answers import answer
from mailaccess.proto.imap import responses as r

if TYPE_CHECKING:
    from mailaccess.imap.connection import Connection

MOST_AHEAD: Final = 64 * 1024
"""Octets behind the login that go with it: any pipeline of commands. Who sends more stays."""


@dataclass(frozen=True, slots=True)
class Luggage:
    """identity: who has logged in, by ``method`` (for the log).  command: whose answer under ``tag`` is owed.

    profile: name of the mail program's.  language: of the texts.  ahead: input behind the command.
    """

    identity: Identity
    method: str
    command: str
    tag: bytes
    profile: str | None
    language: str | None
    ahead: bytes

    @property
    def user(self) -> str:
        return self.identity.name


async def moved(connection: "Connection", identity: Identity, method: str, command: str) -> bool:
    """Whether another process serves the connection from now on; it has ended here then."""
    wire, incoming = connection.wire, connection.incoming
    if not wire.belongs_elsewhere(identity.name) or incoming.waiting > MOST_AHEAD or incoming.compressed:
        return False
    if connection.out.gathered:
        connection.out.flush()
        if not wire.belongs_elsewhere(identity.name):  # the client does not read, and the rest waits here
            return False
    wire.hold_input()
    profile = connection.profile
    luggage = Luggage(
        identity,
        method,
        command,
        connection.tag,
        None if profile is None else profile.name,
        connection.out.language,
        incoming.framer.take(),
    )
    if await wire.move(luggage):
        return True
    incoming.feed(luggage.ahead)
    wire.take_input()
    return False


async def arrive(
    connection: "Connection",
    luggage: Luggage,
    enter: Callable[[Identity, str], Awaitable[r.Status]],
) -> None:
    """Go on with the login that began elsewhere. enter: opens the account."""
    connection.tag = luggage.tag
    connection.out.language = luggage.language
    for profile in connection.house.profiles:
        if profile.name == luggage.profile:
            connection.known_as(profile)
            break
    try:
        status = await enter(luggage.identity, luggage.method)
    except ConnectionResetError:
        connection.ended = True
        return
    except Exception as error:
        status = answer(error, connection.house.log, command=luggage.command, user=luggage.user)
    connection.out.complete(luggage.tag, status)
