"""What is wrong with a configuration: file, line, key, value, and what would be right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_SHOWN: Final = 120
"""Characters of a wrong value in a message."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. line: 0 for none to blame.  value: as in TOML, "" where absent."""

    file: Path | None
    line: int
    key: str
    value: str
    right: str

    def __str__(self) -> str:
        place = str(self.file) if self.file is not None else "built-in defaults"
        if self.line:
            place += f":{self.line}"
        value = self.value if len(self.value) <= MAX_SHOWN else self.value[:MAX_SHOWN] + "..."
        subject = f"{self.key} = {value}" if value else self.key
        return f"{place}: {subject}: {self.right}" if subject else f"{place}: {self.right}"


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` holds everything that was found, in the file's order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
