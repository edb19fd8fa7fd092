"""``mailadm`` as the tests run it: with a configuration of its own, its output taken."""

import json
import os
import sys
from pathlib import Path

from mailaccess.admin import main

CONFIG = """\
domains = ["naver.com", "daum.net"]
state_dir = "."
[auth]
default_scheme = "SSHA512"
"""


class Tool:
    """mailadm with a configuration of its own."""

    def __init__(self, folder: Path, capfd, monkeypatch) -> None:
        self.folder = folder
        self.config = folder / "mailaccess.toml"
        self.config.write_text(CONFIG)
        self.users = folder / "users"
        self._capfd = capfd
        self._monkeypatch = monkeypatch
        self.out = self.err = ""

    def __call__(self, *arguments: str, stdin: bytes = b"", options: tuple[str, ...] = ()) -> int:
        reading, writing = os.pipe()
        os.write(writing, stdin)
        os.close(writing)
        with os.fdopen(reading, "r") as file:
            self._monkeypatch.setattr(sys, "stdin", file)
            code = main.run(["--config", str(self.config), *options, *arguments])
        self.out, self.err = self._capfd.readouterr()
        return code

    def json(self, *arguments: str, stdin: bytes = b""):
        assert self(*arguments, stdin=stdin, options=("--json",)) == 0, self.err
        return json.loads(self.out)
