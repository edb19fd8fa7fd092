"""What one connection is offered: the table of extensions less what is withheld, plus what is granted.

Three layers decide, each as words such as ``-MOVE`` and ``+UIDONLY``: the configuration, the account's entry in
the passwd-file, and the profile of the client that the connection came from; the last word counts. A word
without a ``=`` is also meant for the names that begin so: ``-QUOTA`` takes QUOTA=RES-STORAGE with it. What is
not offered cannot be enabled; its commands are refused as unknown ones are, and so is what it gives inside other
commands (``imap.withheld``). What builds upon it goes with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from mailaccess.config.clients import ClientProfile
from mailaccess.imap import withheld
from mailaccess.imap.withheld import Given
from mailaccess.proto.imap.capabilities import ENABLEABLE, TABLE, Offer, capabilities
from mailaccess.proto.imap.commands import Request

ACCOUNT_FIELD: Final = "imap_capability"
"""The passwd-file's extra field, behind ``userdb_``: words with commas between."""

MAX_WORDS: Final = 100
"""Words of an account's field: there are not many more extensions."""

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """Names in capitals.  commands: those that are refused since nothing that is offered has them.

    enableable: what ENABLE may turn on.  features: what is refused inside other commands.
    """

    withheld: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    enableable: frozenset[str] = frozenset(ENABLEABLE)
    features: tuple[Given, ...] = ()

    def offer(self, offer: Offer) -> tuple[str, ...]:
        """The capabilities of ``offer`` under this mask."""
        return capabilities(replace(offer, masked=self.withheld, granted=self.granted))

    def refuses(self, request: Request) -> bool:
        """Whether a command is, or asks for, what is not offered."""
        return request.name in self.commands or (
            bool(self.features) and withheld.asked(request.command, self.features)
        )


@lru_cache(maxsize=256)
def mask(*layers: Words) -> Mask:
    """What the layers make together, the later one counting more. Unknown words say nothing."""
    taken: set[str] = set()
    granted: set[str] = set()
    for word in (word.upper() for words in layers for word in words):
        names = {name for name in _NAMES if name == word[1:] or name.startswith(word[1:] + "=")}
        if word.startswith("-"):
            taken |= names
            granted -= names
        elif word.startswith("+"):
            taken -= names
            granted |= names
    # One round is enough: a row names all that it builds upon.
    for row in TABLE:
        if any(name.upper() in taken for name in row.requires):
            taken.add(row.name.upper())
    return _made(frozenset(taken), frozenset(granted - taken))


def _made(names: frozenset[str], granted: frozenset[str]) -> Mask:
    opted_out = {row.name.upper() for row in TABLE if row.opt_in and row.name.upper() not in granted}
    gone = names | opted_out
    had: dict[str, bool] = {}
    for row in TABLE:
        for command in row.commands:
            had[command] = had.get(command, False) or row.name.upper() not in gone
    refused = frozenset(command for command, offered in had.items() if not offered)
    return Mask(names, granted, refused, frozenset(ENABLEABLE.keys() - gone), withheld.withheld(gone))


_NAMES: Final = frozenset(row.name.upper() for row in TABLE) | {"APPENDLIMIT"}


def account_words(field: str) -> Words:
    """The words of an account's field."""
    return tuple(word for word in field.replace(" ", ",").split(",")[:MAX_WORDS] if word)


def profile_of(
    profiles: Iterable[ClientProfile], fields: tuple[tuple[str, str | None], ...]
) -> ClientProfile | None:
    """The first profile whose patterns fit what the client said of itself with ID."""
    told = {name: value or "" for name, value in fields}
    return next((profile for profile in profiles if profile.matches(told)), None)
