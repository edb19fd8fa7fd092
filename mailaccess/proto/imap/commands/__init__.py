"""A file for each family of IMAP commands: its frozen arguments and the rule that reads them."""

from mailaccess.proto.imap.commands.base import Command, Request, Rule, Rules

__all__ = ["Command", "Request", "Rule", "Rules", "RULES"]

RULES: dict[bytes, Rule] = {}
"""Every command by its name in capitals."""
