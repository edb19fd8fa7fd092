"""COMPRESS=DEFLATE (RFC 4978)."""

from mailaccess.imap.answers import no
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.compress import Compress


@command("COMPRESS", state=Authenticated)
async def compress(session: Authenticated, args: Compress, out: Replies) -> r.Status | None:
    """RFC 4978 §3: the OK is the last thing uncompressed, and what stands behind the command is
    compressed.
    """
    connection = session.connection
    if args.mechanism != "DEFLATE":
        raise no("DEFLATE is the only mechanism here", r.CANNOT)
    if connection.compressed:
        raise no("Compression is on already", r.COMPRESSIONACTIVE)
    out.send(r.Tagged(connection.tag, r.Ok("DEFLATE active")))
    connection.start_compression()
    return None
