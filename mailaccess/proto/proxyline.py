"""The PROXY protocol, versions 1 and 2: who the client behind a proxy is, told before the client's first octet.

The specification is HAProxy's ("The PROXY protocol, Versions 1 & 2"). ``read`` is given what has come in so far
and gives what it says, or None while more must come; nothing is written back. A header that is not one, or that
is longer than one can be, raises BadHeader: the connection is closed then, as guessing would let anybody
pretend to be somebody else.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

MAX_LINE: Final = 107
"""Octets of a version 1 header with its CRLF (section 2.1 of the specification)."""

MAX_BINARY: Final = 16 + 2048
"""Octets of a version 2 header: addresses are 36 or 216, the rest is for TLVs, of which real ones need few."""

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""How version 2 begins."""

_LENGTHS: Final = {0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36}
"""Octets of the addresses, by family and transport: TCP and UDP over IPv4, over IPv6."""


class BadHeader(ValueError):
    """What came is no PROXY header; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a header says.

    size: its octets; what follows is the client's.  address, port: the client's; "" and 0 where the proxy
    speaks for itself (a health check), or knows no IP address.  local_address, local_port: where it connected to.
    """

    size: int
    address: str = ""
    port: int = 0
    local_address: str = ""
    local_port: int = 0


def read(octets: bytes) -> Proxied | None:
    """The header at the beginning of ``octets``; None: more is needed. Raises BadHeader."""
    if octets.startswith(SIGNATURE[: len(octets)]):
        return _binary(octets) if len(octets) >= 16 else None
    if octets.startswith(b"PROXY "[: len(octets)]):
        return _line(octets)
    raise BadHeader("the connection does not begin with a PROXY header")


def _line(octets: bytes) -> Proxied | None:
    """``PROXY TCP4 client server port port CRLF``. Section 2.1."""
    end = octets.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(octets) >= MAX_LINE:
            raise BadHeader("the header is too long")
        return None
    words = octets[:end].decode("ascii", "replace").split(" ")
    size = end + 2
    if words[1:2] == ["UNKNOWN"]:
        return Proxied(size)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise BadHeader("the header is not well-formed")
    kind = IPv4Address if words[1] == "TCP4" else IPv6Address
    try:
        client, server = str(kind(words[2])), str(kind(words[3]))
    except ValueError:
        raise BadHeader("an address is not well-formed") from None
    return Proxied(size, client, _port(words[4]), server, _port(words[5]))


def _port(word: str) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 5 or int(word) > 65535:
        raise BadHeader("a port is not well-formed")
    return int(word)


def _binary(octets: bytes) -> Proxied | None:
    """Version and command, family, length, addresses, TLVs. Section 2.2."""
    version, command = octets[12] >> 4, octets[12] & 0x0F
    if version != 2 or command > 1:
        raise BadHeader("the header's version or command is unknown")
    length = int.from_bytes(octets[14:16], "big")
    size = 16 + length
    if size > MAX_BINARY:
        raise BadHeader("the header is too long")
    if len(octets) < size:
        return None
    wanted = _LENGTHS.get(octets[13])
    if command == 0 or wanted is None:  # LOCAL; or a UNIX socket and what may come, which have no IP address
        return Proxied(size)
    if length < wanted:
        raise BadHeader("the header is shorter than its addresses")
    one = (wanted - 4) // 2
    place = 16 + 2 * one
    return Proxied(
        size,
        _textual(octets[16 : 16 + one]),
        int.from_bytes(octets[place : place + 2], "big"),
        _textual(octets[16 + one : place]),
        int.from_bytes(octets[place + 2 : place + 4], "big"),
    )


def _textual(packed: bytes) -> str:
    """An address; an IPv4 one that was put into an IPv6 one as itself (RFC 4291 §2.5.5.2)."""
    address = ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
