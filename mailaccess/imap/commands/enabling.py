"""ENABLE (RFC 5161), and what switches CONDSTORE on without it (RFC 7162 §3.1)."""

from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.sequence import EMPTY
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.capabilities import ENABLEABLE
from mailaccess.proto.imap.commands.session import Enable


@command("ENABLE", state=Authenticated, tells_expunges=True)
async def enable(session: Authenticated, args: Enable, out: Replies) -> r.Status:
    """RFC 5161 §3.1: what is unknown or on already is passed over; ENABLED names what came to it now."""
    possible = session.connection.mask.enableable
    fresh = [name for name in args.names if name in possible and name not in session.features.enabled]
    out.send(r.Enabled(tuple(ENABLEABLE[name] for name in fresh)))
    if "CONDSTORE" in fresh or "QRESYNC" in fresh:
        condstore_on(session, out)
    if "UTF8=ACCEPT" in fresh:
        out.utf8 = True  # RFC 6855 §3: mailbox names travel as UTF-8, both ways
    if "IMAP4REV2" in fresh:
        out.utf8 = True  # RFC 9051 §5.1
        if isinstance(session, Selected):
            session.updates.tells_recent = False
            session.updates.recent = EMPTY
    if "UIDONLY" in fresh and isinstance(session, Selected):
        session.updates.uid_only = True
    if "METADATA" in fresh:
        session.connection.notes = session.house.board.listen(session.identity.name)
    session.features.enabled |= frozenset(fresh)
    return r.Ok("ENABLE completed")


def condstore_on(session: Authenticated, out: Replies) -> None:
    """A CONDSTORE enabling command: the first one owes HIGHESTMODSEQ of the selected mailbox.

    RFC 7162 §3.1.
    """
    if session.enable_condstore() and isinstance(session, Selected):
        out.send(r.Ok("Highest", r.HighestModSeq(session.mailbox.highest_modseq)))
