"""The Received field (RFC 5321 §4.4, RFC 3848 and RFC 6531 §4.3 for its protocol names)."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from mailaccess.proto.smtp.address import Address

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.\-_:\[\]]")


def date_time(seconds: float) -> str:
    """``seconds`` since the epoch as RFC 5322 §3.3 writes it, in the machine's time zone."""
    return _date_time(int(seconds))


@lru_cache(maxsize=8)
def _date_time(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds).astimezone())


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message came in. greeting: HELO, EHLO or LHLO.  tls: version and cipher, or ""."""

    greeting: str
    helo: str
    address: str
    hostname: str
    message_id: str
    when: float
    tls: str = ""
    authenticated: bool = False
    smtputf8: bool = False

    @property
    def protocol(self) -> str:
        """The name behind ``with``: SMTP, ESMTP, ESMTPSA, UTF8LMTPS and so on."""
        if self.greeting == "HELO":
            return "SMTP"
        base = {"EHLO": "ESMTP", "LHLO": "LMTP"}[self.greeting]
        if self.smtputf8:
            base = "UTF8" + base.removeprefix("E")
        return base + ("S" if self.tls else "") + ("A" if self.authenticated else "")


def received(arrival: Arrival, recipient: Address | None) -> bytes:
    """The field for one recipient's copy, who sees no other's address; None where several share it.

    What the client said is cleaned.
    """
    helo = _UNSAFE.sub("?", arrival.helo)
    origin = f" ({_literal(arrival.address)})" if arrival.address else ""
    tls = f" ({arrival.tls})" if arrival.tls else ""
    whom = f" for <{recipient}>" if recipient is not None else ""
    return (
        f"Received: from {helo}{origin}\r\n"
        f"\tby {arrival.hostname} with {arrival.protocol}{tls}\r\n"
        f"\tid {arrival.message_id}{whom};\r\n"
        f"\t{date_time(arrival.when)}\r\n"
    ).encode("utf-8", "replace")


@lru_cache(maxsize=256)
def _literal(address: str) -> str:
    """An address literal. RFC 5321 §4.1.3."""
    try:
        version = ip_address(address.partition("%")[0]).version
    except ValueError:
        return "[unknown]"
    return f"[{address}]" if version == 4 else f"[IPv6:{address}]"
