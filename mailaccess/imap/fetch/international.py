"""message/global as IMAP4rev2 has it: a message with ENVELOPE and BODYSTRUCTURE of its own (RFC 9051 §7.5.2, §9
media-message), whose parts have numbers.

The index keeps the structure as IMAP4rev1 and Dovecot tell it, a leaf. After ENABLE IMAP4rev2 the few messages
that hold such a part are looked at anew. One above ``LARGE``, which is never in memory whole, keeps the leaf.
"""

import re
from collections.abc import Sequence
from typing import Final

from mailaccess.imap.fetch.items import FactItem, Plan
from mailaccess.imap.session import Selected
from mailaccess.message import structure
from mailaccess.message.part import Part
from mailaccess.proto.imap import structure_render
from mailaccess.store.api import Body, Fact

Facts = list[tuple[bytes, ...] | None]

_SUSPECT: Final = re.compile(rb'"message" "global" ', re.IGNORECASE)
"""In a rendered structure. A string that holds this costs a look at the message, no more."""


def opened(root: Part | None, octets: bytes | Body | None) -> Part | None:
    """The structure with message/global opened."""
    if root is None or not isinstance(octets, bytes) or not structure.has_global(root):
        return root
    return structure.parse(octets, opens_global=True)


def places(plan: Plan) -> list[int]:
    """Where in the facts the structures stand that are told."""
    told = (Fact.BODYSTRUCTURE, Fact.BODY)
    return [
        item.place for item in plan.octets if isinstance(item, FactItem) and plan.facts[item.place] in told
    ]


async def restructure(session: Selected, plan: Plan, uids: Sequence[int], facts: Facts) -> None:
    """Put the structures with message/global opened in the place of those that the index keeps."""
    told = places(plan)
    for place, uid in enumerate(uids):
        kept = facts[place]
        if kept is None or not any(_SUSPECT.search(kept[each]) for each in told):
            continue
        (message,) = await session.mailbox.read([uid])
        if isinstance(message, bytes):
            root = structure.parse(message, opens_global=True)
            values = list(kept)
            for each in told:
                extended = plan.facts[each] is Fact.BODYSTRUCTURE
                values[each] = (structure_render.bodystructure if extended else structure_render.body)(root)
            facts[place] = tuple(values)
            await session.house.runner.pause()
        elif message is not None:
            message.close()
