"""In which language the server speaks to people (RFC 5255 §3): English as the code has it, or Korean.

Codes and keywords are never translated. A text that the table lacks is said in English.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from mailaccess.imap.korean import KOREAN, PREFIXES
from mailaccess.proto.imap import responses as r

DEFAULT: Final = "i-default"
ENGLISH: Final = "en"
KOREAN_TAG: Final = "ko"

LANGUAGES: Final = (ENGLISH, KOREAN_TAG, DEFAULT)
"""In the order in which LANGUAGE tells them; i-default is English too."""

_EXACT: Final = {english: korean for english, korean in KOREAN.items() if "{}" not in english}
_PATTERNS: Final = tuple(
    (re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), korean)
    for english, korean in KOREAN.items()
    if "{}" in english
)


def choose(ranges: Iterable[str], preferred: str) -> str | None:
    """The first of the ranges that we speak: RFC 4647 §3.4 (lookup), so ``ko-KR`` finds ``ko``.

    preferred: what ``default`` stands for.
    """
    for wanted in (each.lower() for each in ranges):
        if wanted in ("default", "*"):
            return preferred
        while wanted:
            if wanted in LANGUAGES:
                return wanted
            wanted = wanted.rpartition("-")[0]
    return None


@lru_cache(maxsize=1024)
def translated(text: str, language: str) -> str:
    """``text`` in ``language``."""
    if language != KOREAN_TAG:
        return text
    found = _EXACT.get(text)
    if found is not None:
        return found
    for pattern, korean in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is not None:
            return korean.format(*match.groups())
    return text


def spoken(response: r.Response, language: str) -> r.Response:
    """The response with its text in ``language``."""
    match response:
        case r.Tagged(tag, status):
            return r.Tagged(tag, replace(status, text=translated(status.text, language)))
        case r.Status() | r.Continue():
            return replace(response, text=translated(response.text, language))
        case r.Namespaces(personal, others, shared):
            return r.Namespaces(*(_with_prefixes(roots, language) for roots in (personal, others, shared)))
    return response


def _with_prefixes(roots: tuple[r.NamespaceRoot, ...], language: str) -> tuple[r.NamespaceRoot, ...]:
    if language != KOREAN_TAG:
        return roots
    return tuple(replace(root, translation=PREFIXES.get(root.prefix)) for root in roots)
