"""Starts the server with the benchmark's accounts and runs the benchmark on it; called by scripts/bench."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNTS = 1000
HASHED = 16
PASSWORD = "secret"
PATIENCE = 30.0

CONFIGURATION = """\
hostname = "localhost"
domains = ["localhost"]
state_dir = "."

[listen]
imap = ["127.0.0.1:{imap}"]
imaps = ["127.0.0.1:{imaps}"]
pop3 = ["127.0.0.1:{pop3}"]
smtp = ["127.0.0.1:{smtp}"]
lmtp = ["127.0.0.1:{lmtp}"]
http = ["127.0.0.1:{http}"]

[tls]
certificate = "cert.pem"
key = "key.pem"

[auth]
passwd_file = "users"
"""


def free_ports(names: list[str]) -> dict[str, int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    ports = {name: made.getsockname()[1] for name, made in zip(names, sockets, strict=True)}
    for made in sockets:
        made.close()
    return ports


def accounts(folder: Path) -> Path:
    """The passwd-file, and the list that the benchmark reads; most hashes are cheap, as it wants them."""
    from passlib.hash import sha512_crypt

    hashed = sha512_crypt.using(rounds=5000).hash(PASSWORD)
    with (folder / "users").open("w") as ours, (folder / "bench-users").open("w") as theirs:
        for number in range(ACCOUNTS):
            ours.write(f"u{number}@localhost:{{PLAIN}}{PASSWORD}::::::\n")
            theirs.write(f"u{number}@localhost:{PASSWORD}\n")
        for number in range(HASHED):
            ours.write(f"h{number}@localhost:{{SHA512-CRYPT}}{hashed}::::::\n")
            theirs.write(f"h{number}@localhost:{PASSWORD}:hashed\n")
    return folder / "bench-users"


def wait_until_up(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if json.load(answer)["status"] == "ok":
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the server did not start; see server.log")


def main() -> int:
    from mailaccess.net.tls import write_self_signed

    bench, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory(
        prefix="mailaccess-bench-", dir=os.environ.get("MAILACCESS_BENCH_WORK")
    ) as made:
        folder = Path(made)
        ports = free_ports(["imap", "imaps", "pop3", "smtp", "lmtp", "http"])
        (folder / "mailaccess.toml").write_text(CONFIGURATION.format(**ports))
        write_self_signed(folder / "cert.pem", folder / "key.pem", ["localhost", "127.0.0.1"])
        users = accounts(folder)
        command = [sys.executable, "-m", "mailaccess.service.main", "serve"]
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [*command, "--config", str(folder / "mailaccess.toml")], stdout=log, stderr=log
            )
        try:
            wait_until_up(ports["http"], server)
            peer = f"127.0.0.1:{ports['imap']}:{ports['pop3']}:{ports['smtp']}:{ports['lmtp']}"
            # An account is u7@localhost to the benchmark, and its Maildir is asked for by that whole name.
            peer += f",users={users},pid={server.pid},imaps={ports['imaps']},name=mailaccess"
            peer += f",maildir={folder}/mail-by-name/{{user}}/Maildir"
            by_name = folder / "mail-by-name"
            by_name.mkdir()
            for line in users.read_text().splitlines():
                name = line.partition(":")[0]
                home = folder / "mail" / "localhost" / name.partition("@")[0]
                home.parent.mkdir(parents=True, exist_ok=True)
                (by_name / name).symlink_to(home)
            return subprocess.call([sys.executable, bench, "run", peer, *arguments])
        finally:
            server.terminate()
            server.wait(PATIENCE)


if __name__ == "__main__":
    sys.exit(main())
