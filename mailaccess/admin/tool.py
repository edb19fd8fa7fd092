"""What every command of ``mailadm`` is given: the configuration, read when first needed, and the output."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from mailaccess.admin.output import DATA, NO_USER, Failure, Output
from mailaccess.auth.accounts import Account
from mailaccess.auth.making import defaults, naming
from mailaccess.auth.names import Naming, problem
from mailaccess.auth.passwdedit import Editor
from mailaccess.auth.passwdfile import Table, parse_table
from mailaccess.config.load import Loaded, load_with_origin
from mailaccess.config.sections import Settings
from mailaccess.model import names
from mailaccess.model.account import AccountLocation
from mailaccess.store.public import public_locations


@dataclass
class Tool:
    """One run of ``mailadm``."""

    config: Path | None
    output: Output
    _loaded: Loaded | None = field(default=None, repr=False)

    @property
    def loaded(self) -> Loaded:
        """The configuration; files it names need not exist yet. Raises ConfigError."""
        if self._loaded is None:
            self._loaded = load_with_origin(self.config, files=False)
        return self._loaded

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def naming(self) -> Naming:
        return naming(self.settings)

    @property
    def editor(self) -> Editor:
        return Editor(self.settings.auth.passwd_file, self.naming)

    def name(self, written: str) -> str:
        """``written`` as accounts are called. Ends with 65 where it cannot be a name."""
        name = self.naming.canonical(written)
        if name is None:
            why = problem(written.lower()) or "that cannot be a user name"
            raise Failure(DATA, f"{written!r}: {why}")
        return name

    def table(self) -> Table:
        """The passwd-file as it is now; without accounts where there is none yet. Raises OSError."""
        try:
            data = self.settings.auth.passwd_file.read_bytes()
        except FileNotFoundError:
            data = b""
        return parse_table(data, self.naming, defaults(self.settings))

    def account(self, written: str) -> Account:
        """The account of that name. Ends with 67 where there is none."""
        name = self.name(written)
        account = self.table().accounts.get(name)
        if account is None:
            raise Failure(NO_USER, f"there is no account {name} in {self.settings.auth.passwd_file}")
        return account

    def location(self, user: str) -> AccountLocation:
        """Where an account's mail lies; a name with a slash behind it is a namespace of ``sharing.public``."""
        if not user.endswith("/"):
            return self.account(user).identity.location
        found = public_locations(self.settings).get(user.removesuffix("/"))
        if found is None:
            raise Failure(NO_USER, f"there is no namespace {user} in sharing.public")
        return found


def mailbox_name(written: str) -> str:
    """``written`` as the mailbox is called. Ends with 65 where it cannot be a name."""
    canonical = names.canonical(written)
    why = names.problem(canonical)
    if why is not None:
        raise Failure(DATA, f"{written!r}: {why}")
    return canonical


pass_tool = click.make_pass_decorator(Tool)
