"""Whose certificates the relay believes."""

from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, trustRootFromCertificates
from zope.interface import implementer


def trusted(ca_file: Path) -> Any:
    """The certificates of a PEM file as whom to trust. Raises OSError, ValueError."""
    marker = "-----END CERTIFICATE-----"
    parts = ca_file.read_text("ascii").split(marker)
    try:
        found = [Certificate.loadPEM((part + marker).encode("ascii")) for part in parts[:-1]]
    except SSL.Error:
        raise ValueError(f"{ca_file} holds something that is no certificate") from None
    if not found:
        raise ValueError(f"{ca_file} holds no certificate")
    return trustRootFromCertificates(found)


def opportunistic() -> Any:
    """TLS with whoever it is: better than none, against those who only listen (RFC 7435)."""
    return _AnyCertificate()


@implementer(IOpenSSLClientConnectionCreator)
class _AnyCertificate:
    """What ``startTLS`` wants, for a client that believes any certificate."""

    def __init__(self) -> None:
        self._context = CertificateOptions(verify=False).getContext()

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """Twisted's name."""
        return SSL.Connection(self._context, None)
