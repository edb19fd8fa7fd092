"""What a URL of CATENATE names, copied into a message on its way in (RFC 4469 §3; URL-PARTIAL: RFC 5550 §5.7.1).

The octets flow from the store into the ``Upload`` in pieces, whatever their number. \\Seen is not set.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.answers import Refusal, no
from mailaccess.imap.fetch import sections
from mailaccess.imap.fetch.items import SectionItem
from mailaccess.imap.fetch.sections import Stretch
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.errors import (
    MailboxGone,
    MailboxNotSelectable,
    NoSuchMailbox,
    NotPermitted,
    TemporaryFailure,
)
from mailaccess.proto.imap import url as urls
from mailaccess.proto.imap.responses_more import BadUrl
from mailaccess.proto.imap.url import MessageUrl
from mailaccess.store.api import Account, Body, Change, Fact, Mailbox, Upload

STEP: Final = 128 * 1024
"""Octets copied at a time."""

TO_THE_END: Final = 1 << 62
"""Octets of a partial without a length: more than any message has."""


class Nothing(Exception):
    """A URL that leads to nothing: no such mailbox, message or part."""


async def copy(
    session: Authenticated, text: str, upload: Upload, allow: Callable[[int], Awaitable[None]]
) -> None:
    """Write the octets that the URL names into ``upload``; ``allow`` is told their number first.

    Raises Refusal with BADURL, and what ``allow`` and the upload raise.
    """
    try:
        url = urls.parse(text)
        if url.authority is not None or url.authorization is not None:
            raise urls.BadUrl("not of this session")
        if url.partial is not None and "URL-PARTIAL" in session.connection.mask.withheld:
            raise urls.BadUrl("not offered")
        async with _opened(session, url) as mailbox, content(mailbox, url) as found:
            await allow(found.length)
            async for piece in found.pieces():
                await upload.write(piece)
    except (urls.BadUrl, Nothing, NoSuchMailbox, NotPermitted, MailboxNotSelectable, MailboxGone):
        raise bad_url(text) from None


def bad_url(text: str) -> Refusal:
    """NO [BADURL …], to be raised. RFC 4469 §4.1."""
    return no("A URL does not name anything here", BadUrl(text))


@asynccontextmanager
async def _opened(session: Authenticated, url: MessageUrl) -> AsyncIterator[Mailbox]:
    """The mailbox of a URL: the selected one, or another for the moment."""
    if isinstance(session, Selected) and url.mailbox in (None, session.shown):
        yield session.mailbox
        return
    if url.mailbox is None:
        raise Nothing
    place = await session.namespaces.place(url.mailbox)
    place.require("r")
    async with opened(place.account, place.name) as mailbox:
        yield mailbox


@asynccontextmanager
async def opened(account: Account, name: str) -> AsyncIterator[Mailbox]:
    """A mailbox for the moment. Raises NoSuchMailbox, MailboxNotSelectable."""
    mailbox = await account.open_mailbox(name, _deaf)
    try:
        yield mailbox
    finally:
        await mailbox.close()


def _deaf(change: Change) -> None:
    """Nobody is told what happens in a mailbox that is opened for a moment."""


@dataclass(frozen=True, slots=True)
class Content:
    """The octets that a URL names: in memory, or a stretch of an open file."""

    value: bytes | Stretch

    @property
    def length(self) -> int:
        return self.value.length if isinstance(self.value, Stretch) else len(self.value)

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of them, at most ``STEP`` at a time. Raises TemporaryFailure where the file ends early."""
        if not isinstance(self.value, Stretch):
            for start in range(0, len(self.value), STEP):
                yield self.value[start : start + STEP]
            return
        left = self.value.length
        async for piece in self.value.pieces(STEP):
            left -= len(piece)
            yield piece
        if left:
            raise TemporaryFailure(detail="the message is shorter than it was")


@asynccontextmanager
async def content(mailbox: Mailbox, url: MessageUrl) -> AsyncIterator[Content]:
    """The octets of the message or part that ``url`` names in its mailbox. Raises Nothing."""
    if url.uid_validity is not None and url.uid_validity != mailbox.uidvalidity:
        raise Nothing
    source = (await mailbox.read([url.uid]))[0]
    if source is None:
        raise Nothing
    try:
        value = await _cut(mailbox, url, source)
        if value is None:
            raise Nothing
        yield Content(value)
    finally:
        if not isinstance(source, bytes):
            source.close()


async def _cut(mailbox: Mailbox, url: MessageUrl, source: bytes | Body) -> bytes | Stretch | None:
    partial = None
    if url.partial is not None:
        origin, octets = url.partial
        partial = (origin, TO_THE_END if octets is None else octets)
    item = SectionItem(b"", url.section, partial)
    root = None
    if not item.is_whole:
        facts = (await mailbox.facts([url.uid], [Fact.STRUCTURE]))[0]
        root = sections.root_part(None if facts is None else facts[0], None)
    if isinstance(source, bytes):
        return sections.from_octets(item, source, root)
    return await sections.from_body(item, source, root)
