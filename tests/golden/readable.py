"""IMAP values as trees, and trees as text that a person reads in a file of expectations."""

import re
from typing import Any

_TOKEN = re.compile(
    rb'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|\{(?P<literal>\d+)\}\r\n|(?P<atom>[^\s()"{]+))'
)


def tree(octets: bytes) -> Any:
    """One IMAP value as nested lists: NIL is None, numbers are int, strings Latin-1 str."""
    stack: list[list[Any]] = [[]]
    pos = 0
    while pos < len(octets):
        match = _TOKEN.match(octets, pos)
        assert match, octets[pos : pos + 40]
        pos = match.end()
        if match["open"]:
            stack.append([])
        elif match["close"]:
            done = stack.pop()
            stack[-1].append(done)
        elif match["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match["quoted"]).decode("latin-1"))
        elif match["literal"]:
            length = int(match["literal"])
            stack[-1].append(octets[pos : pos + length].decode("latin-1"))
            pos += length
        else:
            atom = match["atom"].decode("ascii")
            stack[-1].append(None if atom == "NIL" else int(atom))
    assert len(stack) == 1 and len(stack[0]) == 1, "one value, its parentheses closed"
    return stack[0][0]


def readable(value: Any, indent: str = "", width: int = 100) -> str:
    """A tree as indented lines; what fits on a line stays on it."""
    flat = _flat(value)
    if not isinstance(value, list) or len(indent) + len(flat) <= width:
        return indent + flat
    lines: list[str] = []
    scalars: list[str] = []
    for item in value:
        if isinstance(item, list):
            if scalars:
                lines.append(f"{indent}  {' '.join(scalars)}")
                scalars = []
            lines.append(readable(item, indent + "  "))
        else:
            scalars.append(_scalar(item))
    if scalars:
        lines.append(f"{indent}  {' '.join(scalars)}")
    return "\n".join([f"{indent}(", *lines, f"{indent})"])


def _flat(value: Any) -> str:
    return f"({' '.join(map(_flat, value))})" if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "NIL"
    if isinstance(value, int):
        return str(value)
    text = value.encode("latin-1").decode("utf-8", "backslashreplace")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
