"""``mailadm user``: the accounts of the passwd-file."""

import os
import pwd
import re
import sys
from pathlib import Path
from typing import Final

import click

from mailaccess.admin.output import DATA, DENIED, NO_USER, USAGE, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.auth import schemes
from mailaccess.auth.accounts import Account
from mailaccess.auth.passwdedit import BadField, NoSuchUser, UserExists

COLUMNS: Final = ("name", "scheme", "home", "maildir", "uid", "gid", "storage", "messages", "login")


@click.group("user")
def command() -> None:
    """Accounts: add, change, delete, list, show, try."""


def _read_password(from_stdin: bool, prompt: str) -> bytes:
    """The first line of standard input, or what is typed twice at a terminal."""
    if from_stdin:
        line = sys.stdin.buffer.readline(schemes.MAX_PASSWORD + 2)
        password = line.removesuffix(b"\n").removesuffix(b"\r")
    elif sys.stdin.isatty():
        password = click.prompt(prompt, hide_input=True, confirmation_prompt=True).encode("utf-8")
    else:
        raise Failure(USAGE, "give the password on standard input with --password-stdin")
    if not password:
        raise Failure(DATA, "the password is empty")
    return password


def _hash(tool: Tool, scheme: str | None, password: bytes) -> str:
    scheme = scheme or tool.settings.auth.default_scheme
    try:
        return schemes.make(scheme, password)
    except schemes.PasswordRefused as error:
        raise Failure(DATA, str(error)) from None
    except schemes.BadHash:
        raise _unknown(scheme) from None


def _check_scheme(scheme: str | None) -> None:
    if scheme is not None and not schemes.known(scheme):
        raise _unknown(scheme)


def _unknown(scheme: str) -> Failure:
    return Failure(USAGE, f"unknown scheme {scheme}; known: {', '.join(sorted(schemes.SCHEMES))}")


_SIZE: Final = re.compile(r"([0-9]{1,15})([KMGT]?)", re.IGNORECASE | re.ASCII)
"""Of --quota: octets, as in the configuration, or with a unit."""

_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
_SCHEME = click.option("--scheme", metavar="SCHEME", help="Password scheme; default: auth.default_scheme.")


@command.command()
@click.argument("name")
@_STDIN
@_SCHEME
@click.option("--home", default="", metavar="FOLDER", help="The account's folder; default: store.home.")
@click.option(
    "--quota", default="", metavar="SIZE", help="Room for mail, such as 2G; default: store.quota_storage."
)
@pass_tool
def add(tool: Tool, name: str, password_stdin: bool, scheme: str | None, home: str, quota: str) -> None:
    """Add the account NAME (lee@example.org, or lee in the first local domain)."""
    name = tool.name(name)
    if name in tool.table().accounts:
        raise Failure(DATA, f"there is an account {name} already")
    extra = _quota_rule(quota) if quota else ""
    _check_scheme(scheme)  # before anybody types a password in vain
    hashed = _hash(tool, scheme, _read_password(password_stdin, f"Password for {name}"))
    path = tool.settings.auth.passwd_file
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        _hand_over(path.parent, tool.settings.process.user)
    fresh = not path.exists()
    try:
        tool.editor.add(name, hashed, home=home, extra=extra)
    except UserExists:
        raise Failure(DATA, f"there is an account {name} already") from None
    except BadField as error:
        raise Failure(DATA, str(error)) from None
    if fresh:
        _hand_over(path, tool.settings.process.user)
    tool.output.done(f"added {name}", name=name, added=True)


def _quota_rule(size: str) -> str:
    found = _SIZE.fullmatch(size)
    if found is None:
        raise Failure(USAGE, f"--quota {size}: write a size such as 500M or 2G")
    return f"userdb_quota_rule=*:storage={found[1]}{found[2] or 'B'}"  # a bare number is kilobytes there


def _hand_over(path: Path, user: str) -> None:
    """A new users file or folder of root's belongs to the user that the server becomes, or it could not read it."""
    if user and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


