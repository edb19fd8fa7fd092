"""Several workers serve one account as one would: nothing is lost or doubled, limits and locks hold."""

import imaplib
import json
import poplib
import random
import threading
import urllib.request

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.workers.company import USER, only, session, state

STEPS = 40


def test_workers_that_change_the_same_mailboxes_at_once_lose_nothing_and_agree(pair: Server) -> None:
    made: list[list[tuple[str, int]]] = [[], []]
    first = session(pair, 1)
    first.create("Other")
    first.logout()

    def work(place: int) -> None:
        chance = random.Random(place)
        client = session_of[place]
        client.select("INBOX")
        for step in range(STEPS):
            what = chance.random()
            uids = [int(each) for each in client.uid("SEARCH", "ALL")[1][0].split()]
            if what < 0.5 or not uids:
                mailbox = chance.choice(["INBOX", "Other"])
                number = place * 1000 + step
                client.append(mailbox, "", "", messages.numbered(number))
                code = client.response("APPENDUID")[1][0] or b""
                made[place].append((mailbox, int(code.split()[1])))
            elif what < 0.9:
                flag = chance.choice(["\\Seen", "\\Flagged", "later", "\\Answered"])
                client.uid(
                    "STORE", f"{chance.choice(uids)}", chance.choice(["+FLAGS", "-FLAGS"]), f"({flag})"
                )
            else:
                client._simple_command("UID", "MOVE", str(chance.choice(uids)), "Other")

    session_of = [session(pair, 1), session(pair, 2)]
    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    one, two = session_of
    appended = made[0] + made[1]
    assert len(set(appended)) == len(appended)
    total = 0
    for mailbox in ("INBOX", "Other"):
        one.select(mailbox)
        two.select(mailbox)
        agreed = state(one, mailbox)
        assert agreed == state(two, mailbox)
        total += len(agreed)
    assert total == len(appended)
    subjects = set()
    for mailbox in ("INBOX", "Other"):
        two.select(mailbox)
        _, data = two.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subjects |= {bytes(item[1]) for item in data if isinstance(item, tuple)}
    assert len(subjects) == total
    one.logout()
    two.logout()
    fsck = pair.mailadm("fsck", USER, check=False)
    assert fsck.returncode == 0, fsck.stdout + fsck.stderr


def test_limits_and_locks_hold_over_all_workers(pair: Server) -> None:
    with only(pair, 1):
        popper = poplib.POP3("127.0.0.1", pair.ports["pop3"], timeout=PATIENCE)
        popper.user(USER)
        popper.pass_(PASSWORD)
    with only(pair, 2):
        other = poplib.POP3("127.0.0.1", pair.ports["pop3"], timeout=PATIENCE)
        other.user(USER)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            other.pass_(PASSWORD)
    other.close()
    popper.quit()
    present = [session(pair, number) for number in (1, 2, 1, 2, 1, 2)]
    health = f"http://127.0.0.1:{pair.ports['http']}/health"
    told = json.loads(urllib.request.urlopen(health).read())
    assert (told["workers"], told["workers_serving"]) == (2, 2)

    def is_full() -> bool:
        client = imaplib.IMAP4("127.0.0.1", pair.ports["imap"], timeout=PATIENCE)
        try:
            client.login(USER, PASSWORD)
        except imaplib.IMAP4.error:
            return True
        client.logout()
        return False

    eventually(is_full, "a seventh session is refused")
    for each in present:
        each.logout()
    eventually(lambda: not is_full(), "there is room again")
