"""Commands: a frozen class each, and the rule that reads a line (RFC 5321 §4.1.1, RFC 2033 §4, RFC 3030).

``read`` gives a command or raises Refused with the reply that is due. Which command may come when is the
session's affair. Parameters of MAIL and RCPT are read into ``MailParameters`` here, so that a session
never sees a word it does not know (RFC 5321 §4.1.1.11: 555).
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from mailaccess.proto.smtp import replies
from mailaccess.proto.smtp.address import Address, BadAddress
from mailaccess.proto.smtp.address import read as read_address
from mailaccess.proto.smtp.replies import Refused, Reply

MAX_PARAMETERS: Final = 20
"""ESMTP parameters of one MAIL or RCPT: all that are registered are about that many."""

MAX_SIZE_DIGITS: Final = 20
"""RFC 1870 §3: size-value is at most 20 digits."""

MAX_HELO: Final = 255
"""Octets of a domain (RFC 5321 §4.5.3.1.2)."""


MAX_ENVID: Final = 100
"""Characters of an ENVID (RFC 3461 §4.4)."""

MAX_ORCPT: Final = 500
"""Characters of an ORCPT (RFC 3461 §4.2)."""


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""


@dataclass(frozen=True, slots=True)
class Hello(Command):
    """HELO, EHLO, LHLO. verb: which.  domain: what the client calls itself, printable, never trusted."""

    verb: str
    domain: str


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL says besides the sender.

    size: octets declared (RFC 1870), None if not.  body: "7BIT" or "8BITMIME" (RFC 6152), or "".
    smtputf8: RFC 6531 §3.4.  ret: "FULL", "HDRS" or "" (RFC 3461 §4.3).  envid: xtext, or "" (§4.4).
    """

    size: int | None = None
    body: str = ""
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class Mail(Command):
    """sender: None is the null reverse-path ``<>``."""

    sender: Address | None
    parameters: MailParameters


@dataclass(frozen=True, slots=True)
class Rcpt(Command):
    """notify: NEVER, or some of SUCCESS, FAILURE, DELAY (RFC 3461 §4.1).  orcpt: ``type;xtext`` (§4.2)."""

    recipient: Address
    notify: tuple[str, ...] = ()
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Data(Command):
    """DATA."""


@dataclass(frozen=True, slots=True)
class Bdat(Command):
    """RFC 3030 §2. size: octets that follow."""

    size: int
    last: bool


@dataclass(frozen=True, slots=True)
class Auth(Command):
    """RFC 4954 §4. initial: base64 or ``=``, None without an initial response."""

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class Simple(Command):
    """RSET, NOOP, QUIT, VRFY, EXPN, HELP, STARTTLS."""

    verb: str


# Verb, then the rest after blanks. Verbs are ASCII letters in any case.
_VERB: Final = re.compile(rb"([A-Za-z0-9]{1,16})[ \t]*")
_HELO: Final = re.compile(r"[!-~\u0080-\U0010ffff]{1,255}")
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,40})(?:=([!-<>-~\u0080-\U0010ffff]{1,1000}))?")
_BDAT: Final = re.compile(rb"([0-9]{1,20})(?:[ \t]+(LAST))?", re.I)
_AUTH: Final = re.compile(rb"([A-Za-z0-9_-]{1,20})(?:[ \t]+(\S+))?")

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
# RFC 6533 §3 adds utf-8-addr-unitext, with octets beyond ASCII as they are.
_ORCPT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,40};(?:[!-*,-<>-~\u0080-\U0010ffff]|\+[0-9A-F]{2})+")
_NOTIFY: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})

_NO_ARGUMENT: Final = frozenset({b"RSET", b"QUIT", b"STARTTLS", b"DATA"})
_ANY_ARGUMENT: Final = frozenset({b"NOOP", b"HELP"})
_SOME_ARGUMENT: Final = frozenset({b"VRFY", b"EXPN"})


def _syntax(text: str) -> Refused:
    return Refused(Reply(501, "5.5.4", text))


