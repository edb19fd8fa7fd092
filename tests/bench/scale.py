"""What large numbers cost: connections that wait, messages in one mailbox, mailboxes in one account.

python -m tests.bench.scale idle [--connections 10000] [--accounts 1000] [--rest 10] [--folder F]
python -m tests.bench.scale messages [--messages 1000000] [--folder F]
python -m tests.bench.scale mailboxes [--mailboxes 5000] [--folder F]

Each starts a server of its own on loopback and prints figures with the machine's load: time, memory (VmRSS of the
serving process, VmHWM its peak), CPU, and from the server's own histogram the turns of its reactor that took longer
than 50 ms, in which nobody else was answered. A message of 100 MB: tests/interop/test_large_message.py.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import measuring, usage
from tests.bench.house import Corpus
from tests.bench.servers import Mailaccess
from tests.bench.speaking import Imap, Lmtp, Wrong, expect, found_numbers, stuffed, untagged

PORTS = 20_000
"""Connections from one loopback address: Linux has some 28,000 ports to connect from."""

HOURS = 3600.0
"""Seconds to wait for one answer: slow is a figure here, not a failure."""

LATE = 0.05

LIMITS = """\
[limits]
connections = 40000
connections_per_address = 40000
connections_per_user = 20000
unauthenticated = 40000
"""

Figures = dict[str, float]


class Scale:
    """One server and the figures taken from it."""

    def __init__(self, folder: Path, accounts: int, tell: Callable[[str], None]) -> None:
        self.peer = Mailaccess(LIMITS, users=accounts)
        self.peer.start(folder)
        self.figures: Figures = {}
        self._tell = tell

    @property
    def pid(self) -> int:
        assert self.peer.pid is not None
        return self.peer.pid

    def note(self, what: str, value: float, unit: str, more: str = "") -> None:
        self.figures[what] = value
        self._tell(f"{what:44} {value:12,.2f} {unit:8} {more}")

    def step(self, what: str, call: Callable[[], Any]) -> Any:
        """Do it; note seconds, peak memory, late turns."""
        usage.forget_peak(self.pid)
        late, begun = self.late_turns(), time.perf_counter()
        result = call()
        seconds = time.perf_counter() - begun
        late = self.late_turns() - late
        peak = usage.status(self.pid, "VmHWM")
        more = f"peak {peak:.0f} MiB, {late:.0f} turns over {1000 * LATE:.0f} ms, load {usage.load():.1f}"
        self.note(what, 1000 * seconds, "ms", more)
        self.figures[f"{what}: late turns"] = late
        return result

    def late_turns(self) -> float:
        """Turns of the reactor so far that took longer than ``LATE``."""
        metrics = self.peer.metrics()
        name = "mailaccess_reactor_lag_seconds"
        return metrics[f"{name}_count"] - metrics[f'{name}_bucket{{le="{LATE}"}}']

    def imap(self, number: int = 0, source: str = "") -> Imap:
        assert self.peer.imap is not None
        imap = Imap(self.peer.imap, source=(source, 0) if source else None)
        imap.socket.settimeout(HOURS)
        user = self.peer.users[number % len(self.peer.users)]
        imap.login(user.name, user.password)
        return imap

    def deliver(self, number: int = 0) -> None:
        assert self.peer.lmtp is not None
        client = Lmtp(self.peer.lmtp)
        client.deliver(
            self.peer.users[number].name, stuffed(b"From: kim@daum.net\r\nSubject: new\r\n\r\nnew\r\n")
        )
        client.quit()

    def log_of_late_turns(self) -> list[str]:
        return [
            line for line in self.peer.log.read_text(errors="replace").splitlines() if "reactor-late" in line
        ]


def idle(folder: Path, connections: int, accounts: int, rest: float, tell: Callable[[str], None]) -> Figures:
    """Sessions that wait in IDLE on an INBOX, spread over accounts; then one of them gets mail."""
    wanted = connections + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    with ExitStack() as stack:
        scale = Scale(folder, accounts, tell)
        stack.callback(scale.peer.stop)
        for number in range(accounts):  # their folders are made, which happens once
            imap = scale.imap(number)
            imap.select("INBOX")
            imap.logout()
        measuring.rest(min(rest, 3.0))  # their indexes are closed
        before = usage.memory(scale.pid)
        scale.note("memory before", before / 1024, "MiB")
        waiting: list[Imap] = []

        def connect() -> None:
            for number in range(connections):
                imap = scale.imap(number, f"127.0.1.{1 + number // PORTS}")
                stack.callback(imap.close)
                imap.select("INBOX")
                imap.say(b"I IDLE\r\n")
                if not imap.line().startswith(b"+"):
                    raise Wrong("no continuation of IDLE")
                waiting.append(imap)

        scale.step("connect, log in, select, idle: all", connect)
        measuring.rest(min(rest, 5.0))  # memory at rest is measured, and below CPU at rest
        after = usage.memory(scale.pid)
        scale.note("memory with all of them", after / 1024, "MiB")
        scale.note("memory a connection", (after - before) / connections, "KiB")
        used, late = usage.cpu(scale.pid), scale.late_turns()
        measuring.rest(rest)
        scale.note(
            "CPU at rest", 100 * (usage.cpu(scale.pid) - used) / rest, "% core", f"load {usage.load():.1f}"
        )
        scale.note("late turns at rest", scale.late_turns() - late, "turns")
        _wake(scale, waiting, accounts)
        for line in scale.log_of_late_turns():
            tell(line)
        return scale.figures


def _wake(scale: Scale, waiting: list[Imap], accounts: int) -> None:
    """Mail for some of the accounts: how long until a session of theirs knows."""
    taken = []
    for number in range(0, accounts, max(1, accounts // 20)):
        begun = time.perf_counter()
        scale.deliver(number)
        while (line := waiting[number].line()) and b" EXISTS" not in line:
            pass
        taken.append(time.perf_counter() - begun)
    scale.note(
        "connect, deliver, and it is told: p50", 1000 * statistics.median(taken), "ms", f"of {len(taken)}"
    )


def messages(folder: Path, count: int, tell: Callable[[str], None]) -> Figures:
    """One mailbox of so many small messages, put there by another program."""
    (folder / "server").mkdir()
    with ExitStack() as stack:
        scale = Scale(folder / "server", 1, tell)
        stack.callback(scale.peer.stop)
        user = scale.peer.users[0]
        imap = scale.imap()
        imap.ask("CREATE large")
        maildir = scale.peer.maildir(user)
        assert maildir is not None
        begun = time.perf_counter()
        corpus = Corpus(folder / "corpus", 700)
        for _ in corpus.drop(maildir / ".large", count, size=min(count, 1000)):
            pass
        scale.note("(files made in)", time.perf_counter() - begun, "s")
        scale.note("memory before", usage.status(scale.pid, "VmRSS"), "MiB")
        select = partial(imap.select, "large")
        expect(scale.step("SELECT, first", select), count, "EXISTS")
        expect(scale.step("SELECT, again", select), count, "EXISTS")
        page = f"FETCH {max(1, count - 49)}:{count} (UID FLAGS ENVELOPE BODYSTRUCTURE)"
        expect(
            untagged(scale.step("FETCH of the last 50, first", partial(imap.ask, page))),
            min(count, 50),
            "page",
        )
        scale.step("FETCH of the last 50, again", partial(imap.ask, page))
        flags = scale.step("FETCH 1:* (UID FLAGS)", partial(imap.ask, "FETCH 1:* (UID FLAGS)"))
        expect(untagged(flags), count, "flags")
        scale.step("SEARCH UNSEEN", partial(imap.ask, "SEARCH UNSEEN"))
        answer = scale.step("SEARCH LARGER 10", partial(imap.ask, "SEARCH LARGER 10"))
        expect(found_numbers(answer), count, "messages found")
        scale.step("STORE of one", partial(imap.ask, rf"STORE {count // 2} +FLAGS (\Flagged)"))
        imap.append("large", b"From: kim@daum.net\r\nSubject: one\r\n\r\none\r\n")  # what is only slow once
        letter = b"From: kim@daum.net\r\nSubject: new\r\n\r\nnew\r\n"
        scale.step("APPEND of one", partial(imap.append, "large", letter))
        scale.step("STATUS", partial(imap.ask, "STATUS large (MESSAGES UNSEEN UIDNEXT SIZE)"))
        other = scale.imap()
        opened = scale.step("SELECT by another session", partial(other.select, "large"))
        expect(opened, count + 2, "EXISTS")
        scale.step("COPY of one to INBOX", partial(imap.ask, f"COPY {count} INBOX"))
        scale.step("delivery to the account's INBOX", scale.deliver)
        scale.step(
            r"STORE 1:* +FLAGS.SILENT (\Flagged)", partial(imap.ask, r"STORE 1:* +FLAGS.SILENT (\Flagged)")
        )
        answer = scale.step("SEARCH SUBJECT", partial(imap.ask, "SEARCH SUBJECT quarterly"))
        scale.note("messages found by it", found_numbers(answer), "")
        scale.note("memory after", usage.status(scale.pid, "VmRSS"), "MiB")
        for line in scale.log_of_late_turns():
            tell(line)
        return scale.figures


def mailboxes(folder: Path, count: int, tell: Callable[[str], None]) -> Figures:
    """So many mailboxes in one account, a tenth of them below one parent."""
    with ExitStack() as stack:
        scale = Scale(folder, 1, tell)
        stack.callback(scale.peer.stop)
        imap = scale.imap()
        scale.note("memory before", usage.status(scale.pid, "VmRSS"), "MiB")
        children, made_with_it = count // 10, untagged(imap.ask('LIST "" *'))
        names = [f"box{number}" for number in range(count - children - 1)]
        names += ["parent", *(f"parent/child{number}" for number in range(children))]
        tenth = max(1, len(names) // 10)
        scale.step("CREATE, the first tenth", partial(_each, imap, "CREATE", names[:tenth]))
        scale.step("CREATE, the middle", partial(_each, imap, "CREATE", names[tenth:-tenth]))
        scale.step("CREATE, the last tenth", partial(_each, imap, "CREATE", names[-tenth:]))
        _each(imap, "SUBSCRIBE", names[:10])
        for turn in ("first", "again"):
            answer = scale.step(f'LIST "" *, {turn}', partial(imap.ask, 'LIST "" *'))
            expect(untagged(answer), count + made_with_it, "mailboxes")
        listing = 'LIST "" * RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN UIDNEXT))'
        for turn in ("first", "again"):
            answer = scale.step(f"LIST-STATUS, {turn}", partial(imap.ask, listing))
            expect(answer.count(b"* STATUS "), count + made_with_it, "mailboxes with their status")
        expect(scale.step("SELECT", partial(imap.select, names[count // 2])), 0, "EXISTS")
        imap.ask("UNSELECT")
        scale.step("RENAME of one", partial(imap.ask, f"RENAME {names[0]} renamed"))
        scale.step("RENAME of the parent of a tenth", partial(imap.ask, "RENAME parent other"))
        expect(untagged(imap.ask('LIST "" other/%')), children, "children renamed")
        scale.step("delivery", scale.deliver)
        scale.step("new session: log in, LIST", lambda: scale.imap().ask('LIST "" *'))
        scale.step("DELETE of one", partial(imap.ask, "DELETE renamed"))
        scale.note("memory after", usage.status(scale.pid, "VmRSS"), "MiB")
        for line in scale.log_of_late_turns():
            tell(line)
        return scale.figures


def _each(imap: Imap, command: str, names: list[str]) -> None:
    for start in range(0, len(names), 100):
        imap.ask_all([f"{command} {name}" for name in names[start : start + 100]])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, options in {
        "idle": {"connections": 10_000, "accounts": 1000, "rest": 10},
        "messages": {"messages": 1_000_000},
        "mailboxes": {"mailboxes": 5000},
    }.items():
        added = kinds.add_parser(kind)
        for option, default in options.items():
            added.add_argument(f"--{option}", type=int, default=default)
        added.add_argument("--folder", type=Path, help="where the server and its mail live meanwhile")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailaccess-scale-", dir=given.folder) as made:
        print(f"load {usage.load():.1f} at the beginning", flush=True)
        tell = partial(print, flush=True)
        if given.kind == "idle":
            idle(Path(made), given.connections, given.accounts, float(given.rest), tell)
        elif given.kind == "messages":
            messages(Path(made), given.messages, tell)
        else:
            mailboxes(Path(made), given.mailboxes, tell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
