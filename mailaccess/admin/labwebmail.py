"""Debian's Roundcube as the lab's webmail: PHP's own web server on loopback, SQLite, a folder of the lab's, no root.

What it runs with is ``conf/roundcube/config.inc.php``, which ``recipe`` makes.
"""

import os
import secrets
import signal
import sqlite3
import sys
from pathlib import Path
from shutil import which
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol

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

RECIPE: Final = """\
<?php
// Roundcube on mailaccess, as "mailadm lab --webmail" runs it: Debian's packages roundcube-core, roundcube-sqlite3
// and php-cli, PHP's own web server, no root. What the lab does with this file in FOLDER:
//     ln -s /etc/roundcube/defaults.inc.php /etc/roundcube/mimetypes.php FOLDER/
//     sqlite3 FOLDER/roundcube.db < /usr/share/roundcube/SQL/sqlite.initial.sql
//     head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \\n' > FOLDER/des_key
//     ROUNDCUBE_CONFIG_DIR=FOLDER php -S 127.0.0.1:{webmail} -t /var/lib/roundcube/public_html
// Behind Apache or nginx the same lines belong into /etc/roundcube/config.inc.php.
$config = [];

// Whose mail lies where: the domain behind the @ chooses the server. 'tls://mail.example.org:143' outside of a lab.
$config['imap_host'] = [
{hosts}];
$config['smtp_host'] = '%h:{submission}';  // submission of the same server, with the user's own login
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';

// The server makes Drafts, Sent, Junk and Trash and says which is which (SPECIAL-USE, RFC 6154).
$config['create_default_folders'] = false;

$config['db_dsnw'] = 'sqlite:///' . __DIR__ . '/roundcube.db?mode=0600';
$config['des_key'] = trim(file_get_contents(__DIR__ . '/des_key'));
$config['log_dir'] = __DIR__ . '/logs';
$config['temp_dir'] = __DIR__ . '/temp';
$config['mime_types'] = null;

$config['product_name'] = 'mailaccess lab';
$config['plugins'] = [];
$config['enable_spellcheck'] = false;
"""


class WebmailMissing(Exception):
    """Roundcube or PHP is not installed; the text says how to get them."""


def recipe(ports: Ports) -> str:
    """Roundcube's configuration."""
    hosts = "".join(
        f"    '{address}:{ports.imap}' => ['{domain}'],\n" for domain, address in ADDRESSES.items()
    )
    return RECIPE.format(hosts=hosts, webmail=ports.webmail, submission=ports.submission)


class Webmail:
    """One process. folder: its configuration, database and logs."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self._folder = folder
        self._ports = ports
        self._process = _Php()
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


class _Php(ProcessProtocol):
    def __init__(self) -> None:
        self.ready: Deferred[None] = Deferred()
        self._ended: Deferred[None] = Deferred()
        self._log = b""

    def errReceived(self, data: bytes) -> None:
        """Twisted's name: PHP's server says each request here."""
        self._log = (self._log + data)[-4096:]
        if not self.ready.called and b" started" in self._log:
            self.ready.callback(None)

    def processEnded(self, reason: Any) -> None:
        """Twisted's name."""
        if not self.ready.called:
            text = self._log.decode("utf-8", "replace").strip()
            self.ready.errback(RuntimeError(f"PHP did not start: {text}"))
        self._ended.callback(None)

    async def stop(self) -> None:
        """End it and its workers."""
        transport: Any = self.transport
        if transport is not None and transport.pid:
            os.killpg(transport.pid, signal.SIGTERM)
            await self._ended
