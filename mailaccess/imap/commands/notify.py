"""NOTIFY (RFC 5465): ``imap.notifying`` tells what it asks for."""

from mailaccess.imap.answers import bad, no
from mailaccess.imap.dispatch import command, tell
from mailaccess.imap.notifying import TOO_MUCH, Watch
from mailaccess.imap.picture import Overflow
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.proto.imap import fetch as f
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.notify import Notify
from mailaccess.proto.imap.responses_more import NOTIFICATIONOVERFLOW


@command("NOTIFY", state=Authenticated, tells_expunges=True)
async def notify(session: Authenticated, args: Notify, out: Replies) -> r.Status:
    """RFC 5465 §3.1: what is asked for takes the place of what was; a refusal leaves that as it was.

    NOTIFY SET tells first what there is to tell of the selected mailbox, as NOOP does.
    """
    connection = session.connection
    items = [item for group in args.groups for item in group.new_items]
    if session.rev2 and any(isinstance(item, f.BodySection) and item.asked_as for item in items):
        raise bad("IMAP4rev2 has no RFC822, RFC822.HEADER and RFC822.TEXT", r.CLIENTBUG)
    watch = Watch(session, args.groups)
    if args.groups:
        if isinstance(session, Selected):
            before, connection.watch = connection.watch, None
            try:
                await tell(session, out, expunges=True, uid=True)
            finally:
                connection.watch = before
        try:
            await watch.begin(session, out, status=args.status)
        except BaseException as error:
            watch.close()
            if isinstance(error, Overflow):
                raise no(TOO_MUCH, NOTIFICATIONOVERFLOW) from None
            raise
    connection.notify(watch)
    return r.Ok("NOTIFY completed")
