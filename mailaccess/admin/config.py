"""``mailadm config``: check and show the configuration."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import click

from mailaccess.admin.output import CONFIGURATION
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load_with_origin, toml_value
from mailaccess.config.sections import Settings


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
    return 0


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
