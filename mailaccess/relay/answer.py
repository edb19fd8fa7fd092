"""What the other server said: code, text, and what they mean for a recipient (RFC 5321 §4.2, RFC 3463)."""

import re
from dataclasses import dataclass
from typing import Final

_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |\Z)")


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the other server. code: -1 where the connection ended instead.  text: without the code."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def status(self) -> str:
        """The enhanced code, or the general one of its class."""
        found = _ENHANCED.match(self.text)
        if found and found[1][0] == str(self.code)[0]:
            return found[1]
        if self.ok or self.permanent:
            return f"{self.code // 100}.0.0"
        return "4.4.2" if self.code < 0 else "4.0.0"

    def __str__(self) -> str:
        return self.text if self.code < 0 else f"{self.code} {self.text}"


def cleaned(text: bytes) -> str:
    """A reply as text: one line feed between its lines, nothing that drives a terminal."""
    lines = text.decode("utf-8", "replace").split("\n")
    return "\n".join("".join(char if char.isprintable() else "?" for char in line) for line in lines)[:2000]
