"""Where the mailboxes of nobody lie (``sharing.public``), and the file of grants over all accounts."""

from typing import Final

from mailaccess.config.sections import Settings
from mailaccess.model.account import AccountLocation

SHARES_FILE: Final = "shares.sqlite"
"""In state_dir: see ``shares``."""

INDEXES: Final = "public-index"
"""In state_dir: the disposable indexes of public namespaces, a folder each."""


def public_locations(settings: Settings) -> dict[str, AccountLocation]:
    """The namespaces by the first level of their names, each like an account that nobody owns."""
    found: dict[str, AccountLocation] = {}
    for name, folder in sorted(settings.sharing.public.items()):
        maildir = settings.state_dir / folder
        index = settings.state_dir / INDEXES / name.encode("utf-8").hex()
        found[name] = AccountLocation(f"{name}/", maildir, maildir, index, shared=True)
    return found
