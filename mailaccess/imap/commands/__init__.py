"""The handlers, a file for each family of commands, named as in ``proto.imap.commands``.

A handler takes the session in the state its row asks for, the parsed command and the way out; it returns the
completion or raises what ``answers`` knows. ``load`` fills the table.
"""


def load() -> None:
    """Import every family: a new file is a line here."""
    from mailaccess.imap.commands import (  # noqa: F401
        acl,
        append,
        authentication,
        comparator,
        compressing,
        context,
        copying,
        enabling,
        expunge,
        fetching,
        idle,
        language,
        listing,
        mailboxes,
        metadata,
        multisearch,
        notify,
        quota,
        replacing,
        searching,
        session,
        sorting,
        storing,
        uidbatches,
        unauthenticating,
        urlauth,
    )
