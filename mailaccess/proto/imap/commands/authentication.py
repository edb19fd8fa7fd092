"""LOGIN and AUTHENTICATE (RFC 9051 §6.2.2, §6.2.3; RFC 4959)."""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from mailaccess.model.secret import Secret
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Login(Command):
    """LOGIN. The user name is octets as sent (UTF-8 from clients that say anything at all)."""

    user: bytes
    password: Secret


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """AUTHENTICATE. ``mechanism`` in capitals.

    initial_response: already decoded from base64; None when there was none, empty for ``=`` (RFC 4959 §3).
    Further responses come as raw lines (``Framer.expect_line``).
    """

    mechanism: str
    initial_response: Secret | None


_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]+")


def _login(cur: ImapCursor) -> Login:
    """``login`` = "LOGIN" SP userid SP password"""
    tokens.space(cur)
    user = tokens.astring(cur, "a user name")
    tokens.space(cur)
    return Login(user, Secret(tokens.astring(cur, "a password")))


def _authenticate(cur: ImapCursor) -> Authenticate:
    """``authenticate`` = "AUTHENTICATE" SP auth-type [SP initial-resp]; initial-resp = base64 / "="

    quirk: mutt sends a space behind a mechanism without initial response.
    """
    tokens.space(cur)
    mechanism = tokens.keyword(cur, "a SASL mechanism").decode("ascii")
    tokens.quirk_trailing_space_at_end(cur)
    if cur.at_end():
        return Authenticate(mechanism, None)
    tokens.space(cur)
    at = cur.pos
    argument = cur.take(_BASE64, "an initial response in base64")
    try:
        octets = b"" if argument == b"=" else binascii.a2b_base64(argument, strict_mode=True)
    except binascii.Error:
        cur.fail("an initial response in base64", at)
    return Authenticate(mechanism, Secret(octets))


RULES: Rules = {b"LOGIN": _login, b"AUTHENTICATE": _authenticate}
