"""Replies: a code, an enhanced status code, text (RFC 5321 §4.2, RFC 2034 §4, RFC 3463, RFC 5248).

Everything the server can say is here or is made with ``Reply``; nothing else writes SMTP octets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reply:
    """code: three digits.  enhanced: such as 5.1.1, or "" (greeting, EHLO, 354).  text: lines split by LF."""

    code: int
    enhanced: str
    text: str

    def render(self) -> bytes:
        """The octets; text beyond ASCII is sent as UTF-8 only where the caller put it (RFC 6531 §3.5)."""
        front = f"{self.enhanced} " if self.enhanced else ""
        if self.text.isprintable():
            return f"{self.code} {front}{self.text}\r\n".encode("utf-8", "replace")
        lines = self.text.split("\n")
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if number == last else '-'}{front}{_printable(line)}\r\n"
            for number, line in enumerate(lines)
        ).encode("utf-8", "replace")

    @property
    def positive(self) -> bool:
        return self.code < 400


class Refused(Exception):
    """A command is answered with ``reply`` and has no effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def _printable(text: str) -> str:
    """Nothing of a peer's text may end a line."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def capabilities(hostname: str, lines: Sequence[str]) -> Reply:
    """The answer to EHLO and LHLO. RFC 5321 §4.1.1.1."""
    return Reply(250, "", "\n".join((hostname, *lines)))


OK: Final = Reply(250, "2.0.0", "OK")
START_MAIL: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
BYE: Final = Reply(221, "2.0.0", "Bye")
READY_FOR_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
CANNOT_VERIFY: Final = Reply(252, "2.5.2", "Cannot verify the user, but will take mail for it and try")
NO_ARGUMENT: Final = Reply(501, "5.5.4", "This command needs a parameter")
NO_EXPN: Final = Reply(502, "5.5.1", "EXPN is not supported")
AUTHENTICATED: Final = Reply(235, "2.7.0", "Authentication successful")

LINE_TOO_LONG: Final = Reply(500, "5.5.2", "The line is too long")
UNKNOWN_COMMAND: Final = Reply(500, "5.5.2", "Command not recognized")
NO_PARAMETERS: Final = Reply(501, "5.5.4", "This command takes no parameters")
BAD_SEQUENCE: Final = Reply(503, "5.5.1", "Bad sequence of commands")
GREET_FIRST: Final = Reply(503, "5.5.1", "Send {} first")
NO_MAIL: Final = Reply(503, "5.5.1", "Send MAIL first")
NO_RECIPIENTS: Final = Reply(503, "5.5.1", "No valid recipients")
NESTED_MAIL: Final = Reply(503, "5.5.1", "There is a MAIL command already; RSET undoes it")
TOO_MANY_RECIPIENTS: Final = Reply(452, "4.5.3", "Too many recipients")
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors")
TIMED_OUT: Final = Reply(421, "4.4.2", "Timeout, closing the connection")
SHUTTING_DOWN: Final = Reply(421, "4.3.2", "The server is shutting down")
FULL: Final = Reply(421, "4.3.2", "Too many connections, try again later")

AUTH_REQUIRED: Final = Reply(530, "5.7.0", "Authentication required")
STARTTLS_FIRST: Final = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
ENCRYPTION_NEEDED: Final = Reply(538, "5.7.11", "Encryption required for this authentication mechanism")
AUTH_FAILED: Final = Reply(535, "5.7.8", "Authentication failed")
AUTH_UNAVAILABLE: Final = Reply(454, "4.7.0", "Authentication is not available at the moment")
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_UNKNOWN: Final = Reply(504, "5.5.4", "That authentication mechanism is not offered")
TLS_ACTIVE: Final = Reply(503, "5.5.1", "TLS is active already")
TLS_UNAVAILABLE: Final = Reply(502, "5.5.1", "STARTTLS is not offered")

TOO_BIG: Final = Reply(552, "5.3.4", "The message is too large")
HEADER_TOO_BIG: Final = Reply(552, "5.3.4", "The message's header is too large")
LOOP: Final = Reply(554, "5.4.6", "The message has passed too many servers; it seems to loop")
OVER_QUOTA: Final = Reply(452, "4.2.2", "The mailbox is full")
NO_USER: Final = Reply(550, "5.1.1", "There is no such user here")
NO_RELAY: Final = Reply(
    550, "5.7.1", "Relaying denied: this server takes mail for its own domains only, and that is none of them"
)
NO_LITERALS: Final = Reply(550, "5.1.2", "Address literals are not accepted here")
TEMPORARY: Final = Reply(451, "4.3.0", "Temporary failure, please try again later")
STORAGE_FULL: Final = Reply(452, "4.3.1", "The server's storage is full, please try again later")
MISCONFIGURED: Final = Reply(451, "4.3.5", "The address cannot be resolved at the moment")
