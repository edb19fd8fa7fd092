"""Rows that change nothing: logins, opening mailboxes, fetching, searching, POP3."""

import itertools
import re
from collections.abc import Callable
from functools import partial

from tests.bench.house import Bench
from tests.bench.letters import wanted
from tests.bench.measuring import Lap, Prepare, in_parallel
from tests.bench.servers import User
from tests.bench.speaking import Imap, Pop3, Wrong, expect, found_numbers, untagged

OVERVIEW = "(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"
SMALL = 20
"""Letters in the INBOX of those who log in."""


def login(bench: Bench) -> None:
    users = [bench.user(number) for number in bench.LOGIN]
    for user in users:
        bench.fill_inbox(user, SMALL)

    def cycles(mine: list[User]) -> Callable[[], None]:
        turn = itertools.cycle(mine)

        def cycle() -> None:
            imap = bench.login(next(turn))
            if imap.select("INBOX") < SMALL:
                raise Wrong("letters are missing in the INBOX")
            imap.logout()

        return cycle

    for count in dict.fromkeys((1, bench.sizes.connections)):
        with bench.measure(f"login x{count}", "cycle/s") as lap:
            jobs: list[Prepare] = [partial(cycles, users[start::count]) for start in range(count)]
            lap.seconds, laps = in_parallel(bench.sizes.seconds, jobs)
            lap.operations = len(laps)


def select(bench: Bench) -> None:
    count = bench.sizes.messages
    with bench.mailbox(count, opened=False) as (user, name):
        if bench.peer.maildir(user) is not None:
            with bench.session(user) as imap, bench.measure("select first-open", "ms") as lap:
                expect(lap.time(partial(imap.select, name)), count, "EXISTS")
        bench.settle(user, name, count)
        with bench.measure("select new-connection", "ms") as lap:
            for _ in range(bench.sizes.repeats):
                lap.end()
                with bench.session(user) as imap:
                    lap.begin()
                    expect(lap.time(partial(imap.select, name)), count, "EXISTS")
                    lap.end()


def flags(bench: Bench) -> None:
    count = bench.sizes.flags
    with bench.mailbox(count, repeated=1000) as (user, name), bench.session(user, name) as imap:
        with bench.measure("fetch flags", "msg/s") as lap:
            for _ in range(bench.sizes.repeats):
                answer = lap.time(partial(imap.ask, "FETCH 1:* (UID FLAGS)"), count)
                expect(untagged(answer), count, "FETCH responses")
                expect(len(re.findall(rb"FLAGS \(\\Seen\)", answer)), count, "letters that are seen")


