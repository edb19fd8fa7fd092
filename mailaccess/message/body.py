"""Sections of a message (RFC 9051 §6.4.5.1) as ranges of octets, and transfer decoding."""

from typing import NamedTuple

from mailaccess.message import mime
from mailaccess.message.headers import MAX_HEADER_OCTETS, Header, unfolded
from mailaccess.message.part import MESSAGE, MULTIPART, Part


class Range(NamedTuple):
    """Octets of the message from ``offset`` on."""

    offset: int
    length: int


def part_at(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part with the number ``path`` (1.2.3 is (1, 2, 3)), None where there is none.

    The numbers of a multipart's parts count from 1. A message that is no multipart, the root or
    one inside message/rfc822, has the one part 1: its own body. A multipart's part that holds no
    others answers to 1 as well (1.1 is 1), as it does in Dovecot.
    """
    node, at_message, whole = root, True, False
    for number in path:
        if node.kind == MESSAGE and not at_message:
            node, at_message = node.parts[0], True
        if node.kind == MULTIPART:
            if not 0 < number <= len(node.parts):
                return None
            node = node.parts[number - 1]
        elif number != 1 or whole:
            return None
        else:
            whole = at_message and node.kind != MESSAGE
        at_message = False
    return node


def section(root: Part, path: tuple[int, ...], text: str = "") -> Range | None:
    """The octets of BODY[path.text]; None where the message has no such section.

    text: "", "MIME", "HEADER" or "TEXT" (HEADER.FIELDS selects from HEADER, see Header.select).
    With a path, HEADER and TEXT are those of the message inside that message/rfc822 part.
    """
    part = part_at(root, path)
    if part is None:
        return None
    if not path:
        if not text:
            return Range(0, root.end)
    elif not text:
        return Range(part.body, part.end - part.body)
    elif text == "MIME":
        return Range(part.start, part.body - part.start)
    elif part.kind == MESSAGE:
        part = part.parts[0]
    else:
        return None
    if text == "HEADER":
        return Range(part.start, part.body - part.start)
    if text == "TEXT":
        return Range(part.body, part.end - part.body)
    return None


def meant_encoding(wire: bytes, part: Part) -> bytes | None:
    """The transfer encoding in which a part really is, for whoever decodes it; None where it has no such field.

    BODYSTRUCTURE says 7BIT where the field is no token (``base64;``); its value is looked at again here. What stays
    unreadable, the empty value too, comes as a name that no decoder knows.
    """
    if part.encoding is not None:
        return part.encoding
    block = wire[part.start : min(part.body, part.start + MAX_HEADER_OCTETS)]
    if b"content-transfer-encoding" not in block.lower():
        return None
    value = Header(block).first(b"content-transfer-encoding")
    return None if value is None else mime.content_encoding(unfolded(value))
