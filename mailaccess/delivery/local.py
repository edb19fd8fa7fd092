"""Into the mailbox: takes a message's octets once and puts a copy into each account it is for.

For one account the octets stream straight into the store's Upload; for several they are held (in memory,
past that in a file) and copied at the end. Each copy gets its own Return-Path, Delivered-To and trace
fields in front (RFC 5321 §4.4). A copy counts as delivered when ``Account.append`` has returned, that is
when it would survive kill -9.

A detail names a mailbox where the account has one of that name; everything else goes into INBOX.
"""

import re
import time
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from mailaccess.auth.api import Identity
from mailaccess.delivery.api import Delivered, Destination, Drop, Envelope, Onward, Outcome, Target
from mailaccess.delivery.held import Held
from mailaccess.delivery.onward import Outgoing
from mailaccess.delivery.repeats import Repeats
from mailaccess.model.errors import (
    MailboxNotSelectable,
    MailError,
    NoSuchMailbox,
    TemporaryFailure,
    TooBig,
)
from mailaccess.model.names import INBOX, canonical
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.spool.spool import Spool
from mailaccess.store.api import Account, NewMessage, Store, Upload

MAX_TRACE: Final = 128 * 1024
"""Octets that the fields put in front may add to the limit of a message: what screens add is below 64 KiB."""

# With the line end before it, which is looked for by memchr: a pattern that begins with ^ is tried at every octet.
_MESSAGE_ID: Final = re.compile(rb"\nmessage-id:[ \t]*(?:\r?\n[ \t]+)?<?([!-;=?-~]{1,250})", re.I)


class LocalDelivery:
    """One for a process, used on the reactor thread.

    limit: octets of one message.  spool: the folder for large messages to several accounts.
    queue: for copies to other domains; None: there may be none.
    forwarded_sender: the reverse-path with which a stranger's message goes on, from its own.
    """

    def __init__(
        self,
        store: Store,
        threads: ThreadRunner,
        log: EventLog,
        *,
        limit: int,
        spool: Path,
        detail_mailbox: bool = True,
        clock: Callable[[], float] = time.monotonic,
        queue: Spool | None = None,
        forwarded_sender: Callable[[str], str] | None = None,
    ) -> None:
        self.queue = queue
        self.forwarded_sender = forwarded_sender
        self.store = store
        self.threads = threads
        self.log = log
        self.limit = limit
        self.spool = spool
        self.detail_mailbox = detail_mailbox
        self.repeats = Repeats(clock)

    async def check_quota(self, targets: Sequence[Destination], octets: int) -> None:
        """Raises OverQuota if an account has no room for a message of ``octets``; TemporaryFailure."""
        for target in targets:
            if isinstance(target, Onward):
                continue
            account = await self.store.open(target.identity.location)
            await account.check_quota(octets)

    def begin(self, drops: Sequence[Drop], envelope: Envelope) -> "Delivery":
        """Start a delivery; nothing is opened before the first octets."""
        return Delivery(self, drops, envelope)

    async def deliver(
        self,
        identity: Identity,
        pieces: Iterable[bytes] | AsyncIterable[bytes],
        *,
        mailbox: str = "",
        recipient: str = "",
        trace: bytes = b"",
        envelope: Envelope = Envelope(),  # noqa: B008  frozen
    ) -> Delivered:
        """Deliver one message to one account: what ``mailadm deliver`` does.

        pieces: the message, LF or CRLF.  mailbox: INBOX if empty; must exist.
        Raises NoSuchMailbox, MailboxNotSelectable, TooBig, OverQuota, TemporaryFailure.
        """
        drop = Drop(Target(identity), recipient, trace)
        delivery = Delivery(self, (drop,), envelope, mailbox=canonical(mailbox) if mailbox else "")
        try:
            if isinstance(pieces, AsyncIterable):
                async for piece in pieces:
                    await delivery.write(piece)
            else:
                for piece in pieces:
                    await delivery.write(piece)
            outcome = (await delivery.finish())[0]
        finally:
            await delivery.abort()
        if outcome.delivered is None:
            raise outcome.error or TemporaryFailure()
        return outcome.delivered

    async def place(self, account: Account, detail: str, wish: str = "") -> str:
        """The mailbox for ``detail``: that of the name, or the only one that differs in case; else INBOX.

        wish: a mailbox's name, or a special use, that goes before it where the account has such a mailbox.
        """
        if wish:
            wished = canonical(wish)
            for info in await account.mailboxes():
                if info.selectable and (wish in info.special_use or info.name == wished):
                    return info.name
        if not detail or not self.detail_mailbox:
            return INBOX
        wanted = canonical(detail)
        names = [info.name for info in await account.mailboxes() if info.selectable]
        if wanted in names:
            return wanted
        alike = [name for name in names if name.lower() == wanted.lower()]
        return alike[0] if len(alike) == 1 else INBOX


