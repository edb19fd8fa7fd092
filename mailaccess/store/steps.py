"""Jobs that alternate between the account's state and the disk.

Such a job is a generator. What it does itself is small and runs on the reactor thread, in the account's turn and
with nothing of the account beside it; what it yields are calls that touch only files, to be run side by side in
threads, before it goes on. An error of a call is raised where it was yielded. So SQLite's many short statements,
each of which lets go of the interpreter lock and has to get it back, never contend for it from many threads at
once: with eight clients delivering that cost twice the time of the work itself.
"""

from collections.abc import Callable, Generator, Sequence

from mailaccess.model.work import ThreadRunner

Steps = Generator[Sequence[Callable[[], None]], None, None]


async def drive(runner: ThreadRunner, job: Steps) -> None:
    """Run ``job`` here, what it yields in threads. Raises what it raises."""
    try:
        calls = next(job)
        while True:
            failure: BaseException | None = None
            for waiting in [runner.run(call) for call in calls]:
                try:
                    await waiting
                except BaseException as error:  # whatever it is belongs to the job, once all calls have ended
                    failure = failure or error
            calls = next(job) if failure is None else job.throw(failure)
    except StopIteration:
        return


def finish(job: Steps) -> None:
    """Run all of ``job`` in this thread. Raises what it raises."""
    try:
        calls = next(job)
        while True:
            failure: BaseException | None = None
            for call in calls:
                try:
                    call()
                except BaseException as error:
                    failure = failure or error
            calls = next(job) if failure is None else job.throw(failure)
    except StopIteration:
        return
