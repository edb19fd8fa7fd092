"""GETMETADATA and SETMETADATA (RFC 5464).

The /private entries of a mailbox are its owner's: whoever else may see the mailbox has none there, and is told
NOPRIVATE when he sets one. What rights are needed is in RFC 5464 §3.3. Of the server's own
entries, /private ones are the account's, and /shared ones, which all accounts would see, are the
administrator's: the configuration sets those of ``filters`` (RFC 5466), and none can be set here.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from mailaccess.imap import filters
from mailaccess.imap.answers import bad, no
from mailaccess.imap.dispatch import command
from mailaccess.imap.namespaces import Place
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import LimitReached, MailError, NotPermitted
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.metadata import GetMetadata, SetMetadata
from mailaccess.proto.imap.responses_more import MetadataCode, MetadataValues
from mailaccess.store.api import MAX_METADATA_VALUE

_SHARED: Final = "/shared/"
_ROOTS: Final = ("/private/", _SHARED)


@command("GETMETADATA", state=Authenticated, tells_expunges=True)
async def get_metadata(session: Authenticated, args: GetMetadata, out: Replies) -> r.Status:
    """RFC 5464 §4.2: what is larger than MAXSIZE is left out, and the largest of those is named."""
    kept = await _kept(session, args.mailbox)
    told = chosen(kept, args.entries, args.depth)
    long = [
        len(value) for _, value in told if value and args.max_size is not None and len(value) > args.max_size
    ]
    if long:
        told = [(name, value) for name, value in told if not value or len(value) <= (args.max_size or 0)]
    if told:
        out.send(MetadataValues(args.mailbox or "", tuple(told)))
    return r.Ok("GETMETADATA completed", MetadataCode("LONGENTRIES", max(long)) if long else None)


_ANY: Final = frozenset("rswip")
"""Of these rights one is needed, beside l. RFC 5464 §3.3."""


async def _kept(session: Authenticated, mailbox: str | None) -> Mapping[str, bytes]:
    """The annotations that the client may know; of the server's own where there is no mailbox."""
    if mailbox is None:
        return {**filters.shared(session.house.settings), **await session.account.metadata(None)}
    return await _annotations(await _place(session, mailbox))


async def _annotations(place: Place) -> Mapping[str, bytes]:
    kept = await place.account.metadata(place.name)
    if place.owned:
        return kept
    return {name: value for name, value in kept.items() if name.startswith(_SHARED)}


async def _place(session: Authenticated, mailbox: str) -> Place:
    """Raises NoSuchMailbox, NotPermitted."""
    place = await session.namespaces.place(mailbox)
    place.require("l")
    if not place.rights & _ANY:
        raise NotPermitted
    return place


def chosen(
    kept: Mapping[str, bytes], asked: Iterable[str], depth: int | None = 0
) -> list[tuple[str, bytes | None]]:
    """What is asked for, in order, with what lies below it; NIL for what is not set.

    depth: levels below, None is infinity. RFC 5464 §4.2.2.
    """
    told: dict[str, bytes | None] = {}
    for name in asked:
        below = [
            other
            for other in sorted(kept)
            if depth != 0
            and other.startswith(name + "/")
            and (depth is None or other.count("/") - name.count("/") <= depth)
        ]
        if name in kept or not below:
            told[name] = kept.get(name)
        told.update((other, kept[other]) for other in below)
    return list(told.items())


@command("SETMETADATA", state=Authenticated, tells_expunges=True)
async def set_metadata(session: Authenticated, args: SetMetadata, out: Replies) -> r.Status:
    """RFC 5464 §4.3: all or nothing."""
    for name, value in args.values:
        _check(name, of_server=args.mailbox is None)
        if value is not None and len(value) > MAX_METADATA_VALUE:
            raise no("The value is too long", MetadataCode("MAXSIZE", MAX_METADATA_VALUE))
        if args.mailbox is None and filters.is_filter(name):
            wrong = filters.problem(name, value)
            if wrong is not None:
                raise no(wrong, r.CANNOT)
    account, mailbox = session.account, args.mailbox
    if mailbox is not None:
        place = await _place(session, mailbox)
        if not place.owned and any(not name.startswith(_SHARED) for name, _ in args.values):
            raise no("Only the owner has private annotations", MetadataCode("NOPRIVATE"))
        account, mailbox = place.account, place.name
    try:
        await account.set_metadata(mailbox, dict(args.values))
    except LimitReached as error:
        raise no(str(error), MetadataCode("TOOMANY")) from None
    # The owner's sessions are told, whoever did it.
    changed = [name for name, _ in args.values]
    session.house.board.changed(account.location.name, mailbox or "", changed, by=session.connection.notes)
    return r.Ok("SETMETADATA completed")


def _check(name: str, *, of_server: bool) -> None:
    """RFC 5464 §3.2. Raises Refusal."""
    if not name.startswith(_ROOTS):
        raise bad("Annotations are called /private/... or /shared/...", r.CLIENTBUG)
    levels = name.split("/")
    if levels[2] == "vendor" and len(levels) < 5:
        raise bad("An annotation of a vendor has four levels at least", r.CLIENTBUG)
    if of_server and name.startswith("/shared/"):
        raise no("What all accounts see is the administrator's", r.NOPERM)


async def tell_annotations(place: Place, asked: tuple[str, ...], out: Replies) -> None:
    """METADATA of one name in a LIST (RFC 9590); nothing where it may not be known or has gone meanwhile."""
    if not place.rights & _ANY:
        return
    try:
        kept = await _annotations(place)
    except MailError:
        return
    out.send(MetadataValues(place.shown, tuple(chosen(kept, asked))))
