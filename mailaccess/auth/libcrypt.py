"""The system's crypt(3): every hash that starts with a ``$x$`` the system knows (``man 5 crypt``).

Called through ctypes, which lets other threads run meanwhile: Python's own ``crypt`` module (gone with
3.13) held the interpreter lock for the whole hash, and libpass computes SHA-crypt in plain Python. Where
there is no libcrypt, ``crypt`` answers None and the caller falls back on libpass.
"""

import ctypes
import secrets
from typing import Final

_SIZE: Final = 131232 + 256
"""Octets of struct crypt_data: 131232 in glibc's own, 32768 in libxcrypt, 256 in musl."""

_SALT64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _load() -> "ctypes._NamedFuncPointer | None":
    # By name and not by find_library(), which starts ldconfig and a compiler; None is the C library (musl).
    for name in ("libcrypt.so.1", "libcrypt.so.2", None):
        try:
            function = ctypes.CDLL(name).crypt_r
        except (OSError, AttributeError):
            continue
        function.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
        function.restype = ctypes.c_char_p
        return function
    return None


_crypt_r: Final = _load()


def crypt(password: bytes, setting: str) -> str | None:
    """The hash of ``password`` by ``setting`` (a salt, or a whole hash to check against).

    None where the system has no libcrypt or does not know the setting. A password with a NUL has no hash.
    """
    if _crypt_r is None or b"\0" in password or "\0" in setting:
        return None
    data = ctypes.create_string_buffer(_SIZE)
    result = _crypt_r(password, setting.encode("utf-8", "surrogateescape"), data)
    ctypes.memset(data, 0, _SIZE)  # the structure keeps intermediate keys; result is already a copy
    # "*0" and "*1" are crypt's failure tokens; musl and old glibc give NULL.
    if not isinstance(result, bytes) or result.startswith(b"*"):
        return None
    return result.decode("ascii", "replace")


def salt(length: int) -> str:
    """A random salt of ``length`` characters from crypt's alphabet."""
    return "".join(secrets.choice(_SALT64) for _ in range(length))
