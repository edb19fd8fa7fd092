"""IMAP URLs that name a message or a part of one (RFC 5092 §6, §11), for CATENATE and URLAUTH.

Taken are absolute URLs (``imap://…``), absolute-path references (``/mailbox/;UID=…``), and, as RFC 4469 §3
gives the selected mailbox for a base, what begins with ``;UID=``. Other relative paths are refused: RFC 5092
§7.2 wants that. Lists of messages and searches are no message, and refused as well.

A parameter ends where the next begins, since ";" stands in no mailbox name or section unless %-encoded: the
text is cut at each ";" once, whatever it holds.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from mailaccess.model import names
from mailaccess.model.ids import MAX_NUMBER
from mailaccess.proto.cursor import Expected
from mailaccess.proto.imap.fetch import Section, section
from mailaccess.proto.imap.tokens import ImapCursor


class BadUrl(ValueError):
    """No URL of a message, or one that is not understood here."""


@dataclass(frozen=True, slots=True)
class Authority:
    """iserver. user: percent-decoded, None where none is named (an iauth alone names none)."""

    host: str
    user: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """``access``: who may use the URL. kind: submit+, user+, authuser or anonymous, in lower case."""

    kind: str
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """iurlauth: expire (None: never), access; mechanism in capitals and token where the URL is complete.

    rump: what the token is made of, the URL up to the mechanism, as written.
    """

    rump: str
    access: Access
    expire: datetime | None = None
    mechanism: str | None = None
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """A message, or a section of it.

    authority: None in a relative URL.  mailbox: canonical, None for the selected one.
    partial: (origin, octets); octets None is up to the end.
    """

    authority: Authority | None
    mailbox: str | None
    uid: int
    uid_validity: int | None = None
    section: Section = Section()  # noqa: RUF009  frozen
    partial: tuple[int, int | None] | None = None
    authorization: Authorization | None = None


_SERVER: Final = re.compile(
    r"imap://(?:(?P<user>[^/?#@;]*)(?:;AUTH=[^/?#@;]+)?@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\];]+)(?::(?P<port>[0-9]{1,5}))?/",
    re.IGNORECASE,
)
_BCHARS: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$'()*+,&=:@/]++|%[0-9A-Fa-f]{2})*")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")
_RANGE: Final = re.compile(r"([0-9]{1,19})(?:\.([1-9][0-9]{0,18}))?")
_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{32,200}")
_MECHANISM: Final = re.compile(r"[A-Za-z0-9.\-]{1,40}")
_EXPIRE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)

_ORDER: Final = ("UIDVALIDITY", "UID", "SECTION", "PARTIAL", "EXPIRE", "URLAUTH")
_BEHIND_SLASH: Final = frozenset(("UID", "SECTION", "PARTIAL"))


def parse(text: str) -> MessageUrl:
    """Read a URL of a message or part. Raises BadUrl, whatever the text."""
    authority, path = _authority(text)
    name, *parameters = path.split(";")
    values = _parameters(name, parameters)
    if "UID" not in values:
        raise BadUrl("no message")
    first = name[:-1] if next(iter(values)) == "UID" else name
    uid_validity = values.get("UIDVALIDITY")
    return MessageUrl(
        authority,
        _mailbox(first) if first else None,
        _number(values["UID"]),
        None if uid_validity is None else _number(uid_validity),
        _section(values["SECTION"]) if "SECTION" in values else Section(),
        _partial(values["PARTIAL"]) if "PARTIAL" in values else None,
        _authorization(text, values),
    )


def _authority(text: str) -> tuple[Authority | None, str]:
    """The server, and the path behind its slash; of a relative URL no server."""
    found = _SERVER.match(text)
    if found is not None:
        user = found["user"]
        port = found["port"]
        authority = Authority(
            found["host"].lower(), _decoded(user) if user else None, None if port is None else int(port)
        )
        return authority, text[found.end() :]
    if text[:1] == "/" and text[:2] not in ("//", "/;"):
        return None, text[1:]
    if text[:2] == "/;":
        return None, text
    if text[:1] == ";":
        return None, "/" + text
    raise BadUrl("neither absolute nor with an absolute path")


def _parameters(name: str, parameters: list[str]) -> dict[str, str]:
    """The parameters by name, each once, in the order of the grammar, those behind a slash behind a slash."""
    values: dict[str, str] = {}
    place = -1
    slash = name.endswith("/")
    for number, parameter in enumerate(parameters, 1):
        key, equals, value = parameter.partition("=")
        key = key.upper()
        if not equals or key not in _ORDER or _ORDER.index(key) <= place:
            raise BadUrl("a parameter that is not known, or out of order")
        if slash is not (key in _BEHIND_SLASH):
            raise BadUrl("a slash too many or too few")
        place = _ORDER.index(key)
        following = parameters[number].partition("=")[0].upper() if number < len(parameters) else ""
        slash = following in _BEHIND_SLASH and value.endswith("/")
        values[key] = value[:-1] if slash else value
    return values


def _decoded(text: str) -> str:
    """Percent-encoding undone: UTF-8 (§8)."""
    if _BCHARS.fullmatch(text) is None:
        raise BadUrl("a character that has to be %-encoded")
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise BadUrl("not UTF-8") from None
    if "\0" in decoded:
        raise BadUrl("NUL")
    return decoded


def _mailbox(text: str) -> str:
    name = names.canonical(_decoded(text))
    if names.problem(name) is not None:
        raise BadUrl("no name of a mailbox")
    return name


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise BadUrl("no number")
    return int(text)


def _section(text: str) -> Section:
    """enc-section: what stands between the brackets of BODY[…]."""
    cur = ImapCursor(b"[%b]" % _decoded(text).encode("utf-8"))
    try:
        found = section(cur)
    except Expected:
        raise BadUrl("no section") from None
    if not cur.at_end() or found == Section():
        raise BadUrl("no section")
    return found


def _partial(text: str) -> tuple[int, int | None]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise BadUrl("no range of octets")
    return int(found.group(1)), None if found.group(2) is None else int(found.group(2))


def _authorization(text: str, values: dict[str, str]) -> Authorization | None:
    """``iurlauth``, or its rump without a token. RFC 5092 §6.1."""
    if "URLAUTH" not in values:
        if "EXPIRE" in values:
            raise BadUrl("an end without a beginning")
        return None
    written, *verifier = values["URLAUTH"].split(":")
    mechanism: str | None = None
    token: bytes | None = None
    rump = text
    if verifier:
        if len(verifier) != 2 or not _MECHANISM.fullmatch(verifier[0]) or not _TOKEN.fullmatch(verifier[1]):
            raise BadUrl("no verifier")
        mechanism, token = verifier[0].upper(), verifier[1].lower().encode("ascii")
        rump = text[: -len(":".join(("", *verifier)))]
    expire = _expire(values["EXPIRE"]) if "EXPIRE" in values else None
    return Authorization(rump, _access(written), expire, mechanism, token)


def _access(text: str) -> Access:
    kind, plus, user = text.partition("+")
    kind = kind.lower() + plus
    if kind in ("submit+", "user+") and user:
        return Access(kind, _decoded(user))
    if kind in ("authuser", "anonymous"):
        return Access(kind)
    raise BadUrl("nobody has that access")


def _expire(text: str) -> datetime:
    """date-time of RFC 3339 §5.6."""
    if _EXPIRE.fullmatch(text) is None:
        raise BadUrl("no time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadUrl("no time") from None
