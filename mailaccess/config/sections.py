"""Every option of the configuration: its type, unit, default and meaning, written down once.

The loader reads the types, the generated reference the ``help`` texts, the engines the values.
Each section is a frozen class; an option is a field made by ``option``. Paths are absolute once loaded.
"""
# ruff: noqa: RUF009 - option() makes fields, it is no default value

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailaccess.config.mailsections import Dkim, Hooks, Relay, Rspamd, Sending, Smtp
from mailaccess.config.option import option

__all__ = [
    "SCHEMES",
    "Auth",
    "Dkim",
    "Hooks",
    "Imap",
    "Limits",
    "Listen",
    "Pop3",
    "Process",
    "Proxy",
    "Relay",
    "Rspamd",
    "Sending",
    "Settings",
    "Sharing",
    "Smtp",
    "Store",
    "Tls",
]

MECHANISMS: Final = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""SASL mechanisms that ``auth.mechanisms`` may name."""

PROXIED: Final = ("imap", "imaps", "pop3", "pop3s", "smtp", "submission", "submissions", "lmtp")
"""Listeners that ``proxy.services`` may name."""

SCHEMES: Final = (
    *("ARGON2ID", "ARGON2I", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "MD5", "DES-CRYPT"),
    *("CRYPT", "SSHA512", "SSHA256", "SSHA", "SMD5", "SHA512", "SHA256", "SHA1", "SHA", "LDAP-MD5"),
    *("PLAIN-MD5", "PBKDF2", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "CLEAR", "CLEARTEXT"),
)
"""Password schemes that ``auth.default_scheme`` may name: those of auth.schemes (a test compares them)."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens: each a list of "host:port", "[::]:port" or "unix:path"; empty is off."""

    imap: tuple[str, ...] = option((), "IMAP with STARTTLS", form="listen")
    imaps: tuple[str, ...] = option((), "IMAP over TLS from the first octet", form="listen")
    pop3: tuple[str, ...] = option((), "POP3 with STLS", form="listen")
    pop3s: tuple[str, ...] = option((), "POP3 over TLS from the first octet", form="listen")
    smtp: tuple[str, ...] = option((), "mail from other servers, for local domains", form="listen")
    submission: tuple[str, ...] = option((), "mail from our accounts' clients, with STARTTLS", form="listen")
    submissions: tuple[str, ...] = option(
        (), "mail from our accounts' clients, over TLS from the first octet", form="listen"
    )
    lmtp: tuple[str, ...] = option((), "mail from an MTA on this machine, such as Postfix", form="listen")
    auth: tuple[str, ...] = option(
        (),
        "logins for Postfix or Exim, by Dovecot's protocol; who may connect: auth.socket_mode",
        form="listen",
    )
    auth_userdb: tuple[str, ...] = option(
        (), "where an account lives, for programs that deliver; by Dovecot's protocol", form="listen"
    )
    http: tuple[str, ...] = option((), "metrics, health, autoconfiguration of clients", form="listen")


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
        "ARGON2ID",
        "the scheme of passwords that mailadm sets, and of hashes without {SCHEME}",
        choices=SCHEMES,
    )
    mechanisms: tuple[str, ...] = option(("PLAIN", "LOGIN"), "SASL mechanisms offered", choices=MECHANISMS)
    trusted_networks: tuple[str, ...] = option(
        (), "networks such as 10.0.0.0/8 from which plaintext logins are allowed", form="network"
    )
    failure_delay: float = option(2.0, "wait after a failed login before it is answered", unit="seconds")
    failure_delay_max: float = option(
        15.0, "the longest wait after repeated failures from one address", unit="seconds"
    )
    socket_mode: str = option(
        "0600", "permissions of the UNIX sockets of listen.auth and listen.auth_userdb, octal", form="mode"
    )
    socket_user: str = option(
        "", "the owner of these sockets, such as postfix; only when started as root", form="account"
    )
    socket_group: str = option("", "their group, such as postfix", form="group")
    cache_ttl: int = option(
        300, "how long a verified password is remembered, as a keyed hash in memory; 0: not", unit="seconds"
    )


@dataclass(frozen=True, slots=True)
class Store:
    home: str = option(
        "mail/{domain}/{user}",
        "an account's folder, unless the passwd-file names one; relative to state_dir",
        form="home",
    )
    quota_storage: int = option(
        0, "an account's room, unless its userdb_quota_rule says otherwise; 0: no limit", unit="octets"
    )
    quota_messages: int = option(0, "how many messages an account may hold; 0: no limit", unit="messages")
    quota_mailboxes: int = option(
        0,
        "how many mailboxes an account may have, INBOX among them, unless its userdb_quota_mailbox_count says"
        " otherwise; 0: no limit",
        unit="mailboxes",
    )
    message_size: int = option(
        100 * 2**20, "the largest message taken by APPEND, SMTP and LMTP", unit="octets", least=65536
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
        200, "account indexes kept open, least recently used closed first", unit="accounts", least=1
    )


@dataclass(frozen=True, slots=True)
class Sharing:
    """Mailboxes of others: who may use them is what their access control lists say (IMAP ACL, mailadm)."""

    other_users: str = option(
        "Other Users",
        'under which name other accounts\' mailboxes are shown, as "Other Users/kim@example.org/INBOX"; empty:'
        " they are not",
        form="mailbox",
    )
    public: dict[str, str] = option(
        None,
        "mailboxes of nobody for all: a name and the folder of a Maildir++, relative to state_dir",
        factory=dict,
    )
    anyone: bool = option(
        True, "accounts may grant rights to everybody (the identifiers anyone and authenticated)"
    )


