"""What a client is told so that its user types only an address and a password.

Thunderbird (and Evolution, K-9 and others) ask for ``config-v1.1.xml``, Outlook posts an "Autodiscover"
request (plain old XML). Both answers are made from the listeners, TLS ones first, since RFC 8314 §3
prefers TLS from the first octet. UNIX sockets and loopback-only listeners of a public host are told
as they are: who can reach this page decides that.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from mailaccess.config.sections import Settings

REQUEST_SIZE: Final = 64 * 1024
"""Octets of an Autodiscover request that are read; Outlook's have some 400."""

_OUTLOOK_SCHEMA: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_RESPONSE_SCHEMA: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_ADDRESS: Final = re.compile(rb"<EMailAddress>\s*([^<>\s]{1,320})\s*</EMailAddress>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """One way in. protocol: imap, pop3, smtp.  security: SSL, STARTTLS or plain, Thunderbird's words."""

    protocol: str
    host: str
    port: int
    security: str


def offers(settings: Settings) -> list[Offer]:
    """The ways in that the configuration opens, best first for each protocol."""
    opportunistic = "STARTTLS" if settings.tls.certificate is not None else "plain"
    found: list[Offer] = []
    for protocol, addresses, security in (
        ("imap", settings.listen.imaps, "SSL"),
        ("imap", settings.listen.imap, opportunistic),
        ("pop3", settings.listen.pop3s, "SSL"),
        ("pop3", settings.listen.pop3, opportunistic),
        ("smtp", settings.listen.submissions, "SSL"),
        ("smtp", settings.listen.submission, opportunistic),
    ):
        for address in addresses:
            if address.startswith("unix:"):
                continue
            host, _, port = address.rpartition(":")
            shown = host if host.startswith("127.") or host == "localhost" else settings.hostname
            found.append(Offer(protocol, shown, int(port), security))
            break  # one listener of a kind is enough for a client
    return found


def thunderbird(settings: Settings) -> bytes:
    """config-v1.1.xml, as Mozilla's ISPDB defines it."""
    domains = "".join(f"    <domain>{escape(_ascii(name))}</domain>\n" for name in settings.domains)
    label = escape(settings.domains[0] if settings.domains else settings.hostname)
    servers = "".join(_server(offer) for offer in offers(settings))
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<clientConfig version="1.1">\n'
        f"  <emailProvider id={quoteattr(settings.hostname)}>\n"
        f"{domains}"
        f"    <displayName>{label}</displayName>\n"
        f"    <displayShortName>{label}</displayShortName>\n"
        f"{servers}"
        "  </emailProvider>\n"
        "</clientConfig>\n"
    )
    return text.encode()


def _ascii(domain: str) -> str:
    """Thunderbird wants the A-label of an internationalized domain. RFC 5891 §4.4."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _server(offer: Offer) -> str:
    kind = "outgoingServer" if offer.protocol == "smtp" else "incomingServer"
    return (
        f'    <{kind} type="{offer.protocol}">\n'
        f"      <hostname>{escape(offer.host)}</hostname>\n"
        f"      <port>{offer.port}</port>\n"
        f"      <socketType>{offer.security}</socketType>\n"
        "      <username>%EMAILADDRESS%</username>\n"
        "      <authentication>password-cleartext</authentication>\n"
        f"    </{kind}>\n"
    )


def outlook(settings: Settings, request: bytes) -> bytes | None:
    """The answer to an Autodiscover request; None if it names no address.

    The request is searched, not parsed: there is one element to find, and no entity to expand.
    """
    match = _ADDRESS.search(request[:REQUEST_SIZE])
    if match is None:
        return None
    login = escape(match[1].decode("utf-8", "replace"))
    protocols = "".join(_outlook_protocol(offer, login) for offer in offers(settings))
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<Autodiscover xmlns="{_RESPONSE_SCHEMA}">\n'
        f'  <Response xmlns="{_OUTLOOK_SCHEMA}">\n'
        "    <Account>\n"
        "      <AccountType>email</AccountType>\n"
        "      <Action>settings</Action>\n"
        f"{protocols}"
        "    </Account>\n"
        "  </Response>\n"
        "</Autodiscover>\n"
    )
    return text.encode()


def _outlook_protocol(offer: Offer, login: str) -> str:
    secure, encryption = {
        "SSL": ("on", "SSL"),
        "STARTTLS": ("on", "TLS"),
        "plain": ("off", "None"),
    }[offer.security]
    return (
        "      <Protocol>\n"
        f"        <Type>{offer.protocol.upper()}</Type>\n"
        f"        <Server>{escape(offer.host)}</Server>\n"
        f"        <Port>{offer.port}</Port>\n"
        f"        <LoginName>{login}</LoginName>\n"
        "        <DomainRequired>off</DomainRequired>\n"
        "        <SPA>off</SPA>\n"
        f"        <SSL>{secure}</SSL>\n"
        f"        <Encryption>{encryption}</Encryption>\n"
        "        <AuthRequired>on</AuthRequired>\n"
        "      </Protocol>\n"
    )
