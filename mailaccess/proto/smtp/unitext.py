"""Addresses of the type ``utf-8`` where only ASCII may stand: ``\\x{C774}`` for a character (RFC 6533 §3).

Where UTF-8 is spoken they stand as they are; on the way to a server without SMTPUTF8, and in the plain
message/delivery-status, each character beyond ASCII is written by its number.
"""

import re
from typing import Final

_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")


def to_ascii(text: str) -> str:
    """utf-8-addr-xtext: what is not ASCII as EmbeddedUnicodeChar."""
    return _FOREIGN.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", text)


def from_unitext(text: str) -> str:
    """utf-8-address: EmbeddedUnicodeChar as the character; a number that is none stays as it is."""
    return _EMBEDDED.sub(_character, text)


def _character(found: "re.Match[str]") -> str:
    number = int(found[1], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return found[0]
    return chr(number)
