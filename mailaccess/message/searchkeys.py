"""The text of fields as SEARCH, SORT and THREAD look at it (RFC 9051 §6.4.4, RFC 5256 §2.2, §3).

All texts are decoded and folded (``text.fold``); fold a key before looking for it.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime

from mailaccess.message import address, dates, words
from mailaccess.message.address import Address
from mailaccess.message.headers import Header, unfolded
from mailaccess.message.lexical import ATEXT
from mailaccess.message.text import fold

ADDRESS_FIELDS = frozenset((b"from", b"to", b"cc", b"bcc"))
"""Fields whose addresses are written anew before a key is looked for, as in Dovecot 2.3."""

EPOCH = date(1970, 1, 1)

_ATOMS = re.compile(rb"[" + ATEXT + rb"]*\Z")
_DOT_ATOMS = re.compile(rb"[" + ATEXT + rb".]*\Z")
_ESCAPED = re.compile(rb"([\"\\'])")

MAX_REFERENCES = 64 * 1024
"""Octets of a field in which identifiers are looked for; mailers keep it below some kilobytes."""

MAX_MESSAGE_IDS = 1_000
"""Identifiers read from one References field; a thread's depth in mail is far below."""

_MESSAGE_ID = re.compile(rb'<((?:[^<>"\\ \t\r\n]++|"(?:[^"\\]++|\\.)*"|[ \t\r\n]++)*)>', re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]++|\\.)*)"', re.DOTALL)


def written(addresses: tuple[Address, ...]) -> bytes:
    """Addresses written anew in one form: "Name" <mailbox@host>, groups as Name: ...;

    SEARCH FROM, TO, CC and BCC look at this, as in Dovecot: whatever way a message quotes a name,
    a key that begins with a quote or < finds it.
    """
    pieces: list[bytes] = []
    separator = b""
    for each in addresses:
        if each.ends_group:
            pieces.append(b";")
            separator = b", "
            continue
        pieces.append(separator)
        separator = b", "
        if each.begins_group:
            pieces.append(_phrase(each.mailbox or b"") + b": ")
            separator = b""
            continue
        mailbox, host, name = each.mailbox or b"", each.host or b"", each.name
        if name is not None:
            pieces.append(_phrase(name) + b" ")
        route = each.route + b":" if each.route else b""
        pieces.append(b"<%b%b@%b>" % (route, _quoted(mailbox, _DOT_ATOMS), host))
    return b"".join(pieces)


def _phrase(name: bytes) -> bytes:
    return name if b"=?" in name else _quoted(name, _ATOMS)  # RFC 2047 §5: no encoded word in quotes


def _quoted(octets: bytes, plain: re.Pattern[bytes]) -> bytes:
    if octets and plain.match(octets):
        return octets
    return b'"%b"' % _ESCAPED.sub(rb"\\\1", octets)


def field_texts(header: Header, name: str, *, folded: bool = True) -> list[str]:
    """The text of each field called ``name``, folded unless told otherwise, in order; [] where there is none.

    An empty search key matches where this is not [] (RFC 9051 §6.4.4 HEADER).
    """
    wanted = name.encode("utf-8", "replace").lower()
    values = header.all(wanted)
    if wanted in ADDRESS_FIELDS:
        texts = [words.decoded(written(address.parse(value))) for value in values]
    else:
        texts = [words.one_line(unfolded(value)) for value in values]
    return [fold(text) for text in texts] if folded else texts


def sent(header: Header) -> datetime | None:
    """The time of the Date field, None where it is absent or cannot be read (RFC 5256 §2.2: INTERNALDATE)."""
    value = header.last(b"date")
    return None if value is None else dates.parse(value)


def sent_date(header: Header) -> date:
    """What SENTBEFORE, SENTON and SENTSINCE compare: the day as written, whatever its time and zone.

    RFC 9051 §6.4.4 leaves open what a message without a readable Date is; Dovecot's EPOCH keeps
    SENTSINCE and SENTBEFORE each other's opposite.
    """
    when = sent(header)
    return EPOCH if when is None else when.date()


def subject(header: Header) -> str:
    """The decoded Subject, "" where there is none; see ``subject.base_subject`` for SORT and THREAD."""
    value = header.last(b"subject")
    return "" if value is None else words.one_line(unfolded(value))


def first_mailbox(header: Header, name: bytes) -> str:
    """The folded mailbox of the first address of a field (RFC 5256 §3 CC, FROM, TO), or "".

    Of a group it is the group's name, which ENVELOPE shows in its place (RFC 9051 §7.5.2).
    """
    return mailbox_of(address.parse_all(header.all(name)))


def mailbox_of(addresses: Sequence[Address]) -> str:
    """``first_mailbox`` of the addresses of a field."""
    if not addresses:
        return ""
    return fold((addresses[0].mailbox or b"").decode("utf-8", "replace"))


def display_name(header: Header, name: bytes) -> str:
    """The folded display name of the first address, or mailbox@host (RFC 5957 §3), or ""."""
    return name_of(address.parse_all(header.all(name)))


def name_of(addresses: Sequence[Address]) -> str:
    """``display_name`` of the addresses of a field."""
    for each in addresses:
        if each.begins_group:
            return fold(words.one_line(each.mailbox or b""))
        if each.name:
            return fold(words.decoded(each.name))  # a space in front counts, as in Dovecot
        if not each.ends_group:
            return fold((b"%b@%b" % (each.mailbox or b"", each.host or b"")).decode("utf-8", "replace"))
    return ""


def message_ids(value: bytes) -> list[bytes]:
    """The message identifiers of a field in order, without angle brackets (RFC 5256 §3 REFERENCES).

    Quoted strings are resolved, so that <"a"@b> is <a@b>. What has no "@" is none (RFC 5322 §3.6.4):
    mailers that ask for an identifier get "<yes>", and all who answer so would be one thread.
    """
    found: list[bytes] = []
    for match in _MESSAGE_ID.finditer(value, 0, MAX_REFERENCES):
        text = _QUOTED.sub(lambda quoted: re.sub(rb"\\(.)", rb"\1", quoted[1]), match[1])
        text = b"".join(text.split())
        if b"@" in text:
            found.append(text)
        if len(found) == MAX_MESSAGE_IDS:
            break
    return found


def message_id(header: Header) -> bytes | None:
    """The first identifier of Message-ID, None where it has none."""
    value = header.last(b"message-id")
    found = message_ids(value) if value is not None else []
    return found[0] if found else None


def references(header: Header) -> list[bytes]:
    """The ancestors that a message names, oldest first: References, else the first of In-Reply-To.

    RFC 5256 §3 REFERENCES (1).
    """
    for name, most in ((b"references", MAX_MESSAGE_IDS), (b"in-reply-to", 1)):
        value = header.first(name)
        found = message_ids(value) if value is not None else []
        if found:
            return found[:most]
    return []
