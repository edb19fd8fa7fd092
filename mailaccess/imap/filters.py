"""Named searches (RFC 5466): annotations of the account whose values come in the place of a FILTER key.

A filter may name others, to ``MAX_PASSES`` of them one inside another; one that comes back to itself counts as not
there, and so does one whose value is no search any more. Bounds on nesting and keys hold for the whole search.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from mailaccess.config.sections import Imap
from mailaccess.imap.answers import no
from mailaccess.imap.session import Authenticated
from mailaccess.model.criteria import Criterion, Named, rewrite
from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap.commands.messages import Search
from mailaccess.proto.imap.commands.multisearch import MultiSearch
from mailaccess.proto.imap.commands.sorting import Sort, Thread
from mailaccess.proto.imap.responses_more import UndefinedFilter
from mailaccess.proto.imap.search import FILTER_NAME, stored_search
from mailaccess.proto.imap.tokens import Unsupported

ROOTS: Final = ("/private/filters/values/", "/shared/filters/values/")
"""Where filters are kept; the first one that has it counts. RFC 5466 §3.2."""

MAX_PASSES: Final = 10
"""Filters inside one another; the RFC asks for three."""

C = TypeVar("C", Search, Sort, Thread, MultiSearch)


async def expanded(session: Authenticated, args: C) -> C:
    """A command with the searches themselves in the place of their names.

    Raises Refusal with UNDEFINED-FILTER. RFC 5466 §3.1.
    """
    if not args.uses_filter:
        return args
    filling = _Filling({**shared(session.house.settings), **await session.account.metadata(None)})
    criteria = filling.fill(args.criteria, ())
    return replace(
        args, criteria=criteria, uses_modseq=args.uses_modseq or filling.uses_modseq, uses_filter=False
    )


class _Filling:
    """One search and the annotations it is filled from. uses_modseq: a filter asks for mod-sequences."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        self._kept = kept
        self._keys = 0
        self.uses_modseq = False

    def fill(self, node: Criterion, above: tuple[str, ...]) -> Criterion:
        """above: the filters in whose values this stands."""
        return rewrite(node, lambda leaf: self._value(leaf, above) if isinstance(leaf, Named) else leaf)

    def _value(self, named: Named, above: tuple[str, ...]) -> Criterion:
        name = named.name
        value = next((self._kept[root + name] for root in ROOTS if root + name in self._kept), None)
        if value is None or name in above or len(above) >= MAX_PASSES:
            raise no(f"There is no filter {name}", UndefinedFilter(name))
        try:
            program = stored_search(value, depth=named.depth, keys=self._keys)
        except Unsupported as error:
            raise no(error.status.text, error.status.code) from None
        except Expected:
            raise no(f"The filter {name} is not a search", UndefinedFilter(name)) from None
        self._keys = program.keys
        self.uses_modseq |= program.uses_modseq
        return self.fill(program.criteria, (*above, name))


def shared(settings: Imap) -> dict[str, bytes]:
    """The filters that the administrator has for everybody, as annotations of the server."""
    return {ROOTS[1] + name: search.encode("utf-8") for name, search in settings.filters.items()}


def is_filter(entry: str) -> bool:
    """Whether an annotation of the server keeps a search."""
    return entry.startswith(ROOTS)


def problem(entry: str, value: bytes | None) -> str | None:
    """What is wrong with an annotation that is to keep a search. RFC 5466 §3.2: it is a whole one."""
    name = entry.removeprefix(ROOTS[0]).removeprefix(ROOTS[1])
    if FILTER_NAME.fullmatch(name.encode("ascii", "replace")) is None:
        return "That is not the name of a filter"
    if value is None:
        return None
    try:
        stored_search(value)
    except Expected:
        return "The value of a filter is a search"
    return None
