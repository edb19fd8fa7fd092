"""Password hashes by Dovecot's scheme names: ``{SCHEME}data``, ``{SCHEME.b64}``, ``{SCHEME.hex}``.

``verify`` and ``make`` block for as long as the hash was made to take (up to a fifth of a second) and
run on the thread pool. All schemes let other threads run meanwhile. A hash that cannot be read raises
``BadHash``, so that a broken line in a users file is an operator's problem in the log and never mistaken
for a wrong password. Formats: Dovecot's documentation, "Password schemes"; crypt(5); RFC 5802 §3.
"""

import binascii
import hashlib
import hmac
import os
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import argon2.low_level as argon2
import bcrypt
from argon2.exceptions import VerificationError, VerifyMismatchError

from mailaccess.auth import libcrypt
from mailaccess.proto.sasl.scram import Secret as ScramKeys
from mailaccess.proto.sasl.scram import derive as scram_derive

MAX_BCRYPT_PASSWORD: Final = 72
"""Octets that bcrypt uses. Longer ones are refused: cut, everything after the 72nd would be decoration."""

MAX_PASSWORD: Final = 4096
"""Octets of a password that anybody may set or try."""

MAX_STORED: Final = 2048
"""Octets of a stored hash."""


class BadHash(Exception):
    """The stored hash is malformed or of a scheme that is not known; the text is for the log."""


class PasswordRefused(ValueError):
    """The scheme cannot take this password; the text is for the person who sets or tries it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """How much work a new hash takes; what a stored hash took is written in it."""

    argon2_kib: int = 65536
    argon2_passes: int = 3
    argon2_lanes: int = 1
    bcrypt_log_rounds: int = 12
    sha_crypt_rounds: int = 100_000
    pbkdf2_rounds: int = 100_000
    scram_iterations: int = 10_000


DEFAULT: Final = Cost()
"""A tenth to a fifth of a second for the schemes that are worth their name."""

CHEAP: Final = Cost(
    argon2_kib=8,
    argon2_passes=1,
    bcrypt_log_rounds=4,
    sha_crypt_rounds=1000,
    pbkdf2_rounds=10,
    scram_iterations=4096,
)
"""For tests: hashes that take no time and give no protection."""

CLEARTEXT: Final = ("PLAIN", "CLEAR", "CLEARTEXT")
"""Schemes that keep the password itself."""

_LABEL: Final = re.compile(r"\{([A-Za-z0-9-]+)(?:\.(b64|base64|hex))?\}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme: how data is checked and made, both in octets; ``encoding`` is how Dovecot writes it.

    ``length``: octets of the data where they are fixed: such data may be in hex instead (Dovecot takes both).
    """

    name: str
    check: Callable[[bytes, bytes], bool]
    make: Callable[[bytes, Cost], bytes]
    encoding: str = ""
    length: int = 0


def known(name: str) -> bool:
    """Whether ``name``, such as ``SSHA256`` or ``ssha256.hex``, is a scheme that can be checked and made."""
    label = _LABEL.fullmatch("{" + name + "}")
    return label is not None and label[1].upper() in SCHEMES


def split(stored: str, default_scheme: str) -> tuple[str, str, str]:
    """Scheme in capitals, encoding ("", "b64", "hex") and data of a stored hash.

    Without a label, a modular-crypt prefix tells the scheme, else it is ``default_scheme``.
    """
    label = _LABEL.match(stored)
    if label is not None:
        return label[1].upper(), _encoding(label[2]), stored[label.end() :]
    if stored.startswith("$argon2id$"):
        return "ARGON2ID", "", stored
    if stored.startswith("$argon2i$"):
        return "ARGON2I", "", stored
    if stored.startswith("$"):
        return "CRYPT", "", stored
    label = _LABEL.fullmatch("{" + default_scheme + "}")
    if label is None:
        raise BadHash(f"unknown scheme {default_scheme}")
    return label[1].upper(), _encoding(label[2]), stored


def _encoding(suffix: str | None) -> str:
    suffix = (suffix or "").lower()
    return "b64" if suffix == "base64" else suffix


def verify(stored: str, password: bytes, *, default_scheme: str = "CRYPT") -> bool:
    """Whether ``password`` is the one of ``stored``, compared in constant time.

    Raises BadHash; PasswordRefused for a password that the scheme cannot take (bcrypt past 72 octets).
    """
    if len(stored) > MAX_STORED:
        raise BadHash("the hash is too long")
    if len(password) > MAX_PASSWORD:
        return False
    name, encoding, data = split(stored, default_scheme)
    scheme = SCHEMES.get(name)
    if scheme is None:
        raise BadHash(f"unknown scheme {name}")
    return scheme.check(_decoded(scheme, encoding, data), password)


