"""What the lab's name server tells: the zones of daum.net and naver.com, and that of their addresses.

The same records for both name servers: as ``twisted.names`` has them, and as the files that BIND reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from twisted.names import dns

DAUM: Final = "127.0.1.1"
NAVER: Final = "127.0.1.2"
ADDRESSES: Final = {"daum.net": DAUM, "naver.com": NAVER}

REVERSE: Final = "1.0.127.in-addr.arpa"
"""The zone of 127.0.1.0/24."""

SELECTOR: Final = "lab"
"""The DKIM keys' name."""

STRING: Final = 255
"""Octets of one string of a TXT record. RFC 1035 §3.3.14."""

TTL: Final = 1
"""Seconds that an answer may be kept: in the lab each mail is to ask anew. An hour or a day in the world."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a zone. name: without the dot at the end.  value: a name, an address or a text.  why: a comment."""

    name: str
    kind: str
    value: str
    why: str = ""


def zones(keys: Mapping[str, str]) -> dict[str, list[Record]]:
    """By zone its records but the start. keys: by domain the text of its DKIM record, where there is one."""
    found = {}
    for domain, address in ADDRESSES.items():
        records = [
            Record(domain, "NS", f"ns.{domain}"),
            Record(domain, "MX", f"mail.{domain}", f"mail for anybody@{domain} goes there"),
            Record(domain, "TXT", f"v=spf1 ip4:{address} -all", "SPF: who may send as this domain"),
            Record(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject", "DMARC: refuse what proves neither"),
            Record(f"mail.{domain}", "A", address),
            Record(f"ns.{domain}", "A", "127.0.0.1"),
        ]
        if domain in keys:
            name = f"{SELECTOR}._domainkey.{domain}"
            records.append(Record(name, "TXT", keys[domain], "DKIM: the key that checks its signatures"))
        found[domain] = records
    found[REVERSE] = [
        Record(REVERSE, "NS", "ns.daum.net"),
        *(
            Record(f"{address.rpartition('.')[2]}.{REVERSE}", "PTR", f"mail.{domain}")
            for domain, address in ADDRESSES.items()
        ),
    ]
    return found


def for_twisted(records: list[Record]) -> dict[str, list[Any]]:
    """By name, as ``labdns.NameServer`` takes them."""
    found: dict[str, list[Any]] = {}
    for each in records:
        found.setdefault(each.name, []).append(_payload(each))
    return found


def _payload(record: Record) -> Any:
    make: Any = dns
    match record.kind:
        case "MX":
            return make.Record_MX(10, record.value, TTL)
        case "A":
            return make.Record_A(record.value, TTL)
        case "PTR":
            return make.Record_PTR(record.value, TTL)
        case "NS":
            return make.Record_NS(record.value, TTL)
    return make.Record_TXT(*(part.encode("ascii") for part in _strings(record.value)), ttl=TTL)


def _strings(text: str) -> list[str]:
    return [text[start : start + STRING] for start in range(0, len(text), STRING)]


def zone_file(zone: str, records: list[Record]) -> str:
    """The zone as BIND and others read it. RFC 1035 §5."""
    server = next(each.value for each in records if each.kind == "NS")
    lines = [
        f"; The zone {zone} of the lab, written by mailadm lab. docs/lab.md tells of it.",
        f"$ORIGIN {zone}.",
        f"$TTL {TTL}",
        f"@  IN  SOA  {server}. hostmaster.{server.partition('.')[2]}. ( 1 60 60 60 60 )",
    ]
    for each in records:
        name = "@" if each.name == zone else each.name.removesuffix(f".{zone}")
        match each.kind:
            case "MX":
                value = f"10 {each.value}."
            case "A":
                value = each.value
            case "TXT":
                parts = [f'"{part}"' for part in _strings(each.value)]
                value = parts[0] if len(parts) == 1 else "( " + "\n        ".join(parts) + " )"
            case _:
                value = f"{each.value}."
        line = f"{name}  IN  {each.kind}  {value}"
        lines.append(f"{line:<56}; {each.why}" if each.why and "\n" not in line else line)
    if zone in ADDRESSES and not any("_domainkey" in each.name for each in records):
        lines.append(f"; and the line that this prints: mailadm dkim create {zone} --selector {SELECTOR}")
    return "\n".join(lines) + "\n"


NAMED: Final = """\
// BIND 9 as the lab's name server, written by mailadm lab; it runs as any user:
//     cd FOLDER && /usr/sbin/named -g -c named.conf
options {{
    listen-on port {port} {{ 127.0.0.1; }};  // 53 in the world; the lab shows what is asked on {shown}
    listen-on-v6 {{ none; }};
    recursion no;                            // it answers for its own zones and asks nobody
    allow-transfer {{ none; }};
    dnssec-validation no;
    empty-zones-enable no;
    pid-file none;
    session-keyfile none;
}};
controls {{ }};
"""


def named_conf(port: int, shown: int) -> str:
    """BIND's configuration. port: where it answers.  shown: where the lab's forwarder does."""
    return NAMED.format(port=port, shown=shown) + "".join(
        f'zone "{zone}" {{ type primary; file "{zone}.zone"; }};\n' for zone in (*ADDRESSES, REVERSE)
    )


def files(keys: Mapping[str, str], port: int, shown: int) -> dict[str, str]:
    """By name the files that BIND reads."""
    made = {f"{zone}.zone": zone_file(zone, records) for zone, records in zones(keys).items()}
    return {"named.conf": named_conf(port, shown), **made}
