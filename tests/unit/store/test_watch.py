"""inotify: told at once, and then not for each event of a crowd."""

import os
import sys

import pytest
from twisted.internet.testing import MemoryReactorClock

from mailaccess.store.watch import REST_SECONDS, InotifyWatcher

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
