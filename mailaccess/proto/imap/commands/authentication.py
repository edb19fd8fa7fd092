"""LOGIN and AUTHENTICATE (RFC 9051 §6.2.2, §6.2.3; RFC 4959)."""

from dataclasses import dataclass

from mailaccess.model.secret import Secret
from mailaccess.proto.imap.commands.base import Command


@dataclass(frozen=True, slots=True)
class Login(Command):
    """LOGIN. The user name is octets as sent (UTF-8 from clients that say anything at all)."""

    user: bytes
    password: Secret


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """AUTHENTICATE. ``mechanism`` in capitals.

    initial_response: already decoded from base64; None when there was none, empty for ``=`` (RFC 4959 §3).
    Further responses come as raw lines (``Framer.expect_line``, then ``authentication.client_response``).
    """

    mechanism: str
    initial_response: Secret | None
