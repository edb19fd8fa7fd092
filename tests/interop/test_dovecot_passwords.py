"""The users file is Dovecot's too: what we write, it verifies; what it writes, we do."""

import shutil
import subprocess

import pytest

from mailaccess.auth import schemes

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(shutil.which("doveadm") is None, reason="install it with: apt install dovecot-core"),
]

PASSWORD = "geheim€"


def doveadm(*arguments):
    return subprocess.run(["doveadm", "pw", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("scheme", schemes.SCHEMES)
def test_dovecot_verifies_our_hash(scheme):
    stored = schemes.make(scheme, PASSWORD.encode(), schemes.CHEAP)
    assert doveadm("-t", stored, "-p", PASSWORD).returncode == 0
    assert doveadm("-t", stored, "-p", "other").returncode != 0


@pytest.mark.parametrize("scheme", [name for name in schemes.SCHEMES if name != "DES-CRYPT"])
@pytest.mark.parametrize("encoding", ["", ".b64", ".hex"])
def test_we_verify_dovecots_hash(scheme, encoding):
    stored = doveadm("-s", scheme + encoding, "-p", PASSWORD).stdout.strip()
    assert schemes.verify(stored, PASSWORD.encode())
    assert not schemes.verify(stored, b"other")
