"""DKIM keys: their files, and the DNS records that publish them (RFC 6376 §3.6.1, RFC 8463 §4).

A key lies in ``FOLDER/DOMAIN/SELECTOR.pem`` (PKCS #8, mode 0600), which ``mailadm dkim create`` makes.
"""

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

RSA: Final = "rsa"
ED25519: Final = "ed25519"

RSA_BITS: Final = 2048
"""What every verifier takes (RFC 8301 §3.2), and what fits into DNS without trouble."""

SELECTOR: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63}){0,3}")
"""RFC 6376 §3.1."""

STRING: Final = 255
"""Octets of one string of a TXT record. RFC 1035 §3.3.14."""


class BadKey(ValueError):
    """A key file that cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key of ``domain`` under ``selector``."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def kind(self) -> str:
        """As in k=: rsa or ed25519."""
        return RSA if isinstance(self.private, RSAPrivateKey) else ED25519

    @property
    def algorithm(self) -> str:
        """As in a=."""
        return f"{self.kind}-sha256"

    def sign(self, octets: bytes) -> bytes:
        """The signature over what is hashed of a header. A millisecond for RSA."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        digest = hashes.Hash(hashes.SHA256())
        digest.update(octets)
        return self.private.sign(digest.finalize())

    @property
    def name(self) -> str:
        """Where verifiers look for it."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record's text."""
        public = self.private.public_key()
        if self.kind == RSA:
            octets = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        else:
            octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(octets).decode('ascii')}"


def zone_line(key: Key) -> str:
    """The record as a line of a zone file, cut into strings that TXT can hold."""
    text = key.record
    parts = " ".join(f'"{text[start : start + STRING]}"' for start in range(0, len(text), STRING))
    return f"{key.name}. IN TXT ( {parts} )"


def path(folder: Path, domain: str, selector: str) -> Path:
    """Where a key's file is."""
    return folder / domain / f"{selector}.pem"


def load(folder: Path, domain: str, selector: str) -> Key:
    """Raises BadKey, OSError."""
    file = path(folder, domain, selector)
    try:
        private = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey(f"{file} holds no private key without a password") from None
    if not isinstance(private, (RSAPrivateKey, Ed25519PrivateKey)):
        raise BadKey(f"{file} holds a key that is neither RSA nor Ed25519")
    if isinstance(private, RSAPrivateKey) and private.key_size < 1024:
        raise BadKey(f"{file} holds an RSA key below 1024 bits, which nobody believes")
    return Key(domain, selector, private)


def create(folder: Path, domain: str, selector: str, kind: str, bits: int = RSA_BITS) -> Key:
    """Make a key and its file, which must not exist yet. Raises FileExistsError, OSError."""
    private = generate_private_key(65537, bits) if kind == RSA else Ed25519PrivateKey.generate()
    octets = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = path(folder, domain, selector)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(octets)
        opened.flush()
        os.fsync(opened.fileno())
    return Key(domain, selector, private)
