"""CANCELUPDATE (RFC 5267 §4.3.5)."""

from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.context import CancelUpdate


@command("CANCELUPDATE", state=Selected, tells_expunges=True)
async def cancel_update(session: Selected, args: CancelUpdate, out: Replies) -> r.Status:
    """Tags that no context has are passed over."""
    session.contexts = [context for context in session.contexts if context.tag not in args.tags]
    return r.Ok("CANCELUPDATE completed")
