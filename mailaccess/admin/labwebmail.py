"""Debian's Roundcube as the lab's webmail: PHP's own web server on loopback, SQLite, a folder of the lab's, no root.

What it runs with is ``roundcube.inc.php`` (``conf/roundcube/config.inc.php``), with the lab's own ports.
"""

import os
import re
import secrets
import signal
import sqlite3
import sys
from pathlib import Path
from shutil import which
from typing import Any, Final

from mailaccess.admin.labprocess import Child
from mailaccess.admin.labservers import Ports
from mailaccess.admin.labzones import ADDRESSES

ROOT: Final = Path("/var/lib/roundcube/public_html")
SCHEMA: Final = Path("/usr/share/roundcube/SQL/sqlite.initial.sql")
DEFAULTS: Final = ("defaults.inc.php", "mimetypes.php")
DEBIAN: Final = Path("/etc/roundcube")

ADDRESS: Final = "127.0.0.1"

STARTS: Final = 30.0
"""Seconds that PHP may take to start."""

WORKERS: Final = "4"
"""Processes of PHP's server: the browser asks for several things at once."""

UPLOADS: Final = ("-d", "upload_max_filesize=25M", "-d", "post_max_size=26M")
"""PHP would take attachments of 2 MB only."""

OWN_GROUP: Final = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"
"""PHP's server leaves its workers behind when it ends: all are signalled as a group."""

RECIPE: Final = Path(__file__).with_name("roundcube.inc.php")
"""Roundcube's configuration, with the ports that the lab has when nothing else is said."""

_HOSTS: Final = re.compile(r"(?<=\['imap_host'\] = \[\n).*?(?=^\];$)", re.DOTALL | re.MULTILINE)
_SUBMISSION: Final = "%h:2587"
_WEBMAIL: Final = "127.0.0.1:2080"


class WebmailMissing(Exception):
    """Roundcube or PHP is not installed; the text says how to get them."""


def recipe(ports: Ports) -> str:
    """Roundcube's configuration."""
    hosts = "".join(
        f"    '{address}:{ports.imap}' => ['{domain}'],\n" for domain, address in ADDRESSES.items()
    )
    text = _HOSTS.sub(lambda _: hosts, RECIPE.read_text("utf-8"))
    text = text.replace(_SUBMISSION, f"%h:{ports.submission}")
    return text.replace(_WEBMAIL, f"{ADDRESS}:{ports.webmail}")


class Webmail:
    """One process. folder: its configuration, database and logs."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self._folder = folder
        self._ports = ports
        self._process = _Php("PHP")
        self.address = f"http://{ADDRESS}:{ports.webmail}/"

    @staticmethod
    def look() -> str:
        """Where PHP is. Raises WebmailMissing where that or Roundcube is not."""
        php = which("php")
        missing = [str(path) for path in (ROOT / "index.php", SCHEMA) if not path.exists()]
        if php is None or missing:
            raise WebmailMissing(
                f"there is no {missing[0] if missing else 'php'}; on Debian, as root: "
                "apt-get install --no-install-recommends roundcube-core roundcube-sqlite3 php-cli"
            )
        return php

    def prepare(self) -> None:
        """Write what it runs with. Raises OSError."""
        for folder in (self._folder, self._folder / "logs", self._folder / "temp"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "config.inc.php").write_text(recipe(self._ports), "utf-8")
        for name in DEFAULTS:
            link = self._folder / name
            if not link.is_symlink():
                link.symlink_to(DEBIAN / name)
        key = self._folder / "des_key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(secrets.token_hex(12), "ascii")  # 24 octets, as Roundcube wants it
        database = self._folder / "roundcube.db"
        if not database.exists():
            database.touch(mode=0o600)
            connection = sqlite3.connect(database)
            connection.executescript(SCHEMA.read_text("utf-8"))
            connection.close()

    async def start(self, reactor: Any) -> None:
        """Start PHP and wait until it answers. Raises RuntimeError."""
        environment = {
            **os.environ,
            "ROUNDCUBE_CONFIG_DIR": str(self._folder),
            "PHP_CLI_SERVER_WORKERS": WORKERS,
        }
        php = self.look()
        command = [
            php,
            *UPLOADS,
            "-d",
            "display_errors=0",
            "-S",
            f"{ADDRESS}:{self._ports.webmail}",
            "-t",
            str(ROOT),
        ]
        command = [sys.executable, "-c", OWN_GROUP, *command]
        reactor.spawnProcess(self._process, command[0], command, env=environment, path=str(self._folder))
        self._process.ready.addTimeout(STARTS, reactor)
        await self._process.ready

    async def stop(self) -> None:
        """End it."""
        await self._process.stop()


class _Php(Child):
    """PHP's server, which says each request on standard error."""

    def heard(self, line: bytes) -> bool:
        """What it says first."""
        return b" started" in line

    def signal(self, process: Any) -> None:
        """Its workers too."""
        os.killpg(process.pid, signal.SIGTERM)
