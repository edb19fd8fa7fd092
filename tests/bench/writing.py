"""Rows that change something: flags, copies, deliveries, notifications, and everything at once."""

import itertools
import math
import random
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tests.bench import usage
from tests.bench.house import Bench
from tests.bench.measuring import Missing, Prepare, in_parallel, rest
from tests.bench.servers import User
from tests.bench.speaking import Imap, Lmtp, Refused, Wrong, expect, stuffed, untagged


def store(bench: Bench) -> None:
    count = bench.sizes.messages
    with bench.mailbox(count) as (user, name):
        with bench.session(user, name) as imap:
            with bench.measure("store all", "msg/s") as lap:
                answer = lap.time(partial(imap.ask, r"STORE 1:* +FLAGS (\Flagged)"), count)
                expect(untagged(answer), count, "FETCH responses")
                expect(answer.count(rb"\Flagged"), count, "flags")
            with bench.measure("store single", "msg/s") as lap:
                for number in range(1, min(count, bench.sizes.singles) + 1):
                    answer = lap.time(partial(imap.ask, rf"STORE {number} +FLAGS (\Answered)"))
                    expect(answer.count(rb"\Answered"), 1, "flags")
        with bench.session(user, name) as imap:
            flagged = imap.ask("SEARCH RETURN (COUNT) FLAGGED")
            expect(f"COUNT {count}".encode() in flagged, True, "flags that another session finds")


def append(bench: Bench) -> None:
    for count in dict.fromkeys((1, bench.sizes.connections)):
        users = [bench.user(number) for number in itertools.islice(itertools.cycle(bench.APPENDED), count)]
        before = sum(_messages(bench, user) for user in users)
        with bench.measure(f"append x{count}", "msg/s") as lap:
            jobs: list[Prepare] = [partial(_appending, bench, user) for user in users]
            lap.seconds, laps = in_parallel(bench.sizes.seconds, jobs)
            lap.operations = len(laps)
            lap.end()
            expect(sum(_messages(bench, user) for user in users) - before, len(laps), "letters kept")


def _appending(bench: Bench, user: User) -> Callable[[], None]:
    imap = bench.login(user)
    numbers = itertools.count(1)

    def one() -> None:
        imap.append("INBOX", bench.corpus.letter(next(numbers) % 100))

    return one


def _messages(bench: Bench, user: User) -> int:
    with bench.session(user) as imap:
        return imap.select("INBOX")


def copy(bench: Bench) -> None:
    count = bench.sizes.messages
    with bench.mailbox(count) as (user, name), bench.mailbox(0, opened=False) as (_, other):
        with bench.session(user, name) as imap:
            for what, command in (("copy", f"COPY 1:* {other}"), ("move", f"MOVE 1:* {other}")):
                with bench.measure(what, "msg/s") as lap:
                    lap.time(partial(imap.ask, command), count)
                    lap.end()
                    answer = imap.ask(f"STATUS {other} (MESSAGES)")
                    expect(f"MESSAGES {count * (1 + (what == 'move'))})".encode() in answer, True, "copies")
        with bench.session(user, other) as imap:
            imap.ask(r"STORE 1:* +FLAGS.SILENT (\Deleted)")
            with bench.measure("expunge", "msg/s") as lap:
                answer = lap.time(partial(imap.ask, "EXPUNGE"), 2 * count)
                expect(answer.count(b" EXPUNGE\r\n"), 2 * count, "EXPUNGE responses")


def lmtp(bench: Bench) -> None:
    users = [bench.user(number) for number in bench.DELIVERED]
    for count in dict.fromkeys((1, bench.sizes.connections)):
        with bench.measure(f"lmtp x{count}", "msg/s") as lap:
            before = sum(_messages(bench, user) for user in users)
            jobs: list[Prepare] = [
                partial(_delivering, bench, users[start:] + users[:start]) for start in range(count)
            ]
            lap.begin()
            lap.seconds, laps = in_parallel(bench.sizes.seconds, jobs)
            lap.operations = len(laps)
            lap.end()
            expect(sum(_messages(bench, user) for user in users) - before, len(laps), "letters delivered")


def _delivering(bench: Bench, users: list[User]) -> Callable[[], None]:
    client = Lmtp(bench.address("lmtp"))
    turns = itertools.cycle(users)
    letters = itertools.cycle([stuffed(bench.corpus.letter(number)) for number in range(1, 50)])

    def one() -> None:
        client.deliver(next(turns).name, next(letters))

    return one


def idle(bench: Bench) -> None:
    users = [bench.user(number) for number in bench.IDLE]
    waiting: list[tuple[Imap, User]] = []
    try:
        before = usage.memory(bench.peer.pid) if bench.peer.pid else 0.0
        with bench.measure("idle connections made", "conn/s") as lap:

            def connect() -> None:
                for number in range(bench.sizes.idle):
                    user = users[number % len(users)]
                    imap = bench.login(user, "INBOX")
                    waiting.append((imap, user))
                    imap.say(b"I IDLE\r\n")
                    if not imap.line().startswith(b"+"):
                        raise Wrong("no continuation of IDLE")

            lap.time(connect, bench.sizes.idle)
        rest(bench.sizes.quiet)
        with bench.measure("idle memory a connection", "KiB") as lap:
            if bench.peer.pid is None:
                raise Missing("its processes are not known")
            lap.value = max(0.0, usage.memory(bench.peer.pid) - before) / bench.sizes.idle
        _notifications(bench, waiting)
    finally:
        for imap, _ in waiting:
            imap.close()


