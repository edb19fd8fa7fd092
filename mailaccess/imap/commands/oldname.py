"""LIST answers that nobody asked LIST for: what IMAP4rev2 tells of a name that was given or changed
(RFC 9051 §6.3.2, §6.3.9.7).

Names are kept in Unicode form NFC and INBOX in capitals. A client that wrote one otherwise is told under which
name its mailbox is found now; one that has not enabled IMAP4rev2 is not, since it does not know OLDNAME.
"""

from mailaccess.imap.commands.listing import Tree
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.proto.imap import responses as r


async def listed(session: Authenticated, name: str, *, old_name: str | None = None) -> r.ListEntry:
    """LIST of one name with its attributes; with OLDNAME where the client wrote it otherwise."""
    tree = Tree(await session.namespaces.listing_around(name))
    if old_name is None:
        old_name = dict(session.connection.old_names).get(name)
    return r.ListEntry(name, tuple(tree.attributes(name)), old_name=old_name)


async def tell_old_name(session: Authenticated, name: str, out: Replies) -> None:
    """After CREATE, DELETE and APPEND: only where the client wrote the name otherwise than it is kept."""
    if session.rev2 and name in dict(session.connection.old_names):
        out.send(await listed(session, name))


async def tell_new_name(session: Authenticated, source: str, target: str, out: Replies) -> None:
    """After RENAME: OLDNAME is the old name as the client wrote it. RFC 9051 §6.3.6."""
    written = dict(session.connection.old_names)
    if session.rev2 and (source in written or target in written):
        out.send(await listed(session, target, old_name=written.get(source, source)))
