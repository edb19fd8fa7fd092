"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3). Identifiers: ``model.identifiers``."""

from typing import Final

from mailaccess.imap.answers import bad, no
from mailaccess.imap.dispatch import command
from mailaccess.imap.namespaces import Place
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.model.identifiers import Change, changed, deleted, entry_of, pairs
from mailaccess.model.rights import ALL, NONE, ORDER, OWNERS, VIRTUAL, Acl, AclEntry, Kind, expanded, shown
from mailaccess.observe.events import Level
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands import acl as c
from mailaccess.proto.imap.responses_more import Acl as AclResponse
from mailaccess.proto.imap.responses_more import OwnRights, RightsList
from mailaccess.proto.sasl.saslprep import saslprep

_ANY: Final = frozenset("lrikxa")
"""One of these lets somebody know his rights. RFC 4314 §4."""

_EVERYBODY: Final = (Kind.ANYONE, Kind.AUTHENTICATED)


@command("MYRIGHTS", state=Authenticated, tells_expunges=True)
async def my_rights(session: Authenticated, args: c.MyRights, out: Replies) -> r.Status:
    """RFC 4314 §3.5."""
    place = await _existing(session, args.mailbox)
    if not place.rights & _ANY:
        raise NoSuchMailbox
    out.send(OwnRights(place.shown, shown(place.rights)))
    return r.Ok("MYRIGHTS completed")


@command("GETACL", state=Authenticated, tells_expunges=True)
async def get_acl(session: Authenticated, args: c.GetAcl, out: Replies) -> r.Status:
    """RFC 4314 §3.3."""
    place = await _administered(session, args.mailbox)
    acl = (await place.account.acls()).get(place.name, Acl())
    out.send(AclResponse(place.shown, tuple(pairs(acl, _owner(place)))))
    return r.Ok("GETACL completed")


@command("LISTRIGHTS", state=Authenticated, tells_expunges=True)
async def list_rights(session: Authenticated, args: c.ListRights, out: Replies) -> r.Status:
    """RFC 4314 §3.4: every right by itself, also the virtual ones (RFC 4314 §2.1.1)."""
    place = await _administered(session, args.mailbox)
    entry = await _entry(session, place, args.identifier)
    required = OWNERS if entry.kind is Kind.OWNER else NONE
    given = "" if entry.negative else "".join([each for each in ORDER if each in required])
    optional = tuple([each for each in ORDER if each not in required] + list(VIRTUAL))
    out.send(RightsList(place.shown, args.identifier, given, optional))
    return r.Ok("LISTRIGHTS completed")


@command("SETACL", state=Authenticated, tells_expunges=True)
async def set_acl(session: Authenticated, args: c.SetAcl, out: Replies) -> r.Status:
    """RFC 4314 §3.1."""
    unknown = sorted(args.rights - ALL - VIRTUAL.keys())
    if unknown:
        raise bad(f"The {unknown[0]} right is not supported")
    place = await _administered(session, args.mailbox)
    entry = await _entry(session, place, args.identifier)
    if entry.kind in _EVERYBODY and not entry.negative and not session.house.sharing.anyone:
        raise no("Rights cannot be given to everybody here", r.NOPERM)
    rights, owned = expanded(args.rights), _owner(place)
    change = Change(args.change.value)
    await place.account.change_acl(place.name, lambda acl: changed(acl, entry, change, rights, owned))
    _tell(session, place, args.identifier, args.change.value + "".join(sorted(args.rights)))
    return r.Ok("SETACL completed")


@command("DELETEACL", state=Authenticated, tells_expunges=True)
async def delete_acl(session: Authenticated, args: c.DeleteAcl, out: Replies) -> r.Status:
    """RFC 4314 §3.2. The owner is left with what he has where nothing is set: everything."""
    place = await _administered(session, args.mailbox)
    entry, owned = await _entry(session, place, args.identifier), _owner(place)
    await place.account.change_acl(place.name, lambda acl: deleted(acl, entry, owned))
    _tell(session, place, args.identifier, "deleted")
    return r.Ok("DELETEACL completed")


def _tell(session: Authenticated, place: Place, identifier: str, change: str) -> None:
    """Who gave what to whom is something an administrator is asked about later, and NOTIFY tells of."""
    session.house.board.rights_changed(place.account.location.name)
    session.house.log.log(
        "imap-acl-changed",
        Level.INFO,
        user=session.identity.name,
        mailbox=place.shown,
        identifier=identifier,
        rights=change,
    )


async def _existing(session: Authenticated, name: str) -> Place:
    """The place of a mailbox that is there. Raises NoSuchMailbox, MailboxNotSelectable."""
    place = await session.namespaces.place(name)
    if place.owned:
        await place.account.require(place.name)
    return place


async def _administered(session: Authenticated, name: str) -> Place:
    place = await _existing(session, name)
    place.require("a")
    return place


def _owner(place: Place) -> str:
    """The name of the account that the mailbox belongs to; empty for mailboxes of nobody."""
    location = place.account.location
    return "" if location.shared else location.name


async def _entry(session: Authenticated, place: Place, identifier: str) -> AclEntry:
    """Whom an identifier means. Raises Refusal (BAD). RFC 4314 §3: it is prepared by SASLprep."""
    try:
        prepared = saslprep(identifier)
        word = prepared.removeprefix("-")
        identity = await session.house.authenticator.lookup(word) if word else None
        name = word.lower() if identity is None else identity.name
        return entry_of(prepared, _owner(place), lambda _: name)
    except ValueError:
        raise bad("That is not an identifier") from None