def envelope(bench: Bench) -> None:
    count = bench.sizes.messages

    def fetch(imap: Imap, lap: Lap) -> None:
        answer = lap.time(partial(imap.ask, f"FETCH 1:* {OVERVIEW}"), count)
        expect(untagged(answer), count, "FETCH responses")
        expect(answer.count(b'@daum.net>"') + answer.count(b"@daum.net>)"), count, "Message-IDs")
        expect(answer.count(b'"pdf"') + answer.count(b'"PDF"'), -(-count // 5), "attachments")

    with bench.mailbox(count) as (user, name):
        for turn in ("first", "second"):
            with bench.session(user, name) as imap, bench.measure(f"envelope {turn}", "msg/s") as lap:
                fetch(imap, lap)


def download(bench: Bench) -> None:
    count = bench.sizes.messages
    octets = bench.corpus.wire_octets(count)
    with bench.mailbox(count) as (user, name):
        for label, service in (("plain", "imap"), ("TLS", "imaps")):
            with bench.measure(f"download {label}", "MB/s") as lap:
                lap.end()
                with bench.session(user, name, service) as imap:
                    lap.begin()
                    answer = lap.time(partial(imap.ask, "UID FETCH 1:* (BODY.PEEK[])"), octets / 1e6)
                    lap.end()
                expect(untagged(answer), count, "FETCH responses")
                literals = sum(map(int, re.findall(rb"BODY\[\] \{(\d+)\}\r\n", answer)))
                expect(literals, octets, "octets")
                expect(
                    answer.find(bench.corpus.letter(count - 1)) > 0, True, "the last letter, octet by octet"
                )
        with bench.session(user, name) as imap, bench.measure("download one by one", "msg/s") as lap:
            for number in range(1, min(count, bench.sizes.singles) + 1):
                answer = lap.time(partial(imap.ask, f"FETCH {number} (BODY.PEEK[])"))
                expect(bench.corpus.letter(number - 1) in answer, True, f"letter {number}")


def search(bench: Bench) -> None:
    count = bench.sizes.messages
    with bench.mailbox(count) as (user, name):
        for turn in ("first", "second"):
            for what, key, matches in wanted(count):
                with bench.session(user, name) as imap, bench.measure(f"search {what} {turn}", "ms") as lap:
                    answer = lap.time(partial(imap.ask, f"SEARCH {key}"))
                    expect(found_numbers(answer), matches, "matches")


def pop3(bench: Bench) -> None:
    user, count = bench.user(bench.POP3), bench.sizes.maildrop
    bench.fill_inbox(user, count)
    with bench.measure("pop3 download", "MB/s") as lap:
        client = _pop3(bench, user)
        expect(client.ask("STAT").split()[1], b"%d" % count, "messages")
        letters = []
        for number in range(1, count + 1):
            letter = bench.corpus.letter(number - 1)
            answer = lap.time(partial(client.listing, f"RETR {number}"), len(letter) / 1e6)
            letters.append(answer == letter)
        client.quit()
        expect(letters.count(True), count, "letters as they were sent")
    with bench.measure("pop3 poll", "cycle/s") as lap:

        def poll() -> None:
            polling = _pop3(bench, user)
            polling.ask("STAT")
            expect(polling.listing("UIDL").count(b"\r\n"), count, "unique ids")
            polling.quit()

        lap.seconds, laps = in_parallel(bench.sizes.seconds, [lambda: poll])
        lap.operations = len(laps)


def _pop3(bench: Bench, user: User) -> Pop3:
    client = Pop3(bench.address("pop3"))
    client.login(user.name, user.password)
    return client


def status(bench: Bench) -> None:
    count, user = bench.sizes.folders, bench.user(bench.FOLDERS)
    names = [f"status{bench.peer.pid}x{number}" for number in range(count)]
    with bench.session(user) as imap:
        for name in names:
            imap.ask(f"CREATE {name}")
            imap.append(name, bench.corpus.letter(1))
        imap.ask_all([f"STATUS {name} (MESSAGES UNSEEN UIDNEXT)" for name in names])
        with bench.measure("status of all folders", "ms") as lap:
            for _ in range(bench.sizes.repeats):
                commands = [f"STATUS {name} (MESSAGES UNSEEN UIDNEXT)" for name in names]
                answer = lap.time(partial(imap.ask_all, commands))
                expect(len(re.findall(rb"MESSAGES 1 ?", answer)), count, "letters")
        with bench.measure("list", "ms") as lap:
            for _ in range(bench.sizes.repeats):
                answer = lap.time(partial(imap.ask, f'LIST "" status{bench.peer.pid}x*'))
                expect(untagged(answer), count, "mailboxes")
        with bench.measure("list-status", "ms") as lap:
            for _ in range(bench.sizes.repeats):
                command = f'LIST "" status{bench.peer.pid}x* RETURN (STATUS (MESSAGES UNSEEN))'
                answer = lap.time(partial(imap.ask, command))
                expect(answer.count(b"* STATUS "), count, "mailboxes with their status")
        for name in names:
            imap.ask(f"DELETE {name}")


ROWS: dict[str, Callable[[Bench], None]] = {
    "login": login,
    "select": select,
    "flags": flags,
    "envelope": envelope,
    "download": download,
    "search": search,
    "status": status,
    "pop3": pop3,
}
