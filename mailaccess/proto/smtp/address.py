"""An e-mail address of the envelope: local-part and domain (RFC 5321 §4.1.2, with UTF-8 by RFC 6531 §3.3).

``Address`` holds the meaning: the local part without quotes and escapes, so ``"lee"@x`` equals ``lee@x``
(RFC 5321 §4.1.2 asks to treat them alike). ``str`` writes it back, quoted where the grammar needs it.
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_OCTETS: Final = 512
"""Octets of a whole address. RFC 5321 §4.5.3.1 says 64 + 1 + 255; bounce addresses (VERP) exceed the 64."""

_ATEXT: Final = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff"
_DOT_STRING: Final = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
# Dots in a row, at the start or the end are against the grammar, but Japanese carriers gave such
# addresses out: they are read, and written back as a quoted string.
_LOOSE: Final = re.compile(rf"[{_ATEXT}.]+")
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
# Underscores are no letters of a host name, but senders have them; the domain is only compared here.
_LABEL: Final = (
    r"[A-Za-z0-9_\u0080-\U0010ffff](?:[A-Za-z0-9_\-\u0080-\U0010ffff]*[A-Za-z0-9_\u0080-\U0010ffff])?"
)
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LITERAL: Final = re.compile(r"\[[!-Z^-~]{1,64}\]")


class BadAddress(ValueError):
    """Not an address; the text says what is wrong, without the address."""


@dataclass(frozen=True, slots=True)
class Address:
    """local: without quotes.  domain: as written, without a final dot, or ``[literal]``; "": a bare name."""

    local: str
    domain: str

    def __str__(self) -> str:
        local = self.local
        if not _DOT_STRING.fullmatch(local):
            local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def ascii(self) -> bool:
        """Whether it can be used without SMTPUTF8."""
        return self.local.isascii() and self.domain.isascii()

    @property
    def literal(self) -> bool:
        """Whether the domain is an address literal, ``[192.0.2.1]``."""
        return self.domain.startswith("[")

    @property
    def host(self) -> str:
        """The domain for comparison: lower case, an internationalized name as A-labels. RFC 5891 §5."""
        return domain_key(self.domain)


def domain_key(domain: str) -> str:
    """``domain`` in the form in which domains compare: lower case and, where it is not ASCII, A-labels."""
    lowered = domain.lower()
    if lowered.isascii():
        return lowered
    try:
        return lowered.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return lowered


def read(text: str, start: int = 0) -> tuple[Address, int]:
    """The Mailbox at ``start`` of ``text`` and the place behind it. A bare name without ``@`` reads, too.

    Raises BadAddress.  Source: Mailbox in RFC 5321 §4.1.2.
    """
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        local = _ESCAPED.sub(r"\1", quoted[1])
        place = quoted.end()
    else:
        loose = _LOOSE.match(text, start)
        if loose is None:
            raise BadAddress("the local part is missing or not well-formed")
        local, place = loose[0], loose.end()
    if not local:
        raise BadAddress("the local part is empty")
    domain = ""
    if text.startswith("@", place):
        found = _LITERAL.match(text, place + 1) or _DOMAIN.match(text, place + 1)
        if found is None:
            raise BadAddress("the domain is missing or not well-formed")
        domain, place = found[0].removesuffix("."), found.end()
    if len(local.encode("utf-8", "surrogatepass")) + len(domain) > MAX_OCTETS:
        raise BadAddress("the address is too long")
    return Address(local, domain), place


def parse(text: str) -> Address:
    """``text`` as one address, or one bare name. Raises BadAddress."""
    address, end = read(text)
    if end != len(text):
        raise BadAddress("there is more than an address")
    return address
