"""NOTIFY (RFC 5465 §3, §8): which events of which mailboxes a session wants to be told."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.fetch import FetchAtt, fetch_atts
from mailaccess.proto.imap.responses import No
from mailaccess.proto.imap.responses_more import BadEvent
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported

MAX_GROUPS: Final = 50
MAX_MAILBOXES: Final = 1000
"""Groups of one NOTIFY and mailboxes of one group: each change of a mailbox is held against them."""

MAX_EVENTS: Final = 20
"""Events of one group: more than there are."""


class EventName(Enum):
    """event-name. RFC 5465 §5, §8."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    ANNOTATION_CHANGE = "AnnotationChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


MESSAGE_EVENTS: Final = frozenset(
    {EventName.MESSAGE_NEW, EventName.MESSAGE_EXPUNGE, EventName.FLAG_CHANGE, EventName.ANNOTATION_CHANGE}
)


class MailboxFilter(Enum):
    """filter-mailboxes. RFC 5465 §6."""

    SELECTED = "SELECTED"
    SELECTED_DELAYED = "SELECTED-DELAYED"
    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"  # RFC 7377 §2.2: in ESEARCH only
    MAILBOXES = "MAILBOXES"


_SELECTED: Final = (MailboxFilter.SELECTED, MailboxFilter.SELECTED_DELAYED)


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Which events of which mailboxes.

    mailboxes: for SUBTREE and MAILBOXES.  events: empty is NONE.
    new_items: what a MessageNew in the selected mailbox tells of the message; empty where not given.
    """

    filter: MailboxFilter
    mailboxes: tuple[str, ...]
    events: frozenset[EventName]
    new_items: tuple[FetchAtt, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """NOTIFY SET; without groups it is NOTIFY NONE. ``status``: tell a STATUS of each first."""

    groups: tuple[EventGroup, ...]
    status: bool = False


def _notify(cur: ImapCursor) -> Notify:
    """``notify`` = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")"""
    tokens.space(cur)
    at = cur.pos
    word = tokens.keyword(cur, "SET or NONE")
    if word == b"NONE":
        return Notify(())
    if word != b"SET":
        cur.fail("SET or NONE", at)
    tokens.space(cur)
    status = False
    if cur.peek() != b"(":
        at = cur.pos
        if tokens.keyword(cur, "STATUS") != b"STATUS":
            cur.fail("STATUS or an event group", at)
        status = True
        tokens.space(cur)
    groups: list[EventGroup] = []
    while True:
        groups.append(_event_group(cur))
        if len(groups) > MAX_GROUPS:
            cur.fail(f"at most {MAX_GROUPS} event groups")
        if not tokens.more(cur):
            break
        tokens.space(cur)
    if sum(group.filter in _SELECTED for group in groups) > 1:
        cur.fail("SELECTED or SELECTED-DELAYED once", at)
    return Notify(tuple(groups), status)


def _event_group(cur: ImapCursor) -> EventGroup:
    """event-group = "(" filter-mailboxes SP events ")"."""
    cur.skip(b"(", '"("')
    chosen, mailboxes = filter_mailboxes(cur, (MailboxFilter.SUBTREE_ONE,))
    tokens.space(cur)
    at = cur.pos
    events, items = _events(cur, selected=chosen in _SELECTED)
    cur.skip(b")", '")"')
    if chosen in _SELECTED and events - MESSAGE_EVENTS:
        cur.fail("only message events for the selected mailbox", at)
    # RFC 5465 §5.2: new and expunged messages are told together, and with them changes of flags.
    pair = {EventName.MESSAGE_NEW, EventName.MESSAGE_EXPUNGE}
    if events & (pair | {EventName.FLAG_CHANGE}) and not pair <= events:
        cur.fail("MessageNew and MessageExpunge together", at)
    return EventGroup(chosen, mailboxes, events, items)


def filter_mailboxes(
    cur: ImapCursor, but: tuple[MailboxFilter, ...]
) -> tuple[MailboxFilter, tuple[str, ...]]:
    """``filter-mailboxes`` and the names that some of them have; ``but``: those that do not stand here."""
    at = cur.pos
    try:
        chosen = MailboxFilter(tokens.keyword(cur, "a mailbox filter").decode("ascii"))
    except ValueError:
        cur.fail("a known mailbox filter", at)
    if chosen in but:
        cur.fail("a known mailbox filter", at)
    if chosen not in _WITH_NAMES:
        return chosen, ()
    tokens.space(cur)
    return chosen, _mailboxes(cur)


_WITH_NAMES: Final = (MailboxFilter.SUBTREE, MailboxFilter.SUBTREE_ONE, MailboxFilter.MAILBOXES)


def _mailboxes(cur: ImapCursor) -> tuple[str, ...]:
    """one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"."""
    if not cur.skip_if(b"("):
        return (tokens.mailbox(cur),)
    found: list[str] = []
    while True:
        found.append(tokens.mailbox(cur))
        if len(found) > MAX_MAILBOXES:
            cur.fail(f"at most {MAX_MAILBOXES} mailboxes")
        if tokens.list_ends(cur):
            return tuple(found)


def _events(cur: ImapCursor, *, selected: bool) -> tuple[frozenset[EventName], tuple[FetchAtt, ...]]:
    """``events`` = "(" event *(SP event) ")" or NONE."""
    at = cur.pos
    if not cur.skip_if(b"("):
        if tokens.keyword(cur, '"(" or NONE') != b"NONE":
            cur.fail('"(" or NONE', at)
        return frozenset(), ()
    found: set[EventName] = set()
    items: tuple[FetchAtt, ...] = ()
    for _ in range(MAX_EVENTS):
        at = cur.pos
        event = _EVENTS.get(tokens.keyword(cur, "an event"))
        if event is None:
            raise Unsupported(
                No("This event is not known here", BadEvent(tuple(e.value for e in SUPPORTED))), at
            )
        found.add(event)
        if event is EventName.MESSAGE_NEW and cur.octets[cur.pos : cur.pos + 2] == b" (":
            if not selected:
                cur.fail("items only for the selected mailbox", cur.pos)
            cur.pos += 1
            items = fetch_atts(cur)
        if tokens.list_ends(cur):
            return frozenset(found), items
    cur.fail(f"at most {MAX_EVENTS} events")


SUPPORTED: Final = tuple(event for event in EventName if event is not EventName.ANNOTATION_CHANGE)
"""There are no annotations of messages here. RFC 5465 §5: the rest is named in BADEVENT."""

_EVENTS: Final = {event.value.upper().encode("ascii"): event for event in SUPPORTED}


RULES: Rules = {b"NOTIFY": _notify}
