"""A command that waits: for a promise, for the store, for both in turn, and how it ends."""

from twisted.internet.defer import Deferred

from mailaccess.imap.protocol import TwistedWire


def wire() -> TwistedWire:
    return TwistedWire(None, None, None, None, False)


class Run:
    """A coroutine begun by hand, as ``Connection`` begins a command."""

    def __init__(self, coroutine) -> None:
        self.ended = 0
        wire().go_on(coroutine, coroutine.send(None), self._end)

    def _end(self) -> None:
        self.ended += 1


def test_it_goes_on_when_a_promise_is_kept_before_that_returns():
    promises, seen = [wire().promise(), wire().promise()], []

    async def command():
        for promise in promises:
            await promise
            seen.append(promise)

    run = Run(command())
    promises[0].keep()
    assert seen == promises[:1] and not run.ended
    promises[1].keep()
    assert seen == promises and run.ended == 1


def test_what_the_store_answers_and_raises_reaches_it():
    answer, failure, promise, seen = Deferred(), Deferred(), wire().promise(), []

    async def command():
        seen.append(await answer)
        try:
            await failure
        except ValueError as error:
            seen.append(str(error))
        await promise

    run = Run(command())
    answer.callback("answer")
    assert seen == ["answer"]
    failure.errback(ValueError("refused"))
    assert seen == ["answer", "refused"] and not run.ended
    promise.keep()
    assert run.ended == 1


def test_a_promise_that_is_kept_already_is_no_wait():
    promise, first = wire().promise(), Deferred()

    async def command():
        await first
        promise.keep()
        await promise

    run = Run(command())
    first.callback(None)
    assert run.ended == 1


def test_one_that_fails_has_ended_all_the_same():
    """Or its connection would answer nothing any more."""
    promise = wire().promise()

    async def command():
        await promise
        raise ValueError("a fault")

    run = Run(command())
    promise.keep()
    assert run.ended == 1
