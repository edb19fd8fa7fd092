"""How IMAP, POP3 and SMTP carry SASL: base64 lines, ``=`` for an empty initial response, ``*`` to cancel.

RFC 9051 §6.2.2 with RFC 4959, RFC 5034 §4, RFC 4954 §4.
"""

import binascii
from base64 import b64encode
from typing import Final

from mailaccess.proto.sasl.mechanism import MAX_RESPONSE, Cancelled, Malformed

MAX_LINE: Final = (MAX_RESPONSE + 2) // 3 * 4
"""Octets of a base64 line without its line end."""


def encode_challenge(data: bytes) -> bytes:
    """``data`` in base64, without a line end; empty stays empty."""
    return b64encode(data)


def decode_response(line: bytes) -> bytes:
    """The octets of a client's answer to a challenge; ``line`` is without its line end.

    Raises Cancelled for ``*``; Malformed for what is not base64 or longer than ``MAX_LINE``.
    """
    if line == b"*":
        raise Cancelled("Authentication cancelled")
    return _decode(line)


def decode_initial(argument: bytes) -> bytes:
    """The octets of an initial response; ``=`` is an empty one. Raises Malformed. RFC 4954 §4."""
    if argument == b"=":
        return b""
    return _decode(argument)


def _decode(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise Malformed("The response is too long")
    if len(line) % 4:  # Python 3.11 lets a surplus "=" pass
        raise Malformed("The response is not valid base64")
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        raise Malformed("The response is not valid base64") from None
