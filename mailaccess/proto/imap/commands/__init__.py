"""A file for each family of IMAP commands: its frozen arguments and the rule that reads them.

A new command is a class and a rule in its family's file (or a file of its own, with a line here).
The families that are not in ``RULES`` can be read already; their line comes with their handlers.
"""

from typing import Final

from mailaccess.proto.imap import fetch, fetch_binary, fetch_facts
from mailaccess.proto.imap.commands import (
    acl,
    append,
    authentication,
    comparator,
    compress,
    context,
    language,
    listing,
    mailboxes,
    messages,
    metadata,
    multisearch,
    notify,
    quota,
    replace,
    session,
    sorting,
    uidbatches,
    unauthenticate,
    urlauth,
)
from mailaccess.proto.imap.commands.base import Command, Request, Rule, Rules

__all__ = ["RULES", "Command", "Request", "Rule", "Rules"]

RULES: Final[dict[bytes, Rule]] = {
    **session.RULES,
    **authentication.RULES,
    **comparator.RULES,
    **mailboxes.RULES,
    **listing.RULES,
    **append.RULES,
    **messages.RULES,
    **quota.RULES,
    **acl.RULES,
    **compress.RULES,
    **replace.RULES,
    **context.RULES,
    **sorting.RULES,
    **uidbatches.RULES,
    **metadata.RULES,
    **multisearch.RULES,
    **notify.RULES,
    **unauthenticate.RULES,
    **urlauth.RULES,
    **language.RULES,
}
"""Every command by its name in capitals."""

fetch.SIMPLE.update(fetch_facts.SIMPLE)
fetch.WITH_ARGUMENTS.update({**fetch_binary.WITH_ARGUMENTS, **fetch_facts.WITH_ARGUMENTS})
