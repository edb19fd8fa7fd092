"""What CAPA tells, by state (RFC 2449 §5, RFC 2595 §4, RFC 5034 §3, RFC 6856)."""

from collections.abc import Sequence


def capabilities(*, mechanisms: Sequence[str], passwords: bool, stls: bool, logged_in: bool) -> list[str]:
    """The lines of CAPA.

    mechanisms: the SASL mechanisms that may be used on this connection.  passwords: whether USER and PASS
    may.  stls: whether STLS is possible now.
    """
    lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
    if passwords:
        lines.append("USER")
    if mechanisms:
        lines.append("SASL " + " ".join(mechanisms))
    if stls and not logged_in:
        lines.append("STLS")  # only where it is permitted, RFC 2595 §4
    lines += ["UTF8 USER", "LANG", "EXPIRE NEVER", "IMPLEMENTATION mailaccess"]
    return lines
