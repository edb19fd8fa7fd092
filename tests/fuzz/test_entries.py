"""Whatever octets come, every reader ends without a fault of ours, in memory that grows with its input at most."""

import importlib.util
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.entries import DICTIONARY, ENTRIES, ROOT, words

SIZE = 2**14
PER_OCTET = 200
"""Octets of memory an octet of input may take: a command of single characters in parentheses takes most."""

octets = st.lists(
    st.one_of(st.sampled_from([*words(), b"\r\n", b"\n", b" ", b"a", b"1"]), st.binary(max_size=6)),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize("name", ENTRIES)
def test_no_octets_are_too_much(name):
    @given(octets)
    def check(data):
        ENTRIES[name](data)

    check()


@pytest.mark.parametrize("name", ENTRIES)
def test_much_of_the_same_takes_memory_that_its_length_allows(name):
    for word in [*words(), b"\n", b"\0"]:
        data = (word * (SIZE // len(word) + 1))[:SIZE]
        tracemalloc.start()
        try:
            ENTRIES[name](data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < PER_OCTET * SIZE, word


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="install it with: pip install atheris"
)
def test_atheris_runs(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.fuzz", "imap", "-runs=300", "-verbosity=0"),
            *(f"-dict={DICTIONARY}", f"-artifact_prefix={tmp_path}/"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
