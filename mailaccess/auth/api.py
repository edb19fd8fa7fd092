"""What the rooms above see of authentication: credentials in, an identity out.

The two questions are ``verify`` (is this the password, and whose account is it?) and ``lookup``
(does this account exist, and where does it live? - delivery asks it). Password hashes are checked
on the thread pool, never on the reactor thread.

A SASL exchange, the same for IMAP AUTHENTICATE, POP3 AUTH and SMTP AUTH::

    exchange = authenticator.begin("PLAIN", peer)                  # UnknownMechanism
    step = await exchange.step(initial)                            # None: the client sent no initial response
    while isinstance(step, Challenge):
        line = ... send encode_challenge(step.data), read a line ...
        step = await exchange.step(decode_response(line))    # Cancelled, Malformed, verify()'s errors
    identity = step

``encode_challenge``, ``decode_response``, ``decode_initial`` (``=``) are in ``mailaccess.proto.sasl.wire``.
After an error the exchange is over. SCRAM ends with a challenge too: the client answers it with nothing.
"""

from dataclasses import dataclass, field
from typing import Protocol

from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import MailError
from mailaccess.model.secret import Secret
from mailaccess.proto.sasl.mechanism import Cancelled as Cancelled
from mailaccess.proto.sasl.mechanism import Challenge as Challenge
from mailaccess.proto.sasl.mechanism import Malformed as Malformed
from mailaccess.proto.sasl.mechanism import SaslError as SaslError


class UnknownMechanism(MailError):
    """A mechanism that is not offered: NO in IMAP, 504 5.5.4 in SMTP (RFC 4954 §4)."""

    default = "That authentication mechanism is not offered"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is asking: for throttling, network limits, and the log.

    address: textual IP without port, "" for a UNIX socket.  service: imap, pop3, submission, lmtp.
    secure: over TLS, from loopback, or from a trusted network.
    """

    service: str
    address: str = ""
    local_address: str = ""
    secure: bool = False


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """A name and a password, as PLAIN, LOGIN, USER/PASS give them.

    ``authorize_as`` is the identity to act as (SASL authzid); empty means the account itself.
    Source: RFC 4616 §2.
    """

    name: str
    password: Secret
    peer: Peer
    authorize_as: str = ""
    mechanism: str = "PLAIN"


@dataclass(frozen=True, slots=True)
class Identity:
    """An account that exists.

    name: canonical, lower case, with domain.
    extra: the passwd-file's extra fields (``userdb_`` prefix removed).
    """

    name: str
    location: AccountLocation
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What a SCRAM exchange needs of an account. RFC 5802 §3.

    ``known`` is False for a made-up secret of an account that does not exist or has no such scheme: the
    exchange then runs to its end and fails there, so that names cannot be probed.
    """

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes
    known: bool = True


class Exchange(Protocol):
    """One SASL exchange with one client, whatever the mechanism."""

    async def step(self, response: bytes | None) -> Challenge | Identity:
        """Hand in the client's response (first: its initial response, None for none) and get what follows.

        response: decoded octets. Returns a Challenge to send, or the Identity once the login succeeded.
        Raises Malformed, Cancelled (proto.sasl), and what ``Authenticator.verify`` raises.
        """
        ...


class Authenticator(Protocol):
    """The engine; made by service.build, shared by all conversations of a process."""

    async def verify(self, credentials: PasswordCredentials) -> Identity:
        """The account that these credentials open.

        Waits, without holding anybody else up, while the peer is throttled after failures.
        Raises AuthenticationFailed, AuthorizationFailed, AuthenticationUnavailable (model.errors).
        """
        ...

    async def lookup(self, name: str) -> Identity | None:
        """The account of that name (domain added where missing), None if there is none.

        Raises AuthenticationUnavailable.
        """
        ...

    async def scram_secret(self, name: str, mechanism: str) -> ScramSecret:
        """The secret for ``SCRAM-SHA-256``; a stable made-up one for a name that has none. RFC 5802 §5.1."""
        ...

    async def scram_done(
        self, name: str, authorize_as: str, peer: Peer, mechanism: str, *, success: bool
    ) -> Identity:
        """Count the outcome of a SCRAM exchange (throttle, log) and give the identity.

        Raises AuthenticationFailed where ``success`` is False, and what ``verify`` raises.
        """
        ...

    def begin(self, mechanism: str, peer: Peer) -> Exchange:
        """A new exchange by ``mechanism`` (any case). Raises UnknownMechanism."""
        ...

    def mechanisms(self, *, plaintext: bool = True) -> tuple[str, ...]:
        """The SASL mechanisms configured, in order of preference, such as PLAIN, LOGIN, SCRAM-SHA-256.

        plaintext: False leaves out those that send the password itself, for connections without TLS.
        """
        ...
