"""UNAUTHENTICATE (RFC 8437): a proxy gives its connection to another account."""

from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, NotAuthenticated, Selected
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.unauthenticate import Unauthenticate


@command("UNAUTHENTICATE", state=Authenticated)
async def unauthenticate(session: Authenticated, args: Unauthenticate, out: Replies) -> r.Status:
    """RFC 8437 §3: as after the greeting, nothing enabled and no mailbox selected; TLS and compression
    stay.
    """
    if isinstance(session, Selected):
        await session.leave()
    state = NotAuthenticated(session.connection)
    session.connection.logged_out(state)
    return r.Ok("You are nobody now", r.CapabilityCode(state.capabilities()))
