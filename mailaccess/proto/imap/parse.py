"""A frame to a command: reads the tag and the name, then lets the family's rule read the arguments
(RFC 9051 §9, command).

``parse`` raises only ``ParseError``, whatever the octets.
"""

from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap import responses, tokens
from mailaccess.proto.imap.commands import RULES
from mailaccess.proto.imap.commands.base import Request
from mailaccess.proto.imap.framing import Frame
from mailaccess.proto.imap.tokens import ImapCursor


class ParseError(Exception):
    """A frame that is no command. ``response`` is the answer it deserves, ready to render.

    tag: the client's, None when there was none.  name: the command's, empty when unknown.
    ``status`` is BAD, except where an RFC wants NO (BADCHARSET).
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


class Unsupported(Expected):
    """Well-formed, but asking for what is not there: answered by ``status`` instead of BAD."""

    def __init__(self, status: responses.Status, at: int) -> None:
        super().__init__(status.text, at)
        self.status = status


def parse(frame: Frame, *, utf8: bool = False) -> Request:
    """The command in ``frame``. ``utf8``: UTF8=ACCEPT or IMAP4rev2 is enabled in this session.

    Also reads the frame of a ``framing.StreamStart``, which ends behind the announced literal: then the
    result is the APPEND as far as it is known. Raises ParseError.
    """
    raise NotImplementedError
