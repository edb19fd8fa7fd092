"""The messages of an APPEND or REPLACE, taken in piece by piece (RFC 3501 §6.3.11; RFC 3502; RFC 4469).

The framer announces each literal and it is said at once whether it may come: an unknown mailbox, a message too
large, a full account, a URL that leads nowhere is refused before the client has sent what follows. What is
sent, and what URLs name, flows into the store's ``Upload``; after an error the rest is read and dropped, since
a literal once begun has to be got past.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from mailaccess.imap import catenating, withheld
from mailaccess.imap.answers import Refusal, bad, no
from mailaccess.imap.namespaces import Place
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.imap.withheld import NOT_OFFERED
from mailaccess.message import binary
from mailaccess.model.errors import TooBig
from mailaccess.model.rights import permitted
from mailaccess.model.work import ThreadRunner
from mailaccess.proto.imap import framing, parse
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.append import (
    Append,
    AppendMessage,
    Catenation,
    Following,
    MessageLiteral,
    UrlPart,
)
from mailaccess.store.api import NewMessage, Replaced, Upload

Room = Callable[[int, int], Awaitable[None]]
"""Raises what stands against so many octets in so many messages, before they come."""


MAX_HELD: Final = 2**20
"""Octets of one command's whole messages that may wait for the last of them before they go to disk: a thousand
small messages in one APPEND would be as much memory as a thousand connections otherwise.
"""


class Reception:
    """One command's messages on their way in. Whoever makes one awaits ``discard`` at the end.

    most: messages that the command may have.
    """

    def __init__(self, session: Authenticated, out: Replies, *, most: int | None = None) -> None:
        self.session = session
        self.out = out
        self.most = most
        connection = session.connection
        self._announced, connection.announced = connection.announced, None
        self._uploads: list[Upload] = []
        self._messages: list[NewMessage] = []
        self._settled = 0  # so many of them are on disk
        self._octets = 0  # of the whole ones
        self._held = 0  # of those of them that are not on disk

    def refuse(self) -> None:
        """Do not take what is announced, if anything is."""
        announced, self._announced = self._announced, None
        if announced is not None:
            self.session.connection.framer.refuse()

    async def discard(self) -> None:
        for upload in self._uploads:
            await upload.discard()

    async def messages(
        self,
        described: tuple[AppendMessage, ...],
        place: Place,
        *,
        room: Room,
        replaces: Replaced | None = None,
    ) -> list[NewMessage]:
        """All of the command's messages for ``place``, ``described`` being those up to the first literal.

        room: asked before each piece. Flags that one has no right to set are left out (RFC 4314 §4).
        Raises Refusal, TooBig, OverQuota, TemporaryFailure; then the command has been got past.
        """
        try:
            while True:  # each turn reads a literal, which the framer bounds by MAX_STREAMED
                self._require_offered(described)
                literal = await self._take(described, place, room, replaces)
                if literal is None:
                    return self._messages
                described = await self._rest(literal, described[-1].data, room)
        except BaseException:
            self.refuse()
            raise

    def _require_offered(self, described: tuple[AppendMessage, ...]) -> None:
        """Raises Refusal where what has come only now asks for what is withheld from this account."""
        features = self.session.connection.mask.features
        before = described[:1] if self._messages else ()
        if features and withheld.asked(Append("", before + described), features):
            raise bad(NOT_OFFERED)

    async def _take(
        self,
        described: tuple[AppendMessage, ...],
        place: Place,
        room: Room,
        replaces: Replaced | None,
    ) -> MessageLiteral | None:
        """Take in messages up to and with the literal that is announced; None where there is none."""
        for message in described:
            if self.most is not None and len(self._messages) >= self.most:
                raise bad("One message replaces another")
            await self._settle()
            upload = place.account.upload(self.session.house.message_size)
            self._uploads.append(upload)
            date = None if message.date is None else int(message.date.timestamp())
            flags = permitted(place.rights, message.flags)
            self._messages.append(NewMessage(upload, flags, date, replaces))
            data = message.data
            if isinstance(data, Catenation):
                literal = await self._parts(data.parts, room)
            else:
                literal = await self._parts((data,), room, alone=True)
            if literal is not None:
                return literal
        return None

    async def _settle(self) -> None:
        """The last message is whole. Have the whole ones on disk, once they are too much to be kept."""
        if not self._uploads:
            return
        self._octets += self._uploads[-1].size
        self._held += self._uploads[-1].size
        if self._held <= MAX_HELD:
            return
        now = int(self.session.house.clock())
        for place, message in enumerate(self._messages[self._settled :], self._settled):
            dated = message if message.date is not None else replace(message, date=now)
            self._messages[place] = dated
            await message.upload.settle(now if dated.date is None else dated.date)
        self._settled = len(self._messages)
        self._held = 0

    async def _parts(
        self, parts: tuple[MessageLiteral | UrlPart, ...], room: Room, *, alone: bool = False
    ) -> MessageLiteral | None:
        """Take in pieces of the last message; a literal is the last of them, and given back.

        alone: it is the whole message.
        """
        upload = self._uploads[-1]

        async def allow(octets: int) -> None:
            await self._allow(octets, room)

        for part in parts:
            if isinstance(part, UrlPart):
                await catenating.copy(self.session, part.url, upload, allow)
            elif self._announced is None:
                raise bad("A message has to be sent as a literal")
            elif alone and not self._announced.size:
                raise no("An empty message cancels the command")  # RFC 3502 §6.3.11
            else:
                await allow(self._announced.size)
                await self._receive(self._announced, Intake(upload, part, alone=alone))
                return part
        return None

    async def _allow(self, octets: int, room: Room) -> None:
        """Raise what so many octets more would fail with, while they have not come yet."""
        octets += self._uploads[-1].size
        if octets > self.session.house.message_size:
            raise TooBig
        await room(self._octets + octets, len(self._uploads))

    async def _rest(
        self, literal: MessageLiteral, data: MessageLiteral | Catenation, room: Room
    ) -> tuple[AppendMessage, ...]:
        """Behind a literal: take in what goes on with its message up to the next; then what follows it."""
        while True:  # bounded as above
            found = await self._following(literal, catenating=isinstance(data, Catenation))
            if found.parts:
                self._require_offered((AppendMessage(frozenset(), None, Catenation(found.parts, True)),))
            more = await self._parts(found.parts, room)
            if more is None:
                return found.messages
            literal = more

    async def _receive(self, announced: framing.StreamStart, intake: "Intake") -> None:
        """Take in one literal; an error is raised once the command is got past."""
        connection = self.session.connection
        self._announced = None
        connection.framer.accept()
        if announced.synchronising:
            self.out.send(r.Continue())
        failure: Exception | None = None
        while True:
            event = await connection.event()
            if isinstance(event, framing.StreamEnd):
                break
            if isinstance(event, framing.StreamChunk) and failure is None:
                try:
                    await intake.write(event.octets)
                except Exception as error:
                    failure = error
        if failure is None:
            try:
                await intake.finish(self.session.house.runner)
            except Exception as error:
                failure = error
        if failure is not None:
            following = await connection.event()
            if isinstance(following, framing.StreamStart):
                connection.framer.refuse()
            raise failure

    async def _following(self, literal: MessageLiteral, *, catenating: bool) -> Following:
        """Read what stands behind a literal. Raises Refusal."""
        connection = self.session.connection
        event = await connection.event()
        if isinstance(event, framing.StreamStart):
            self._announced = event
        elif not isinstance(event, framing.Frame):
            raise bad("The command is too long")
        try:
            return parse.parse_following(
                event, catenating=catenating, in_utf8=literal.utf8, utf8=connection.out.utf8
            )
        except parse.ParseError as error:
            raise Refusal(error.status) from None


class Intake:
    """The octets of one literal on their way into an upload.

    A literal8 may hold NUL, which no FETCH of a BODY could tell (RFC 3516 §6): such a message is kept back until
    it is whole, and its parts that hold NUL are encoded. Where it is too long for that, or only a piece of a
    message (not ``alone``), NUL is refused: RFC 3516 §4.4 has UNKNOWN-CTE for it.
    """

    __slots__ = ("_binary", "_kept", "_upload")

    def __init__(self, upload: Upload, literal: MessageLiteral, *, alone: bool) -> None:
        self._upload = upload
        self._binary = literal.binary
        self._kept: list[bytes] | None = None
        if literal.binary and alone and literal.size <= MAX_BINARY:
            self._kept = []

    async def write(self, octets: bytes) -> None:
        """Raises what the upload raises, and Refusal for NUL."""
        if self._kept is not None:
            self._kept.append(octets)
            return
        if self._binary and b"\0" in octets:
            raise no("NUL can be taken only in a message of its own that is not too large", r.UNKNOWN_CTE)
        await self._upload.write(octets)

    async def finish(self, runner: ThreadRunner) -> None:
        """All octets have come."""
        if self._kept is None:
            return
        whole = b"".join(self._kept)
        self._kept.clear()
        if binary.is_needed(whole):
            try:
                whole = await runner.run(binary.encoded, whole)
            except binary.NotEncodable:
                raise no("There is NUL where no encoding reaches it", r.UNKNOWN_CTE) from None
        await self._upload.write(whole)


MAX_BINARY: Final = 16 * 2**20
"""Octets of a literal8 that is kept whole in memory, to be encoded if it holds NUL."""
