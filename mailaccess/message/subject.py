"""The base subject (RFC 5256 §2.1), for SORT SUBJECT and THREAD."""

import re
from typing import NamedTuple

MAX_SUBJECT = 2_000
"""Characters of a subject that are looked at; a line of mail holds 998 octets (RFC 5322 §2.1.1).

It also bounds what thousands of list tags cost."""

_BLOB = r"\[[^\[\]]*+\][ \t]*+"
_WHITE = re.compile(r"[ \t\r\n]+")
_LEADER = re.compile(rf"[ \t]+|(?:{_BLOB})*(?:re|fwd?)[ \t]*(?:{_BLOB})?:", re.IGNORECASE)
_LEADING_BLOB = re.compile(_BLOB)
_WRAPPED = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)


class BaseSubject(NamedTuple):
    """text: what is left.  is_reply: whether "Re:", "Fwd:" or the like was taken off (RFC 5256 §3)."""

    text: str
    is_reply: bool


def base_subject(subject: str) -> BaseSubject:
    """Take replies, forwards and list tags off a decoded subject."""
    text = _WHITE.sub(" ", subject[:MAX_SUBJECT])
    is_reply = False
    while True:  # each round takes "[fwd:" and "]" off
        trimmed = _without_trailer(text)
        is_reply = is_reply or trimmed.rstrip() != text.rstrip()
        text, found = _without_leaders(trimmed)
        is_reply = is_reply or found
        wrapped = _WRAPPED.match(text)
        if not wrapped:
            return BaseSubject(text, is_reply)
        text, is_reply = wrapped[1], True


def _without_trailer(text: str) -> str:
    """Remove subj-trailer: "(fwd)" and white space at the end. Backwards, so that it is linear."""
    end = len(text)
    while True:
        if end and text[end - 1] in " \t":
            end -= 1
        elif text[max(0, end - 5) : end].lower() == "(fwd)":
            end -= 5
        else:
            return text[:end]


def _without_leaders(text: str) -> tuple[str, bool]:
    """Remove subj-leader and subj-blob at the beginning, as long as something is left."""
    pos, found = 0, False
    while True:
        leader = _LEADER.match(text, pos)
        if leader:
            found = found or leader[0].endswith(":")
            pos = leader.end()
            continue
        blob = _LEADING_BLOB.match(text, pos)
        if not blob or blob.end() == len(text):
            return text[pos:], found
        pos = blob.end()
