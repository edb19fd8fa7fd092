"""A delivery that waits for a verdict: the message is held whole, looked at, then delivered, or not.

Stands where a ``Delivery`` would, for listeners whose mail is screened or signed; without either the octets stream
straight on and none of this exists. What is added goes into the copies' trace fields, so that the message itself
(by which a repeated delivery is recognized) stays what the sender sent.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from mailaccess.delivery.api import Drop, Envelope, Outcome
from mailaccess.delivery.held import Held
from mailaccess.delivery.local import Delivery, LocalDelivery
from mailaccess.proto.smtp.replies import Refused, Reply
from mailaccess.screening.api import Action, Arrived
from mailaccess.screening.chain import Judgement, Screening
from mailaccess.screening.signing import Signer
from mailaccess.smtp.header import header_end


@dataclass(frozen=True, slots=True)
class About:
    """What screens are told besides the octets; see ``screening.api.Message``."""

    recipients: tuple[str, ...]
    helo: str
    id: str


class Screened:
    """screening: None where the message is only signed.  signer: None where it is only screened."""

    def __init__(
        self,
        house: LocalDelivery,
        drops: Sequence[Drop],
        envelope: Envelope,
        about: About,
        screening: Screening | None,
        signer: Signer | None,
    ) -> None:
        self._house = house
        self._drops = tuple(drops)
        self._envelope = envelope
        self._about = about
        self._screening = screening
        self._signer = signer
        self._held = Held(house.threads, house.spool)
        self._size = 0
        self._header_size = 0
        self._delivery: Delivery | None = None

    async def write(self, data: bytes) -> None:
        """Take the next octets. Raises TemporaryFailure."""
        self._size += len(data)
        await self._held.write(data)

    async def finish(self) -> list[Outcome]:
        """Ask, then store: an Outcome for each Drop, in order. Raises Refused, MailError."""
        try:
            header = await self._header()
            judgement = await self._judge(header)
            if judgement.action is not Action.ACCEPT:
                raise Refused(_reply(judgement))
            front = judgement.front
            if self._signer is not None:
                sender = self._envelope.return_path or ""
                front = await self._signer.sign(judgement.header, self._body, sender) + front
            drops = self._drops
            if front or judgement.mailbox:
                drops = tuple(
                    replace(drop, trace=front + drop.trace, mailbox=judgement.mailbox) for drop in drops
                )
            self._delivery = self._house.begin(drops, self._envelope)
            if judgement.header is header:
                async for piece in self._held.pieces():
                    await self._delivery.write(piece)
            else:
                await self._delivery.write(judgement.header)
                async for piece in self._behind(self._header_size):
                    await self._delivery.write(piece)
            return await self._delivery.finish()
        finally:
            await self.abort()

    async def _judge(self, header: bytes) -> Judgement:
        if self._screening is None:
            return Judgement(Action.ACCEPT, b"", header)
        return await self._screening.judge(
            Arrived(
                header=header,
                body=self._body,
                size=self._size,
                sender=self._envelope.return_path or "",
                recipients=self._about.recipients,
                address=self._envelope.rip,
                helo=self._about.helo,
                user=self._envelope.owner,
                service=self._envelope.service,
                id=self._about.id,
            )
        )

    async def _header(self) -> bytes:
        """The message up to its blank line; an intake has held the header to its bound."""
        found = b""
        async for piece in self._held.pieces():
            seen = len(found)
            found += piece
            end = header_end(found, max(0, seen - 2))
            if end >= 0:
                found = found[:end]
                break
        self._header_size = len(found)
        return found

    async def _behind(self, skipped: int) -> AsyncIterator[bytes]:
        async for piece in self._held.pieces():
            if len(piece) > skipped:
                yield piece[skipped:] if skipped else piece
            skipped = max(0, skipped - len(piece))

    async def _body(self) -> AsyncIterator[bytes]:
        """What is behind the blank line."""
        start = True
        async for piece in self._behind(self._header_size):
            if start:
                piece = piece.removeprefix(b"\r\n") if piece.startswith(b"\r") else piece.removeprefix(b"\n")
                start = False
            yield piece

    def not_told(self, outcomes: Sequence[Outcome]) -> None:
        """As a delivery's."""
        if self._delivery is not None:
            self._delivery.not_told(outcomes)

    async def abort(self) -> None:
        """Let go of what is not stored."""
        self._held.discard()
        if self._delivery is not None:
            await self._delivery.abort()


def _reply(judgement: Judgement) -> Reply:
    code = 550 if judgement.action is Action.REFUSE else 451
    text = judgement.text or "The message is not accepted"
    return Reply(code, judgement.enhanced or f"{code // 100}.7.1", text.encode("ascii", "replace").decode())
