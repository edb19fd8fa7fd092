"""User names: what a client may type, what an account is called, and where its home lies.

Names are lower-cased and in Unicode form NFC, and get the first local domain where they have none. The
characters are chosen so that a name is always a harmless file name and log word: no slash, no control, no
space, no leading dot. (RFC 5321's quoted local parts are not user names.)
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_NAME: Final = 255
"""UTF-8 octets of the part before and of the part after the @: each becomes a file name."""

_SPECIALS: Final = frozenset(".-_+=&'~")
_ASCII: Final = re.compile(r"[A-Za-z0-9.\-_+=&'~]+")


def _word(text: str) -> bool:
    if text.isascii():  # nearly all names: a tenth of the time
        return _ASCII.fullmatch(text) is not None
    return all(
        char in _SPECIALS or char.isalnum() or unicodedata.category(char).startswith("M") for char in text
    )


def problem(name: str) -> str | None:
    """What keeps ``name`` (normalised, with its domain) from being a user name; None if nothing."""
    user, at, domain = name.partition("@")
    if not user:
        return "a user name is not empty"
    if max(len(user.encode("utf-8", "replace")), len(domain.encode("utf-8", "replace"))) > MAX_NAME:
        return "a user name has at most 255 octets on each side of the @"
    if not _word(user):
        return "a user name has only letters, digits and . - _ + = & ' ~ before the @"
    if user.startswith("."):
        return "a user name does not begin with a dot"
    if at and not all(_word(label) and not set(label) & set("+=&'~") for label in domain.split(".")):
        return "a domain has only letters, digits, - and _ between its dots"
    return None


@dataclass(frozen=True, slots=True)
class Naming:
    """The rule for one server.

    domains: the local ones in lower case, the first being that of names without one.
    home: ``store.home``, a template with {user} and {domain}.  state: what relative homes are relative to.
    """

    domains: tuple[str, ...]
    home: str
    state: Path

    def canonical(self, name: str) -> str | None:
        """``name`` as accounts are called, or None for what cannot be a name. Never raises."""
        if len(name) > 2 * MAX_NAME + 1:
            return None
        name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
        if "@" not in name and self.domains:
            name = f"{name}@{self.domains[0]}"
        return name if problem(name) is None else None

    def default_home(self, name: str) -> Path:
        """The home by ``store.home`` of the canonical ``name``; no name leads out of the folder of homes."""
        user, _, domain = name.partition("@")
        # On a server without domains the place of {domain} is filled too, so that the path stays whole.
        return self.state / self.home.replace("{user}", user).replace("{domain}", domain or "local")

    def expand(self, text: str, name: str, home: Path | None = None) -> str:
        """Dovecot's variables in a location: %u the name, %n before, %d after the @, %h and ~/ home."""
        user, _, domain = name.partition("@")
        if home is not None and (text == "~" or text.startswith("~/")):
            text = str(home) + text[1:]
        values = {
            "%u": name,
            "%n": user,
            "%d": domain,
            "%h": str(home) if home is not None else "%h",
            "%%": "%",
        }
        parts = []
        position = 0
        while (at := text.find("%", position)) >= 0:
            pair = text[at : at + 2]
            parts += [text[position:at], values.get(pair, pair)]
            position = at + 2
        return "".join([*parts, text[position:]])
