"""The sections of mail that comes in and goes out: SMTP and LMTP, the relay, what screens and signs.

As those of ``sections``, from where everybody takes them.
"""
# ruff: noqa: RUF009 - option() makes fields, it is no default value

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailaccess.config.option import option

SCREENED: Final = ("smtp", "submission", "lmtp")
"""Services whose messages may be shown to rspamd and hooks."""


@dataclass(frozen=True, slots=True)
class Smtp:
    aliases: Path | None = option(
        None, "aliases file: 'name: target, target' a line; '@domain: target' is a catch-all"
    )
    postmaster: str = option(
        "",
        "who gets mail for postmaster of every local domain, a name or an address; an alias or account of that name"
        " goes first, and with neither the mail waits until there is one",
        form="recipient",
    )
    recipient_delimiter: str = option(
        "+", "what separates a name from its detail in an address; empty: off", form="delimiter"
    )
    detail_mailbox: bool = option(
        True, "deliver name+detail into the mailbox named like the detail, where it exists"
    )
    recipients: int = option(100, "recipients of one message", unit="recipients", least=100)
    timeout: int = option(
        300, "a silent SMTP or LMTP connection is closed after this", unit="seconds", least=1
    )
    authentication: str = option(
        "off",
        "SPF, DKIM and DMARC of mail from other servers: not looked at, told in an Authentication-Results field,"
        " or obeyed too (p=reject is refused, p=quarantine goes into Junk);"
        " needs: pip install mailaccess[checks]",
        choices=("off", "mark", "enforce"),
    )
    authentication_timeout: float = option(
        10.0,
        "how long DNS may take for these, a message; past that they are temperror",
        unit="seconds",
        least=1,
    )
    authentication_exempt: tuple[str, ...] = option(
        (), "networks whose mail is not checked: your own forwarders and second MX", form="network"
    )
    connections_per_address: int = option(
        50,
        "connections to listen.smtp from one address that is not this machine; 0: as limits says",
        unit="connections",
    )
    errors: int = option(20, "wrong commands in one connection before it is closed", unit="commands", least=1)
    hops: int = option(50, "Received fields in a message before it counts as a loop", unit="fields", least=5)


@dataclass(frozen=True, slots=True)
class Relay:
    """Mail of our accounts to other domains: queued on disk, then sent to where DNS says."""

    enabled: bool = option(True, "take submitted mail for other domains and send it; false refuses it")
    dns: tuple[str, ...] = option(
        (), "DNS servers to ask instead of those in /etc/resolv.conf", form="endpoint"
    )
    port: int = option(
        25, "the port of other domains' servers; another one only in a lab", least=1, most=65535
    )
    smarthost: str = option(
        "", 'send all mail through this server, "host:port"; "smtps:host:port" is TLS from the first octet'
    )
    user: str = option("", "the name to log in to the smarthost with; its TLS certificate is checked then")
    password_file: Path | None = option(None, "a file whose first line is the smarthost's password")
    transports: dict[str, str] = option(
        None,
        'servers for single domains: "example.com" = "host:port"; ".example.com": those below;'
        ' also "lmtp:host:port", "lmtp:unix:/path", "smtps:host:port"',
        factory=dict,
    )
    logins_file: Path | None = option(
        None, "names and passwords for smarthost and transports: lines of host:port user password"
    )
    tls: str = option(
        "opportunistic",
        "TLS to other servers: where it is offered, or only with a certificate that is right, or never",
        choices=("opportunistic", "required", "off"),
    )
    tls_domains: dict[str, str] = option(
        None, 'the same for single domains: "bank.example" = "required"', factory=dict
    )
    ca_file: Path | None = option(None, "PEM file: whom to trust where TLS is required, not the machine's")
    srs: bool = option(
        True, "rewrite the senders of what aliases forward to other domains (SRS), so that their SPF holds"
    )
    source_addresses: tuple[str, ...] = option(
        (), "the addresses to connect from, one IPv4 and one IPv6 at most"
    )
    source_domains: dict[str, str] = option(
        None,
        'the same for the mail of single domains of ours: "naver.com" = "192.0.2.7 2001:db8::7"',
        factory=dict,
    )
    mta_sts: bool = option(
        True, "ask other domains by DNS and HTTPS how safely their mail is to be sent (RFC 8461)"
    )
    retry_first: int = option(
        60, "how long to wait for the second try; each next one waits twice as long", unit="seconds", least=1
    )
    retry_longest: int = option(
        4 * 3600, "how long to wait for the next try at most", unit="seconds", least=1
    )
    lifetime: int = option(
        5 * 86400, "how long a message is tried before its sender gets it back", unit="seconds", least=60
    )
    delay_notice: int = option(
        4 * 3600, "when the sender is told that a message still waits; 0: never", unit="seconds"
    )
    connections: int = option(50, "connections to other servers", unit="connections", least=1, most=10000)
    connections_per_destination: int = option(
        10, "connections to one destination", unit="connections", least=1, most=1000
    )


@dataclass(frozen=True, slots=True)
class Sending:
    """How much each account may send to other domains; past that submission answers 450 and 452."""

    messages_per_hour: int = option(0, "messages in any hour, such as 100; 0: no cap", unit="messages")
    messages_per_day: int = option(0, "messages in any 24 hours, such as 500; 0: no cap", unit="messages")
    recipients_per_hour: int = option(0, "recipients in any hour, such as 200; 0: no cap", unit="recipients")
    recipients_per_day: int = option(0, "recipients in any 24 hours; 0: no cap", unit="recipients")
    exempt: tuple[str, ...] = option((), 'accounts without caps, such as "newsletter@example.org"')
    notify: bool = option(True, "tell postmaster by mail, once a day for an account that meets a cap")


@dataclass(frozen=True, slots=True)
class Dkim:
    """Signatures of what our accounts send to submission."""

    domains: dict[str, str] = option(
        None,
        'which keys sign: "example.org" = "selector", or "selector1, selector2"; made with mailadm dkim create',
        factory=dict,
    )
    folder: Path | None = option(
        None, "where the keys are, FOLDER/DOMAIN/SELECTOR.pem; absent: dkim in state_dir"
    )
    headers: tuple[str, ...] = option(
        (
            *("From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To"),
            *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
        ),
        "fields that are signed and of which none may be added on the way; From always is one",
    )


@dataclass(frozen=True, slots=True)
class Rspamd:
    """Ask rspamd about each message. One that does not answer lets it pass."""

    url: str = option("", "rspamd's worker, such as http://127.0.0.1:11333; empty: not asked")
    password_file: Path | None = option(None, "a file whose first line is rspamd's password")
    services: tuple[str, ...] = option(("smtp",), "whose messages", choices=SCREENED)
    timeout: float = option(10.0, "how long to wait for an answer", unit="seconds", least=0.1)
    message_size: int = option(20 * 2**20, "larger messages are not asked about", unit="octets", most=2**30)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Python functions of your own that may mark, file, defer or refuse a message (docs/receiving.md)."""

    python: tuple[str, ...] = option((), 'functions, "package.module:function", asked in order')
    folder: Path | None = option(None, "where their modules are looked for, besides Python's own places")
    services: tuple[str, ...] = option(("smtp",), "whose messages", choices=SCREENED)
    timeout: float = option(5.0, "how long a function may take", unit="seconds", least=0.1)
    message_size: int = option(20 * 2**20, "larger messages pass unseen", unit="octets", most=2**30)
