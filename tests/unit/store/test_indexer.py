"""The indexer ends with the store, and goes from account to account."""

from mailaccess.store import indexer as indexing
from mailaccess.store.background import InlineBackground
from mailaccess.store.indexer import Indexer


class Endless:
    """An account that always has more, and whose store ends during its second batch."""

    def __init__(self) -> None:
        self.batches = 0
        self.indexer: Indexer | None = None

    async def index_some(self) -> int:
        self.batches += 1
        if self.batches == 2:
            self.indexer.stop()
        assert self.batches <= 2, "nothing may be asked of the store any more"
        return 1


def test_no_batch_begins_after_the_store_has_ended():
    runner = InlineBackground()
    indexer = Indexer(runner, lambda: 100.0)
    indexer._busy_at = 0.0
    account = Endless()
    account.indexer = indexer
    indexer.wants(account)
    runner.run_waiting()
    assert account.batches == 2
    indexer.wants(account)
    assert not runner.waiting


class Some:
    """An account with so many batches to do."""

    def __init__(self, name: str, batches: int, order: list[str]) -> None:
        self.name, self.left, self.order = name, batches, order

    async def index_some(self) -> int:
        self.order.append(self.name)
        self.left -= 1
        return self.left


def test_one_account_is_finished_before_the_next_and_a_large_one_makes_way(monkeypatch):
    monkeypatch.setattr(indexing, "BATCHES_IN_TURN", 4)
    runner, order = InlineBackground(), []
    indexer = Indexer(runner, lambda: 100.0)
    indexer._busy_at = 0.0
    for account in (Some("a", 3, order), Some("b", 6, order), Some("c", 2, order)):
        indexer.wants(account)
    runner.run_waiting()
    assert "".join(order) == "ccbbbbaaabb"


def test_what_a_batch_itself_stirs_up_does_not_lengthen_the_account_s_turn(monkeypatch):
    monkeypatch.setattr(indexing, "BATCHES_IN_TURN", 2)
    runner, order = InlineBackground(), []
    indexer = Indexer(runner, lambda: 100.0)
    indexer._busy_at = 0.0

    class Stirring(Some):
        async def index_some(self) -> int:
            if self.left > 1:
                indexer.wants(self)
            return await super().index_some()

    indexer.wants(Some("a", 2, order))
    indexer.wants(Stirring("b", 3, order))
    runner.run_waiting()
    assert "".join(order) == "bbaab"


def test_an_account_keeps_its_turn_while_clients_are_served(monkeypatch):
    runner, order = InlineBackground(), []
    indexer = Indexer(runner, lambda: 100.0)
    indexer.busy()
    for account in (Some("a", 3, order), Some("b", 2, order)):
        indexer.wants(account)
    for _ in range(5):
        assert len(runner.waiting) == 1
        runner.run_waiting()
    assert "".join(order) == "bbaaa"


def test_one_in_which_something_has_just_happened_goes_before_those_that_wait():
    runner, order = InlineBackground(), []
    indexer = Indexer(runner, lambda: 100.0)
    indexer.busy()
    indexer.wants(Some("a", 3, order))
    runner.run_waiting()
    indexer.wants(Some("b", 2, order))
    for _ in range(4):
        runner.run_waiting()
    assert "".join(order) == "abbaa"