@dataclass(slots=True)
class _Copy:
    """One account's copy; several recipients may share it."""

    drop: Drop
    target: Target
    account: Account | None = None
    upload: Upload | None = None
    mailbox: str = ""


class Delivery:
    """One message on its way in. ``write`` its octets, then ``finish``; or ``abort`` at any time."""

    def __init__(
        self, house: LocalDelivery, drops: Sequence[Drop], envelope: Envelope, *, mailbox: str = ""
    ) -> None:
        self._house = house
        self._drops = tuple(drops)
        self._envelope = envelope
        self._mailbox = mailbox
        self._copies: dict[tuple[str, str], _Copy] = {}
        onward: list[Drop] = []
        self._notices: list[Drop] = []
        for drop in self._drops:
            if isinstance(drop.target, Onward):
                onward.append(drop)
            else:
                self._copies.setdefault(_key(drop), _Copy(drop, drop.target))
        # A notice of success to the sender goes the queue's way, which knows how to make it. RFC 3461 §5.2.
        if house.queue is not None and envelope.return_path:
            self._notices = [
                drop
                for drop in self._drops
                if "SUCCESS" in drop.notify and not isinstance(drop.target, Onward)
            ]
            onward += self._notices
        self._outgoing: Outgoing | None = None
        if onward:
            assert house.queue is not None, "nobody resolves to another domain where there is no queue"
            forwarded = envelope
            if house.forwarded_sender is not None and envelope.return_path and not envelope.owner:
                forwarded = replace(envelope, return_path=house.forwarded_sender(envelope.return_path))
            self._outgoing = Outgoing(house.queue, onward, forwarded, house.log)
        several = len(self._copies) + (self._outgoing is not None) > 1
        self._held = Held(house.threads, house.spool) if several else None
        # A digest costs 1 µs per KB: taken where a retry could make, or be, a duplicate.
        self._digest = blake2b(digest_size=16)
        self._message_id = ""
        self.size = 0
        """Octets written so far."""

    async def write(self, data: bytes) -> None:
        """Take the next octets. Raises TooBig, TemporaryFailure; then only ``abort`` is left to do."""
        if not self.size:
            found = _MESSAGE_ID.search(b"\n" + data)
            self._message_id = found[1].decode("ascii") if found else ""
        self.size += len(data)
        if self.size > self._house.limit:
            raise TooBig()
        self._digest.update(data)
        if self._held is not None:
            await self._held.write(data)
            return
        if self._outgoing is not None:
            await self._outgoing.write(data)
        for copy in self._copies.values():  # one, or none
            upload = copy.upload or await self._open(copy)
            await upload.write(data)

    async def finish(self) -> list[Outcome]:
        """Store every copy: an Outcome for each Drop, in order. One's failure does not touch the others."""
        outcomes: dict[tuple[str, str], Outcome] = {}
        try:
            for key, copy in self._copies.items():
                try:
                    outcomes[key] = Outcome(copy.drop, delivered=await self._store(copy))
                except MailError as error:
                    self._log_trouble(copy.target.identity.name, error)
                    outcomes[key] = Outcome(copy.drop, error=error)
            if self._outgoing is not None:
                delivered = [drop for drop in self._notices if outcomes[_key(drop)].delivered is not None]
                outcomes |= await self._queue(self._outgoing, delivered)
        finally:
            await self.abort()
        return [
            Outcome(drop, delivered=outcomes[_key(drop)].delivered, error=outcomes[_key(drop)].error)
            for drop in self._drops
        ]

    async def _queue(self, outgoing: Outgoing, delivered: Sequence[Drop]) -> dict[tuple[str, str], Outcome]:
        """The copies for other domains, all in one message of the queue.

        delivered: copies in mailboxes of which the sender wants to hear.
        """
        repeats, sender = self._house.repeats, self._envelope.return_path or ""
        outcomes: dict[tuple[str, str], Outcome] = {}
        new: dict[tuple[str, str], Drop] = {}
        for drop in self._drops:
            key = _key(drop)
            if not isinstance(drop.target, Onward) or key in outcomes:
                continue
            if len(repeats) and repeats.take(self._digest.digest(), sender, *key):
                outcomes[key] = Outcome(drop, delivered=Delivered("", "", 0, self.size))
            else:
                new.setdefault(key, drop)
        if not new and not delivered:
            return outcomes
        try:
            if self._held is not None:
                async for piece in self._held.pieces():
                    await outgoing.write(piece)
            queued = await outgoing.commit(tuple(new.values()), delivered, self._message_id)
            return outcomes | {key: Outcome(drop, delivered=queued) for key, drop in new.items()}
        except MailError as error:
            self._log_trouble("queue", error)
            return outcomes | {key: Outcome(drop, error=error) for key, drop in new.items()}

    def not_told(self, outcomes: Sequence[Outcome]) -> None:
        """The sender will try again although these copies are stored: a retry must not make duplicates."""
        for outcome in outcomes:
            if outcome.delivered is not None:
                user, detail = _key(outcome.drop)
                self._house.repeats.note(
                    self._digest.digest(), self._envelope.return_path or "", user, detail
                )

    async def abort(self) -> None:
        """Let go of everything that is not stored; harmless after ``finish``."""
        if self._held is not None:
            self._held.discard()
        if self._outgoing is not None:
            await self._outgoing.discard()
        for copy in self._copies.values():
            upload, copy.upload = copy.upload, None
            if upload is not None:
                await upload.discard()

    async def _open(self, copy: _Copy) -> Upload:
        """The copy's upload, with the fields in front written."""
        copy.account = await self._house.store.open(copy.target.identity.location)
        copy.mailbox = self._mailbox or await self._house.place(
            copy.account, copy.target.detail, copy.drop.mailbox
        )
        copy.upload = copy.account.upload(self._house.limit + MAX_TRACE)
        front = self._front(copy.drop)
        if front:
            await copy.upload.write(front)
        return copy.upload

    def _front(self, drop: Drop) -> bytes:
        """Return-Path, Delivered-To, then what the drop brings. RFC 5321 §4.4, RFC 9228."""
        fields = []
        if self._envelope.return_path is not None:
            fields.append(f"Return-Path: <{self._envelope.return_path}>\r\n".encode())
        if drop.recipient:
            fields.append(f"Delivered-To: {drop.recipient}\r\n".encode())
        fields.append(drop.trace)
        return b"".join(fields)

    async def _store(self, copy: _Copy) -> Delivered:
        repeats = self._house.repeats
        user, detail = _key(copy.drop)
        if len(repeats) and repeats.take(
            self._digest.digest(), self._envelope.return_path or "", user, detail
        ):
            self._house.log.log("delivered-before", user=user, message_id=self._message_id)
            return Delivered(user, INBOX, 0, self.size)
        upload = copy.upload or await self._open(copy)
        if self._held is not None:
            async for piece in self._held.pieces():
                await upload.write(piece)
        assert copy.account is not None
        size = upload.size
        try:
            appended = await copy.account.append(copy.mailbox, (NewMessage(upload),))
        except (NoSuchMailbox, MailboxNotSelectable):
            if self._mailbox or copy.mailbox == INBOX:
                raise
            # The detail's mailbox was deleted while the message came in; the next try finds INBOX.
            raise TemporaryFailure(detail="the detail's mailbox is gone") from None
        copy.upload = None
        uid = appended.uids[0]
        self._house.log.log(
            "delivered",
            user=user,
            mailbox=copy.mailbox,
            uid=uid,
            size=size,
            message_id=self._message_id or None,
            sender=self._envelope.return_path,
            service=self._envelope.service,
            session=self._envelope.session or None,
            rip=self._envelope.rip or None,
        )
        return Delivered(user, copy.mailbox, uid, size)

    def _log_trouble(self, user: str, error: MailError) -> None:
        self._house.log.log(
            "delivery-failed",
            Level.ERROR if isinstance(error, TemporaryFailure) else Level.WARNING,
            user=user,
            message_id=self._message_id or None,
            error=error.detail or str(error),
            service=self._envelope.service,
            session=self._envelope.session or None,
        )


def _key(drop: Drop) -> tuple[str, str]:
    """What makes two drops one copy: account and detail, or the address elsewhere (which no account's name is)."""
    if isinstance(drop.target, Onward):
        return f"@{drop.target.address}", ""
    return drop.target.identity.name, drop.target.detail
