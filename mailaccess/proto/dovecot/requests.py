"""What a client of Dovecot's authentication protocol asks.

``VERSION``, ``CPID``, ``AUTH``, ``CONT`` and ``CANCEL`` on the socket for logins; ``VERSION``, ``USER``, ``PASS``
and ``LIST`` on the one for look-ups of users. Unknown parameters are passed over, as the protocol demands.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.dovecot.lines import BadLine, split

MAJOR: Final = 1
"""The version that both sides must have in common."""

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_SERVICE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


@dataclass(frozen=True, slots=True)
class Version:
    """VERSION: the first line of both sides."""

    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class ClientPid:
    """CPID: ends the client's handshake."""

    pid: int


@dataclass(frozen=True, slots=True)
class About:
    """What AUTH and USER tell of a login. service: smtp, imap and the like.

    remote, local: textual IP, or "".  secured: the client came by TLS, or from the same machine.
    """

    service: str = "auth"
    remote: str = ""
    local: str = ""
    secured: bool = False


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH. id: unique in the connection.  response: the initial response in base64; None: there is none."""

    id: int
    mechanism: str
    about: About
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """CONT: the answer to a challenge, in base64."""

    id: int
    response: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """CANCEL: the exchange is of no interest any more."""

    id: int


@dataclass(frozen=True, slots=True)
class User:
    """USER: where does this account live?"""

    id: int
    name: str
    about: About


@dataclass(frozen=True, slots=True)
class Refused:
    """PASS and LIST: known, and never answered with what they ask for."""

    id: int
    name: str


Request = Version | ClientPid | Auth | Continue | Cancel | User | Refused


def parse(line: bytes) -> Request | None:
    """A line without its end; None for a command that nobody defined. Raises BadLine."""
    name, *fields = split(line)
    match name:
        case "VERSION":
            return Version(_number(fields, 0), _number(fields, 1))
        case "CPID":
            return ClientPid(_number(fields, 0))
        case "AUTH":
            return _auth(line, fields)
        case "CONT":
            return Continue(_number(fields, 0), _field(fields, 1))
        case "CANCEL":
            return Cancel(_number(fields, 0))
        case "USER":
            return User(_number(fields, 0), _field(fields, 1), _about(fields[2:]))
        case "PASS" | "LIST":
            return Refused(_number(fields, 0), name)
    return None


def _auth(line: bytes, fields: list[str]) -> Auth:
    """``resp=`` is the last parameter: what follows it is a part of it, so that nobody slips in others."""
    before, found, response = line.partition(b"\tresp=")
    options = split(before)[1:] if found else fields
    given = response.decode("ascii", "replace") if found else None
    return Auth(_number(fields, 0), _field(options, 1).upper(), _about(options[2:]), given)


def _about(options: list[str]) -> About:
    found: dict[str, str] = {}
    for option in options:
        name, _, value = option.partition("=")
        found[name] = value
    service = found.get("service", "")
    return About(
        service if _SERVICE.fullmatch(service) else "auth",
        found.get("rip", "")[:64],
        found.get("lip", "")[:64],
        "secured" in found,
    )


def _field(fields: list[str], place: int) -> str:
    if place >= len(fields):
        raise BadLine("a parameter is missing")
    return fields[place]


def _number(fields: list[str], place: int) -> int:
    text = _field(fields, place)
    if not _NUMBER.fullmatch(text) or int(text) >= 2**32:
        raise BadLine("a number is missing")
    return int(text)
