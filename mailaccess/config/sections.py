"""Every option of the configuration: its type, unit, default and meaning, written down once.

The loader reads the types, the generated reference the ``help`` texts, the engines the values.
Each section is a frozen class; an option is a field made by ``option``. Paths are absolute once loaded.
"""

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MECHANISMS: Final = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""SASL mechanisms that ``auth.mechanisms`` may name."""


def option(
    default: Any = None, help: str = "", *, factory: Any = None, unit: str = "", choices: tuple[str, ...] = ()
) -> Any:  # noqa: A002
    """A field with its meaning; ``unit`` is octets, seconds, connections and the like."""
    metadata = {"help": help, "unit": unit, "choices": choices}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens: each a list of "host:port", "[::]:port" or "unix:path"; empty is off."""

    imap: tuple[str, ...] = option((), "IMAP with STARTTLS")
    imaps: tuple[str, ...] = option((), "IMAP over TLS from the first octet")
    pop3: tuple[str, ...] = option((), "POP3 with STLS")
    pop3s: tuple[str, ...] = option((), "POP3 over TLS from the first octet")
    smtp: tuple[str, ...] = option((), "mail from other servers, for local domains")
    submission: tuple[str, ...] = option((), "mail from our accounts' clients, with STARTTLS")
    submissions: tuple[str, ...] = option(
        (), "mail from our accounts' clients, over TLS from the first octet"
    )
    lmtp: tuple[str, ...] = option((), "mail from an MTA on this machine, such as Postfix")
    http: tuple[str, ...] = option((), "metrics, health, autoconfiguration of clients")


@dataclass(frozen=True, slots=True)
class Tls:
    certificate: Path | None = option(
        None, "PEM file: the certificate, then those of its issuers; absent: no TLS"
    )
    key: Path | None = option(None, "PEM file: the private key")
    required: bool = option(
        True, "refuse passwords without TLS, except from loopback and auth.trusted_networks"
    )
    minimum: str = option("1.2", "the oldest protocol version accepted", choices=("1.2", "1.3"))


@dataclass(frozen=True, slots=True)
class Auth:
    passwd_file: Path = option(
        Path("users"), "accounts, in Dovecot's passwd-file format; re-read when it changes"
    )
    default_scheme: str = option(
        "ARGON2ID", "the scheme of passwords that mailadm sets, and of hashes without {SCHEME}"
    )
    mechanisms: tuple[str, ...] = option(("PLAIN", "LOGIN"), "SASL mechanisms offered", choices=MECHANISMS)
    trusted_networks: tuple[str, ...] = option(
        (), "networks such as 10.0.0.0/8 from which plaintext logins are allowed"
    )
    failure_delay: float = option(2.0, "wait after a failed login before it is answered", unit="seconds")
    failure_delay_max: float = option(
        15.0, "the longest wait after repeated failures from one address", unit="seconds"
    )
    cache_ttl: int = option(
        300, "how long a verified password is remembered, as a keyed hash in memory; 0: not", unit="seconds"
    )


@dataclass(frozen=True, slots=True)
class Store:
    home: str = option("mail/{domain}/{user}", "an account's folder, unless the passwd-file names one")
    quota_storage: int = option(
        0, "an account's room, unless its userdb_quota_rule says otherwise; 0: no limit", unit="octets"
    )
    quota_messages: int = option(0, "how many messages an account may hold; 0: no limit", unit="messages")
    message_size: int = option(
        100 * 2**20, "the largest message taken by APPEND, SMTP and LMTP", unit="octets"
    )
    autocreate: dict[str, str] = option(
        None,
        "mailboxes made with an account, and their special use",
        factory=lambda: {
            "Drafts": "\\Drafts",
            "Sent": "\\Sent",
            "Junk": "\\Junk",
            "Trash": "\\Trash",
            "Archive": "\\Archive",
        },
    )
    fsync: bool = option(True, "have each message on disk before it is acknowledged; false only for tests")
    open_accounts: int = option(
        200, "account indexes kept open, least recently used closed first", unit="accounts"
    )


@dataclass(frozen=True, slots=True)
class Imap:
    line_length: int = option(
        2 * 2**20, "the longest command after login, without APPEND's literals", unit="octets"
    )
    idle_notify: int = option(
        120, "how often an IDLE session is told that the server is still here; 0: never", unit="seconds"
    )
    timeout: int = option(1800, "an idle session is logged out after this; never during IDLE", unit="seconds")
    login_timeout: int = option(180, "a connection that does not log in is closed after this", unit="seconds")


@dataclass(frozen=True, slots=True)
class Pop3:
    timeout: int = option(
        600, "an idle session is closed after this, without deleting anything", unit="seconds"
    )
    login_timeout: int = option(180, "a connection that does not log in is closed after this", unit="seconds")


@dataclass(frozen=True, slots=True)
class Smtp:
    aliases: Path | None = option(
        None, "aliases file: 'name: target, target' a line; '@domain: target' is a catch-all"
    )
    recipient_delimiter: str = option("+", "what separates a name from its detail in an address; empty: off")
    detail_mailbox: bool = option(
        True, "deliver name+detail into the mailbox named like the detail, where it exists"
    )
    recipients: int = option(100, "recipients of one message", unit="recipients")
    timeout: int = option(300, "a silent SMTP or LMTP connection is closed after this", unit="seconds")
    errors: int = option(20, "wrong commands in one connection before it is closed", unit="commands")
    hops: int = option(50, "Received fields in a message before it counts as a loop", unit="fields")


@dataclass(frozen=True, slots=True)
class Limits:
    connections: int = option(20000, "connections of all protocols together", unit="connections")
    connections_per_address: int = option(2000, "connections from one address", unit="connections")
    connections_per_user: int = option(
        50, "IMAP and POP3 connections of one account from one address", unit="connections"
    )
    unauthenticated: int = option(
        1000, "connections that have not logged in; the oldest is dropped past that", unit="connections"
    )


@dataclass(frozen=True, slots=True)
class Process:
    workers: str = option("1", 'processes that serve connections: a number, or "auto" for one a core')
    threads: int = option(8, "threads for disk and password work, in each process", unit="threads")
    user: str = option("", "the account to run as after the ports are open, when started as root")


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. RFC-free: the names are fixed by the design."""

    hostname: str = option(
        None, "the server's own name, in greetings and Received fields", factory=socket.gethostname
    )
    state_dir: Path = option(
        Path("/var/lib/mailaccess"),
        "accounts and mail; relative paths are relative to the configuration file",
    )
    domains: tuple[str, ...] = option((), "local domains; a user name without a domain is in the first")
    listen: Listen = option(None, "", factory=Listen)
    tls: Tls = option(None, "", factory=Tls)
    auth: Auth = option(None, "", factory=Auth)
    store: Store = option(None, "", factory=Store)
    imap: Imap = option(None, "", factory=Imap)
    pop3: Pop3 = option(None, "", factory=Pop3)
    smtp: Smtp = option(None, "", factory=Smtp)
    limits: Limits = option(None, "", factory=Limits)
    process: Process = option(None, "", factory=Process)
