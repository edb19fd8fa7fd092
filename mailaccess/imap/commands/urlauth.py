"""URLs that let others read one message or part (RFC 4467): GENURLAUTH, URLFETCH, RESETKEY.

Off unless the configuration offers URLAUTH: whoever has such a URL reads what it names, without a password of its
owner's. The token is an HMAC of the URL as written under the mailbox's access key, so nothing of the URL can be
changed; which mailboxes its owner may read is asked anew each time.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.answers import bad, no
from mailaccess.imap.catenating import Content, Nothing, content, opened
from mailaccess.imap.dispatch import command
from mailaccess.imap.namespaces import Namespaces
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.errors import AuthenticationUnavailable, MailError, TemporaryFailure
from mailaccess.model.secret import Secret
from mailaccess.observe.events import Level
from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap import url as urls
from mailaccess.proto.imap.commands.urlauth import GenUrlAuth, ResetKey, UrlFetch
from mailaccess.proto.imap.render import string
from mailaccess.proto.imap.responses_more import AuthorizedUrls, UrlMech
from mailaccess.proto.imap.url import Authorization, MessageUrl

INTERNAL: Final = "INTERNAL"

HMAC_SHA256: Final = b"01"
"""Begins each token and names the algorithm (RFC 4467 §2.4.1), so that another can take its place one day."""


def token(key: Secret, rump: str) -> bytes:
    """The authorization token of a URL, in hexadecimal. RFC 4467 §2.5."""
    return HMAC_SHA256 + hmac.digest(key.reveal(), rump.encode("utf-8"), "sha256").hex().encode("ascii")


@command("GENURLAUTH", state=Authenticated, tells_expunges=True)
async def generate(session: Authenticated, args: GenUrlAuth, out: Replies) -> r.Status:
    """RFC 4467 §7: URLs of one's own, for mailboxes that one may read."""
    made: list[str] = []
    for text, mechanism in args.wanted:
        if mechanism != INTERNAL:
            raise no("The only mechanism is INTERNAL", r.CANNOT)
        url, authorization = _rump(text)
        if url.authority is None or url.authority.user is None:
            raise bad("The URL names no owner")
        owner = await session.house.authenticator.lookup(url.authority.user)
        if owner is None or owner.name != session.identity.name or url.mailbox is None:
            raise bad("The URL is not one of yours")
        try:
            mailbox_id = await _mailbox_id(session.namespaces, url.mailbox)
        except MailError:
            raise bad("The URL names no mailbox") from None
        key = await session.account.access_key(mailbox_id, make=True)
        assert key is not None, "it was to be made"
        made.append(
            f"{authorization.rump}:{INTERNAL.lower()}:{token(key, authorization.rump).decode('ascii')}"
        )
    out.send(AuthorizedUrls(tuple(made)))
    return r.Ok("GENURLAUTH completed")


def _rump(text: str) -> tuple[MessageUrl, Authorization]:
    """A URL to be completed. Raises Refusal, which RFC 4467 §7 wants to be BAD."""
    try:
        url = urls.parse(text)
    except urls.BadUrl:
        raise bad("That is no URL of a message") from None
    if url.authorization is None or url.authorization.token is not None:
        raise bad("The URL has to end with who may use it, and no more")
    return url, url.authorization


async def _mailbox_id(namespaces: Namespaces, name: str) -> str:
    place = await namespaces.place(name)
    place.require("r")
    async with opened(place.account, place.name) as mailbox:
        return mailbox.mailbox_id


@command("RESETKEY", state=Authenticated, tells_expunges=True)
async def reset(session: Authenticated, args: ResetKey, out: Replies) -> r.Status:
    """RFC 4467 §7: all URLs made so far are void, or those of one mailbox."""
    if args.mailbox is None:
        await session.account.reset_access_keys(None)
        return r.Ok("All keys removed")
    if any(mechanism != INTERNAL for mechanism in args.mechanisms):
        raise no("The only mechanism is INTERNAL", r.CANNOT)
    mailbox_id = await _mailbox_id(session.namespaces, args.mailbox)
    await session.account.reset_access_keys(mailbox_id)
    own = session.updates if isinstance(session, Selected) else None
    session.house.board.key_replaced(session.identity.name, mailbox_id, by=own)
    return r.Ok("Key replaced", UrlMech())