@command.command()
@click.argument("name")
@_STDIN
@_SCHEME
@pass_tool
def passwd(tool: Tool, name: str, password_stdin: bool, scheme: str | None) -> None:
    """Set a new password; it counts from the next login on."""
    name = tool.account(name).identity.name
    _check_scheme(scheme)
    hashed = _hash(tool, scheme, _read_password(password_stdin, f"New password for {name}"))
    try:
        tool.editor.set_password(name, hashed)
    except NoSuchUser:
        raise Failure(NO_USER, f"there is no account {name}") from None
    tool.output.done(f"changed the password of {name}", name=name, changed=True)


@command.command()
@click.argument("name")
@pass_tool
def delete(tool: Tool, name: str) -> None:
    """Remove the account NAME from the passwd-file; its mail stays on disk."""
    name = tool.name(name)
    try:
        tool.editor.delete(name)
    except (NoSuchUser, FileNotFoundError):
        raise Failure(NO_USER, f"there is no account {name}") from None
    home = tool.naming.default_home(name)
    kept = f"; its mail stays in {home}" if home.exists() else ""
    tool.output.done(f"deleted {name}{kept}", name=name, deleted=True)


@command.command("list")
@pass_tool
def list_accounts(tool: Tool) -> None:
    """List the accounts, and complain about broken lines."""
    table = tool.table()
    tool.output.table(COLUMNS, [_row(tool, account) for account in table.accounts.values()])
    for line, error in table.broken:
        click.echo(f"{tool.settings.auth.passwd_file}:{line}: {error}", err=True)


@command.command()
@click.argument("name")
@pass_tool
def show(tool: Tool, name: str) -> None:
    """Show what is known of the account NAME (never its password)."""
    account = tool.account(name)
    fields = _row(tool, account)
    extra = {key: value for key, value in account.identity.extra.items() if key not in _TOLD}
    tool.output.record({**fields, **({"extra": extra} if extra else {})})


_TOLD: Final = frozenset({"home", "mail", "uid", "gid", "quota_rule", "nologin", "deny", "nopassword"})


def _row(tool: Tool, account: Account) -> dict[str, object]:
    location = account.identity.location
    return {
        "name": account.identity.name,
        "scheme": _scheme(tool, account),
        "home": str(location.home),
        "maildir": str(location.maildir),
        "uid": location.uid,
        "gid": location.gid,
        "storage": location.quota.storage,
        "messages": location.quota.messages,
        "login": _login(account),
    }


def _scheme(tool: Tool, account: Account) -> str:
    if account.open:
        return "none (nopassword)"
    if not account.password:
        return "none (no login)"
    try:
        return schemes.split(account.password, tool.settings.auth.default_scheme)[0]
    except schemes.BadHash as error:
        return f"broken: {error}"


def _login(account: Account) -> str:
    if account.denied or account.disabled or not (account.password or account.open):
        return "off"
    if account.networks is None:
        return "on"
    return "from " + ",".join([*map(str, account.networks), *(["local"] if account.local else [])])


@command.command("test")
@click.argument("name")
@_STDIN
@pass_tool
def try_login(tool: Tool, name: str, password_stdin: bool) -> None:
    """Try a login with a password from standard input or a prompt. Exit code 77 if it would fail."""
    account = tool.account(name)
    if password_stdin or not sys.stdin.isatty():
        password = _read_password(True, "")
    else:
        password = click.prompt(f"Password for {account.identity.name}", hide_input=True).encode("utf-8")
    reason = _refusal(tool, account, password)
    if reason is not None:
        raise Failure(DENIED, f"{account.identity.name} could not log in: {reason}")
    where = "" if account.networks is None else f" ({_login(account)})"
    tool.output.done(f"{account.identity.name} can log in{where}", name=account.identity.name, login=True)


def _refusal(tool: Tool, account: Account, password: bytes) -> str | None:
    if account.denied:
        return "the account is denied (deny)"
    if not account.open:
        if not account.password:
            return "the account has no password"
        try:
            right = schemes.verify(
                account.password, password, default_scheme=tool.settings.auth.default_scheme
            )
        except schemes.PasswordRefused as error:
            return str(error)
        except schemes.BadHash as error:
            return f"the stored hash cannot be used: {error}"
        if not right:
            return "the password is wrong"
    return f"logins are off (nologin) {account.reason}".rstrip() if account.disabled else None