def read(line: bytes, *, lenient: bool = False, utf8: bool = False, dsn: bool = False) -> Command:
    """The command on ``line`` (without its end). Raises Refused.

    lenient: take blanks behind ``FROM:`` and ``TO:`` and a path without brackets, as Outlook and some
    scripts send them (quirk; not from other servers, RFC 5321 §4.1.1.2 forbids it).
    utf8: whether the mail transaction was begun with SMTPUTF8, for RCPT.
    dsn: whether the parameters of RFC 3461 were offered.
    """
    found = _VERB.match(line)
    if found is None:
        raise Refused(replies.UNKNOWN_COMMAND)
    verb, rest = found[1].upper(), line[found.end() :].rstrip(b" \t")
    if verb == b"MAIL":
        return _mail(rest, lenient, dsn)
    if verb == b"RCPT":
        return _rcpt(rest, lenient, utf8, dsn)
    if verb in (b"EHLO", b"HELO", b"LHLO"):
        return _hello(verb.decode("ascii"), rest)
    if verb in _NO_ARGUMENT:
        if rest:
            raise Refused(replies.NO_PARAMETERS)
        return Data() if verb == b"DATA" else Simple(verb.decode("ascii"))
    if verb in _SOME_ARGUMENT and not rest:
        raise Refused(replies.NO_ARGUMENT)  # RFC 5321 §4.1.1.6, §4.1.1.7
    if verb in _ANY_ARGUMENT or verb in _SOME_ARGUMENT:
        return Simple(verb.decode("ascii"))
    if verb == b"BDAT":
        chunk = _BDAT.fullmatch(rest)
        if chunk is None:
            raise _syntax("Syntax: BDAT size [LAST]")
        return Bdat(int(chunk[1]), chunk[2] is not None)
    if verb == b"AUTH":
        auth = _AUTH.fullmatch(rest)
        if auth is None:
            raise _syntax("Syntax: AUTH mechanism [initial-response]")
        return Auth(auth[1].decode("ascii").upper(), auth[2])
    raise Refused(replies.UNKNOWN_COMMAND)


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reply(501, "5.5.2", "The line is neither ASCII nor UTF-8")) from None


def _hello(verb: str, rest: bytes) -> Hello:
    text = _text(rest)
    if not _HELO.fullmatch(text):
        raise _syntax(f"Syntax: {verb} hostname")
    return Hello(verb, text)


def _path(rest: bytes, keyword: str, lenient: bool) -> tuple[Address | None, str]:
    """``FROM:<path>`` or ``TO:<path>``: the address, None for ``<>``, and what is behind. RFC 5321 §4.1.2."""
    text = _text(rest)
    head, colon, text = text.partition(":")
    if not colon or head.rstrip(" \t").upper() != keyword:
        raise _syntax(f"Syntax: {keyword}:<address>")
    if lenient:
        text = text.lstrip(" \t")  # quirk_whitespace_before_path
    if not text.startswith("<"):
        if not lenient or not text:
            raise _syntax(f"Syntax: {keyword}:<address>")
        return _bare(text)  # quirk_mailbox_for_path
    if text.startswith("<>"):
        return None, text[2:]
    place = 1
    if text.startswith("@", 1):  # a source route is read and forgotten, RFC 5321 appendix C
        place = text.find(":") + 1
        if place <= 0:
            raise _syntax("The source route has no end")
    try:
        address, end = read_address(text, place)
    except BadAddress as error:
        raise Refused(Reply(501, "5.1.3", f"Bad address: {error}")) from None
    if not text.startswith(">", end):
        raise Refused(Reply(501, "5.1.3", "Bad address: it does not end with >"))
    return address, text[end + 1 :]


def _bare(text: str) -> tuple[Address, str]:
    try:
        address, end = read_address(text)
    except BadAddress as error:
        raise Refused(Reply(501, "5.1.3", f"Bad address: {error}")) from None
    return address, text[end:]


