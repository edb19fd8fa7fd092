"""FETCH of new messages that nobody fetched: what NOTIFY and UPDATE ask to be told of them (RFC 5465 §5.2, §7)."""

from collections.abc import Iterable, Mapping

from mailaccess.imap.fetch.items import plan
from mailaccess.imap.fetch.produce import produce
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.fetch import FetchAtt


async def tell_items(
    session: Selected, uids: Iterable[int], items: tuple[FetchAtt, ...], out: Replies
) -> None:
    """These items of these messages, with the UID. Nothing of it sets \\Seen."""
    known = UidSet.of(sorted(uids))
    if known and items:
        made = plan(items, uid=session.names_uid(True), flags=False, modseq=session.condstore)
        outcome = await produce(session, made, session.view.spans_of(known), out)
        if outcome.failure is not None:
            out.send(r.No(outcome.failure.text, outcome.failure.code))


async def tell_joined(
    session: Selected, joined: Mapping[int, tuple[FetchAtt, ...]], also: tuple[FetchAtt, ...], out: Replies
) -> None:
    """One FETCH of each message that comes to a search, with what NOTIFY wants besides. RFC 5465 §5.2."""
    together: dict[tuple[FetchAtt, ...], list[int]] = {}
    for uid, items in joined.items():
        together.setdefault(tuple(dict.fromkeys((*items, *also))), []).append(uid)
    for items, uids in together.items():
        await tell_items(session, uids, items, out)
