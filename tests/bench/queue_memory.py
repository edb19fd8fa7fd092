"""What 100,000 waiting messages cost the server: memory, and the time to take them up at the start.

python -m tests.bench.queue_memory [--messages 100000]
"""

import argparse
import tempfile
import time
from pathlib import Path

from mailaccess.spool.envelope import Attempt, Envelope, Recipient, render
from tests.interop.running import Server


def fill(queue: Path, messages: int) -> None:
    """Messages of 1,000 senders to 2,000 domains, tried three times, due tomorrow."""
    for name in ("envelope", "body", "tmp", "requests"):
        (queue / name).mkdir(parents=True)
    now = time.time()
    tries = tuple(
        Attempt(now - each * 60, "421 4.3.2 come back later", "mx.example[192.0.2.1]:25")
        for each in (3, 2, 1)
    )
    for number in range(messages):
        id = f"{int(now * 1000):011x}{number:010x}"
        envelope = Envelope(
            id,
            f"sender{number % 1000}@naver.com",
            (Recipient(f"user{number}@domain{number % 2000}.example", history=tries),),
            now - 200,
            now + 86400,
            owner=f"sender{number % 1000}@naver.com",
            attempts=3,
            size=8,
        )
        (queue / "envelope" / id).write_bytes(render(envelope))
        (queue / "body" / id).write_bytes(b"x: y\r\n\r\n")


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    messages = parser.parse_args().messages
    with tempfile.TemporaryDirectory(prefix="mailaccess-") as folder:
        server = Server(Path(folder))
        server.add_user("lee@naver.com")
        server.start()
        assert server.process is not None
        empty = resident(server.process.pid)
        server.stop()
        for each in (Path(folder) / "state" / "queue").rglob("*"):
            if each.is_file():
                each.unlink()
        for each in ("envelope", "body", "tmp", "requests"):
            (Path(folder) / "state" / "queue" / each).rmdir()
        fill(Path(folder) / "state" / "queue", messages)
        begin = time.monotonic()
        server.start()
        assert server.process is not None
        server.await_log("queue-loaded")
        seconds = time.monotonic() - begin
        full = resident(server.process.pid)
        print(
            f"{messages} messages: {empty:.0f} MiB empty, {full:.0f} MiB loaded"
            f" ({(full - empty) * 2**20 / messages:.0f} octets each), taken up in {seconds:.1f} s"
        )
        server.stop()


if __name__ == "__main__":
    main()
