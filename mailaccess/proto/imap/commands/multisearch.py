"""ESEARCH (RFC 7377): one search over many mailboxes."""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Rules
from mailaccess.proto.imap.commands.messages import Search, search_rest, search_return
from mailaccess.proto.imap.commands.notify import MAX_GROUPS, MailboxFilter, filter_mailboxes
from mailaccess.proto.imap.tokens import ImapCursor

Source = tuple[MailboxFilter, tuple[str, ...]]
"""A filter, and the names that it has."""


@dataclass(frozen=True, slots=True)
class MultiSearch(Search):
    """ESEARCH. sources: at least one; SELECTED where the client named none. ``uid`` is always set."""

    sources: tuple[Source, ...] = ()


def _esearch(cur: ImapCursor) -> MultiSearch:
    """``esearch`` = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program"""
    tokens.space(cur)
    sources: tuple[Source, ...] = ((MailboxFilter.SELECTED, ()),)
    if cur.match(_IN) is not None:
        sources = _sources(cur)
    told = search_rest(cur, search_return(cur), uid=True)
    return MultiSearch(
        told.criteria,
        True,
        told.return_options,
        told.charset,
        told.uses_modseq,
        told.partial,
        told.uses_filter,
        told.refusal,
        told.update_items,
        sources,
    )


_IN: Final = re.compile(rb"IN +(?=\()", re.IGNORECASE)


def _sources(cur: ImapCursor) -> tuple[Source, ...]:
    """esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")", behind the word.

    There are no scope options yet: RFC 7377 §4 keeps the place for them.
    """
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    found: list[Source] = []
    while True:
        found.append(filter_mailboxes(cur, (MailboxFilter.SELECTED_DELAYED,)))
        if len(found) > MAX_GROUPS:
            cur.fail(f"at most {MAX_GROUPS} mailbox filters")
        if tokens.list_ends(cur):
            tokens.space(cur)
            return tuple(found)


RULES: Rules = {b"ESEARCH": _esearch}
