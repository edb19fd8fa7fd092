"""Debian's Postfix on free loopback ports, with a configuration, a queue and mailboxes of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.running import PATIENCE, eventually, free_ports

RECIPE = Path(__file__).parents[2] / "conf" / "postfix"

AVAILABLE = shutil.which("postfix") is not None and os.geteuid() == 0
REASON = "needs root (Postfix runs as several users) and: apt install postfix"

DOMAIN = "postfix.example"
"""Postfix keeps this domain's mail itself."""

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.2/32
alias_maps =
local_recipient_maps =
smtpd_tls_chain_files = {key}, {certificate}
smtp_tls_security_level = may
smtp_host_lookup = native
disable_dns_lookups = yes
minimal_backoff_time = 1s
transport_maps = texthash:{folder}/transport
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
address_verify_map =
address_verify_poll_delay = 1s
"""

MASTER = """\
{smtp} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - y - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


class Postfix:
    """One instance. smtp, submission, submissions: ports.  main: lines after those above and the recipe's."""

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        self.folder = folder
        self.smtp, self.submission, self.submissions = free_ports(3)
        self._certificate, self._key = certificate, key
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, transports: dict[str, str], *, state: Path | None = None, main: str = "") -> None:
        """Write it down. transports: domain to next hop.  state: mailaccess's, for the recipe in conf/."""
        etc = self.folder / "etc"
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        os.chown(self.folder / "mail", 65534, 65534)
        text = MAIN.format(folder=self.folder, certificate=self._certificate, key=self._key)
        master = MASTER.format(smtp=self.smtp)
        if state is not None:
            text += (RECIPE / "main.cf").read_text().replace("/var/lib/mailaccess", str(state))
            ports = (RECIPE / "master.cf").read_text()
            ports = ports.replace("\nsubmission ", f"\n{self.submission} ")
            master += ports.replace("\nsubmissions ", f"\n{self.submissions} ")
        (etc / "main.cf").write_text(text + main)
        (etc / "master.cf").write_text(master)
        lines = [f"{domain} {hop}\n" for domain, hop in ({DOMAIN: "virtual:"} | transports).items()]
        (self.folder / "transport").write_text("".join(lines))

    def start(self) -> None:
        """Start it as a child in a session of its own, and wait until it takes mail."""
        with (self.folder / "start").open("wb") as output:
            self._process = subprocess.Popen(
                ["postfix", "-c", str(self.folder / "etc"), "start-fg"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        eventually(lambda: "daemon started" in self.log(), f"Postfix runs:\n{self.log()}")

    def stop(self) -> None:
        """End it and what it has started."""
        if self._process is None:
            return
        pid = (self.folder / "queue" / "pid" / "master.pid").read_text().strip()
        os.kill(int(pid), signal.SIGTERM)
        self._process.wait(PATIENCE)

    def log(self) -> str:
        """What it has logged so far."""
        files = (self.folder / "start", self.folder / "log")
        return "".join(path.read_text(errors="replace") for path in files if path.exists())

    def mail(self) -> list[bytes]:
        """The messages in its own mailboxes, oldest first."""
        files = sorted((self.folder / "mail" / "all" / "new").glob("*"))
        return [path.read_bytes() for path in files]

    def await_log(self, text: str) -> str:
        """The first line of its log that holds ``text``."""
        eventually(lambda: text in self.log(), f"{text} in Postfix's log:\n{self.log()[-4000:]}")
        return next(line for line in self.log().splitlines() if text in line)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that other users than root may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="mailaccess-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
