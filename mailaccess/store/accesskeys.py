"""Mailbox access keys of an account (RFC 4467 §2.2): the secrets behind URLs that others may use.

They lie in one small file beside the account's mailboxes, readable for nobody else, and in no index, cache or
log. A mailbox's key is found by its id, so it goes along with a RENAME, and a mailbox made anew has another.

Plain blocking code for the account's serial jobs.
"""

import secrets
from base64 import b64decode, b64encode
from typing import Final

from mailaccess.model.errors import LimitReached
from mailaccess.model.secret import Secret
from mailaccess.store.vault import Vault

FILE: Final = b"mailaccess-access-keys"

OCTETS: Final = 32
"""256 bits; RFC 4467 §2.2 asks for 128."""

MAX_KEYS: Final = 10_000
"""Mailboxes of one account, others' included, that have a key: the file is read and written as a whole."""

_HEADER: Final = b"mailaccess-access-keys 1"


def key(vault: Vault, mailbox_id: str, *, make: bool) -> Secret | None:
    """The key of a mailbox; with ``make`` there is one afterwards. Raises LimitReached."""
    found = _read(vault).get(mailbox_id)
    if found is None and make:
        with vault.transaction():  # of two processes, the second takes the key of the first
            keys = _read(vault)
            found = keys.get(mailbox_id)
            if found is None:
                found = keys[mailbox_id] = secrets.token_bytes(OCTETS)
                _write(vault, keys)
    return None if found is None else Secret(found)


def reset(vault: Vault, mailbox_id: str | None) -> None:
    """A new key for one mailbox; None: no keys any more. What was made with the old ones is void."""
    with vault.transaction():
        keys: dict[str, bytes] = {}
        if mailbox_id is not None:
            keys = _read(vault)
            keys[mailbox_id] = secrets.token_bytes(OCTETS)
        _write(vault, keys)


def _path(vault: Vault) -> bytes:
    return vault.root + b"/" + FILE


def _read(vault: Vault) -> dict[str, bytes]:
    """Damaged lines are passed over: their URLs are void, and no key is guessed."""
    try:
        data = vault.files.read(_path(vault))
    except FileNotFoundError:
        return {}
    found: dict[str, bytes] = {}
    for line in data.split(b"\n")[1:]:
        name, _, value = line.partition(b" ")
        try:
            octets = b64decode(value, validate=True)
            if len(octets) == OCTETS:
                found[name.decode("ascii")] = octets
        except ValueError:
            continue
    return found


def _write(vault: Vault, keys: dict[str, bytes]) -> None:
    if len(keys) > MAX_KEYS:
        raise LimitReached("There are too many access keys")
    if not keys:
        vault.files.discard(_path(vault))
        return
    lines = [b"%b %b" % (name.encode("ascii"), b64encode(keys[name])) for name in sorted(keys)]
    vault.files.replace(_path(vault), b"\n".join([_HEADER, *lines, b""]))