@command("URLFETCH", state=Authenticated, tells_expunges=True)
async def fetch(session: Authenticated, args: UrlFetch, out: Replies) -> r.Status:
    """RFC 4467 §7: always OK; a URL that is not valid, for whatever reason, is NIL.

    One response for each URL, so that a large part is written while it is read.
    """
    for text in args.urls:
        try:
            await _one(session, text, out)
        except (urls.BadUrl, Nothing):
            _tell(text, None, out)
        except MailError as error:
            if isinstance(error, (TemporaryFailure, AuthenticationUnavailable)):
                raise
            _tell(text, None, out)
        await out.room()
    return r.Ok("URLFETCH completed")


def _label(text: str) -> bytes:
    return b"* URLFETCH " + string(text.encode("utf-8"))


def _tell(text: str, octets: bytes | None, out: Replies) -> None:
    out.octets(render_fetch.section(_label(text), octets) + b"\r\n")


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose eyes a URL reads with. RFC 4467 §7: the access of the user in its server part."""

    namespaces: Namespaces
    key: Secret | None


async def _one(session: Authenticated, text: str, out: Replies) -> None:
    """Raises BadUrl, Nothing, or a MailError, before anything is written."""
    url = urls.parse(text)
    authorization, authority = url.authorization, url.authority
    if authorization is None or authorization.token is None or authority is None or authority.user is None:
        raise Nothing
    owner = await _owner(session, authority.user, url.mailbox)
    # Also where there is no such mailbox: it shall take as long (RFC 4467 §6).
    key = owner.key or Secret(secrets.token_bytes(32))
    valid = hmac.compare_digest(token(key, authorization.rump), authorization.token)
    if not valid or owner.key is None or authorization.mechanism != INTERNAL or url.mailbox is None:
        raise Nothing
    expired = authorization.expire is not None and authorization.expire.timestamp() < session.house.clock()
    if expired or not await _may_use(session, authorization):
        raise Nothing
    place = await owner.namespaces.place(url.mailbox)
    place.require("r")
    async with opened(place.account, place.name) as mailbox, content(mailbox, url) as found:
        await _write(session, text, found, out)


async def _owner(session: Authenticated, user: str, name: str | None) -> _Owner:
    house = session.house
    identity = await house.authenticator.lookup(user)
    if identity is None or name is None:
        return _Owner(session.namespaces, None)
    account = await house.store.open(identity.location)
    namespaces = Namespaces(house, identity, account)
    try:
        mailbox_id = await _mailbox_id(namespaces, name)
    except MailError:
        return _Owner(namespaces, None)
    return _Owner(namespaces, await account.access_key(mailbox_id, make=False))


async def _may_use(session: Authenticated, authorization: Authorization) -> bool:
    """Whether the access identifier means this session. RFC 4467 §3; there are no anonymous logins here."""
    access = authorization.access
    if access.kind == "submit+":
        return session.identity.name in session.house.settings.submit_users
    if access.kind == "user+":
        named = await session.house.authenticator.lookup(access.user or "")
        return named is not None and named.name == session.identity.name
    return True


async def _write(session: Authenticated, text: str, found: Content, out: Replies) -> None:
    """The literal announced, then its octets; a file that fails in between ends the connection."""
    out.octets(render_fetch.section_open(_label(text), found.length))
    try:
        async for piece in found.pieces():
            out.octets(piece)
            await out.room()
    except MailError as error:
        connection = session.connection
        connection.house.log.log(
            "imap-read-failed", Level.ERROR, user=connection.user, error=error.detail or str(error)
        )
        connection.wire.abort()
        raise ConnectionResetError("the message could not be read to its end") from error
    out.octets(b"\r\n")
