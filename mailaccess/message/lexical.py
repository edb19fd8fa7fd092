"""Lexical rules shared by addresses, dates and MIME fields (RFC 5322 §3.2, RFC 2045 §5.1).

A ``Lexer`` walks over one unfolded or folded field value. Its rules answer MORE when octets
are left, END when the value is used up, BROKEN when the rule does not match; what they read
goes to a list of pieces. Octets above 127 count as letters: mail in the wild has them in
every place, and RFC 6532 allows them. Work is linear in the value: no rule goes back, and the
tokens and parentheses of one value, each of which costs a step of Python, have a bound.
"""

import re

MORE = 1
END = 0
BROKEN = -1

MAX_PARENTHESES = 10_000
"""Parentheses looked at in one value. Each costs a step of Python; mail has a handful."""

ATEXT = rb"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff"
TOKEN = rb"A-Za-z0-9!#$%&'*+\-^_`{|}~.\x80-\xff"

MAX_TOKENS = 50_000
"""Atoms, words and the like read from one value, after which it counts as broken."""

_WSP = re.compile(rb"[ \t\r\n]*")
_ATOM = re.compile(rb"[" + ATEXT + rb"]+")
_DOTS_AND_ATEXT = re.compile(rb"[" + ATEXT + rb".]*")
_TOKEN = re.compile(rb"[" + TOKEN + rb"]*")
_QUOTED = re.compile(rb'"((?:[^"\\]++|\\.)*)"', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_NEWLINE = re.compile(rb"\r?\n")
_LITERAL = re.compile(rb"\[(?:[^\]\\]++|\\.)*\]", re.DOTALL)
_COMMENT_STOP = re.compile(rb"[()\\]")
_WSP_OCTETS = b" \t\r\n"
_ATEXT_OCTETS = frozenset(i for i in range(256) if _ATOM.match(bytes((i,))))


class Lexer:
    """A place in the octets of one field value.

    comment: the content of the last comment passed, or b"" (RFC 5322 §3.2.2); some mail keeps
    the display name there.
    """

    __slots__ = ("octets", "pos", "end", "comment", "_parentheses", "_tokens")

    def __init__(self, octets: bytes, pos: int = 0) -> None:
        self.octets = octets
        self.pos = pos
        self.end = len(octets)
        self.comment = b""
        self._parentheses = 0
        self._tokens = 0

    def peek(self) -> int:
        """The octet at the place, or -1 at the end."""
        return self.octets[self.pos] if self.pos < self.end else -1

    def _more(self) -> int:
        return MORE if self.pos < self.end else END

    def skip(self) -> int:
        """CFWS: white space and comments; BROKEN where a comment is never closed."""
        octets = self.octets
        self._tokens += 1  # every rule ends here
        if self._tokens > MAX_TOKENS:
            self.pos = self.end
            return BROKEN
        while self.pos < self.end:
            octet = octets[self.pos]
            if octet in _WSP_OCTETS:
                match = _WSP.match(octets, self.pos)
                self.pos = match.end() if match else self.pos
            elif octet == 0x28:
                if not self._skip_comment():
                    self.pos = self.end
                    return BROKEN
            else:
                return MORE
        return END

    def _skip_comment(self) -> bool:
        level, start = 0, self.pos + 1
        pos = self.pos
        while match := _COMMENT_STOP.search(self.octets, pos):
            pos = match.end()
            octet = self.octets[pos - 1]
            self._parentheses += 1
            if self._parentheses > MAX_PARENTHESES:
                return False
            if octet == 0x28:
                level += 1
            elif octet == 0x29:
                level -= 1
                if not level:
                    self.comment = _QUOTED_PAIR.sub(rb"\1", self.octets[start : pos - 1])
                    self.pos = pos
                    return True
            else:
                pos += 1
        return False

    def atom(self, into: list[bytes]) -> int:
        """Rule atom = 1*atext [CFWS]."""
        match = _ATOM.match(self.octets, self.pos)
        if not match:
            return BROKEN
        into.append(match[0])
        self.pos = match.end()
        return self.skip()

    def dot_atom(self, into: list[bytes]) -> int:
        """Rule obs-domain = atom *("." atom), white space and comments allowed around the dots."""
        while True:
            state = self.atom(into)
            if state != MORE or self.octets[self.pos] != 0x2E:
                return state
            self.pos += 1
            into.append(b".")
            state = self.skip()
            if state != MORE:
                return state

    def loose_dot_atom(self, into: list[bytes]) -> int:
        """A local part whose dots may stand anywhere, as in the wild (``a..b``, ``.a``, ``b.``)."""
        state = BROKEN
        while True:
            while self.peek() == 0x2E:
                into.append(b".")
                self.pos += 1
                if self.pos == self.end:
                    return END
                state = MORE
            if self.peek() == 0x40:
                return state
            state = self.atom(into)
            if state != MORE or self.octets[self.pos] != 0x2E:
                return state

    def token(self, into: list[bytes]) -> int:
        """Rule token (RFC 2045 §5.1) and the CFWS after it; it may be empty."""
        match = _TOKEN.match(self.octets, self.pos)
        if match:
            into.append(match[0])
            self.pos = match.end()
        return self.skip()

    def quoted_string(self, into: list[bytes]) -> int:
        """Rule quoted-string and the CFWS after it; line breaks inside are dropped, quoted pairs resolved."""
        match = _QUOTED.match(self.octets, self.pos)
        if not match:
            self.pos = self.end
            return BROKEN
        text = match[1]
        if b"\n" in text:
            text = _NEWLINE.sub(b"", text)
        if b"\\" in text:
            text = _QUOTED_PAIR.sub(rb"\1", text)
        into.append(text)
        self.pos = match.end()
        return self.skip()

    def phrase(self, into: list[bytes]) -> int:
        """Rule obs-phrase = word *(word / "." / CFWS), its words joined by one space."""
        if self.pos >= self.end:
            return END
        if self.octets[self.pos] == 0x2E:
            return BROKEN
        while True:
            if self.octets[self.pos] == 0x22:
                state = self.quoted_string(into)
            else:
                match = _DOTS_AND_ATEXT.match(self.octets, self.pos)
                if match:
                    into.append(match[0])
                    self.pos = match.end()
                state = self.skip()
            if state != MORE:
                return state
            octet = self.octets[self.pos]
            if octet not in _ATEXT_OCTETS and octet != 0x22 and octet != 0x2E:
                return MORE
            into.append(b" ")

    def domain(self, into: list[bytes]) -> int:
        """The "@" at the place, and the dot-atom or domain-literal after it; line breaks inside are dropped."""
        self.pos += 1
        if self.skip() != MORE:
            return BROKEN
        if self.octets[self.pos] != 0x5B:
            return self.dot_atom(into)
        match = _LITERAL.match(self.octets, self.pos)
        if not match:
            self.pos = self.end
            return BROKEN
        into.append(_NEWLINE.sub(b"", match[0]) if b"\n" in match[0] else match[0])
        self.pos = match.end()
        return self.skip()