def _parameters(text: str) -> list[tuple[str, str]]:
    """esmtp-param pairs, names in capitals. RFC 5321 §4.1.1.11."""
    if text and text[0] not in " \t":
        raise _syntax("There must be a space behind the address")
    words = text.split()
    if len(words) > MAX_PARAMETERS:
        raise _syntax("Too many parameters")
    found: list[tuple[str, str]] = []
    for word in words:
        matched = _PARAMETER.fullmatch(word)
        if matched is None:
            raise _syntax("A parameter is not well-formed")
        found.append((matched[1].upper(), matched[2] or ""))
    if len({name for name, _ in found}) < len(found):
        raise _syntax("A parameter is given twice")
    return found


def _mail(rest: bytes, lenient: bool, dsn: bool) -> Mail:
    sender, behind = _path(rest, "FROM", lenient)
    parameters = MailParameters()
    for name, value in _parameters(behind):
        if name in ("RET", "ENVID") and not dsn:
            raise Refused(Reply(555, "5.5.4", "A parameter is not supported"))
        parameters = _mail_parameter(parameters, name, value)
    if sender is not None and not sender.domain:
        raise Refused(Reply(501, "5.1.7", "Bad sender address: the domain is missing"))
    if sender is not None and not sender.ascii and not parameters.smtputf8:
        raise Refused(Reply(553, "5.6.7", "A non-ASCII address needs the SMTPUTF8 parameter"))
    return Mail(sender, parameters)


def _mail_parameter(known: MailParameters, name: str, value: str) -> MailParameters:
    match name:
        case "SIZE":
            if not value.isascii() or not value.isdigit() or len(value) > MAX_SIZE_DIGITS:
                raise _syntax("Bad SIZE")
            return replace(known, size=int(value))
        case "BODY":
            if value.upper() not in ("7BIT", "8BITMIME"):
                raise Refused(Reply(501, "5.5.4", "BODY may be 7BIT or 8BITMIME"))
            return replace(known, body=value.upper())
        case "SMTPUTF8":
            if value:
                raise _syntax("SMTPUTF8 takes no value")
            return replace(known, smtputf8=True)
        case "RET":
            if value.upper() not in ("FULL", "HDRS"):
                raise _syntax("RET may be FULL or HDRS")
            return replace(known, ret=value.upper())
        case "ENVID":
            if not _XTEXT.fullmatch(value) or len(value) > MAX_ENVID:
                raise _syntax("Bad ENVID")
            return replace(known, envid=value)
        case "AUTH":
            if not value:
                raise _syntax("AUTH needs a value")
            return known  # RFC 4954 §5: read, and not believed
        case _:
            raise Refused(Reply(555, "5.5.4", "A parameter is not supported"))


def _rcpt(rest: bytes, lenient: bool, utf8: bool, dsn: bool) -> Rcpt:
    recipient, behind = _path(rest, "TO", lenient)
    if recipient is None:
        raise Refused(Reply(501, "5.1.3", "Bad address: a recipient may not be empty"))
    notify: tuple[str, ...] = ()
    orcpt = ""
    for name, value in _parameters(behind):
        if not dsn:
            raise Refused(Reply(555, "5.5.4", "A parameter is not supported"))
        if name == "NOTIFY":
            notify = tuple(value.upper().split(","))
            allowed = notify == ("NEVER",) or _NOTIFY.issuperset(notify)
            if not allowed or len(set(notify)) < len(notify):
                raise _syntax("NOTIFY may be NEVER, or some of SUCCESS,FAILURE,DELAY")
        elif name == "ORCPT":
            if not _ORCPT.fullmatch(value) or len(value) > MAX_ORCPT:
                raise _syntax("Bad ORCPT")
            orcpt = value
        else:
            raise Refused(Reply(555, "5.5.4", "A parameter is not supported"))
    if not recipient.ascii and not utf8:
        raise Refused(Reply(553, "5.6.7", "A non-ASCII address needs the SMTPUTF8 parameter of MAIL"))
    return Rcpt(recipient, notify, orcpt)