def make(scheme_name: str, password: bytes, cost: Cost = DEFAULT) -> str:
    """``{SCHEME}data`` for a new password. Raises PasswordRefused; BadHash for an unknown scheme."""
    label = _LABEL.fullmatch("{" + scheme_name + "}")
    scheme = SCHEMES.get(label[1].upper()) if label is not None else None
    if label is None or scheme is None:
        raise BadHash(f"unknown scheme {scheme_name}")
    if not password:
        raise PasswordRefused("The password is empty")
    if len(password) > MAX_PASSWORD:
        raise PasswordRefused(f"The password is longer than {MAX_PASSWORD} octets")
    data = scheme.make(password, cost)
    encoding = _encoding(label[2])
    if not encoding and not scheme.encoding and not _fits_a_line(data):
        encoding = "b64"  # a cleartext password with a colon: the users file could not hold it
    suffix = "." + encoding.upper() if encoding else ""
    return "{" + scheme.name + suffix + "}" + _encoded(data, encoding or scheme.encoding)


def scram_keys(stored: str, *, default_scheme: str = "CRYPT") -> ScramKeys | None:
    """What SCRAM-SHA-256 needs, where ``stored`` is of that scheme; else None. Raises BadHash."""
    name, encoding, data = split(stored, default_scheme)
    if name != "SCRAM-SHA-256":
        return None
    return _read_scram(_decoded(SCHEMES[name], encoding, data), 32)


def cleartext(stored: str, *, default_scheme: str = "CRYPT") -> bytes | None:
    """The password itself where the scheme keeps it; None elsewhere. Raises BadHash."""
    name, encoding, data = split(stored, default_scheme)
    return _decoded(SCHEMES[name], encoding, data) if name in CLEARTEXT else None


def _fits_a_line(data: bytes) -> bool:
    return not any(octet < 0x21 or octet in b":\x7f" for octet in data)


def _encoded(data: bytes, encoding: str) -> str:
    if encoding == "b64":
        return b64encode(data).decode("ascii")
    return data.hex() if encoding == "hex" else data.decode("utf-8", "surrogateescape")


def _decoded(scheme: Scheme, encoding: str, data: str) -> bytes:
    octets = data.encode("utf-8", "surrogateescape")
    wanted = encoding or scheme.encoding
    if not wanted:
        return octets
    if not encoding and scheme.length:
        wanted = "hex" if len(octets) == 2 * scheme.length else "b64"
    try:
        raw = binascii.unhexlify(octets) if wanted == "hex" else binascii.a2b_base64(octets, strict_mode=True)
    except (binascii.Error, ValueError):
        raise BadHash(f"the {scheme.name} hash is not valid {wanted}") from None
    if scheme.length and len(raw) != scheme.length:
        raise BadHash(f"the {scheme.name} hash has {len(raw)} octets, not {scheme.length}")
    return raw


# -- the schemes ------------------------------------------------------------------------------------


def _check_plain(data: bytes, password: bytes) -> bool:
    return hmac.compare_digest(data, password)


def _argon2(
    kind: argon2.Type, prefix: bytes
) -> tuple[Callable[[bytes, bytes], bool], Callable[[bytes, Cost], bytes]]:
    def check(data: bytes, password: bytes) -> bool:
        if not data.startswith(prefix):
            raise BadHash("not a hash of that kind of argon2")
        try:
            return argon2.verify_secret(data, password, kind)
        except VerifyMismatchError:
            return False
        except (VerificationError, MemoryError) as error:
            raise BadHash(f"argon2: {error}") from None

    def make(password: bytes, cost: Cost) -> bytes:
        return argon2.hash_secret(
            password,
            os.urandom(16),
            time_cost=cost.argon2_passes,
            memory_cost=cost.argon2_kib,
            parallelism=cost.argon2_lanes,
            hash_len=32,
            type=kind,
        )

    return check, make


def _check_bcrypt(data: bytes, password: bytes) -> bool:
    if len(password) > MAX_BCRYPT_PASSWORD:
        raise PasswordRefused(f"bcrypt takes passwords of up to {MAX_BCRYPT_PASSWORD} octets")
    try:
        return bcrypt.checkpw(password, data)
    except ValueError as error:
        raise BadHash(f"bcrypt: {error}") from None


