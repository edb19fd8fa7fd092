"""``mailadm config``: check and show the configuration."""

import sys
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import click

from mailaccess.admin.opening import StderrLog, complete
from mailaccess.admin.output import CONFIGURATION
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.auth import making
from mailaccess.auth.api import Identity
from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load_with_origin, toml_value
from mailaccess.config.sections import Settings
from mailaccess.delivery.recipients import POSTMASTER, Recipients
from mailaccess.model.errors import MailError
from mailaccess.model.work import InlineRunner
from mailaccess.proto.smtp.address import Address


@click.group("config")
def command() -> None:
    """The configuration: check it, show it."""


@command.command()
@pass_tool
def check(tool: Tool) -> int:
    """Say everything that is wrong with the configuration; exit code 78 if anything is."""
    try:
        loaded = load_with_origin(tool.config)
    except ConfigError as error:
        if not tool.output.as_json:
            raise
        tool.output.table(
            ("file", "line", "key", "value", "right"),
            [
                {"file": str(p.file), "line": p.line, "key": p.key, "value": p.value, "right": p.right}
                for p in error.problems
            ],
        )
        return CONFIGURATION
    where = str(loaded.file) if loaded.file else "no file; the built-in defaults"
    if tool.output.as_json:
        tool.output.table(("file", "line", "key", "value", "right"), [])
    else:
        tool.output.text(f"{where}: right")
    for warning in unread_postmasters(tool, loaded.settings):
        print(f"mailadm: warning: {warning}", file=sys.stderr)
    return 0


def unread_postmasters(tool: Tool, settings: Settings) -> list[str]:
    """What there is to say of local domains whose postmaster's mail nobody reads."""
    if not (settings.listen.smtp or settings.listen.lmtp):
        return []
    waiting: list[str] = []

    def unclaimed(name: str) -> Identity:
        waiting.append(name)
        return making.unclaimed(settings, name)

    threads, log = InlineRunner(), StderrLog()
    authenticator = making.make_authenticator(settings, threads, log, clock=time.monotonic, sleep=_no_sleep)
    recipients = Recipients(
        authenticator, settings.smtp, settings.domains, threads, log, relays=True, unclaimed=unclaimed
    )
    problems = []
    for domain in settings.domains:
        try:
            complete(recipients.resolve(Address(POSTMASTER, domain)))
        except MailError as error:
            problems.append(f"mail for {POSTMASTER}@{domain} is not taken: {error.detail or error}")
    problems += [
        f"nobody reads the mail for {name}, whom RFC 5321 wants to be there: set smtp.postmaster,"
        f" or make an alias or an account of that name"
        for name in waiting
    ]
    return problems


async def _no_sleep(seconds: float) -> None:
    return None


@command.command()
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
@pass_tool
def show(tool: Tool, changed: bool) -> None:
    """Show the settings in force, as TOML with absolute paths (with --json as an object)."""
    loaded = tool.loaded
    options = [
        (section, name, value)
        for section, name, value, default in _options(loaded.settings)
        if not changed or (((section, name) if section else (name,)) in loaded.given and value != default)
    ]
    if tool.output.as_json:
        tree: dict[str, Any] = {}
        for section, name, value in options:
            (tree.setdefault(section, {}) if section else tree)[name] = value
        tool.output.record(tree)
        return
    tool.output.text(f"# {loaded.file or 'no file: the built-in defaults'}")
    current = ""
    for section, name, value in options:
        if section != current:
            tool.output.text(f"\n[{section}]")
            current = section
        tool.output.text(f"#{name} = (none)" if value is None else f"{name} = {toml_value(value)}")


def _options(settings: Settings) -> Iterator[tuple[str, str, Any, Any]]:
    """Section ("" for the top), name, value, default of every option; the top first, as TOML needs it."""
    defaults = Settings()
    for field in fields(settings):
        if not is_dataclass(getattr(settings, field.name)):
            yield "", field.name, getattr(settings, field.name), getattr(defaults, field.name)
    for field in fields(settings):
        section, default = getattr(settings, field.name), getattr(defaults, field.name)
        if is_dataclass(section):
            for option in fields(section):
                yield field.name, option.name, getattr(section, option.name), getattr(default, option.name)
