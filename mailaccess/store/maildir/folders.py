"""How a mailbox's name becomes a folder of the Maildir++, and back.

INBOX is the Maildir itself; ``a/b`` is ``.a.b``, each level in modified UTF-7 as Dovecot writes it. What the
layout cannot carry is written as ``\\`` and two hexadecimal digits: a dot within a level, a backslash that
would read as such an escape, a leading ``~`` (the form of Dovecot's listescape plugin, which shows them
decoded; without the plugin they are shown as they stand). A folder that another program named otherwise is
shown under a name made of such escapes, so that every folder has a name and no two the same.
"""

import re
from typing import Final

from mailaccess.model import names
from mailaccess.model.errors import BadMailboxName
from mailaccess.proto.imap.mutf7 import decode_mutf7, encode_mutf7

MAX_FOLDER: Final = 255 - 8
"""Octets: the file system's bound, less a little for Dovecot's own suffixes."""

REMOVED: Final = b"..mailaccess-removed."
"""Folders being removed begin so; two leading dots are no mailbox to any program."""

_ESCAPE: Final = re.compile(r"\\([0-9a-f]{2})")


def folder(name: str) -> bytes:
    """The folder of the mailbox ``name`` (canonical): empty for INBOX. Raises BadMailboxName (too long)."""
    if name == names.INBOX:
        return b""
    octets = b"".join([b"." + _level(level) for level in name.split(names.SEPARATOR)])
    if len(octets) > MAX_FOLDER:
        raise BadMailboxName("The mailbox name is too long")
    return octets


def _level(level: str) -> bytes:
    text = re.sub(r"\\(?=[0-9a-f]{2})", r"\\5c", level).replace(".", "\\2e")
    if text.startswith("~"):
        text = "\\7e" + text[1:]
    return encode_mutf7(text)


def name(octets: bytes) -> str:
    """The name under which a folder is shown; ``folder`` leads back where we made it."""
    if not octets:
        return names.INBOX
    try:
        shown = names.SEPARATOR.join([_shown(level) for level in octets[1:].split(b".")])
        if names.problem(shown) is None and names.canonical(shown) != names.INBOX and folder(shown) == octets:
            return names.canonical(shown)
    except (ValueError, BadMailboxName):
        pass
    return escaped(octets)


def _shown(level: bytes) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), decode_mutf7(level))


def escaped(octets: bytes) -> str:
    """A name of one level for a folder of any form: what is not a letter, digit, ``-`` or ``_`` as an escape."""
    kept = [
        chr(o) if chr(o).isascii() and (chr(o).isalnum() or o in b"-_ ") else f"\\{o:02x}" for o in octets[1:]
    ]
    if octets[1:].upper() == b"INBOX":
        kept[0] = f"\\{octets[1]:02x}"
    return "".join(kept)
