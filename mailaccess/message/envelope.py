"""The ENVELOPE of a header (RFC 3501 §7.4.2, RFC 9051 §7.5.2), read in one pass."""

from typing import NamedTuple

from mailaccess.message import address
from mailaccess.message.address import Address
from mailaccess.message.headers import Header, unfolded

Addresses = tuple[Address, ...]

_TEXTS = frozenset((b"date", b"subject", b"in-reply-to", b"message-id"))
_LISTS = frozenset((b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"))


class Envelope(NamedTuple):
    """Fields as octets, unfolded but not decoded; None where the field is absent.

    sender and reply_to are those of from_ where their own field is absent or empty.
    """

    date: bytes | None = None
    subject: bytes | None = None
    from_: Addresses = ()
    sender: Addresses = ()
    reply_to: Addresses = ()
    to: Addresses = ()
    cc: Addresses = ()
    bcc: Addresses = ()
    in_reply_to: bytes | None = None
    message_id: bytes | None = None


def envelope(header: Header) -> Envelope:
    """Read the envelope of a header.

    Of a text field that stands more than once the last one counts, as Dovecot has it; address
    fields of one name are joined.
    """
    texts: dict[bytes, bytes] = {}
    lists: dict[bytes, Addresses] = {}
    for name, field in zip(header.names, header.fields, strict=True):
        if name in _LISTS:
            found = address.parse(field.partition(b":")[2])
            lists[name] = lists[name] + found if name in lists else found
        elif name in _TEXTS:
            texts[name] = unfolded(field.partition(b":")[2])
    origin = lists.get(b"from", ())
    return Envelope(
        texts.get(b"date"),
        texts.get(b"subject"),
        origin,
        lists.get(b"sender") or origin,
        lists.get(b"reply-to") or origin,
        lists.get(b"to", ()),
        lists.get(b"cc", ()),
        lists.get(b"bcc", ()),
        texts.get(b"in-reply-to"),
        texts.get(b"message-id"),
    )
