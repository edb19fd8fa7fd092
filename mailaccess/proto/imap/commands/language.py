"""LANGUAGE (RFC 5255 §3)."""

from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_RANGES: Final = 50
"""Language ranges in one command: more than anybody reads."""


@dataclass(frozen=True, slots=True)
class Language(Command):
    """LANGUAGE. ``ranges``: as written, best first; () asks which there are."""

    ranges: tuple[str, ...]


def _language(cur: ImapCursor) -> Language:
    """language-cmd = "LANGUAGE" *(SP lang-range-quoted); lang-range-quoted = astring"""
    ranges: list[str] = []
    while tokens.more(cur):
        tokens.space(cur)
        ranges.append(_range(cur))
        if len(ranges) > MAX_RANGES:
            cur.fail(f"at most {MAX_RANGES} languages")
    return Language(tuple(ranges))


def _range(cur: ImapCursor) -> str:
    if cur.skip_if(b"*"):  # language-range of RFC 4647 §2.1; no astring has it bare
        return "*"
    at = cur.pos
    found = tokens.astring(cur, "a language").decode("ascii", "replace")
    if len(found) > 100:
        cur.fail("a language", at)
    return found


RULES: Rules = {b"LANGUAGE": _language}