@dataclass(frozen=True, slots=True)
class Imap:
    line_length: int = option(
        2 * 2**20,
        "the longest command after login, without APPEND's literals",
        unit="octets",
        least=8192,
        most=2**30,
    )
    idle_notify: int = option(
        120, "how often an IDLE session is told that the server is still here; 0: never", unit="seconds"
    )
    timeout: int = option(
        1800, "an idle session is logged out after this; never during IDLE", unit="seconds", least=1
    )
    login_timeout: int = option(
        180, "a connection that does not log in is closed after this", unit="seconds", least=1
    )
    capabilities: tuple[str, ...] = option(
        (),
        'extensions withheld ("-MOVE") or, where they are off by default, offered ("+UIDONLY");'
        " userdb_imap_capability of an account says otherwise for that account",
        form="capability",
    )
    language: str = option(
        "i-default",
        "what a client gets that asks for the default language of texts; i-default is English",
        choices=("i-default", "en", "ko"),
    )
    message_limit: int = option(
        0,
        "how many messages one command may work on, told as MESSAGELIMIT; clients that do not know it see only"
        " the newest ones of large mailboxes; 1000 at least, 0: no limit",
        unit="messages",
    )
    save_limit: int = option(
        0,
        "how many messages one COPY or APPEND may save, told as SAVELIMIT; 1000 at least, 0: no limit",
        unit="messages",
    )
    submit_users: tuple[str, ...] = option(
        (),
        "accounts of submission servers, which may use URLs that were authorized for submission"
        ' (RFC 4467; capabilities = ["+URLAUTH"])',
    )
    filters: dict[str, str] = option(
        None,
        "searches that every account may use by their name (SEARCH FILTER name; RFC 5466), such as"
        ' { unread = "UNSEEN UNDELETED" }',
        factory=dict,
    )
    clients: Path | None = option(
        None,
        "a TOML file with profiles of mail programs, asked before the profiles that come with the server",
    )


@dataclass(frozen=True, slots=True)
class Pop3:
    timeout: int = option(
        600, "an idle session is closed after this, without deleting anything", unit="seconds", least=1
    )
    login_timeout: int = option(
        180, "a connection that does not log in is closed after this", unit="seconds", least=1
    )


@dataclass(frozen=True, slots=True)
class Proxy:
    """Listeners behind a load balancer that speaks the PROXY protocol (HAProxy, nginx, AWS), version 1 or 2."""

    services: tuple[str, ...] = option(
        (), "kinds of listeners that expect a PROXY header from proxy.networks", choices=PROXIED
    )
    networks: tuple[str, ...] = option(
        (),
        "the proxies, such as 10.0.0.5: they must send the header, nobody else is believed",
        form="network",
    )


@dataclass(frozen=True, slots=True)
class Limits:
    connections: int = option(20000, "connections of all protocols together", unit="connections", least=1)
    connections_per_address: int = option(2000, "connections from one address", unit="connections", least=1)
    connections_per_user: int = option(
        50, "IMAP and POP3 connections of one account from one address", unit="connections", least=1
    )
    unauthenticated: int = option(
        1000,
        "connections that have not logged in; the oldest is dropped past that",
        unit="connections",
        least=1,
    )


@dataclass(frozen=True, slots=True)
class Process:
    workers: str = option(
        "1",
        'processes that serve connections: a number, or "auto" for one a core; with more than one another'
        " process supervises them",
        form="workers",
    )
    handover: bool = option(
        False,
        "with several processes, sessions without TLS go to the one that serves their account's others and has in"
        " memory what they ask for; a login that goes elsewhere costs milliseconds; false: they stay where they came",
    )
    threads: int = option(
        8, "threads for disk and password work, in each process", unit="threads", least=2, most=256
    )
    helpers: int = option(
        1,
        "processes beside those that serve (their sum, but at least one for each worker), started when there is work,"
        " for reading messages that other programs brought and for search texts, and for each worker one more, which"
        " indexes in the background; 0: the serving process does it all",
        unit="processes",
        least=0,
        most=64,
    )
    reactor_late: float = option(
        0.5,
        "the log tells (reactor-late) when one turn of the reactor, in which nobody else is answered, takes this long;"
        " 0: never",
        unit="seconds",
        least=0.0,
    )
    user: str = option(
        "", "the account to run as after the ports are open, when started as root", form="account"
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    hostname: str = option(
        None,
        "the server's own name, in greetings and Received fields",
        form="domain",
        factory=socket.gethostname,
    )
    state_dir: Path = option(
        Path("/var/lib/mailaccess"),
        "accounts and mail; relative paths are relative to the configuration file",
    )
    domains: tuple[str, ...] = option(
        (), "local domains; a user name without a domain is in the first", form="domain"
    )
    listen: Listen = option(None, "", factory=Listen)
    tls: Tls = option(None, "", factory=Tls)
    auth: Auth = option(None, "", factory=Auth)
    store: Store = option(None, "", factory=Store)
    sharing: Sharing = option(None, "", factory=Sharing)
    imap: Imap = option(None, "", factory=Imap)
    pop3: Pop3 = option(None, "", factory=Pop3)
    smtp: Smtp = option(None, "", factory=Smtp)
    relay: Relay = option(None, "", factory=Relay)
    sending: Sending = option(None, "", factory=Sending)
    dkim: Dkim = option(None, "", factory=Dkim)
    rspamd: Rspamd = option(None, "", factory=Rspamd)
    hooks: Hooks = option(None, "", factory=Hooks)
    proxy: Proxy = option(None, "", factory=Proxy)
    limits: Limits = option(None, "", factory=Limits)
    process: Process = option(None, "", factory=Process)
