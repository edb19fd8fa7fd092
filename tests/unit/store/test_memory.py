"""What was lately asked of many messages, kept in memory."""

import pytest

from mailaccess.store.api import Fact
from mailaccess.store.memory import OVERHEAD, Memory
from tests.unit.store.inline import House, now


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_what_was_asked_is_there_and_the_rest_is_none():
    memory = Memory()
    assert list(memory.recall("envelopes", [1, 2])) == []
    memory.remember("envelopes", [1, 2], [b"a", None], 1)
    assert list(memory.recall("envelopes", [1, 2, 3])) == [b"a", None, None]


def test_it_stays_within_its_bound_and_the_least_lately_used_goes_first():
    memory = Memory(most=10 * OVERHEAD)
    for key in range(3):
        memory.remember(key, [1, 2, 3], [b"", b"", b""], 0)
    memory.get(0)
    memory.remember(3, [1, 2, 3], [b"", b"", b""], 0)
    assert [key for key in range(4) if memory.get(key) is not None] == [0, 2, 3]
    assert memory.octets == 9 * OVERHEAD


def test_one_answer_does_not_push_out_all_others():
    memory = Memory(most=1000)
    memory.put("small", "x", 400)
    memory.put("large", "y", 751)
    assert memory.get("small") == "x" and memory.get("large") is None
    memory.grow("small", 351)
    assert memory.get("small") is None and memory.octets == 0


def test_a_second_session_is_answered_the_same_without_the_index(house):
    for number in range(40):
        house.append(b"Subject: %d\r\nFrom: a@b.c\r\n\r\nx\r\n" % number)
    first = house.open()
    wanted = (Fact.ENVELOPE, Fact.BODYSTRUCTURE)
    facts = now(first.box.facts(first.uids, wanted))
    fields = now(first.box.header_fields(first.uids, [b"SUBJECT"]))
    second = house.open()
    asked = house.account.asked
    assert now(second.box.facts(second.uids[5:], wanted)) == facts[5:]
    assert now(second.box.header_fields(second.uids, [b"SUBJECT"])) == fields
    assert house.account.asked == asked
    house.append(b"Subject: new\r\n\r\nx\r\n")
    third = house.open()
    assert now(third.box.facts(third.uids, wanted))[:-1] == facts
    assert b"new" in now(third.box.header_fields(third.uids, [b"SUBJECT"]))[-1]
