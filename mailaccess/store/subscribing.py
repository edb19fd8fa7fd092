"""An account's subscriptions: a file in its Maildir, as Dovecot has it (``maildir.subscriptions``).

Plain blocking code for the account's serial jobs.
"""

from mailaccess.model import names
from mailaccess.model.errors import BadMailboxName, LimitReached
from mailaccess.store.control import read_control
from mailaccess.store.maildir import folders, subscriptions
from mailaccess.store.vault import Vault


def subscribed(vault: Vault) -> list[str]:
    data = read_control(vault, b"", subscriptions.FILE)
    return subscriptions.parse(data) if data is not None else []


def set_subscribed(vault: Vault, name: str, wanted: bool) -> None:
    """Rewrite the file; a name that cannot be a mailbox is refused when it is added. Raises LimitReached."""
    now = subscribed(vault)
    if wanted == (name in now):
        return
    if wanted:
        problem = names.problem(name)
        if problem is not None:
            raise BadMailboxName(problem)
        folders.folder(name)
        if len(now) >= subscriptions.MAX_SUBSCRIPTIONS:
            raise LimitReached("There are too many subscriptions")
        now.append(name)
    else:
        now.remove(name)
    vault.files.replace(vault.root + b"/" + subscriptions.FILE, subscriptions.render(now))
