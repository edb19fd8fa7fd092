"""Responses to octets: with its ``render_`` neighbours the only place that writes IMAP (RFC 9051 §7, §9).

Strings go out as atoms or quoted strings where the grammar allows it and as literals where it must
(``render_words``); FETCH lines by the thousand are in ``render_fetch``. Status texts lose their control
characters, so that nothing from elsewhere can break a line.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from mailaccess.proto.imap import render_fetch, render_more
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.mutf7 import encode_mutf7
from mailaccess.proto.imap.render_words import (
    NIL,
    astring,
    literal,
    literal8,
    mailbox,
    nstring,
    numbers,
    ordered_set,
    string,
    uid_set,
)
from mailaccess.proto.imap.status import StatusItem

__all__ = [
    "astring",
    "code",
    "literal",
    "literal8",
    "mailbox",
    "nstring",
    "numbers",
    "ordered_set",
    "render",
    "status",
    "string",
    "uid_set",
]

CRLF: Final = b"\r\n"

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")

# --- response codes -------------------------------------------------------------------------------------


def _words(words: Iterable[str]) -> bytes:
    return " ".join(words).encode("ascii", "replace")


def code(value: r.Code) -> bytes:
    """What stands between the brackets. RFC 9051 §7.1."""
    match value:
        case r.Word(name):
            return name.encode("ascii")
        case r.CapabilityCode(names):
            return b"CAPABILITY " + _words(names)
        case r.BadCharset(charsets):
            return b"BADCHARSET (%b)" % _words(charsets) if charsets else b"BADCHARSET"
        case r.PermanentFlags(flags, may_create):
            return b"PERMANENTFLAGS (%b)" % _words((*flags, "\\*") if may_create else flags)
        case r.UidNext(uid):
            return b"UIDNEXT %d" % uid
        case r.UidValidityCode(uid_validity):
            return b"UIDVALIDITY %d" % uid_validity
        case r.Unseen(seq):
            return b"UNSEEN %d" % seq
        case r.AppendUid(uid_validity, uids):
            return b"APPENDUID %d %b" % (uid_validity, ordered_set(uids))
        case r.CopyUid(uid_validity, source, target):
            return b"COPYUID %d %b %b" % (uid_validity, ordered_set(source), ordered_set(target))
        case r.HighestModSeq(modseq):
            return b"HIGHESTMODSEQ %d" % modseq
        case r.Modified(changed):
            return b"MODIFIED " + uid_set(changed)
    return render_more.CODES[type(value)](value)


_STATUS_WORDS: Final[dict[type[r.Status], bytes]] = {
    r.Ok: b"OK",
    r.No: b"NO",
    r.Bad: b"BAD",
    r.Bye: b"BYE",
    r.PreAuth: b"PREAUTH",
}


@lru_cache(maxsize=256)
def _text(text: str) -> bytes:
    """resp-text: one line, never empty, and not to be taken for a response code."""
    octets = _CONTROLS.sub(" ", text).encode("utf-8", "replace") or b"-"
    return b" " + octets if octets[:1] == b"[" else octets


def status(tag: bytes, value: r.Status) -> bytes:
    """A status response under ``tag`` (``*`` for untagged)."""
    if value.code is None:
        return b"%b %b %b\r\n" % (tag, _STATUS_WORDS[type(value)], _text(value.text))
    return b"%b %b [%b] %b\r\n" % (tag, _STATUS_WORDS[type(value)], code(value.code), _text(value.text))


# --- responses ------------------------------------------------------------------------------------------


def _enabled(value: r.Enabled, utf8: bool) -> bytes:
    return b"* ENABLED %b\r\n" % _words(value.names) if value.names else b"* ENABLED\r\n"


def _server_id(value: r.ServerId, utf8: bool) -> bytes:
    if not value.fields:
        return b"* ID NIL\r\n"
    pairs = []
    for name, text in value.fields:
        pairs.append(string(name.encode("utf-8", "replace")))
        pairs.append(nstring(None if text is None else text.encode("utf-8", "replace")))
    return b"* ID (%b)\r\n" % b" ".join(pairs)


def _separator(separator: str | None) -> bytes:
    return NIL if separator is None else string(separator.encode("ascii"))


def _namespaces(value: r.Namespaces, utf8: bool) -> bytes:
    parts = []
    for roots in (value.personal, value.others, value.shared):
        inner = b"".join(
            # Prefixes are strings here, never atoms (RFC 2342 §5).
            b"(%b %b%b)"
            % (
                string(root.prefix.encode("utf-8"), utf8=True) if utf8 else string(encode_mutf7(root.prefix)),
                _separator(root.separator),
                # In modified UTF-7 whatever else is (RFC 5255 §3.4).
                b""
                if root.translation is None
                else b' "TRANSLATION" (%b)' % string(encode_mutf7(root.translation)),
            )
            for root in roots
        )
        parts.append(b"(%b)" % inner if inner else NIL)
    return b"* NAMESPACE %b\r\n" % b" ".join(parts)


def _list_entry(value: r.ListEntry, utf8: bool) -> bytes:
    more = []
    if value.child_info:
        more.append(
            b'"CHILDINFO" (%b)' % b" ".join(string(word.encode("ascii")) for word in value.child_info)
        )
    if value.old_name is not None:
        more.append(b'"OLDNAME" (%b)' % mailbox(value.old_name, utf8=utf8))
    return b"* %b (%b) %b %b%b\r\n" % (
        b"LSUB" if value.lsub else b"LIST",
        _words(value.attributes),
        _separator(value.separator),
        mailbox(value.name, utf8=utf8),
        b" (%b)" % b" ".join(more) if more else b"",
    )


_STATUS_ITEMS: Final = {item: item.value.encode("ascii") for item in StatusItem}


def _status_entry(value: r.StatusEntry, utf8: bool) -> bytes:
    items = []
    for item, number in value.values:
        name = _STATUS_ITEMS[item]
        if type(number) is int:
            items.append(b"%b %d" % (name, number))
        else:
            items.append(
                b"%b %b" % (name, b"NIL" if number is None else b"(%b)" % str(number).encode("ascii"))
            )
    return b"* STATUS %b (%b)\r\n" % (mailbox(value.mailbox, utf8=utf8), b" ".join(items))


def _search_result(value: r.SearchResult, utf8: bool) -> bytes:
    if not value.numbers:
        return b"* SEARCH\r\n"
    if value.modseq is None:
        return b"* SEARCH %b\r\n" % numbers(value.numbers)
    return b"* SEARCH %b (MODSEQ %d)\r\n" % (numbers(value.numbers), value.modseq)


def _esearch(value: r.ESearch, utf8: bool) -> bytes:
    parts = [b"* ESEARCH"]
    if value.tag is not None:
        # Always quoted: New Outlook does not read an atom here (RFC 4731 §4 wants a string).
        where = b""
        if value.mailbox is not None:
            where = b" MAILBOX %b UIDVALIDITY %d" % (
                mailbox(value.mailbox, utf8=utf8),
                value.uidvalidity or 0,
            )
        parts.append(b"(TAG %b%b)" % (string(value.tag), where))
    if value.uid:
        parts.append(b"UID")
    if value.minimum is not None:
        parts.append(b"MIN %d" % value.minimum)
    if value.maximum is not None:
        parts.append(b"MAX %d" % value.maximum)
    if value.all:
        parts.append(b"ALL " + uid_set(value.all))
    if value.ordered:
        parts.append(b"ALL " + ordered_set(value.ordered))
    if value.count is not None:
        parts.append(b"COUNT %d" % value.count)
    if value.partial is not None:
        window, found = value.partial
        parts.append(b"PARTIAL (%b %b)" % (window.encode("ascii"), ordered_set(found) if found else NIL))
    if value.relevancy:
        parts.append(b"RELEVANCY (%b)" % numbers(value.relevancy))
    if value.modseq is not None:
        parts.append(b"MODSEQ %d" % value.modseq)
    return b" ".join(parts) + CRLF


def _vanished(value: r.Vanished, utf8: bool) -> bytes:
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if value.earlier else b"", uid_set(value.uids))


def _fetched(value: r.Fetched, utf8: bool) -> bytes:
    items = []
    if value.uid is not None:
        items.append(render_fetch.uid(value.uid))
    if value.flags is not None:
        items.append(render_fetch.flags(value.flags))
    if value.modseq is not None:
        items.append(render_fetch.modseq(value.modseq))
    if value.size is not None:
        items.append(render_fetch.size(value.size))
    if value.date is not None:
        items.append(render_fetch.internal_date(value.date))
    return render_fetch.line(value.seq, (*items, *value.more))


_RULES: Final[dict[type[r.Response], Callable[..., bytes]]] = {
    r.Tagged: lambda value, utf8: status(value.tag, value.status),
    r.Continue: lambda value, utf8: b"+ %b\r\n" % _text(value.text),
    r.Challenge: lambda value, utf8: b"+ %b\r\n" % b64encode(value.octets),
    r.Capabilities: lambda value, utf8: b"* CAPABILITY %b\r\n" % _words(value.names),
    r.Enabled: _enabled,
    r.ServerId: _server_id,
    r.Namespaces: _namespaces,
    r.ListEntry: _list_entry,
    r.StatusEntry: _status_entry,
    r.SearchResult: _search_result,
    r.ESearch: _esearch,
    r.MailboxFlags: lambda value, utf8: b"* FLAGS (%b)\r\n" % _words(value.flags),
    r.Exists: lambda value, utf8: b"* %d EXISTS\r\n" % value.count,
    r.RecentCount: lambda value, utf8: b"* %d RECENT\r\n" % value.count,
    r.Expunged: lambda value, utf8: b"* %d EXPUNGE\r\n" % value.seq,
    r.Vanished: _vanished,
    r.Fetched: _fetched,
    **{kind: lambda value, utf8: status(b"*", value) for kind in _STATUS_WORDS},
    **render_more.RULES,
}


def render(response: r.Response, *, utf8: bool = False) -> bytes:
    """One response as octets with its CRLF. ``utf8``: the session has enabled UTF8=ACCEPT (or IMAP4rev2)."""
    return _RULES[type(response)](response, utf8)
