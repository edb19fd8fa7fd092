"""A program is ended by a signal once, however often it comes."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from twisted.internet import reactor
from mailaccess.net.signals import end_once

def began():
    print("began", flush=True)
    for _ in range(3):
        os.kill(os.getpid(), int(sys.argv[1]))

# A shell that starts the tests in the background has SIGINT ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.SIG_IGN if len(sys.argv) > 2 else signal.default_int_handler)
end_once(reactor, lambda: print("told", flush=True))
reactor.callWhenRunning(lambda: reactor.callLater(0, began))
if len(sys.argv) > 2:
    reactor.callLater(0.2, os.kill, os.getpid(), signal.SIGTERM)
reactor.run()
print("ended", flush=True)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_pressed_often_ends_it_once_and_without_a_traceback(number):
    done = run(str(int(number)))
    assert (done.stdout.split(), done.stderr) == (["began", "told", "ended"], "")


def test_a_signal_that_is_ignored_stays_so():
    """A worker leaves Ctrl-C to its supervisor."""
    done = run(str(int(signal.SIGINT)), "ignoring")
    assert (done.stdout.split(), done.stderr) == (["began", "told", "ended"], "")
