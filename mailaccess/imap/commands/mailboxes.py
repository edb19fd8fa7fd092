"""Mailboxes as a whole: SELECT and EXAMINE, CREATE to UNSUBSCRIBE, CLOSE and UNSELECT
(RFC 3501 §6.3, §6.4; RFC 2342; RFC 3691; RFC 6154; RFC 7162 §3.1.8).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from mailaccess.imap.answers import no
from mailaccess.imap.commands.enabling import condstore_on
from mailaccess.imap.commands.oldname import listed, tell_new_name, tell_old_name
from mailaccess.imap.commands.resync import require_qresync, resynchronize
from mailaccess.imap.dispatch import command
from mailaccess.imap.places import first_unseen
from mailaccess.imap.replies import Replies
from mailaccess.imap.rights import may_write
from mailaccess.imap.session import Authenticated, Ear, Selected
from mailaccess.imap.updates import Updates, flag_responses
from mailaccess.imap.view import View
from mailaccess.model import names
from mailaccess.model.errors import NotPermitted, UseAttribute
from mailaccess.model.flags import Flag
from mailaccess.model.rights import Rights
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import mailboxes as c
from mailaccess.proto.imap.render import render
from mailaccess.proto.imap.responses_more import MailboxId, UrlMech

_PREVIOUS_CLOSED: Final = r.Ok("Previous mailbox closed", r.CLOSED)  # RFC 7162 §3.2.11
_CLOSED: Final = render(_PREVIOUS_CLOSED)


@command("SELECT", "EXAMINE", state=Authenticated)
async def select(session: Authenticated, args: c.Select, out: Replies) -> r.Status:
    """RFC 3501 §6.3.1, §6.3.2. The mailbox selected before is left first, also if this fails."""
    connection = session.connection
    if args.qresync is not None:
        require_qresync(session, "QRESYNC")
        session.require_uid(args.qresync.seq_match is None)
    before = session if isinstance(session, Selected) else None
    if before is not None:
        session = before.unselected()
        connection.become(session)
        if out.language is None:
            out.octets(_CLOSED)
        else:
            out.send(_PREVIOUS_CLOSED)
    ear = Ear()
    try:
        if args.condstore:
            condstore_on(session, out)
        place = await session.namespaces.place(args.mailbox)
        place.require("r")
        mailbox = await place.account.open_mailbox(place.name, ear)
    finally:
        if before is not None:  # if it is the same mailbox, it has been open all the time
            await before.leave()
    writable = not args.examine and may_write(place.rights)
    view = View(mailbox)
    updates = Updates(
        mailbox,
        view,
        session.house.runner,
        writable=writable,
        tells_recent=not session.rev2,
        uid_only=session.uid_only,
        rights=place.rights,
    )
    ear.updates = updates
    try:
        await updates.claim()
    except Exception:
        await mailbox.close()
        raise
    view.grow()
    selected = Selected(session, place, mailbox, view, updates, writable=writable)
    connection.become(selected)
    await _introduce(selected, out)
    if args.qresync is not None:
        await resynchronize(selected, args.qresync, out)
    if args.examine:
        return r.Ok("EXAMINE completed", r.READ_ONLY)
    return r.Ok("SELECT completed", r.READ_WRITE if writable else r.READ_ONLY)


async def _introduce(session: Selected, out: Replies) -> None:
    """What SELECT tells. RFC 3501 §7.3.1, §7.1; RFC 7162 §3.1.2; RFC 9051 §6.3.2."""
    mailbox, updates, count = session.mailbox, session.updates, session.view.count
    unseen = -1 if session.rev2 else first_unseen(mailbox)
    told = _Told(
        updates.take_keywords(),
        updates.rights if session.writable else None,
        count,
        None if session.rev2 else len(updates.recent),
        unseen if unseen < count and not session.uid_only else -1,
        mailbox.uidvalidity,
        mailbox.uidnext,
        mailbox.highest_modseq,
        mailbox.mailbox_id,
        "URLAUTH" in session.connection.mask.granted,
    )
    if told.urlauth:
        session.house.board.selections[updates] = (session.identity.name, mailbox.mailbox_id)
    if out.language is None and not session.rev2:
        out.octets(_introduction(told))
        return
    name = await listed(session, session.shown) if session.rev2 else None
    for response in _responses(told, name):
        out.send(response)


class _Told(NamedTuple):
    """recent: None after ENABLE IMAP4rev2.  unseen: the place of the first message without \\Seen, or -1."""

    keywords: tuple[Flag, ...]
    rights: Rights | None
    exists: int
    recent: int | None
    unseen: int
    uidvalidity: int
    uidnext: int
    modseq: int
    mailbox_id: str
    urlauth: bool


@lru_cache(maxsize=512)
def _introduction(told: _Told) -> bytes:
    """Rendered: most mailboxes are as they were when somebody selected them last."""
    return b"".join([render(response) for response in _responses(told, None)])


def _responses(told: _Told, name: r.Response | None) -> Iterator[r.Response]:
    """name: the LIST response of IMAP4rev2."""
    yield from flag_responses(told.keywords, told.rights)
    yield r.Exists(told.exists)
    if name is not None:
        yield name
    if told.recent is not None:
        yield r.RecentCount(told.recent)
    if told.unseen >= 0:
        yield r.Ok("First unseen", r.Unseen(told.unseen + 1))
    yield r.Ok("UIDs valid", r.UidValidityCode(told.uidvalidity))
    yield r.Ok("Predicted next UID", r.UidNext(told.uidnext))
    yield r.Ok("Highest", r.HighestModSeq(told.modseq))
    yield r.Ok("Id", MailboxId(told.mailbox_id))  # RFC 8474 §4.2
    if told.urlauth:
        yield r.Ok("Mechanisms", UrlMech())  # RFC 4467 §8


async def leave(session: Selected) -> Authenticated:
    """Close the mailbox without expunging; gives the state after it."""
    after = session.unselected()
    session.connection.become(after)
    await session.leave()
    return after


@command("CLOSE", state=Selected)
async def close(session: Selected, args: c.Close, out: Replies) -> r.Status:
    """RFC 3501 §6.4.2: removes what is \\Deleted, tells nothing of it, and leaves; nothing goes after
    EXAMINE, nor without the right to expunge (RFC 4314 §4).
    """
    if session.writable and session.place.may("e"):
        await session.mailbox.expunge()
    await leave(session)
    return r.Ok("CLOSE completed")


@command("UNSELECT", state=Selected)
async def unselect(session: Selected, args: c.Unselect, out: Replies) -> r.Status:
    """RFC 3691 §2: leaves without removing anything."""
    await leave(session)
    return r.Ok("UNSELECT completed")


@command("CHECK", state=Selected, tells_expunges=True)
async def check(session: Selected, args: c.Check, out: Replies) -> r.Status:
    """RFC 3501 §6.4.1: everything is on disk before it is acknowledged, so this only looks for news."""
    await session.mailbox.refresh()
    return r.Ok("CHECK completed")


@command("CREATE", state=Authenticated, tells_expunges=True)
async def create(session: Authenticated, args: c.Create, out: Replies) -> r.Status:
    """RFC 3501 §6.3.3, RFC 6154 §3; the new mailbox's id: RFC 8474 §4.1."""
    place = await session.namespaces.new_place(args.mailbox)
    if args.special_use and not place.owned:
        raise UseAttribute("Special uses are for one's own mailboxes")
    made = await place.account.create(place.name, frozenset(args.special_use))
    await tell_old_name(session, args.mailbox, out)
    return r.Ok("CREATE completed", MailboxId(made.mailbox_id))


