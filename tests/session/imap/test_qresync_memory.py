"""What QRESYNC tells after a restart, and after the index was lost (RFC 7162 §3.2): never a wrong answer."""

import random
import re
from dataclasses import replace

import pytest

from tests.session.imap.house import MaildirHouse, run


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", messages=8)
    house.session("INBOX").ask("NOOP")
    return house


class Cache:
    """A client that keeps flags by UID and synchronizes with one SELECT."""

    def __init__(self):
        self.uidvalidity, self.modseq, self.flags = 0, 0, {}

    def synchronize(self, house, known=""):
        client = house.session(enable=["QRESYNC"])
        quick = self.uidvalidity and f" (QRESYNC ({self.uidvalidity} {self.modseq}{known}))"
        reply = client.ask(f"SELECT INBOX{quick or ''}")
        text = "\n".join(reply.untagged)
        uidvalidity = int(re.search(r"UIDVALIDITY (\d+)", text)[1])
        self.modseq = int(re.search(r"HIGHESTMODSEQ (\d+)", text)[1])
        if uidvalidity != self.uidvalidity:
            self.uidvalidity, self.flags = uidvalidity, {}
            reply = client.ask("UID FETCH 1:* FLAGS")
        vanished = set()
        for line in reply.untagged:
            if line.startswith("VANISHED (EARLIER) "):
                for span in line.removeprefix("VANISHED (EARLIER) ").split(","):
                    first, _, last = span.partition(":")
                    vanished.update(range(int(first), int(last or first) + 1))
            elif found := re.search(r"FETCH \(.*?UID (\d+)", line):
                self.flags[int(found[1])] = frozenset(re.search(r"FLAGS \(([^)]*)\)", line)[1].split()) - {
                    "\\Recent"
                }
        for uid in vanished:
            self.flags.pop(uid, None)
        client.connection.lost()
        return vanished


def restart(house):
    """The server ends and begins again."""
    run(house.store.close())
    house.store = house.make_store()
    house.house = replace(house.house, store=house.store)


def expunge(house, *uids):
    client = house.session("INBOX")
    client.ask(f"UID STORE {','.join(map(str, uids))} +FLAGS.SILENT (\\Deleted)")
    assert client.ask("EXPUNGE").status.startswith("OK")
    client.connection.lost()


def test_expunges_are_remembered_over_a_restart(house):
    cache = Cache()
    cache.synchronize(house)
    expunge(house, 2, 5)
    restart(house)
    expunge(house, 7)
    assert cache.synchronize(house) == {2, 5, 7}
    assert cache.flags == dict(house.truth("INBOX"))


def test_a_lost_index_makes_everything_be_told_anew(house):
    cache = Cache()
    cache.synchronize(house)
    before = cache.modseq
    expunge(house, 2, 5)
    house.lose_index()
    vanished = cache.synchronize(house)
    assert {2, 5} <= vanished and not vanished & {uid for uid, _ in house.truth("INBOX")}
    assert cache.modseq > before  # a client's mod-sequence is never taken for one of the new index
    expunge(house, 1)
    assert cache.synchronize(house) >= {1}
    assert cache.flags == dict(house.truth("INBOX"))


@pytest.mark.parametrize("seed", range(4))
def test_a_client_is_right_after_whatever_happened(house, seed):
    chance = random.Random(seed)
    cache = Cache()
    cache.synchronize(house)
    for _ in range(12):
        for _ in range(chance.randrange(4)):
            uids = [uid for uid, _ in house.truth("INBOX")]
            match chance.randrange(6):
                case 0 | 1:
                    house.deliver("INBOX")
                case 2 if uids:
                    expunge(house, *chance.sample(uids, min(len(uids), 2)))
                case 3 if uids:
                    client = house.session("INBOX")
                    client.ask(
                        f"UID STORE {chance.choice(uids)} {chance.choice('+-')}FLAGS (\\Flagged $Work)"
                    )
                    client.connection.lost()
                case 4:
                    restart(house)
                case 5:
                    house.lose_index()
        cache.synchronize(house, chance.choice(("", " 1:4000000000")))
        assert cache.flags == dict(house.truth("INBOX"))
