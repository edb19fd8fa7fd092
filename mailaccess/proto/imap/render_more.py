"""The responses and codes of ``responses_more`` to octets."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from mailaccess.proto.imap import responses_more as m
from mailaccess.proto.imap.render_words import NIL, astring, literal8, mailbox, numbers, ordered_set, string


def _sort_result(value: m.SortResult, utf8: bool) -> bytes:
    if not value.numbers:
        return b"* SORT\r\n"
    modseq = b"" if value.modseq is None else b" (MODSEQ %d)" % value.modseq
    return b"* SORT %b%b\r\n" % (numbers(value.numbers), modseq)


def thread_lists(roots: Sequence[m.ThreadList]) -> bytes:
    """thread-list after thread-list: a chain is written in a row, a fork in parentheses. RFC 5256 §5.

    Without recursion: one thread may be as long as the mailbox, and branch in branch.
    """
    pieces: list[str] = []
    waiting: list[m.ThreadList | str] = list(reversed(roots))
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        chain = [str(each) for each in item if type(each) is int]
        branches = item[len(chain) :]
        pieces += ("(", " ".join(chain), " " if chain and branches else "")
        waiting.append(")")
        waiting.extend(reversed(branches))
    return "".join(pieces).encode("ascii")


def _threads(value: m.Threads, utf8: bool) -> bytes:
    return b"* THREAD %b\r\n" % thread_lists(value.roots) if value.roots else b"* THREAD\r\n"


def _quota(value: m.QuotaEntry, utf8: bool) -> bytes:
    resources = " ".join(f"{name} {use} {limit}" for name, use, limit in value.resources)
    return b"* QUOTA %b (%b)\r\n" % (_word(value.root, utf8), resources.encode("ascii"))


def _quota_roots(value: m.QuotaRoots, utf8: bool) -> bytes:
    roots = b"".join(b" " + _word(root, utf8) for root in value.roots)
    return b"* QUOTAROOT %b%b\r\n" % (mailbox(value.mailbox, utf8=utf8), roots)


def _acl(value: m.Acl, utf8: bool) -> bytes:
    pairs = b"".join(b" %b %b" % (_word(who, utf8), _word(rights, utf8)) for who, rights in value.rights)
    return b"* ACL %b%b\r\n" % (mailbox(value.mailbox, utf8=utf8), pairs)


def _rights_list(value: m.RightsList, utf8: bool) -> bytes:
    words = (value.identifier, value.required, *value.optional)
    return b"* LISTRIGHTS %b %b\r\n" % (
        mailbox(value.mailbox, utf8=utf8),
        b" ".join(_word(word, utf8) for word in words),
    )


def _own_rights(value: m.OwnRights, utf8: bool) -> bytes:
    return b"* MYRIGHTS %b %b\r\n" % (mailbox(value.mailbox, utf8=utf8), _word(value.rights, utf8))


def _metadata_values(value: m.MetadataValues, utf8: bool) -> bytes:
    pairs = b" ".join(b"%b %b" % (_word(entry, utf8), _value(octets)) for entry, octets in value.values)
    return b"* METADATA %b (%b)\r\n" % (mailbox(value.mailbox, utf8=utf8), pairs)


def _value(octets: bytes | None) -> bytes:
    if octets is None:
        return NIL
    return literal8(octets) if b"\0" in octets else string(octets)


def _metadata_changed(value: m.MetadataChanged, utf8: bool) -> bytes:
    entries = b" ".join(_word(entry, utf8) for entry in value.entries)
    return b"* METADATA %b %b\r\n" % (mailbox(value.mailbox, utf8=utf8), entries)


def _word(text: str, utf8: bool) -> bytes:
    return astring(text.encode("utf-8", "replace"), utf8=utf8)


def _uid_batches(value: m.UidBatchList, utf8: bool) -> bytes:
    ranges = ",".join([f"{high}:{low}" if high != low else str(high) for high, low in value.ranges])
    shown = b" " + ranges.encode("ascii") if ranges else b""
    return b"* UIDBATCHES (TAG %b)%b\r\n" % (string(value.tag), shown)


def _context_change(value: m.ContextChange, utf8: bool) -> bytes:
    runs = b" ".join(b"%d %b" % (place, ordered_set(found)) for place, found in value.runs)
    return b"* ESEARCH (TAG %b)%b %b (%b)\r\n" % (
        string(value.tag),
        b" UID" if value.uid else b"",
        b"ADDTO" if value.added else b"REMOVEFROM",
        runs,
    )


def _comparator(value: m.ActiveComparator, utf8: bool) -> bytes:
    matching = " ".join(value.matching).encode("ascii")
    return b"* COMPARATOR %b%b\r\n" % (value.name.encode("ascii"), b" (%b)" % matching if matching else b"")


RULES: Final[dict[type, Callable[..., bytes]]] = {
    m.SortResult: _sort_result,
    m.Languages: lambda value, utf8: b"* LANGUAGE (%b)\r\n" % " ".join(value.tags).encode("ascii"),
    m.Threads: _threads,
    m.QuotaEntry: _quota,
    m.QuotaRoots: _quota_roots,
    m.Acl: _acl,
    m.RightsList: _rights_list,
    m.OwnRights: _own_rights,
    m.MetadataValues: _metadata_values,
    m.MetadataChanged: _metadata_changed,
    m.UidBatchList: _uid_batches,
    m.ContextChange: _context_change,
    m.ActiveComparator: _comparator,
    m.AuthorizedUrls: lambda value, utf8: (
        b"* GENURLAUTH %b\r\n" % b" ".join([string(url.encode("utf-8")) for url in value.urls])
    ),
}


def _metadata_code(value: m.MetadataCode) -> bytes:
    octets = b"" if value.octets is None else b" %d" % value.octets
    return b"METADATA %b%b" % (value.reason.encode("ascii"), octets)


def _in_progress(value: m.InProgress) -> bytes:
    """RFC 9585 §4: NIL for a tag that would end the code."""
    return b"INPROGRESS (%b NIL NIL)" % (NIL if b"]" in value.tag else string(value.tag))


_NOT_IN_CODE: Final = re.compile(rb"[\x00-\x1f\x5c\x5d\x7f-\xff]")


def _bad_url(value: m.BadUrl) -> bytes:
    """url-resp-text: what would end the code or the line is %-encoded. RFC 4469 §5."""
    octets = value.url.encode("utf-8", "replace")
    return b"BADURL " + _NOT_IN_CODE.sub(lambda found: b"%%%02X" % found.group()[0], octets)


CODES: Final[dict[type, Callable[..., bytes]]] = {
    m.MetadataCode: _metadata_code,
    m.InProgress: _in_progress,
    m.MessageLimit: lambda value: (
        b"MESSAGELIMIT %d" % value.limit + (b"" if value.last_uid is None else b" %d" % value.last_uid)
    ),
    m.NoUpdate: lambda value: b"NOUPDATE " + string(value.tag),
    m.BadUrl: _bad_url,
    m.UrlMech: lambda value: b"URLMECH INTERNAL",
    m.BadEvent: lambda value: b"BADEVENT (%b)" % " ".join(value.events).encode("ascii"),
    m.UndefinedFilter: lambda value: b"UNDEFINED-FILTER " + value.name.encode("ascii"),
    m.MailboxId: lambda value: b"MAILBOXID (%b)" % value.mailbox_id.encode("ascii"),
}