@command("DELETE", state=Authenticated, tells_expunges=True)
async def delete(session: Authenticated, args: c.Delete, out: Replies) -> r.Status:
    """RFC 3501 §6.3.4. The client's own selected mailbox is left with it; other sessions in it get BYE (RFC
    2180 §3).
    """
    place = await session.namespaces.place(args.mailbox)
    place.require("x")
    if not place.owned and place.name == names.INBOX:
        raise NotPermitted
    own = (
        isinstance(session, Selected)
        and place.account is session.place.account
        and session.mailbox.name == place.name
    )
    await place.account.delete(place.name)
    if own and isinstance(session, Selected):
        session = await leave(session)
        out.send(r.Ok("Selected mailbox closed", r.CLOSED))
    await tell_old_name(session, args.mailbox, out)
    return r.Ok("DELETE completed")


@command("RENAME", state=Authenticated, tells_expunges=True)
async def rename(session: Authenticated, args: c.Rename, out: Replies) -> r.Status:
    """RFC 3501 §6.3.5; whoever has it selected goes on under the new name.

    The ACLs of what is renamed stay as they are (RFC 4314 §4).
    """
    source = await session.namespaces.place(args.source)
    source.require("x")
    if not source.owned and source.name == names.INBOX:
        raise NotPermitted
    target = await session.namespaces.new_place(args.target)
    if target.account is not source.account:
        raise no("A mailbox stays with its account; its messages can be moved", r.CANNOT)
    await source.account.rename(source.name, target.name)
    await tell_new_name(session, args.source, args.target, out)
    return r.Ok("RENAME completed")


@command("SUBSCRIBE", state=Authenticated, tells_expunges=True)
async def subscribe(session: Authenticated, args: c.Subscribe, out: Replies) -> r.Status:
    """RFC 3501 §6.3.6; a name need not exist. Subscriptions to mailboxes of others are the subscriber's."""
    await session.account.set_subscribed(args.mailbox, True)
    return r.Ok("SUBSCRIBE completed")


@command("UNSUBSCRIBE", state=Authenticated, tells_expunges=True)
async def unsubscribe(session: Authenticated, args: c.Unsubscribe, out: Replies) -> r.Status:
    """RFC 3501 §6.3.7; as SUBSCRIBE (``quirk_trailing_separator``), but a file of other hands may hold the name so."""
    name = args.mailbox
    await session.account.set_subscribed(name, False)
    if len(name) > 1 and name.endswith(names.SEPARATOR):
        await session.account.set_subscribed(name.removesuffix(names.SEPARATOR), False)
    return r.Ok("UNSUBSCRIBE completed")


@command("NAMESPACE", state=Authenticated, tells_expunges=True)
async def namespace(session: Authenticated, args: c.Namespace, out: Replies) -> r.Status:
    """RFC 2342 §5."""
    await tell_namespaces(session, out)
    return r.Ok("NAMESPACE completed")


async def tell_namespaces(session: Authenticated, out: Replies) -> None:
    """One personal namespace without prefix; other users' and shared ones as configured. RFC 2342 §5."""
    others, shared = session.namespaces.roots()
    out.send(r.Namespaces((r.NamespaceRoot("", "/"),), others, shared))
