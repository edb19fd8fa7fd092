"""What an account does by itself."""

from mailaccess.model.sequence import UidSet
from mailaccess.store import housekeeping
from mailaccess.store.api import Fact
from tests.unit.store.inline import House, now


def kept(house):
    return [row[0] for row in house.account.vault.connection.execute("SELECT content FROM cache ORDER BY 1")]


def test_what_is_kept_of_messages_that_are_gone_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(housekeeping, "SWEEP_AFTER", 5)
    monkeypatch.setattr(housekeeping, "SWEPT_AT_ONCE", 3)
    house = House(tmp_path)
    for number in range(20):
        house.append(b"Subject: %d\r\n\r\n" % number)
    while now(house.account.index_some()):
        pass
    session = house.open()
    now(session.box.copy(UidSet.of([4]), "INBOX"))
    now(session.box.remove(UidSet(((1, 12),))))
    house.settle()
    house.account.start_work()
    assert kept(house) == [4, *range(13, 21)]
    assert now(session.box.facts([21], [Fact.HEADER])) == [(b"Subject: 3\r\n\r\n",)]
