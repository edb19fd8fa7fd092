"""How well a text answers a query that need not be met to the letter (RFC 6203 §3, §4).

Query and text are made simple: folded as for SEARCH, taken apart (NFKD), marks dropped, ß written ss. Hangul
falls into its letters that way, so that 회이 is as near to 회의 as Helo is to Hello.

A word of the query is *there* where the text holds it, best at the beginning of a word. Where it is not, the
likest word of the text counts for it: likeness is what share of their pairs of letters two words have in common
(Dice), the ends of a word counting as letters. A word below ``LIKE`` is not there at all. A text answers the
query if its words are there to ``ENOUGH`` on the average: so one of two words will do, one of three will not.

How *relevant* that is depends on the field: a subject says more than a name, a name more than a body, and a body
more the oftener it says it. The scale is 1 to 100; a query whose words all begin words of a subject has 100.

Work is bounded: words of a query, letters of a word, letters of a text that are compared word by word (what is
there exactly is found anywhere), and likeness is worked out once for each different word.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from mailaccess.message.text import fold

MAX_WORDS: Final = 10
"""Words of a query; the others are passed over."""

MAX_LETTERS: Final = 40
"""Letters of a word, Hangul taken apart; what is longer was not typed."""

MAX_COMPARED: Final = 32 * 1024
"""Characters of one text whose words are compared: some 5,000 words, 2 to 5 ms."""

MAX_REMEMBERED: Final = 20_000
"""Words whose likeness a query remembers: the vocabulary of a mailbox, some MB."""

LIKE: Final = 0.5
"""helo and help have 0.6; hello and world 0.18."""

ENOUGH: Final = 0.4

INSIDE: Final = 0.9
"""What a word is worth that stands within another."""

ALIKE: Final = 0.8
"""What likeness is worth beside presence."""

SUBJECT: Final = 1.0
NAMES: Final = 0.9
BODY: Final = 0.8
OTHERS: Final = 0.6
"""Weights of fields."""

OFTEN: Final = 5
"""Times a body may say a word for it to gain weight, 0.03 each."""

_LEAST: Final = 0.24  # OTHERS times ENOUGH

_WORDS: Final = re.compile(rf"[^\W_]{{1,{MAX_LETTERS}}}")
_MARKS: Final = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u3099\u309a]+")

Fields = Sequence[tuple[float, str]]
"""Weights, and texts made ``simple``."""


def simple(text: str, *, folded: bool = False) -> str:
    """A text in the form that is compared; ``folded``: it is already."""
    text = text if folded else fold(text)
    if text.isascii():
        return text
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).replace("ß", "ss")


def fields_of(header: str, body: str | None) -> list[tuple[float, str]]:
    """The fields of a message by weight, from the folded texts that the index keeps (``message.text``)."""
    lines: dict[float, list[str]] = {SUBJECT: [], NAMES: [], OTHERS: []}
    for line in header.split("\r\n"):
        name, _, value = line.partition(":")
        lines[_WEIGHTS.get(name, OTHERS)].append(value)
    found = [(weight, simple("\n".join(some), folded=True)) for weight, some in lines.items() if some]
    if body is not None:
        found.append((BODY, simple(body, folded=True)))
    return found


_WEIGHTS: Final = {
    "subject": SUBJECT,
    **dict.fromkeys(("from", "to", "cc", "bcc", "sender", "reply-to"), NAMES),
}


class Query:
    """One text looked for, with what it has found out about words."""

    def __init__(self, text: str) -> None:
        words = _WORDS.findall(simple(text))
        self.words: list[str] = list(dict.fromkeys(words))[:MAX_WORDS]
        self._pairs = [_pairs(word) for word in self.words]
        self._known: dict[str, tuple[float, ...]] = {}

    def relevancy(self, fields: Fields) -> int:
        """1 to 100; 0 where the fields do not answer the query. Without a word everything answers it."""
        if not self.words:
            return 100
        there = [0.0] * len(self.words)
        worth = [0.0] * len(self.words)
        for weight, text in fields:
            for place, score in enumerate(self._scores(text)):
                there[place] = max(there[place], score)
                worth[place] = max(worth[place], self._worth(place, weight, text, score))
        if sum(there) < ENOUGH * len(there):
            return 0
        mean = sum(worth) / len(worth)
        return max(1, min(100, round(1 + 99 * (mean - _LEAST) / (1 - _LEAST))))

    def _worth(self, place: int, weight: float, text: str, score: float) -> float:
        if weight == BODY and score >= INSIDE:
            weight += 0.03 * min(text.count(self.words[place]), OFTEN)
        return weight * score

    def _scores(self, text: str) -> list[float]:
        """How much each word of the query is there, 0 to 1."""
        scores = [_exact(word, text) for word in self.words]
        if all(scores):
            return scores
        for word in set(_WORDS.findall(text, 0, MAX_COMPARED)):
            known = self._known.get(word)
            if known is None:
                known = self._likeness(word)
            for place, score in enumerate(known):
                if score > scores[place]:
                    scores[place] = score
        return scores

    def _likeness(self, word: str) -> tuple[float, ...]:
        """How like a word of a text is to those of the query."""
        pairs = _pairs(word)
        scores = []
        for own in self._pairs:
            likeness = 2 * len(pairs & own) / (len(pairs) + len(own))
            scores.append(ALIKE * likeness if likeness >= LIKE else 0.0)
        if len(self._known) < MAX_REMEMBERED:
            self._known[word] = tuple(scores)
        return tuple(scores)


def _exact(word: str, text: str) -> float:
    at = text.find(word)
    if at < 0:
        return 0.0
    return INSIDE if at and text[at - 1].isalnum() and f" {word}" not in text else 1.0


def _pairs(word: str) -> frozenset[str]:
    whole = f"^{word}$"
    return frozenset([whole[at : at + 2] for at in range(len(whole) - 1)])
