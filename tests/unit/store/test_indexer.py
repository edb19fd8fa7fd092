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
    assert "".join(order) == "aaabbbbccbb"


def test_an_account_keeps_its_turn_while_clients_are_served(monkeypatch):
    runner, order = InlineBackground(), []
    indexer = Indexer(runner, lambda: 100.0)
    indexer.busy()
    for account in (Some("a", 3, order), Some("b", 2, order)):
        indexer.wants(account)
    for _ in range(5):
        assert len(runner.waiting) == 1
        runner.run_waiting()
    assert "".join(order) == "aaabb"
