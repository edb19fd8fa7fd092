"""What the server's side of Dovecot's authentication protocol says. The only place that writes its octets."""

from collections.abc import Iterable, Mapping
from typing import Final

from mailaccess.proto.dovecot.lines import render
from mailaccess.proto.dovecot.requests import MAJOR

MINOR: Final = 1

TEMP_FAIL: Final = "temp_fail"
AUTHZ_FAIL: Final = "authz_fail"
USER_DISABLED: Final = "user_disabled"

_OLDER: Final = {TEMP_FAIL: "temp", AUTHZ_FAIL: "authz", USER_DISABLED: "user_disabled"}
"""How clients from before Dovecot 2.3 (and Exim) know the codes."""

_KINDS: Final = {"PLAIN": ("plaintext",), "LOGIN": ("plaintext",), "SCRAM-SHA-256": ("mutual-auth",)}
"""What is said of a mechanism: Postfix chooses by it (``smtpd_sasl_security_options``)."""


def greeting(mechanisms: Iterable[str], *, pid: int, connection: int, cookie: str) -> bytes:
    """All that a client for logins is told at once. cookie: 32 hexadecimal digits."""
    return b"".join(
        (
            render("VERSION", str(MAJOR), str(MINOR)),
            *(render("MECH", name, *_KINDS.get(name, ())) for name in mechanisms),
            render("SPID", str(pid)),
            render("CUID", str(connection)),
            render("COOKIE", cookie),
            render("DONE"),
        )
    )


def lookup_greeting(pid: int) -> bytes:
    """The same for look-ups of users."""
    return render("VERSION", str(MAJOR), str(MINOR)) + render("SPID", str(pid))


def ok(id: int, user: str) -> bytes:
    """The login succeeded. user: the account's canonical name."""
    return render("OK", str(id), f"user={user}")


def challenge(id: int, encoded: bytes) -> bytes:
    """The exchange goes on. encoded: base64."""
    return render("CONT", str(id), encoded.decode("ascii"))


def fail(id: int, *, code: str = "", reason: str = "", user: str = "") -> bytes:
    """The login failed. code: "" where name or password are wrong.  reason: for the user to read.

    user: the name that was tried, where it is known.
    """
    fields = [f"user={user}"] if user else []
    fields += [f"code={code}", _OLDER[code]] if code else []
    return render("FAIL", str(id), *fields, *((f"reason={reason}",) if reason else ()))


def user(id: int, name: str, fields: Mapping[str, str]) -> bytes:
    """Where an account lives. fields: uid, gid, home, mail and the like."""
    return render("USER", str(id), name, *(f"{key}={value}" for key, value in fields.items()))


def not_found(id: int) -> bytes:
    """There is no such account."""
    return render("NOTFOUND", str(id))


def lookup_failed(id: int, reason: str) -> bytes:
    """It could not be found out."""
    return render("FAIL", str(id), f"reason={reason}")
