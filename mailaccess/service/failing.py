"""How the service says that it cannot start; apart from those who start it, since a supervisor needs no engine."""

import os
import sys
from typing import Final, NoReturn

EX_TEMPFAIL: Final = 75
EX_CONFIG: Final = 78


class CannotStart(Exception):
    """The service cannot start; the text is for the operator."""


def refuse(text: str, code: int) -> NoReturn:
    """Say why and end; past Twisted's log, which has taken ``sys.stderr`` by then."""
    lines = "".join(f"mailaccess: {line}\n" for line in text.splitlines())
    os.write(2, lines.encode("utf-8", "backslashreplace"))
    sys.exit(code)
