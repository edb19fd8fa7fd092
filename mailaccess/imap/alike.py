"""STOREs of one message each that a client has sent one behind the other, with the same change.

They are carried out as one: one transaction, one mod-sequence (no message is changed twice by them), one change told
to other sessions; each is answered for itself and in its turn. Only what could not be told from carrying them out
one by one comes together: as many as stand whole in the input, of messages that the client knows, each but once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailaccess.imap.session import Selected

MOST: Final = 127
"""Commands behind the first: their one transaction takes about a millisecond."""

_STORE: Final = re.compile(
    rb'([^\x00-\x20(){%*"\\\x7f-\xff+]{1,100}) ((?:UID )?STORE) ([1-9][0-9]{0,9}) ([^\x00\r\n{}]{1,200})\r?\n',
    re.IGNORECASE,
)
"""tag, name, message, change; no literal is announced."""


@dataclass(frozen=True, slots=True)
class Following:
    """A command behind the one that is carried out. line: where it stands."""

    tag: bytes
    uid: int
    line: "re.Match[bytes]"


def following(session: Selected, uid: int, *, by_uid: bool) -> Sequence[Following]:
    """What may be done together with the STORE of message ``uid`` that is being carried out, in its order."""
    connection = session.connection
    if connection.watch is not None or connection.notes or session.contexts or session.view.has_losses:
        return ()
    own = _STORE.fullmatch(connection.frame + b"\r\n")
    if own is None or connection.out.language is not None or not session.place.owned:
        return ()
    wanted = own.group(2, 4)
    view = session.view
    seen = {uid}
    found: list[Following] = []
    for line in connection.framer.alike(_STORE, MOST):
        number = int(line[3])
        if line.group(2, 4) != wanted:
            break
        if by_uid:
            each = number if view.number(number) else 0
        else:
            each = view.uids[number - 1] if number <= view.count else 0
        if not each or each in seen:
            break
        seen.add(each)
        found.append(Following(line[1], each, line))
    return found
