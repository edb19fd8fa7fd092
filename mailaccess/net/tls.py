"""TLS for servers: contexts, certificates that are replaced while the server runs, self-signed ones.

A ``ServerTls`` is what Twisted calls a connection creator: STARTTLS and implicit-TLS ports ask it for
each connection's OpenSSL object, so that a renewed certificate counts from the next connection on and
open ones stay. TLS 1.2 and 1.3 only (RFC 8996 forbids 1.0 and 1.1); ciphers as RFC 9325 §4.2 recommends.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

MINIMUM: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
"""For TLS 1.2: forward secret and authenticated only. RFC 9325 §4.2."""

SELF_SIGNED_DAYS: Final = 825
"""Apple's clients refuse certificates that are valid for longer."""

_SESSION_CONTEXT: Final = b"mailaccess"


class TlsError(Exception):
    """A certificate or key that cannot be used; the text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells that a file was replaced."""

    inode: int
    size: int
    mtime_ns: int


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The server's certificate and how it is offered.

    certificate: PEM file with the certificate and then those of its issuers.  key: PEM file, unencrypted.
    minimum: "1.2" or "1.3".  Raises TlsError, and reads both files when made.
    """

    def __init__(self, certificate: Path, key: Path, minimum: str = "1.2") -> None:
        self._certificate = certificate
        self._key = key
        self._minimum = minimum
        self._stamps = self._look()
        self._context, self.not_after = self._load()

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """The OpenSSL side of one new connection; the name is Twisted's."""
        return SSL.Connection(self._context, None)

    def reload(self) -> bool:
        """Take up a changed certificate or key; blocks, so it is called in a thread.

        Returns whether there was a new one. Raises TlsError and keeps the old one if the new cannot be
        used: when certificate and key are replaced one after the other, they do not fit for a moment.
        """
        stamps = self._look()
        if stamps == self._stamps:
            return False
        context, not_after = self._load()
        self._context, self.not_after, self._stamps = context, not_after, stamps
        return True

    def _look(self) -> tuple[_Stamp, _Stamp]:
        return _stamp(self._certificate), _stamp(self._key)

    def _load(self) -> tuple[SSL.Context, datetime]:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(MINIMUM[self._minimum])
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
        # An idle IMAP connection gives its buffers back: 25 instead of 60 KB.
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_cipher_list(CIPHERS)
        context.set_session_id(_SESSION_CONTEXT)
        try:
            context.use_certificate_chain_file(os.fspath(self._certificate))
        except SSL.Error as error:
            raise TlsError(f"{self._certificate}: not a PEM certificate ({_reason(error)})") from error
        try:
            context.use_privatekey_file(os.fspath(self._key))
            context.check_privatekey()
        except SSL.Error as error:
            raise TlsError(
                f"{self._key}: not the private key of {self._certificate} ({_reason(error)})"
            ) from error
        return context, _not_after(self._certificate)


def _stamp(path: Path) -> _Stamp:
    try:
        with path.open("rb"):  # a key may be there but not ours to read, and OpenSSL would not say so
            found = path.stat()
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror}") from error
    return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def _reason(error: SSL.Error) -> str:
    """The last of OpenSSL's reasons, without its file and function names."""
    stack = error.args[0] if error.args else ()
    return str(stack[-1][-1]) if stack else "unknown reason"


def _not_after(certificate: Path) -> datetime:
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise TlsError(f"{certificate}: not a PEM certificate ({error})") from error


def write_self_signed(certificate: Path, key: Path, names: Sequence[str]) -> None:
    """Make a key (ECDSA P-256) and a certificate signed with it, for trying out and for private nets.

    names: host names and textual IP addresses for subjectAltName (RFC 9525 §6); the first is the common
    name. Both files are replaced atomically, the key readable by its owner only. Raises OSError.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for clients whose clock is a little behind
        .not_valid_after(now + timedelta(days=SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(key, pem, 0o600)
    _replace(certificate, built.public_bytes(serialization.Encoding.PEM), 0o644)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _replace(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
