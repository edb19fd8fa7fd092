"""A message's octets on their way from DATA or BDAT into a delivery.

The header is held until its end is there (bounded by MAX_HEADER), looked at for loops, mended where the
policy says so, and passed on; the body streams through. After a failure the rest of the message is read
and dropped, because SMTP lets the client send it all before it hears of it (RFC 5321 §4.2.5).
"""

from collections.abc import Callable

from mailaccess.delivery.api import Outcome
from mailaccess.delivery.local import Delivery
from mailaccess.model.errors import MailError, TooBig
from mailaccess.proto.smtp import replies
from mailaccess.screening.canonical import with_crlf
from mailaccess.smtp.header import MAX_HEADER, header_end, hops
from mailaccess.smtp.screened import Screened


class Intake:
    """edit: gets the header up to the blank line and gives the one to store.  max_hops: Received fields."""

    def __init__(
        self,
        delivery: Delivery | Screened,
        *,
        limit: int,
        max_hops: int,
        edit: Callable[[bytes], bytes] | None,
    ) -> None:
        self._delivery = delivery
        self._limit = limit
        self._max_hops = max_hops
        self._edit = edit
        self._header: bytearray | None = bytearray()
        self.size = 0
        """Octets the client has sent, dots unstuffed."""
        self.failure: MailError | replies.Refused | None = None

    async def write(self, content: bytes) -> None:
        """Take the next octets; what goes wrong is kept for the reply."""
        self.size += len(content)
        if self.failure is not None:
            return
        try:
            if self.size > self._limit:
                raise TooBig()
            if self._header is None:
                await self._delivery.write(content)
            else:
                await self._look(content)
        except (MailError, replies.Refused) as failure:
            self.failure = failure
            self._header = None
            await self._delivery.abort()

    async def _look(self, content: bytes) -> None:
        header = self._header
        assert header is not None
        seen = len(header)
        header += content
        end = header_end(header, max(0, seen - 2))
        if end >= 0:
            await self._pass_on(bytes(header[:end]), bytes(header[end:]))
        elif len(header) > MAX_HEADER:
            raise replies.Refused(replies.HEADER_TOO_BIG)

    async def _pass_on(self, header: bytes, rest: bytes) -> None:
        self._header = None
        if hops(header) > self._max_hops:
            raise replies.Refused(replies.LOOP)
        if self._edit is not None:
            # What splits lines only for the next reader is no line to us: a Bcc behind a bare CR would be
            # seen by nobody here, and be one to whoever reads it as a line end. Mail that only passes
            # through is left as it came.
            header = with_crlf(header)
            end = header_end(header)
            if end >= 0:
                header, rest = header[:end], header[end:] + rest
            header = self._edit(header)
        if header or rest:
            await self._delivery.write(header + rest)

    async def finish(self) -> list[Outcome]:
        """Store it. Raises what went wrong on the way, MailError or Refused; then nothing is stored."""
        if self.failure is None and self._header is not None:
            try:
                await self._pass_on(bytes(self._header), b"")  # a message without a body
            except (MailError, replies.Refused) as failure:
                self.failure = failure
        if self.failure is not None:
            await self._delivery.abort()
            raise self.failure
        return await self._delivery.finish()

    def not_told(self, outcomes: list[Outcome]) -> None:
        """The sender will try again although these copies are stored."""
        self._delivery.not_told(outcomes)

    async def abort(self) -> None:
        """The client is gone, or took it back."""
        await self._delivery.abort()
