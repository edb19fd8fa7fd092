"""EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from mailaccess.imap.answers import no
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import last_uids, told
from mailaccess.imap.places import uids_with
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.model.flags import DELETED
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Expunge


@command("EXPUNGE", "UID EXPUNGE", state=Selected, tells_expunges=True)
async def expunge(session: Selected, args: Expunge, out: Replies) -> r.Status:
    """Remove the messages marked \\Deleted; with ``args.uids``, only those among them.

    The store tells this session of it like any other; the dispatcher says it before the tagged OK.
    """
    require_writable(session)
    session.place.require("e")
    only = None if args.uids is None else session.uids(session.spans(args.uids, uid=True))
    if only is not None and not only:
        return r.Ok("EXPUNGE completed")
    limited = None
    if only is not None and session.house.settings.message_limit:  # never of a plain EXPUNGE: RFC 9738 §3.1
        deleted = uids_with(session.mailbox.columns, DELETED)
        only, limited = last_uids(session, UidSet.of(only.among(deleted)))
    gone = await session.mailbox.expunge(only)
    # RFC 7162 §3.2.7: whoever enabled QRESYNC is told up to where this brings it.
    code = r.HighestModSeq(gone.modseq) if session.qresync and gone.uids else None
    return told(r.Ok("EXPUNGE completed", code), limited, out)


def require_writable(session: Selected) -> None:
    """Raises Refusal after EXAMINE. RFC 3501 §6.3.2: no change is permitted."""
    if not session.writable:
        raise no("The mailbox is open read-only", r.READ_ONLY)
