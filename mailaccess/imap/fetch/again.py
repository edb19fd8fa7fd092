"""FETCH lines made of columns alone, kept for whoever asks for the same of the same messages again: mail programs ask
for all flags each time that they open a mailbox, and little of that has changed.

Lines are kept by what they were made of, a slice of messages at a time: where a flag changes, its slice is made anew,
and nothing has to be told to anybody. Only what was asked for twice is kept.
"""

from collections.abc import Hashable
from hashlib import blake2b
from typing import Any, Final

from mailaccess.imap.fetch.items import SOURCES, Plan, tells_flags
from mailaccess.imap.session import Selected
from mailaccess.imap.view import Rows

WORTH: Final = 1000
"""Messages of a slice that is worth looking for: 0.5 ms to make, 10 µs to look for."""

MOST: Final = 250_000
"""Messages of a mailbox whose lines are kept: 11 MB of them, half of what the store keeps in memory for everybody."""

MARK: Final = 400
"""Octets that the note takes of what was asked for once."""


def lines(session: Selected, plan: Plan, rows: Rows) -> tuple[bytes, bool]:
    """The FETCH lines of ``rows``; and whether they had to be made."""
    key = _key(session, plan, rows)
    if key is None:
        return _made(session, plan, rows), True
    mailbox = session.mailbox
    # Ids of flag sets mean what they say in this list of them.
    sets = mailbox.columns.flag_sets
    known: tuple[Any, bytes | None] | None = mailbox.recall(key)
    if known is None or known[0] is not sets:
        mailbox.remember(key, (sets, None), MARK)
        return _made(session, plan, rows), True
    if known[1] is not None:
        return known[1], False
    made = _made(session, plan, rows)
    mailbox.remember(key, (sets, made), len(made) + MARK)
    return made, True


def _made(session: Selected, plan: Plan, rows: Rows) -> bytes:
    return session.updates.lines(rows.numbers, rows.uids, plan.parts(session, rows))


def _key(session: Selected, plan: Plan, rows: Rows) -> Hashable | None:
    """What the lines are made of; None where they are not worth looking for."""
    columns = session.mailbox.columns
    if len(rows.uids) < WORTH or len(columns) > MOST:
        return None
    if type(rows.numbers) is not range or type(rows.places) is not range:
        return None
    recent = session.updates.recent
    if recent and tells_flags(plan) and recent.ranges[-1][1] >= rows.uids[0]:
        return None  # flags are told with \Recent, to this session alone
    start, stop = rows.places.start, rows.places.stop
    sources = [SOURCES[rule] for rule in plan.columns]
    digest = blake2b(digest_size=16)
    for source in (*sources, "uids") if session.uid_only else sources:
        digest.update(getattr(columns, source)[start:stop])
    return "lines", plan.columns, session.uid_only, rows.numbers.start, digest.digest()
