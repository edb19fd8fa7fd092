"""The reference of all options, generated from ``sections``: ``conf/mailaccess.toml.reference``.

Every option stands there commented out with its default, so that the file as it is means the defaults, and
removing one ``#`` from a line that begins with it and a letter changes nothing. ``python -m
mailaccess.config.reference FILE`` writes it; a test holds it fresh.
"""

import sys
import textwrap
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from mailaccess.config.load import toml_value
from mailaccess.config.sections import Settings

WIDTH: Final = 100

HEAD: Final = """\
# mailaccess: every option with its meaning and its default.
#
# Generated from mailaccess/config/sections.py by "python -m mailaccess.config.reference"; do not edit.
# Every option is optional; write down only what you change ("mailadm config show --changed" lists it, and
# "mailadm config check" says what is wrong). A file is looked for at --config, $MAILACCESS_CONFIG,
# ./mailaccess.toml, /etc/mailaccess/mailaccess.toml, in this order.
#
# Relative paths are relative to the folder of the configuration file; those of [store] home and of UNIX
# sockets in [listen] are relative to state_dir. Sizes in octets may be texts such as "100M".
"""

_EXAMPLES: Final = {
    "hostname": '"mail.example.org"',
    "tls.certificate": '"cert.pem"',
    "tls.key": '"key.pem"',
    "smtp.aliases": '"aliases"',
    "domains": '["example.org"]',
    "listen.imap": '["0.0.0.0:143", "[::]:143"]',
    "listen.lmtp": '["unix:lmtp.sock"]',
    "auth.trusted_networks": '["10.0.0.0/8"]',
    "sharing.public": '{ "Public" = "public/Maildir" }',
    "relay.dns": '["127.0.0.1:53"]',
    "relay.smarthost": '"mail.example.net:587"',
    "relay.password_file": '"smarthost.password"',
    "relay.transports": '{ "example.com" = "127.0.0.1:2525" }',
    "relay.tls_domains": '{ "bank.example" = "required" }',
    "relay.ca_file": '"ca.pem"',
    "relay.source_addresses": '["192.0.2.1", "2001:db8::1"]',
    "process.user": '"mailaccess"',
}
"""Options whose default says little: an example beside it."""


def render() -> str:
    """The whole file."""
    top = [field for field in fields(Settings) if not _is_section(field)]
    parts = [HEAD, "\n".join(_block(field, "") for field in top)]
    for field in fields(Settings):
        if _is_section(field):
            section: Any = field.default_factory
            title = (section.__doc__ or "").strip()
            comment = "" if title.startswith(f"{section.__name__}(") else _comment(title) + "\n"
            blocks = "\n".join(_block(option, field.name) for option in fields(section))
            parts.append(f"[{field.name}]\n{comment}\n{blocks}")
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _is_section(field: Field[Any]) -> bool:
    return field.default_factory is not MISSING and is_dataclass(field.default_factory)


def _block(field: Field[Any], section: str) -> str:
    key = f"{section}.{field.name}" if section else field.name
    lines = [_comment(_help(field))]
    value = _default(field)
    example = _EXAMPLES.get(key)
    if value is None or key == "hostname":
        lines.append(f"# {field.name} = {example}")
    else:
        if example:
            lines.append(f"# for example: {field.name} = {example}")
        lines.append(f"#{field.name} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def _help(field: Field[Any]) -> str:
    metadata = field.metadata
    facts = [metadata["unit"]] if metadata["unit"] else []
    if metadata["least"] > 1:
        facts.append(f"at least {metadata['least']}")
    if metadata["choices"]:
        several = "some of" if isinstance(field.default, tuple) else "one of"
        facts.append(f"{several} {' '.join(metadata['choices'])}")
    if _default(field) is None:
        facts.append("none by default")
    if field.name == "hostname":
        facts.append("by default the machine's name")
    return f"{metadata['help']} ({'; '.join(facts)})" if facts else str(metadata["help"])


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _comment(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# "))


def main() -> None:
    """``python -m mailaccess.config.reference FILE``"""
    Path(sys.argv[1]).write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
