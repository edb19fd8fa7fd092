"""SCRAM-SHA-256 on the server's side (RFC 5802, RFC 7677), without channel binding.

    C: n,,n=user,r=cnonce           client-first
    S: r=cnonce+snonce,s=salt,i=n   server-first
    C: c=biws,r=nonce,p=proof       client-final
    S: v=signature                  server-final, as a last challenge that the client answers with nothing

A client that supports channel binding but thinks we do not says ``y,,``; we do not offer SCRAM-SHA-256-PLUS,
so that is the truth and is accepted (§6). One that demands it (``p=``) is refused.
"""

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.sasl.mechanism import (
    MAX_RESPONSE,
    Challenge,
    Malformed,
    Mechanism,
    ScramLookup,
    ScramOutcome,
    Step,
)
from mailaccess.proto.sasl.saslprep import saslprep

MAX_NONCE: Final = 256
"""Characters of a client's nonce; clients send 24 to 64."""


def fresh_nonce() -> bytes:
    """Our part of the nonce: printable, no comma, 144 random bits. RFC 5802 §5.1."""
    return b64encode(secrets.token_bytes(18))


@dataclass(frozen=True, slots=True)
class Secret:
    """What the server keeps instead of a password. RFC 5802 §3. Its keys are worth protecting like a hash."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def derive(password: bytes, salt: bytes, iterations: int, algorithm: str = "sha256") -> Secret:
    """The secret of a password; blocks for ``iterations`` rounds, letting other threads run. RFC 5802 §3.

    The password is prepared by SASLprep where it is UTF-8 and SASLprep allows it, else taken as it is.
    """
    try:
        password = saslprep(password.decode("utf-8")).encode("utf-8")
    except ValueError:
        pass
    salted = hashlib.pbkdf2_hmac(algorithm, password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    stored_key = hashlib.new(algorithm, client_key).digest()
    return Secret(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", algorithm))


_FIRST: Final = re.compile(
    rb"([ny]|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,"  # gs2-header
    rb"(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)",  # client-first-message-bare
    re.DOTALL,
)
_FINAL: Final = re.compile(
    rb"(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)", re.DOTALL
)


class ScramSha256(Mechanism):
    """One exchange: ``respond`` gives ScramLookup, ``secret`` a challenge, ``respond`` the outcome."""

    name = "SCRAM-SHA-256"
    plaintext = False
    algorithm = "sha256"

    def __init__(self, nonce: Callable[[], bytes] = fresh_nonce) -> None:
        self._fresh_nonce = nonce
        self._next: Callable[[bytes], Step] = self._client_first
        self._gs2 = b""
        self._bare = b""
        self._nonce = b""
        self._user = ""
        self._authorize_as = ""
        self._server_first = b""
        self._secret: Secret | None = None

    def respond(self, response: bytes) -> Step:
        if len(response) > MAX_RESPONSE:
            raise Malformed("The response is too long")
        return self._next(response)

    def secret(self, secret: Secret) -> Challenge:
        """The server-first message, once the passdb was asked."""
        self._secret = secret
        salt = b64encode(secret.salt)
        self._server_first = b"r=%b,s=%b,i=%d" % (self._nonce, salt, secret.iterations)
        self._next = self._client_final
        return Challenge(self._server_first)

    def _client_first(self, response: bytes) -> Step:
        if not response:
            raise Malformed("The first SCRAM message is empty")
        match = _FIRST.fullmatch(response)
        if match is None:
            raise Malformed("That is not a SCRAM client-first-message")
        binding, authzid, bare, user, nonce = match.groups()
        if binding.startswith(b"p"):
            raise Malformed("Channel binding is not offered")
        if len(nonce) > MAX_NONCE:
            raise Malformed("The nonce is too long")
        self._user = self._sasl_name(user, "user name")
        self._authorize_as = self._sasl_name(authzid, "authorization identity") if authzid else ""
        self._bare = bare
        self._gs2 = response[: len(response) - len(bare)]
        self._nonce = nonce + self._fresh_nonce()
        self._next = self._out_of_turn
        return ScramLookup(self._user)

    def _client_final(self, response: bytes) -> Step:
        match = _FINAL.fullmatch(response)
        if match is None or self._secret is None:
            raise Malformed("That is not a SCRAM client-final-message")
        without_proof, binding, nonce, proof = match.groups()
        try:
            gs2, signed = (binascii.a2b_base64(part, strict_mode=True) for part in (binding, proof))
        except binascii.Error:
            raise Malformed("The SCRAM message is not valid base64") from None
        if gs2 != self._gs2 or nonce != self._nonce:
            raise Malformed("The SCRAM messages do not belong together")
        self._next = self._out_of_turn
        message = b",".join((self._bare, self._server_first, without_proof))
        if not self._proven(self._secret, message, signed):
            return ScramOutcome(self._user, False, self._authorize_as)
        signature = hmac.digest(self._secret.server_key, message, self.algorithm)
        self._next = self._acknowledged
        return Challenge(b"v=" + b64encode(signature))

    def _proven(self, secret: Secret, message: bytes, proof: bytes) -> bool:
        """H(ClientProof XOR ClientSignature) is the stored key. RFC 5802 §3."""
        signature = hmac.digest(secret.stored_key, message, self.algorithm)
        if len(proof) != len(signature):
            return False
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        return hmac.compare_digest(hashlib.new(self.algorithm, client_key).digest(), secret.stored_key)

    def _acknowledged(self, response: bytes) -> Step:
        if response:
            raise Malformed("The last SCRAM response must be empty")
        self._next = self._out_of_turn
        return ScramOutcome(self._user, True, self._authorize_as)

    def _out_of_turn(self, _response: bytes) -> Step:
        raise Malformed("The SCRAM exchange is over")

    def _sasl_name(self, octets: bytes, what: str) -> str:
        """saslname: ``=2C`` is a comma, ``=3D`` an equals sign, no other ``=``. RFC 5802 §5.1."""
        text = self.text(octets, what)
        if re.search(r"=(?!2C|3D)", text):
            raise Malformed(f"The {what} is not encoded as SCRAM demands")
        text = text.replace("=2C", ",").replace("=3D", "=")
        try:
            return saslprep(text)
        except ValueError:
            raise Malformed(f"The {what} holds a character that is not allowed") from None
