"""The corpus sorted and threaded without a server, against Dovecot's SORT and THREAD."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailaccess.message import searchkeys, structure
from mailaccess.message.headers import Header
from mailaccess.message.subject import base_subject
from mailaccess.message.text import fold
from mailaccess.store import thread
from mailaccess.store.sort import Sortable, SortCriterion, SortKey, in_order
from mailaccess.store.thread import Threadable

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of messages with golden answers (../shared/corpus) is not here"
)


class Corpus:
    def __init__(self) -> None:
        self.golden: dict[str, Any] = json.loads((CORPUS / "golden.json").read_text())
        self.contested: dict[str, list[str]] = json.loads((CORPUS / "accepted.json").read_text())["contested"]
        self.idents = list(self.golden["messages"])
        self.headers = [self._header(ident) for ident in self.idents]

    def _header(self, ident: str) -> Header:
        octets = (CORPUS / "messages" / f"{ident}.eml").read_bytes()
        wire = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return structure.root_header(wire, structure.parse(wire))

    def arrival(self, ident: str) -> int:
        text = self.golden["messages"][ident]["internaldate"].strip()
        return int(datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z").timestamp())

    def sent(self, ident: str, header: Header) -> int:
        when = searchkeys.sent(header)
        return self.arrival(ident) if when is None else int(when.timestamp())

    def sortables(self) -> Iterator[Sortable]:
        for number, (ident, header) in enumerate(zip(self.idents, self.headers, strict=True)):
            yield Sortable(
                number,
                self.arrival(ident),
                self.sent(ident, header),
                int(self.golden["messages"][ident]["fetch"]["RFC822.SIZE"]),
                *(searchkeys.first_mailbox(header, name) for name in (b"from", b"to", b"cc")),
                fold(base_subject(searchkeys.subject(header)).text),
                *(searchkeys.display_name(header, name) for name in (b"from", b"to")),
            )

    def threadables(self) -> Iterator[Threadable]:
        for number, (ident, header) in enumerate(zip(self.idents, self.headers, strict=True)):
            base = base_subject(searchkeys.subject(header))
            yield Threadable(
                number,
                self.sent(ident, header),
                fold(base.text),
                base.is_reply,
                searchkeys.message_id(header),
                searchkeys.references(header),
            )


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus()


def test_sorting_gives_dovecots_orders(corpus: Corpus) -> None:
    messages = list(corpus.sortables())
    different = {}
    for name, order in corpus.golden["sort"].items():
        criteria, reverse = [], False
        for word in name.split():
            if word == "REVERSE":
                reverse = True
            else:
                criteria.append(SortCriterion(SortKey[word], reverse))
                reverse = False
        skipped = set(corpus.contested.get("SORT " + name, ()))
        mine = [corpus.idents[n] for n in in_order(messages, criteria) if corpus.idents[n] not in skipped]
        wanted = [ident for ident in order if ident not in skipped]
        if mine != wanted:
            at = next(i for i, pair in enumerate(zip(mine, wanted, strict=True)) if pair[0] != pair[1])
            different[name] = (at, mine[at : at + 3], wanted[at : at + 3])
    assert different == {}


@pytest.mark.parametrize("algorithm", ["ORDEREDSUBJECT", "REFERENCES", "REFS"])
def test_threads_have_dovecots_parents(corpus: Corpus, algorithm: str) -> None:
    threads = {
        "ORDEREDSUBJECT": thread.ordered_subject,
        "REFERENCES": thread.references,
        "REFS": thread.refs,
    }[algorithm](corpus.threadables())
    mine = dict(parents(threads, corpus.idents))
    wanted = dict(parents(corpus.golden["thread"][algorithm], None))
    skipped = set(corpus.contested.get("THREAD " + algorithm, ()))
    assert {k: v for k, v in mine.items() if k not in skipped} == {
        k: v for k, v in wanted.items() if k not in skipped
    }


def parents(forest: list[Any], idents: list[str] | None) -> Iterator[tuple[str, str]]:
    """(message, its parent) of every message; "" for the head of a thread, and for heads under no message."""
    pending: list[tuple[list[Any], str]] = [(tree, "") for tree in forest]
    while pending:
        tree, parent = pending.pop()
        for item in tree:
            if isinstance(item, list):
                pending.append((item, parent))
            else:
                name = item if idents is None else idents[item]
                yield name, parent
                parent = name
