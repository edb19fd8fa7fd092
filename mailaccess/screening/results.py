"""The Authentication-Results field (RFC 8601): ours, and those of others that pretend to be ours."""

import re
from collections.abc import Sequence
from typing import Final

from mailaccess.screening.canonical import fields, name_of
from mailaccess.screening.dkim import Signature
from mailaccess.screening.dmarc import Dmarc
from mailaccess.screening.spf import Spf

_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+")
_SPECIAL: Final = re.compile(rb'\\.?|[()";]', re.S)
_BEHIND_CR: Final = re.compile(
    rb"\r(authentication-results[ \t]*:[^\r\n]*(?:(?:\r*\n|\r)[ \t][^\r\n]*)*)", re.I
)
"""A field that only whoever takes a lone CR for a line end sees: with that CR, without the line end behind it."""

MAX_ID: Final = 4096
"""Octets before the end of an authserv-id; a field that hides it behind more of comments counts as ours."""


def render(spf: Spf | None, signatures: Sequence[Signature], dmarc: Dmarc | None, authserv_id: str) -> str:
    """The field's value, a method a line. RFC 8601 §2.2."""
    lines: list[str] = []
    if spf is not None:
        lines.append(
            f"spf={spf.result}{_reason(spf.reason, spf.result)}{_property(f'smtp.{spf.identity}', spf.domain)}"
        )
    for each in signatures:
        lines.append(
            f"dkim={each.result}{_reason(each.reason, each.result)}"
            f"{_property('header.d', each.domain)}{_property('header.s', each.selector)}"
            f"{_property('header.a', each.algorithm)}{_property('header.b', each.start)}"
        )
    if not signatures:
        lines.append("dkim=none")
    if dmarc is not None:
        policy = f" (p={dmarc.policy})" if dmarc.policy else ""
        lines.append(
            f"dmarc={dmarc.result}{policy}{_reason(dmarc.reason, dmarc.result)}"
            f"{_property('header.from', dmarc.domain)}"
        )
    return ";\r\n\t".join([authserv_id, *lines])


def _property(name: str, value: str) -> str:
    if not value:
        return ""
    return f" {name}={value if _VALUE.fullmatch(value) else _quoted(value)}"


def _reason(text: str, result: str) -> str:
    return f" reason={_quoted(text)}" if text and result not in ("pass", "none") else ""


def _quoted(text: str) -> str:
    clean = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\' else "?" for char in text
    )
    return f'"{clean[:200]}"'


def without_ours(header: bytes, authserv_id: str) -> bytes:
    """The header without Authentication-Results fields that bear our name: nobody but us may write it. §5.

    Those behind a bare CR go too, since some reader may take it for a line end; all other octets stay as they came.
    """
    if b"uthentication-results" not in header and b"authentication-results" not in header.lower():
        return header
    ours = authserv_id.lower().encode("ascii", "replace")
    kept = b"".join([_kept(each, ours) for each in fields(header)])
    return header if kept == header else kept


def _kept(field: bytes, ours: bytes) -> bytes:
    """What is left of a field: nothing of ours, and of others all but ours that stand in them behind a bare CR."""
    if _is_ours(field, ours):
        return b""
    kept = _BEHIND_CR.sub(lambda found: b"" if _is_ours(found[1], ours) else found[0], field)
    if kept == field:
        return field
    # A blank line would end the header; and what is left can be ours where it was not: a comment ends earlier now.
    return kept if kept.strip() and not _is_ours(kept, ours) else b""


def _is_ours(field: bytes, ours: bytes) -> bool:
    if name_of(field) != b"authentication-results":
        return False
    value = field.partition(b":")[2]
    found = _authserv_id(value[:MAX_ID])
    return found == ours or (not found and len(value) > MAX_ID)


def _authserv_id(value: bytes) -> bytes:
    """The first word without comments, quotes and quoted pairs (RFC 5322 §3.2), in lower case; b"" if there is none."""
    words, depth, quoted, place = b"", 0, False, 0
    for special in _SPECIAL.finditer(value):
        token = special[0]
        if not depth:
            words += value[place : special.start()]
        place = special.end()
        if token.startswith(b"\\"):
            words += b"" if depth else token[1:]
        elif quoted:
            quoted = token != b'"'
            words += token if quoted else b""
        elif depth or token == b"(":
            words += b"" if depth else b" "
            depth += (token == b"(") - (token == b")")
        elif token == b'"':
            quoted = True
        elif token == b";":
            place = len(value)
            break
        else:
            words += token
    words += b"" if depth else value[place:]
    return next(iter(words.split()), b"").lower().rstrip(b".")
