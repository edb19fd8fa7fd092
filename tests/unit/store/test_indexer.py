"""The indexer ends with the store."""

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
