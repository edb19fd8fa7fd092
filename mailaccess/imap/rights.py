"""The rights on the selected mailbox while it is selected (RFC 4314 §5.1.1).

On one's own mailbox they are those of SELECT. On another's they are looked at again before every command, and
in IDLE before anything is told: a right taken away ends what it allowed. Whoever may no longer read gets BYE.
"""

from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.model.errors import MailError
from mailaccess.model.rights import WRITING
from mailaccess.proto.imap import responses as r


async def recheck(session: Selected, out: Replies) -> bool:
    """Take notice of what changed, and tell it; False once the mailbox may no longer be read."""
    if session.place.owned or session.updates.gone:
        return True
    try:
        now = await session.namespaces.again(session.place, session.mailbox.name)
    except MailError:
        return True  # the store can't be read now: what it says next counts
    if "r" not in now.rights:
        session.connection.end(r.Bye("You may no longer read the selected mailbox"))
        return False
    changed = now.rights != session.place.rights
    session.place = now
    if changed:
        session.updates.rights = now.rights
        session.updates.send_flags(out)
    return True


def may_write(rights: frozenset[str]) -> bool:
    """Whether SELECT opens the mailbox READ-WRITE. RFC 4314 §5.2."""
    return bool(rights & WRITING)
