"""A frame to a command: reads the tag and the name, then lets the family's rule read the arguments
(RFC 9051 §9, command).

``parse`` raises only ``ParseError``, whatever the octets.
"""

import re
from functools import lru_cache
from typing import Final

from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap import responses, tokens
from mailaccess.proto.imap.commands import RULES
from mailaccess.proto.imap.commands.append import Following, following
from mailaccess.proto.imap.commands.base import Command, Request, Rules
from mailaccess.proto.imap.framing import Frame, StreamStart
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported


class ParseError(Exception):
    """A frame that is no command. ``response`` is the answer it deserves, ready to render.

    tag: the client's, None when there was none.  name: the command's in capitals, empty when unknown.
    status: BAD, except where an RFC wants NO (BADCHARSET, USEATTR, a limit of ours).
    The text never repeats octets of the frame, which may hold a password.
    """

    def __init__(self, tag: bytes | None, status: responses.Status, name: str = "") -> None:
        super().__init__(status.text)
        self.tag = tag
        self.status = status
        self.name = name

    @property
    def response(self) -> responses.Response:
        """The status under the client's tag, untagged when there was none."""
        return self.status if self.tag is None else responses.Tagged(self.tag, self.status)


_HEAD: Final = re.compile(
    rb'([^\x00-\x20(){%*"\\\x7f-\xff+]+) +([^\x00-\x20(){%*"\\\]\x7f-\xff]+)(?: +([A-Za-z]+))?'
)


_BARE: Final = {
    name: (name.decode("ascii"), RULES[name](ImapCursor(b"")))
    for name in (
        b"NOOP",
        b"IDLE",
        b"CAPABILITY",
        b"LOGOUT",
        b"NAMESPACE",
        b"CHECK",
        b"CLOSE",
        b"UNSELECT",
        b"EXPUNGE",
    )
}
"""What is sent most has no arguments: read once."""


_REPEATED: Final = frozenset((b"SELECT", b"EXAMINE", b"STATUS", b"LIST", b"LSUB"))
"""What mail programs ask for again and again in the same words; nothing in them is secret."""

MAX_REMEMBERED: Final = 200
"""Octets of such a command that is remembered: a thousand of them take some 500 KB."""


@lru_cache(maxsize=1024)
def _repeated(
    name: bytes, arguments: bytes, utf8: bool
) -> tuple[str, Command, tuple[tuple[str, str], ...]] | None:
    """The command as ``parse`` reads it, without its tag; None where it has a mistake."""
    cur = ImapCursor(arguments, 0, utf8=utf8)
    try:
        command = RULES[name](cur)
        if tokens.more(cur):
            return None
    except (Unsupported, Expected):
        return None
    return name.decode("ascii"), command, cur.old_names


def parse(frame: Frame, *, utf8: bool = False, rules: Rules = RULES) -> Request:
    """The command in ``frame``. ``utf8``: UTF8=ACCEPT or IMAP4rev2 is enabled in this session.

    Also reads the frame of a ``framing.StreamStart``, which ends behind the announced literal: then the
    result is the APPEND as far as it is known. ``rules``: the commands there are. Raises ParseError.
    """
    octets = frame.octets
    head = _HEAD.match(octets)
    if head is None:
        raise _no_command(octets)
    tag, name = head.group(1), head.group(2).upper()
    end = head.end(2)
    if end == len(octets) and (bare := _BARE.get(name)) is not None:
        return Request(tag, *bare)
    if name in _REPEATED and rules is RULES and len(octets) - end <= MAX_REMEMBERED and not frame.streamed:
        known = _repeated(name, octets[end:], utf8)
        if known is not None:
            return Request(tag, *known)
    if name == b"UID" and head.group(3) is not None:
        name, end = b"UID " + head.group(3).upper(), head.end(3)
    rule = rules.get(name)
    if rule is None or octets[end : end + 1] not in (b"", b" "):
        raise ParseError(tag, responses.Bad("There is no such command"))
    shown = name.decode("ascii")
    cur = ImapCursor(octets, end, utf8=utf8, streamed=frame.streamed)
    try:
        command = rule(cur)
        if tokens.more(cur):
            cur.fail("the end of the command")
    except Unsupported as error:
        raise ParseError(tag, error.status, shown) from None
    except Expected as error:
        raise ParseError(tag, _bad(shown, error), shown) from None
    return Request(tag, shown, command, cur.old_names)


def parse_following(
    event: Frame | StreamStart, *, catenating: bool, in_utf8: bool = False, utf8: bool = False
) -> Following:
    """What stands behind a literal of APPEND or REPLACE: up to the next literal, or to the end of the command.

    catenating, in_utf8: the literal stood in CATENATE (...), in UTF8 (...). So a thousand messages in one
    APPEND are read once each and not once for every later one.  Raises ParseError.
    """
    frame, last = (event.frame, -2) if isinstance(event, StreamStart) else (event, -1)
    octets = frame.octets
    cur = ImapCursor(octets, frame.streamed[last], utf8=utf8, streamed=frame.streamed)
    try:
        found = following(cur, catenating=catenating, in_utf8=in_utf8)
        if not cur.at_end():
            cur.fail("the end of the command")
        return found
    except Unsupported as error:
        status: responses.Status = error.status
    except Expected as error:
        status = _bad("the message", error)
    head = _HEAD.match(octets)
    raise ParseError(None if head is None else head.group(1), status, "APPEND")


def _bad(name: str, error: Expected) -> responses.Bad:
    return responses.Bad(f"Error in {name}: expected {error.what} at octet {error.at + 1}")


def _no_command(octets: bytes) -> ParseError:
    """Neither tag nor name could be read."""
    cur = ImapCursor(octets)
    try:
        tag = tokens.tag(cur)
    except Expected:
        return ParseError(None, responses.Bad("Expected a tag and a command"))
    if cur.at_end() or cur.match(tokens.SPACES) is not None:
        return ParseError(tag, responses.Bad("Expected a command behind the tag"))
    return ParseError(None, responses.Bad("Expected a tag and a command"))
