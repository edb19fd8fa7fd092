"""UNAUTHENTICATE (RFC 8437): a proxy gives its connection to another account."""

from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, NotAuthenticated, Selected
from mailaccess.proto.imap.commands.unauthenticate import Unauthenticate


@command("UNAUTHENTICATE", state=Authenticated)
async def unauthenticate(session: Authenticated, args: Unauthenticate, out: Replies) -> None:
    """RFC 8437 §3: as after the greeting, nothing enabled and no mailbox selected; only TLS stays.

    The OK is the last thing in the account's language, and compressed if anything was (§4.1).
    """
    if isinstance(session, Selected):
        await session.leave()
    session.connection.logged_out(NotAuthenticated(session.connection))
