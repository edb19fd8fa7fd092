"""The corpus's 464 search queries, answered without a server, against what Dovecot answers.

Where Dovecot itself is doubtful (``accepted.json``: contested) a message counts for neither side.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Comparison, Criterion, DateField
from mailaccess.model.sequence import UidSet
from mailaccess.store.search import search
from tests.golden import differences
from tests.unit.store_search.memory import MemoryMailbox, run

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of messages with golden answers (../shared/corpus) is not here"
)


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CORPUS / "golden.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def contested() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = json.loads((CORPUS / "accepted.json").read_text())["contested"]
    return loaded


@pytest.fixture(scope="module")
def mailbox(golden: dict[str, Any]) -> MemoryMailbox:
    mailbox = MemoryMailbox()
    for ident, entry in golden["messages"].items():
        octets = (CORPUS / "messages" / f"{ident}.eml").read_bytes()
        wire = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        when = datetime.strptime(entry["internaldate"].strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
        size = int(entry["fetch"]["RFC822.SIZE"])
        mailbox.add(wire, date=int(when.timestamp()), size=size, indexed=False)
    return mailbox


def name_of(query: dict[str, Any]) -> str:
    words = [
        word if isinstance(word, str) else json.dumps(word["s"], ensure_ascii=False) for word in query["key"]
    ]
    return " ".join(words)


def test_searches_find_what_dovecot_finds(
    golden: dict[str, Any], contested: dict[str, list[str]], mailbox: MemoryMailbox
) -> None:
    idents = list(golden["messages"])
    different = {}
    for query in golden["search"]:
        name = name_of(query)
        found = {idents[uid - 1] for uid in run(search(mailbox, criterion(query["key"]), 0))}
        wrong = (found ^ set(query["ids"])) - set(contested.get("SEARCH " + name, ()))
        if wrong:
            different[name] = {"missing": sorted(wrong - found), "too many": sorted(wrong & found)}
    assert set(different) == set(differences.SEARCHES), different


def criterion(words: list[Any]) -> Criterion:
    """A key of golden.json as a tree."""
    flat: list[Any] = []
    for word in words:
        if isinstance(word, str):
            flat += word.replace("(", "( ").replace(")", " )").split()
        else:
            flat.append(word)
    rest = iter(flat)
    parts = []
    while (word := next(rest, None)) is not None:
        parts.append(_key(word, rest))
    return parts[0] if len(parts) == 1 else tree.And(tuple(parts))


FLAGS = {
    "ANSWERED": "\\Answered",
    "SEEN": "\\Seen",
    "DELETED": "\\Deleted",
    "DRAFT": "\\Draft",
    "FLAGGED": "\\Flagged",
}


def _key(word: str, rest: Iterator[Any]) -> Criterion:
    if word[0].isdigit():
        return tree.Uids(UidSet.parse(word))
    if word == "(":
        parts = []
        while (inner := next(rest)) != ")":
            parts.append(_key(inner, rest))
        return tree.And(tuple(parts))
    if word == "NOT":
        return tree.Not(_key(next(rest), rest))
    if word == "OR":
        return tree.Or(_key(next(rest), rest), _key(next(rest), rest))
    if word == "ALL":
        return tree.All()
    if word in FLAGS:
        return tree.HasFlag(FLAGS[word])
    if word.removeprefix("UN") in FLAGS:
        return tree.Not(tree.HasFlag(FLAGS[word.removeprefix("UN")]))
    if word == "KEYWORD":
        return tree.HasFlag(next(rest))
    if word in ("FROM", "TO", "CC", "BCC", "SUBJECT"):
        return tree.Header(word, next(rest)["s"], key=True)
    if word == "HEADER":
        return tree.Header(next(rest).upper(), next(rest)["s"])
    if word == "BODY":
        return tree.Body(next(rest)["s"])
    if word == "TEXT":
        return tree.Text(next(rest)["s"])
    if word == "LARGER":
        return tree.Larger(int(next(rest)))
    if word == "SMALLER":
        return tree.Smaller(int(next(rest)))
    field = DateField.SENT if word.startswith("SENT") else DateField.INTERNAL
    day = datetime.strptime(next(rest), "%d-%b-%Y").date()
    return tree.DateIs(field, Comparison[word.removeprefix("SENT")], day)
