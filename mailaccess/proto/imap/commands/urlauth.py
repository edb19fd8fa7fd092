"""GENURLAUTH, URLFETCH and RESETKEY (RFC 4467 §7, §9)."""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_URLS: Final = 200
"""URLs in one command: each opens a mailbox and reads a message."""


@dataclass(frozen=True, slots=True)
class GenUrlAuth(Command):
    """GENURLAUTH: pairs of a URL as written and a mechanism in capitals."""

    wanted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UrlFetch(Command):
    """URLFETCH. ``urls`` as written."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResetKey(Command):
    """RESETKEY. ``mailbox``: None for all keys.  mechanisms: in capitals; () is INTERNAL."""

    mailbox: str | None = None
    mechanisms: tuple[str, ...] = ()


def _url(cur: ImapCursor) -> str:
    tokens.space(cur)
    return tokens.astring(cur, "a URL").decode("utf-8", "replace")


def _mechanism(cur: ImapCursor) -> str:
    tokens.space(cur)
    return cur.take(_MECHANISM, "a mechanism").decode("ascii").upper()


_MECHANISM: Final = re.compile(rb"[A-Za-z0-9.-]{1,40}")


def _gen_url_auth(cur: ImapCursor) -> GenUrlAuth:
    """``genurlauth`` = "GENURLAUTH" 1*(SP url-rump SP mechanism)"""
    wanted = [(_url(cur), _mechanism(cur))]
    while tokens.more(cur):
        wanted.append((_url(cur), _mechanism(cur)))
        if len(wanted) > MAX_URLS:
            cur.fail(f"at most {MAX_URLS} URLs")
    return GenUrlAuth(tuple(wanted))


def _url_fetch(cur: ImapCursor) -> UrlFetch:
    """``urlfetch`` = "URLFETCH" 1*(SP url-full)"""
    urls = [_url(cur)]
    while tokens.more(cur):
        urls.append(_url(cur))
        if len(urls) > MAX_URLS:
            cur.fail(f"at most {MAX_URLS} URLs")
    return UrlFetch(tuple(urls))


def _reset_key(cur: ImapCursor) -> ResetKey:
    """``resetkey`` = "RESETKEY" [SP mailbox *(SP mechanism)]"""
    if not tokens.more(cur):
        return ResetKey()
    tokens.space(cur)
    mailbox = tokens.mailbox(cur)
    mechanisms: list[str] = []
    while tokens.more(cur):
        mechanisms.append(_mechanism(cur))
        if len(mechanisms) > MAX_URLS:
            cur.fail("fewer mechanisms")
    return ResetKey(mailbox, tuple(mechanisms))


RULES: Rules = {b"GENURLAUTH": _gen_url_auth, b"URLFETCH": _url_fetch, b"RESETKEY": _reset_key}