def _make_bcrypt(password: bytes, cost: Cost) -> bytes:
    if len(password) > MAX_BCRYPT_PASSWORD:
        raise PasswordRefused(f"bcrypt takes passwords of up to {MAX_BCRYPT_PASSWORD} octets")
    # $2y$ is the name under which libcrypt and Dovecot know what bcrypt calls $2b$: the same algorithm.
    return b"$2y$" + bcrypt.hashpw(password, bcrypt.gensalt(cost.bcrypt_log_rounds))[4:]


def _check_crypt(data: bytes, password: bytes) -> bool:
    if data.startswith(b"$2"):
        return _check_bcrypt(data, password)
    if b"\0" in password:
        return False  # crypt(3) would stop there and compare only what stands before it
    text = data.decode("utf-8", "surrogateescape")
    computed = libcrypt.crypt(password, text)
    if computed is None:
        return _check_by_libpass(text, password)
    return hmac.compare_digest(computed.encode("ascii", "replace"), data)


def _check_by_libpass(text: str, password: bytes) -> bool:
    """The same in plain Python, where libcrypt is missing or built without this method."""
    # Imported only here: it takes a fifth of a second, and hardly any system needs it.
    from passlib.hash import des_crypt, md5_crypt, sha1_crypt, sha256_crypt, sha512_crypt

    for handler in (sha512_crypt, sha256_crypt, md5_crypt, sha1_crypt, des_crypt):
        if handler.identify(text):
            try:
                return bool(handler.verify(password, text))
            except ValueError as error:
                raise BadHash(f"crypt: {error}") from None
    raise BadHash("crypt(3) does not know this kind of hash")


def _crypt(prefix: str) -> Callable[[bytes, bytes], bool]:
    def check(data: bytes, password: bytes) -> bool:
        if not data.startswith(prefix.encode("ascii")):
            raise BadHash(f"the hash does not start with {prefix}")
        return _check_crypt(data, password)

    return check


def _make_crypt(prefix: str, salt_length: int) -> Callable[[bytes, Cost], bytes]:
    def make(password: bytes, cost: Cost) -> bytes:
        if b"\0" in password:
            raise PasswordRefused("The password holds a NUL")
        rounds = f"rounds={cost.sha_crypt_rounds}$" if prefix in ("$5$", "$6$") else ""
        computed = libcrypt.crypt(password, f"{prefix}{rounds}{libcrypt.salt(salt_length)}")
        if computed is None:
            return _make_by_libpass(prefix, password, cost)
        return computed.encode("ascii")

    return make


def _make_by_libpass(prefix: str, password: bytes, cost: Cost) -> bytes:
    from passlib.hash import des_crypt, md5_crypt, sha256_crypt, sha512_crypt

    handler = {"$6$": sha512_crypt, "$5$": sha256_crypt, "$1$": md5_crypt, "": des_crypt}[prefix]
    if prefix in ("$5$", "$6$"):
        handler = handler.using(rounds=cost.sha_crypt_rounds)
    return str(handler.hash(password)).encode("ascii")


def _digest(algorithm: str) -> tuple[Callable[[bytes, bytes], bool], Callable[[bytes, Cost], bytes]]:
    def check(data: bytes, password: bytes) -> bool:
        return hmac.compare_digest(hashlib.new(algorithm, password).digest(), data)

    def make(password: bytes, _cost: Cost) -> bytes:
        return hashlib.new(algorithm, password).digest()

    return check, make


def _salted(algorithm: str) -> tuple[Callable[[bytes, bytes], bool], Callable[[bytes, Cost], bytes]]:
    """digest(password + salt) + salt, the salt of any length."""
    size = hashlib.new(algorithm).digest_size

    def check(data: bytes, password: bytes) -> bool:
        if len(data) <= size:
            raise BadHash("the salted hash has no salt")
        return hmac.compare_digest(hashlib.new(algorithm, password + data[size:]).digest(), data[:size])

    def make(password: bytes, _cost: Cost) -> bytes:
        salt = os.urandom(16)
        return hashlib.new(algorithm, password + salt).digest() + salt

    return check, make


_PBKDF2: Final = re.compile(rb"\$1\$([^$]{1,128})\$([1-9][0-9]{0,8})\$([0-9a-fA-F]{40})")


