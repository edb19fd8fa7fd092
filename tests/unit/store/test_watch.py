"""inotify: told at once, and then not for each event of a crowd."""

import os
import sys

import pytest
from twisted.internet.testing import MemoryReactorClock

from mailaccess.store.watch import POLL_SECONDS, REST_SECONDS, InotifyWatcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def watched(tmp_path):
    reactor = MemoryReactorClock()
    watcher = InotifyWatcher(reactor)
    told = []
    watcher.watch((os.fsencode(tmp_path),), lambda: told.append(1))
    yield reactor, watcher, told, tmp_path
    watcher.stop()
    assert not reactor.getReaders() and not reactor.getDelayedCalls()


def test_the_first_sign_is_told_at_once_and_those_behind_it_after_a_rest(watched):
    reactor, _, told, folder = watched
    (inotify,) = reactor.getReaders()
    (folder / "one").touch()
    inotify.doRead()
    assert told == [1]
    (folder / "two").touch()
    (folder / "three").touch()
    assert reactor.getReaders() == []  # the reactor is not woken
    reactor.advance(REST_SECONDS)
    assert reactor.getReaders() == [inotify]
    inotify.doRead()
    assert told == [1, 1]


def test_who_has_to_know_now_is_told_during_the_rest_too(watched):
    reactor, watcher, told, folder = watched
    (folder / "one").touch()
    reactor.getReaders()[0].doRead()
    (folder / "two").touch()
    watcher.catch_up()
    assert told == [1, 1]


def test_the_watcher_can_stop_while_it_rests(watched):
    reactor, watcher, told, folder = watched
    (folder / "one").touch()
    reactor.getReaders()[0].doRead()
    watcher.stop()
    reactor.advance(REST_SECONDS)
    assert told == [1] and not reactor.getReaders() and not reactor.getDelayedCalls()


def watch(watcher, *paths):
    told = []
    made = watcher.watch([os.fsencode(path) for path in paths], lambda: told.append(1))
    return made, told


def test_a_folder_that_was_removed_and_made_anew_is_watched_again(watched):
    """The kernel had forgotten it, and it counted as watched: what came into it was not noticed any more."""
    reactor, watcher, _, folder = watched
    (folder / "cur").mkdir()
    made, told = watch(watcher, folder / "cur")
    assert made.complete
    (folder / "cur").rmdir()
    watcher.catch_up()
    assert told and not made.complete
    reactor.advance(POLL_SECONDS)
    assert not made.complete
    (folder / "cur").mkdir()
    told.clear()
    reactor.advance(POLL_SECONDS)
    assert told and made.complete  # something may have come into it before
    told.clear()
    (folder / "cur" / "one").touch()
    watcher.catch_up()
    assert told == [1]
    made.close()


def test_a_folder_that_another_took_the_place_of_is_left_for_that(watched):
    """As after a restore from a backup."""
    reactor, watcher, _, folder = watched
    (folder / "cur").mkdir()
    made, told = watch(watcher, folder / "cur")
    (folder / "cur").rename(folder / "aside")
    (folder / "cur").mkdir()
    watcher.catch_up()
    assert told and not made.complete
    reactor.advance(POLL_SECONDS)
    assert made.complete
    told.clear()
    (folder / "aside" / "one").touch()
    watcher.catch_up()
    assert not told
    (folder / "cur" / "one").touch()
    watcher.catch_up()
    assert told == [1]
    made.close()


def test_two_paths_to_one_folder_are_both_told_also_after_one_was_left(watched):
    """Accounts that share a Maildir by a symbolic link: only who came last was told, and nobody once it had left."""
    _, watcher, _, folder = watched
    (folder / "box").mkdir()
    (folder / "link").symlink_to(folder / "box")
    (one, told_one), (two, told_two) = watch(watcher, folder / "box"), watch(watcher, folder / "link")
    (folder / "box" / "a").touch()
    watcher.catch_up()
    assert told_one == told_two == [1]
    two.close()
    (folder / "box" / "b").touch()
    watcher.catch_up()
    assert one.complete and told_one == [1, 1] and told_two == [1]
    one.close()


def test_a_path_that_leads_elsewhere_now_is_watched_there_while_the_old_folder_is_watched_on(watched):
    """A mailbox was renamed while it was selected, and another made with its name: only the first was watched."""
    _, watcher, _, folder = watched
    (folder / ".X" / "cur").mkdir(parents=True)
    _, told_old = watch(watcher, folder / ".X" / "cur")
    (folder / ".X").rename(folder / ".Y")
    (folder / ".X" / "cur").mkdir(parents=True)
    new, told_new = watch(watcher, folder / ".X" / "cur")
    (folder / ".X" / "cur" / "one").touch()
    watcher.catch_up()
    assert (told_old, told_new) == ([], [1]) and new.complete
    (folder / ".Y" / "cur" / "one").touch()
    watcher.catch_up()
    assert (told_old, told_new) == ([1], [1])


def test_who_catches_up_hears_of_what_came_behind_thousands_of_events(watched):
    _, watcher, _, folder = watched
    (folder / "busy").mkdir()
    (folder / "quiet").mkdir()
    _, told = watch(watcher, folder / "busy")
    _, last = watch(watcher, folder / "quiet")
    for number in range(1500):
        (folder / "busy" / f"{number:0200d}").touch()
    (folder / "quiet" / "one").touch()
    watcher.catch_up()
    assert told == [1] and last == [1]


def test_where_the_kernel_has_no_watches_left_that_is_said_once_and_times_are_looked_at(watched, monkeypatch):
    reactor, watcher, _, folder = watched
    (folder / "box").mkdir()
    said = []
    monkeypatch.setattr(
        "mailaccess.store.watch._log.warn", lambda *_, **fields: said.append(str(fields["error"]))
    )
    add = watcher._inotify.add

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watcher._inotify, "add", full)
    (made, told), (other, _) = watch(watcher, folder / "box"), watch(watcher, folder / "box")
    assert not made.complete and len(said) == 1
    os.utime(folder / "box", ns=(1, 1))
    reactor.advance(POLL_SECONDS)
    assert told == [1]
    monkeypatch.setattr(watcher._inotify, "add", add)
    made.close()
    other.close()


def test_a_watch_may_end_after_the_watcher_has_stopped(watched):
    reactor, watcher, _, folder = watched
    (folder / "box").mkdir()
    made, _ = watch(watcher, folder / "box", folder / "missing")
    watcher.stop()
    made.close()
    made.close()
    assert not reactor.getReaders() and not made.complete


def test_who_fails_when_told_keeps_nobody_else_from_being_told(watched):
    """The reactor would have stopped listening, and nobody had heard of anything again."""
    reactor, watcher, told, folder = watched
    (inotify,) = reactor.getReaders()

    def fails():
        raise ZeroDivisionError

    before = watcher.watch([os.fsencode(folder)], fails)
    _, after = watch(watcher, folder)
    (folder / "one").touch()
    inotify.doRead()
    assert told == after == [1]
    reactor.advance(REST_SECONDS)
    assert reactor.getReaders() == [inotify]
    before.close()
