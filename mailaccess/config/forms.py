"""What the texts of the configuration must look like, by the ``form`` an option names in ``sections``.

Each form is a function from the text as written to the text as kept; it raises ValueError saying what
would be right.
"""

import grp
import ipaddress
import pwd
import re
from collections.abc import Callable
from typing import Final

from mailaccess.model import names
from mailaccess.proto.imap.capabilities import TABLE
from mailaccess.proto.smtp.address import BadAddress
from mailaccess.proto.smtp.address import parse as parse_address

_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s:\[\]/]*)):([0-9]{1,5})")
_LABEL: Final = re.compile(r"[\w](?:[\w-]{0,61}[\w])?")
_HOME_FIELDS: Final = re.compile(r"\{([^{}]*)\}")

LISTEN_HELP: Final = 'an address such as "127.0.0.1:143", "mail.example.org:143", "[::]:143" or "unix:path"'


def listen(text: str) -> str:
    """``host:port``, ``[v6]:port`` or ``unix:path``."""
    if text.startswith("unix:"):
        if not text.removeprefix("unix:") or "\0" in text:
            raise ValueError('a path after "unix:"')
        return text
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(LISTEN_HELP)
    if match[1] is not None:
        try:
            ipaddress.IPv6Address(match[1])
        except ValueError:
            raise ValueError("an IPv6 address between the brackets") from None
    if int(match[3]) > 65535:
        raise ValueError("a port of at most 65535")
    return text


def endpoint(text: str) -> str:
    """Empty, a host, ``host:port`` or ``[v6]:port``: somewhere to connect to."""
    if text and not text.startswith("[") and text.count(":") != 1:
        text_with_port = f"[{text}]:1" if ":" in text else f"{text}:1"
    else:
        text_with_port = text if not text or ":" in text.rpartition("]")[2] else f"{text}:1"
    match = _ADDRESS.fullmatch(text_with_port) if text else None
    if text and (match is None or not 0 < int(match[3]) < 65536 or not (match[1] or match[2])):
        raise ValueError('a server such as "mail.example.org:587" or "[::1]:53"')
    return text


def network(text: str) -> str:
    """An address, or a network such as 10.0.0.0/8 or 2001:db8::/32."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        fitting = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError('a network such as "10.0.0.0/8" or "2001:db8::/32"') from None
    raise ValueError(f'"{fitting}", whose bits after the prefix are zero')


def domain(text: str) -> str:
    """A domain name or host name, kept in lower case."""
    name = text.lower().removesuffix(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError('a domain name such as "example.org"')
    return name


def home(text: str) -> str:
    """The template of home folders: {user} once at least, {domain}; no other braces, no way out by ``..``."""
    fields = _HOME_FIELDS.findall(text)
    unknown = [field for field in fields if field not in ("user", "domain")]
    if unknown:
        raise ValueError(f"only {{user}} and {{domain}} in braces, not {{{unknown[0]}}}")
    if "user" not in fields:
        raise ValueError(
            'a path with {user}, such as "mail/{domain}/{user}": else all accounts share one folder'
        )
    if "{" in _HOME_FIELDS.sub("", text) or "}" in _HOME_FIELDS.sub("", text):
        raise ValueError("closed braces")
    if ".." in text.split("/") or "\0" in text:
        raise ValueError('a path without ".."')
    return text


def delimiter(text: str) -> str:
    """Empty or one sign that may stand in an address."""
    if len(text) > 1 or text in ("@", " ", '"', "<", ">", ".") or not text.isprintable() or text.isalnum():
        raise ValueError('one sign such as "+" or "-", or "" for none')
    return text


def recipient(text: str) -> str:
    """Empty, or an address or a bare name."""
    if text:
        try:
            address = parse_address(text)
        except BadAddress as error:
            raise ValueError(f'an address such as "lee@example.org", or a name ({error})') from None
        if address.literal:
            raise ValueError("an address with a domain's name")
    return text


def mailbox(text: str) -> str:
    """Empty, or one level of a mailbox name that is not INBOX."""
    problem = names.problem(text) if text else None
    if problem is not None or names.SEPARATOR in text or names.canonical(text) == names.INBOX:
        raise ValueError('a mailbox name of one level such as "Other Users"')
    if len(text.encode("utf-8", "surrogatepass")) > 100:
        raise ValueError("a name of at most 100 octets")
    if text != names.canonical(text) or any(char in text for char in "*%"):
        raise ValueError("a name without wildcards, in Unicode form NFC")
    return text


def workers(text: str) -> str:
    """A number from 1 to 256, or auto."""
    if text != "auto" and not (text.isascii() and text.isdigit() and 1 <= int(text) <= 256):
        raise ValueError('a number from 1 to 256, or "auto"')
    return text


def account(text: str) -> str:
    """Empty, or the name of an account of the operating system."""
    if text:
        try:
            pwd.getpwnam(text)
        except KeyError:
            raise ValueError("an account that exists on this machine (getent passwd)") from None
    return text


def group(text: str) -> str:
    """Empty, or the name of a group of the operating system."""
    if text:
        try:
            grp.getgrnam(text)
        except KeyError:
            raise ValueError("a group that exists on this machine (getent group)") from None
    return text


def mode(text: str) -> str:
    """Permissions in octal: three digits, with or without a nought before."""
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise ValueError('permissions such as "0660"')
    return text


def capability(text: str) -> str:
    """``-NAME`` or ``+NAME`` of an IMAP extension, or of a family of them such as THREAD."""
    names = {row.name.upper() for row in TABLE} | {"APPENDLIMIT"}
    if text[:1] not in ("-", "+") or not any(
        name == text[1:].upper() or name.startswith(text[1:].upper() + "=") for name in names
    ):
        raise ValueError('"-" or "+" and the name of an IMAP extension, such as "-MOVE" or "+UIDONLY"')
    return text


FORMS: Final[dict[str, Callable[[str], str]]] = {
    "listen": listen,
    "endpoint": endpoint,
    "network": network,
    "domain": domain,
    "home": home,
    "delimiter": delimiter,
    "mailbox": mailbox,
    "recipient": recipient,
    "workers": workers,
    "account": account,
    "group": group,
    "mode": mode,
    "capability": capability,
}
"""The forms that ``sections.option`` may name."""
