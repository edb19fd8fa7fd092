"""COMPARATOR (RFC 5255 §4.7): how SEARCH, SORT and THREAD compare texts in this login."""

from mailaccess.imap.answers import no
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.collation import Collation
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.comparator import Comparator
from mailaccess.proto.imap.responses_more import BADCOMPARATOR, ActiveComparator


@command("COMPARATOR", state=Authenticated, tells_expunges=True)
async def comparator(session: Authenticated, args: Comparator, out: Replies) -> r.Status:
    """RFC 5255 §4.7: the first argument that matches wins, and of what it matches the one we prefer."""
    matching: list[Collation] = []
    for order in args.orders:
        matching += [each for each in Collation if each not in matching and _matches(order, each)]
    if args.orders:
        if not matching:
            raise no("None of these comparators is known", BADCOMPARATOR)
        session.features.collation = matching[0]
    others = tuple([each.value for each in matching]) if len(matching) > 1 else ()
    out.send(ActiveComparator(session.features.collation.value, others))
    return r.Ok("COMPARATOR completed")


def _matches(order: str, collation: Collation) -> bool:
    """collation-order, RFC 4790 §3.2, §3.3; nothing is offered in descending order ("-")."""
    order = order.lower()
    if order == "default":
        return collation is Collation.UNICODE_CASEMAP
    return _like(order.removeprefix("+"), collation.value)


def _like(pattern: str, name: str) -> bool:
    """``*`` stands for any characters. Each piece is looked for once, from the left: linear."""
    first, *pieces = pattern.split("*")
    if not name.startswith(first):
        return False
    at = len(first)
    if not pieces:
        return at == len(name)
    *middle, last = pieces
    for piece in middle:
        found = name.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(name) - len(last) >= at and name.endswith(last)
