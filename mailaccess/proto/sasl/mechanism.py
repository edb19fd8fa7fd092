"""What every SASL mechanism has in common on the server's side (RFC 4422).

A mechanism is a state machine without I/O: octets of a response in, a challenge or a question to the
passdb out. Base64 and the protocols' own signs (``=`` and ``*``) are ``wire``'s affair. A mechanism is
driven by ``mailaccess.auth.exchange``; an object serves one exchange and is thrown away.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from mailaccess.model.secret import Secret

MAX_RESPONSE: Final = 8192
"""Octets of one decoded response: as Dovecot's; no mechanism here needs a tenth of it."""


class SaslError(Exception):
    """Base of what goes wrong between the client and the mechanism; the text is for the client."""


class Malformed(SaslError):
    """The client broke the base64 or the grammar: BAD in IMAP, 501 5.5.2 in SMTP (RFC 4954 §4)."""


class Cancelled(SaslError):
    """The client gave up with ``*``: BAD in IMAP (RFC 9051 §6.2.2), 501 in SMTP (RFC 4954 §4)."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets for the client, before base64; empty where the mechanism lets the client speak first."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Password:
    """The mechanism is through: the passdb must say whether this name and password are right."""

    name: str
    password: Secret
    authorize_as: str = ""


@dataclass(frozen=True, slots=True)
class ScramLookup:
    """SCRAM needs the account's secret; hand it to ``ScramSha256.secret``, which gives the next challenge."""

    name: str


@dataclass(frozen=True, slots=True)
class ScramOutcome:
    """SCRAM is through: whether the client proved that it knows the password of ``name``."""

    name: str
    success: bool
    authorize_as: str = ""


Step = Challenge | Password | ScramLookup | ScramOutcome


class Mechanism(ABC):
    """Base of the mechanisms: ``start`` once, then ``respond`` until no Challenge comes."""

    name: str = ""
    plaintext: bool = True
    """Whether the password crosses the wire: such mechanisms want TLS (RFC 4616 §6)."""

    def start(self, initial_response: bytes | None) -> Step:
        """The first step. None: the client sent no initial response; b"" is an empty one (RFC 4954 §4)."""
        if initial_response is None:
            return Challenge(b"")
        return self.respond(initial_response)

    @abstractmethod
    def respond(self, response: bytes) -> Step:
        """The step after ``response``. Raises Malformed."""

    @staticmethod
    def text(octets: bytes, what: str) -> str:
        """``octets`` as UTF-8. Raises Malformed naming ``what``; a NUL is never part of a name."""
        if len(octets) > MAX_RESPONSE:
            raise Malformed(f"The {what} is too long")
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(f"The {what} is not UTF-8") from None
        if "\0" in text:
            raise Malformed(f"The {what} holds a NUL")
        return text