def _notifications(bench: Bench, waiting: list[tuple[Imap, User]]) -> None:
    """From the end of DATA to EXISTS, in every session of the user."""
    taken: list[float] = []
    with bench.measure("idle notification p50", "ms") as lap:
        client = Lmtp(bench.address("lmtp"))
        letter = stuffed(bench.corpus.letter(3))
        for number in range(bench.sizes.notifications):
            user = waiting[number % len(waiting)][1]
            sessions = [imap for imap, owner in waiting if owner == user]
            begun = time.perf_counter()
            client.deliver(user.name, letter)
            taken += [moment - begun for moment in _told(sessions)]
        client.quit()
        lap.value, lap.operations = 1000 * percentile(taken, 0.5), len(taken)
    if taken:
        bench.value("idle notification p99", "ms", 1000 * percentile(taken, 0.99))


def _told(sessions: list[Imap]) -> list[float]:
    """When each of them has been told of a new message; raises Wrong after 30 s."""
    moments: list[float] = []
    with selectors.DefaultSelector() as selector:
        for imap in sessions:
            if b" EXISTS" in imap.pending:
                raise Wrong("told twice")
            selector.register(imap.socket, selectors.EVENT_READ, imap)
        end = time.monotonic() + 30
        while len(moments) < len(sessions):
            for key, _ in selector.select(timeout=max(0.0, end - time.monotonic())):
                imap = key.data
                imap.receive()
                if b" EXISTS\r\n" in imap.pending:
                    moments.append(time.perf_counter())
                    imap.pending.clear()
                    selector.unregister(key.fileobj)
            if time.monotonic() > end:
                raise Wrong(f"{len(moments)} of {len(sessions)} sessions were told")
    return moments


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


MIXED_INBOX = 500


def mixed(bench: Bench) -> None:
    """Clients without pauses, a random mix of commands."""
    users = [
        bench.user(number) for number in itertools.islice(itertools.cycle(bench.MIXED), bench.sizes.clients)
    ]
    letters = min(MIXED_INBOX, bench.sizes.messages)
    for user in users:
        bench.fill_inbox(user, letters)
        with bench.session(user) as imap, suppress(Refused):
            imap.ask("CREATE Archive")
    laps: list[float] = []
    with bench.measure("mixed", "op/s") as lap:
        jobs: list[Prepare] = [
            partial(_mixing, bench, user, seed, letters) for seed, user in enumerate(users)
        ]
        lap.seconds, laps = in_parallel(bench.sizes.mixed_seconds, jobs)
        lap.operations = len(laps)
    if laps:
        bench.value("mixed p50", "ms", 1000 * percentile(laps, 0.5))
        bench.value("mixed p99", "ms", 1000 * percentile(laps, 0.99))


def _mixing(bench: Bench, user: User, seed: int, last: int) -> Callable[[], None]:
    chance = random.Random(seed)
    imap = bench.login(user, "INBOX")

    def any_of() -> int:
        return chance.randint(1, last)

    def fetch(what: str) -> None:
        if not imap.ask(f"FETCH {what}").count(b" FETCH ("):
            raise Wrong(f"no answer to FETCH {what}")

    def newest() -> None:
        fetch(f"{max(1, last - chance.randint(0, 50))}:{last} (UID FLAGS ENVELOPE RFC822.SIZE)")

    def again() -> None:
        nonlocal imap
        imap.logout()
        imap = bench.login(user, "INBOX")

    def archive() -> None:
        before = number_of(imap)
        imap.append("Archive", bench.corpus.letter(chance.randint(1, 99)))
        if number_of(imap) <= before:
            raise Wrong("an appended letter is not there")

    actions: dict[Callable[[], object], int] = {
        lambda: imap.ask("NOOP"): 20,
        newest: 15,
        lambda: fetch(f"{any_of()} (BODY.PEEK[])"): 25,
        lambda: fetch(f"{any_of()} (BODYSTRUCTURE BODY.PEEK[HEADER])"): 10,
        lambda: imap.ask(rf"STORE {any_of()} {chance.choice('+-')}FLAGS (\Seen)"): 10,
        lambda: imap.ask("STATUS Archive (MESSAGES UNSEEN UIDNEXT)"): 7,
        lambda: imap.ask("SEARCH UNSEEN"): 4,
        lambda: imap.ask("SEARCH FROM kim"): 2,
        archive: 4,
        lambda: imap.ask(f"COPY {any_of()} Archive"): 2,
        again: 1,
    }
    calls, weights = list(actions), list(actions.values())
    return lambda: (chance.choices(calls, weights)[0](), None)[1]


def number_of(imap: Imap) -> int:
    """UIDNEXT of the archive."""
    return int(imap.ask("STATUS Archive (UIDNEXT)").partition(b"UIDNEXT ")[2].partition(b")")[0])


ROWS: dict[str, Callable[[Bench], None]] = {
    "store": store,
    "append": append,
    "copy": copy,
    "lmtp": lmtp,
    "idle": idle,
    "mixed": mixed,
}
