"""The log: one event a line, for people and fail2ban, or as JSON for machines.

Text lines read ``TIME EVENT: name=value, name=value``. A failed login is written as Dovecot writes it,
so that fail2ban's stock ``dovecot`` filter bans on it::

    2026-11-24T23:50:10.123+00:00 imap-login: Disconnected (auth failed, 1 attempts in 2 secs): \
user=<lee@naver.com>, method=PLAIN, rip=192.0.2.7, lip=127.0.0.1

What peers say can never break out of its value: control characters, line separators, quotes, angle
brackets and whatever else could end a value are escaped, and long values are cut, so neither a second
line nor a forged field can be written. Secrets are not logged because nobody passes any
(``model.secret`` does not print).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from mailaccess.observe.events import Level, Value

LONGEST: Final = 1000
"""Characters of one value: enough for any address or path, too few to fill a disk by."""

LOGIN_FAILED: Final = "login-failed"

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.@:/+~$*#%^!?;|-]+\Z")
_UNSAFE: Final = re.compile(
    r'[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069"\\<>]'
)
_ANGLED: Final = ("user", "session")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def escaped(text: str) -> str:
    """The text with whatever could end or forge a value as ``\\xNN`` or ``\\uNNNN``, cut to LONGEST."""
    return _UNSAFE.sub(_escape, _cut(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shown(name: str, value: Value) -> str:
    """One field's value as it stands in a text line; ``user`` and ``session`` in angle brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    if value is None:
        return "-"
    if name in _ANGLED:
        return f"<{escaped(value)}>"
    if _PLAIN.match(value) and len(value) <= LONGEST:
        return value
    return f'"{escaped(value)}"'


def text_line(event: str, level: Level, fields: dict[str, Value]) -> str:
    """The line without its time and end."""
    if event == LOGIN_FAILED:
        return _failed_login(fields)
    marked = "" if level in (Level.INFO, Level.DEBUG) else f"{level.value}: "
    told = ", ".join(f"{name}={shown(name, value)}" for name, value in fields.items() if value is not None)
    return f"{event}: {marked}{told}" if told else f"{event}: {marked}".rstrip()


def _failed_login(fields: dict[str, Value]) -> str:
    """As Dovecot's login processes write it; extra fields go where the filter allows text."""
    rest = dict(fields)
    service = rest.pop("service", None) or "imap"
    attempts = _whole(rest.pop("attempts", None), 1)
    seconds = _whole(rest.pop("seconds", None), 0)
    head = f"{_word(service)}-login: Disconnected (auth failed, {attempts} attempts in {seconds} secs):"
    user = shown("user", str(rest.pop("user", None) or ""))
    method = _word(rest.pop("method", None) or "PLAIN")
    rip = _word(rest.pop("rip", None) or "-")
    line = f"{head} user={user}, method={method}, rip={rip}"
    session = rest.pop("session", None)
    for name, value in rest.items():
        if value is not None and value != "":
            line += f", {name}={shown(name, value)}"
    return f"{line}, session={shown('session', str(session))}" if session else line


def _word(value: Value) -> str:
    """A token: what is none of a token's characters becomes ``_``."""
    return re.sub(r"[^A-Za-z0-9_.:%-]", "_", str(value)[:64])


def _whole(value: Value, default: int) -> int:
    return int(value) if isinstance(value, (int, float)) else default


def json_line(event: str, level: Level, fields: dict[str, Value], time: str) -> str:
    """The event as one JSON object, ASCII only."""
    record: dict[str, Value] = {"time": time, "level": level.value, "event": event}
    for name, value in fields.items():
        record[name if name not in record else f"field_{name}"] = (
            _cut(value) if isinstance(value, str) else value
        )
    return json.dumps(record)


def now() -> datetime:
    """The time of an event, in UTC."""
    return datetime.now(UTC)


class LogWriter:
    """Writes events as lines; satisfies ``events.EventLog``.

    write: takes one whole line with its end; an OSError (a closed pipe, a full disk) loses the line, never
    the service.  as_json: for machines.  timed: whether a text line begins with its time (not where
    another log adds its own).  least: the least level written.  seen: told of every event, for the counters.
    always: fields of every event.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        as_json: bool = False,
        timed: bool = True,
        least: Level = Level.INFO,
        clock: Callable[[], datetime] = now,
        seen: Callable[[str, Level, dict[str, Value]], None] | None = None,
        always: Mapping[str, Value] = MappingProxyType({}),
    ) -> None:
        self._write = write
        self._as_json = as_json
        self._timed = timed
        self._rank = _RANK[least]
        self._clock = clock
        self._seen = seen
        self._always = dict(always)
        self.lost = 0

    def log(self, event: str, level: Level = Level.INFO, /, **fields: Value) -> None:
        """Write one event."""
        if self._seen is not None:
            self._seen(event, level, fields)
        if _RANK[level] < self._rank:
            return
        if self._always:
            fields = {**fields, **self._always}
        time = self._clock().isoformat(timespec="milliseconds") if self._timed or self._as_json else ""
        if self._as_json:
            line = json_line(event, level, fields, time)
        elif self._timed:
            line = f"{time} {text_line(event, level, fields)}"
        else:
            line = text_line(event, level, fields)
        try:
            self._write(line + "\n")
        except OSError:
            self.lost += 1


_RANK: Final = {level: rank for rank, level in enumerate(Level)}