def _check_pbkdf2(data: bytes, password: bytes) -> bool:
    match = _PBKDF2.fullmatch(data)
    if match is None:
        raise BadHash("not $1$salt$rounds$digest")
    computed = hashlib.pbkdf2_hmac("sha1", password, match[1], int(match[2]))
    return hmac.compare_digest(computed, binascii.unhexlify(match[3]))


def _make_pbkdf2(password: bytes, cost: Cost) -> bytes:
    salt = libcrypt.salt(16).encode("ascii")
    digest = hashlib.pbkdf2_hmac("sha1", password, salt, cost.pbkdf2_rounds).hex()
    return b"$1$%b$%d$%b" % (salt, cost.pbkdf2_rounds, digest.encode("ascii"))


_SCRAM: Final = re.compile(rb"([1-9][0-9]{0,8}),([A-Za-z0-9+/=]+),([A-Za-z0-9+/=]+),([A-Za-z0-9+/=]+)")


def _read_scram(data: bytes, size: int) -> ScramKeys:
    match = _SCRAM.fullmatch(data)
    if match is None:
        raise BadHash("not iterations,salt,stored key,server key")
    try:
        salt, stored, server = (binascii.a2b_base64(match[part], strict_mode=True) for part in (2, 3, 4))
    except binascii.Error:
        raise BadHash("a key is not valid base64") from None
    if len(stored) != size or len(server) != size or not salt:
        raise BadHash("a key has the wrong length")
    return ScramKeys(salt, int(match[1]), stored, server)


def _scram(algorithm: str) -> tuple[Callable[[bytes, bytes], bool], Callable[[bytes, Cost], bytes]]:
    size = hashlib.new(algorithm).digest_size

    def check(data: bytes, password: bytes) -> bool:
        keys = _read_scram(data, size)
        computed = scram_derive(password, keys.salt, keys.iterations, algorithm)
        return hmac.compare_digest(computed.stored_key, keys.stored_key)

    def make(password: bytes, cost: Cost) -> bytes:
        keys = scram_derive(password, os.urandom(16), cost.scram_iterations, algorithm)
        parts = (b64encode(part) for part in (keys.salt, keys.stored_key, keys.server_key))
        return b",".join((b"%d" % keys.iterations, *parts))

    return check, make


def _table() -> dict[str, Scheme]:
    plain = (_check_plain, lambda password, _cost: password)
    rows = [
        *(Scheme(name, *plain) for name in CLEARTEXT),
        Scheme("ARGON2ID", *_argon2(argon2.Type.ID, b"$argon2id$")),
        Scheme("ARGON2I", *_argon2(argon2.Type.I, b"$argon2i$")),
        Scheme("BLF-CRYPT", _crypt("$2"), _make_bcrypt),
        Scheme("SHA512-CRYPT", _crypt("$6$"), _make_crypt("$6$", 16)),
        Scheme("SHA256-CRYPT", _crypt("$5$"), _make_crypt("$5$", 16)),
        Scheme("MD5-CRYPT", _crypt("$1$"), _make_crypt("$1$", 8)),
        Scheme("MD5", _crypt("$1$"), _make_crypt("$1$", 8)),
        Scheme("DES-CRYPT", _check_crypt, _make_crypt("", 2)),
        Scheme("CRYPT", _check_crypt, _make_bcrypt),
        Scheme("SHA", *_digest("sha1"), "b64", 20),
        Scheme("SHA1", *_digest("sha1"), "b64", 20),
        Scheme("SHA256", *_digest("sha256"), "b64", 32),
        Scheme("SHA512", *_digest("sha512"), "b64", 64),
        Scheme("LDAP-MD5", *_digest("md5"), "b64", 16),
        Scheme("PLAIN-MD5", *_digest("md5"), "hex", 16),
        Scheme("SSHA", *_salted("sha1"), "b64"),
        Scheme("SSHA256", *_salted("sha256"), "b64"),
        Scheme("SSHA512", *_salted("sha512"), "b64"),
        Scheme("SMD5", *_salted("md5"), "b64"),
        Scheme("PBKDF2", _check_pbkdf2, _make_pbkdf2),
        Scheme("SCRAM-SHA-1", *_scram("sha1")),
        Scheme("SCRAM-SHA-256", *_scram("sha256")),
    ]
    return {row.name: row for row in rows}


SCHEMES: Final = _table()
"""Every scheme by its name in Dovecot, in capitals."""
