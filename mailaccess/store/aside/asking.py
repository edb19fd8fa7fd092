"""What a job asks the process beside the server about contents: the requests of ``index.beside``."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from mailaccess.store.api import Fact
from mailaccess.store.aside import work
from mailaccess.store.index import mailboxes, wordblocks
from mailaccess.store.index.beside import Take
from mailaccess.store.index.cache import Computed
from mailaccess.store.index.heads import Head
from mailaccess.store.index.rows import among
from mailaccess.store.vault import Vault
from mailaccess.store.wireform import SMALL

ASKED_AT_ONCE: Final = 8 * 2**20
"""Octets of messages in one request: a bound for what the process answers."""

DESCRIBED_AT_ONCE: Final = 64 * 2**20
"""Likewise, where of each message some hundred octets come back: a bound for the time it takes, 30 ms to read them."""

T = TypeVar("T")


class Asking:
    """For one job. What it asks about is answered or not; what has no answer is done here."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._folders: dict[int, bytes | None] = {}

    def ask_heads(self, contents: Sequence[int]) -> Take[tuple[int, bytes, Head]] | None:
        """What headers tell."""
        return self._ask(
            work.HEADS, [item[:2] for item in self._paths(contents)], lambda item: work.head_in(item)
        )

    def ask_fields(self, contents: Sequence[int]) -> Take[bytes] | None:
        """The fields of headers (``picked.Fields``)."""
        return self._ask(work.PICKED, [item[:2] for item in self._paths(contents)], lambda item: item[1])

    def ask_described(
        self, contents: Sequence[int], wanted: Sequence[Fact]
    ) -> Take[tuple[bytes, ...]] | None:
        """Some facts (``described.describe``)."""
        names = tuple([fact.value for fact in wanted])
        asked = [(*item, names) for item in self._bounded(contents, DESCRIBED_AT_ONCE)]
        return self._ask(work.DESCRIBED, asked, lambda item: item[1])

    def ask_facts(self, contents: Sequence[int]) -> Take[Computed] | None:
        return self._ask_whole(contents, work.FACTS, lambda item: work.computed_in(item[2]))

    def ask_texts(self, contents: Sequence[int], whole: bool = True) -> Take[tuple[bytes, bytes]] | None:
        """Texts; without ``whole``, those of bodies alone."""
        return self._ask_whole(contents, work.TEXTS if whole else work.BODIES, lambda item: item[3])

    def ask_all(self, contents: Sequence[int]) -> Take[tuple[Computed, tuple[bytes, bytes]]] | None:
        """Facts and texts."""
        return self._ask_whole(
            contents, work.FACTS + work.TEXTS, lambda item: (work.computed_in(item[2]), item[3])
        )

    def octets_of(self, contents: Sequence[int]) -> int:
        """``firstwords.Texts``."""
        return sum([size for _, _, size in self._paths(contents)])

    def ask_words(
        self, block: int, contents: Sequence[int], kinds: Sequence[int]
    ) -> Take[list[wordblocks.Row]] | None:
        """``firstwords.Texts``."""
        asked = [item for item in self._paths(contents) if item[2] <= SMALL]
        return self._ask(work.WORDS, [(block, asked, list(kinds))], lambda item: item[1])

    def _ask_whole(
        self, contents: Sequence[int], wanted: int, made: Callable[[tuple[Any, ...]], T]
    ) -> Take[T] | None:
        return self._ask(work.WHOLE, [(*item, wanted) for item in self._bounded(contents)], made)

    def _bounded(self, contents: Sequence[int], at_once: int = ASKED_AT_ONCE) -> list[tuple[int, bytes, int]]:
        """``_paths`` of the small ones, the first of them that have no more octets than so many."""
        asked, octets = [], 0
        for content, path, size in self._paths(contents):
            if size > SMALL:
                continue
            octets += size
            if octets > at_once:
                break
            asked.append((content, path, size))
        return asked

    def _ask(self, kind: str, asked: list[Any], made: Callable[[tuple[Any, ...]], T]) -> Take[T] | None:
        ticket = self._vault.aside.send(kind, asked) if asked else None
        if ticket is None:
            return None
        return lambda: {item[0]: made(item) for item in ticket.answer() or ()}

    def _paths(self, contents: Sequence[int]) -> list[tuple[int, bytes, int]]:
        """(content, path, octets in the wire form) of each, in their order."""
        self._vault.require_thread()
        found: dict[int, tuple[int, bytes, int]] = {}
        for content, home, place, file, size in self._rows(contents):
            folder = self._folder(home)
            if folder is not None:
                found.setdefault(content, (content, self._vault.path(folder, place, file), size))
        return [found[content] for content in contents if content in found]

    def _rows(self, contents: Sequence[int]) -> list[tuple[int, int, int, bytes, int]]:
        where, parameters = among(contents)
        return self._vault.connection.execute(
            f"SELECT content, home, place, file, size FROM messages WHERE {where}", parameters
        ).fetchall()

    def _folder(self, home: int) -> bytes | None:
        if home not in self._folders:
            box = mailboxes.by_id(self._vault.connection, home)
            self._folders[home] = box.folder if box is not None else None
        return self._folders[home]
