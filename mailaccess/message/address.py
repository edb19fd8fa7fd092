"""Address lists as they are found in mail (RFC 5322 §3.4, §4.4), for ENVELOPE, SEARCH and SORT.

What an address lacks is filled with the placeholders that Dovecot shows, since clients have
met them for years: MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR, INVALID_ROUTE. NIL in their
place would announce a group (RFC 9051 §7.5.2).

Common addresses match one regular expression; all others go through the rules of ``lexical``,
which tells what the grammar of RFC 5322 leaves open: where reading goes on after an error.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mailaccess.message.lexical import ATEXT, BROKEN, END, MORE, Lexer

MAX_ADDRESSES = 10_000
"""Addresses read from one field: far above any real list, and it keeps ENVELOPE bounded."""

_COMMON = re.compile(
    rb'[ \t\r\n]*+(?:(?:"([^"\\\r\n]*+)"|([@][@.]*+(?:[ \t\r\n]++[@.]++)*))?[ \t\r\n]*+'
    rb"<([@.]++)\x40([@]++(?:\.[@]++)*)>"
    rb"|([@.]++)\x40([@]++(?:\.[@]++)*))[ \t\r\n]*+(?:,|\Z)".replace(b"@", ATEXT)
)


class Address(NamedTuple):
    """One address of RFC 9051 §7.5.2 ENVELOPE, octets unfolded, quotes and escapes resolved.

    A group begins with (None, None, group's name, None) and ends with four times None.
    """

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None

    @property
    def begins_group(self) -> bool:
        return self.host is None and self.mailbox is not None

    @property
    def ends_group(self) -> bool:
        return self.host is None and self.mailbox is None


GROUP_END = Address(None, None, None, None)


def parse(value: bytes) -> tuple[Address, ...]:
    """The addresses of one field value (folded or not), as far as they can be read.

    Never raises; what stands after an error that hides where the next address begins is left out.
    """
    value = value.removesuffix(b"\r")  # the line end's, which a message with LF line ends does not have
    found: list[Address] = []
    pos, end = 0, len(value)
    while pos < end and len(found) < MAX_ADDRESSES:
        match = _COMMON.match(value, pos)
        if not match:
            break
        quoted, phrase, mailbox, host, bare_mailbox, bare_host = match.groups()
        if mailbox is None:
            found.append(Address(None, None, bare_mailbox, bare_host))
        else:
            # The words of a phrase stand one space apart, however the field is folded.
            name = b" ".join(phrase.split()) if phrase else quoted or None
            found.append(Address(name, None, mailbox, host))
        pos = match.end()
    if pos < end:
        lexer = Lexer(value, pos)
        state = lexer.skip()
        if state == MORE:
            _Reader(lexer, found).address_list()
        elif state == BROKEN and pos:
            found.append(Address(None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"))
    return tuple(found)


def parse_all(values: Iterable[bytes]) -> tuple[Address, ...]:
    """The addresses of all fields of one name, joined."""
    return tuple(address for value in values for address in parse(value))


class _Reader:
    """The grammar of address-list over a Lexer; each rule answers MORE, END or BROKEN."""

    def __init__(self, lexer: Lexer, found: list[Address]) -> None:
        self.lexer = lexer
        self.found = found
        self.clear()

    def clear(self) -> None:
        self.name: bytes | None = None
        self.route: bytes | None = None
        self.mailbox: bytes | None = None
        self.host: bytes | None = None

    def add(self) -> None:
        mailbox = b"MISSING_MAILBOX" if self.mailbox is None else self.mailbox
        self.found.append(Address(self.name, self.route, mailbox, self.host or b"MISSING_DOMAIN"))
        self.clear()

    def address_list(self) -> None:
        lexer = self.lexer
        while len(self.found) < MAX_ADDRESSES:
            if self.address() == END or lexer.peek() != 0x2C:
                return
            lexer.pos += 1
            state = lexer.skip()
            if state == BROKEN:
                self.add()
            if state != MORE:
                return

    def address(self) -> int:
        start = self.lexer.pos
        state = self.group()
        if state == BROKEN:
            self.lexer.pos = start
            state = self.mailbox_rule()
        return state

    def group(self) -> int:
        """Rule group = display-name ":" [mailbox-list] ";"; BROKEN only where it is none."""
        lexer, words = self.lexer, list[bytes]()
        if lexer.phrase(words) != MORE or lexer.octets[lexer.pos] != 0x3A:
            return BROKEN
        lexer.pos += 1
        state = lexer.skip()
        self.found.append(Address(None, None, b"".join(words), None))
        if state == MORE and lexer.peek() != 0x3B:
            state = self.members()
        if state != BROKEN:
            if lexer.peek() == 0x3B:
                lexer.pos += 1
                state = lexer.skip()
            else:
                state = BROKEN
        self.found.append(GROUP_END)
        return END if state == END else MORE

    def members(self) -> int:
        lexer = self.lexer
        while len(self.found) < MAX_ADDRESSES:
            self.mailbox_rule()
            if lexer.peek() != 0x2C:
                return MORE
            lexer.pos += 1
            if lexer.skip() != MORE:
                return BROKEN
        return BROKEN

    def mailbox_rule(self) -> int:
        """Rule mailbox = name-addr / addr-spec."""
        start = self.lexer.pos
        state = self.name_addr()
        if state == BROKEN:
            self.lexer.pos = start
            state = self.addr_spec()
        self.add()
        return state

    def name_addr(self) -> int:
        lexer, words = self.lexer, list[bytes]()
        if lexer.phrase(words) != MORE or lexer.octets[lexer.pos] != 0x3C:
            return BROKEN
        self.name = b"".join(words) or None
        if self.angle_addr() == BROKEN:
            self.host = b"SYNTAX_ERROR"
        return MORE if lexer.pos < lexer.end else END

    def angle_addr(self) -> int:
        """Rule angle-addr = "<" [ "@" route ":" ] local-part "@" domain ">"."""
        lexer = self.lexer
        lexer.pos += 1
        if lexer.skip() != MORE:
            return BROKEN
        if lexer.peek() == 0x40:
            if self.domain_list() == MORE and lexer.peek() == 0x3A:
                lexer.pos += 1
            else:
                self.route = b"INVALID_ROUTE"
            if lexer.skip() != MORE:
                return BROKEN
        if lexer.peek() != 0x3E:
            if self.local_part([]) != MORE:
                return BROKEN
            if lexer.peek() == 0x40 and self.domain() != MORE:
                return BROKEN
        if lexer.peek() != 0x3E:
            return BROKEN
        lexer.pos += 1
        return lexer.skip()

    def domain_list(self) -> int:
        """obs-domain-list (RFC 5322 §4.4), kept without its colon."""
        lexer, words = self.lexer, list[bytes]()
        while lexer.peek() == 0x40:
            words.append(b",@" if words else b"@")
            state = lexer.domain(words)
            if state != MORE:
                return state
            while lexer.skip() == MORE and lexer.peek() == 0x2C:
                lexer.pos += 1
        if lexer.pos >= lexer.end:
            return END
        self.route = b"".join(words)
        return MORE

    def local_part(self, words: list[bytes]) -> int:
        lexer = self.lexer
        state = lexer.quoted_string(words) if lexer.peek() == 0x22 else lexer.loose_dot_atom(words)
        if state != BROKEN:
            self.mailbox = b"".join(words)
        return state

    def domain(self) -> int:
        words: list[bytes] = []
        state = self.lexer.domain(words)
        if state != BROKEN:
            self.host = b"".join(words)
        return state

    def addr_spec(self) -> int:
        """local-part "@" domain; without a domain, what was read may be a display name."""
        lexer = self.lexer
        lexer.comment = b""
        quoted = lexer.peek() == 0x22
        words: list[bytes] = []
        state = self.local_part(words)
        broken = state != MORE
        with_domain = False
        if state != END and lexer.peek() == 0x40:
            with_domain = True
            domain_state = self.domain()
            if domain_state != MORE:
                state = domain_state
        if lexer.comment:
            self.name = lexer.comment
        elif not with_domain:
            more: list[bytes] = []
            lexer.phrase(more)
            if any(more):
                self.name, self.mailbox = b"".join([*words, b" ", *more]), None
            elif quoted:
                self.name, self.mailbox = self.mailbox, None
            return BROKEN
        if broken and self.name is None and self.host is None:
            self.name, self.mailbox = self.mailbox, None
        return state
