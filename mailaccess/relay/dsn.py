"""Delivery status notifications (RFC 3464): what the sender is told when a message cannot be delivered, still
waits, or (if asked for, RFC 3461) was delivered or handed to a server that promises no notices.

A report is multipart/report (RFC 6522): a text for people, the fields for machines, the original's header (all
of the original if RET=FULL asked for it and it is small). It has the null sender, and never answers one.
"""

import re
import textwrap
from collections.abc import Sequence
from email.utils import formatdate
from typing import Final

from mailaccess.proto.smtp.unitext import from_unitext, to_ascii
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, Envelope, Recipient

MAX_HEADER: Final = 64 * 1024
"""Octets of the original's header that are given back: real headers are smaller."""

MAX_FULL: Final = 1024 * 1024
"""Octets of an original that RET=FULL gives back; of a larger one only the header is."""

MAX_VALUE: Final = 900
"""Octets of a field's value: a line has 998 at most (RFC 5322 §2.1.1), where nothing lets it be folded."""

_REPLY: Final = re.compile(r"[2-5][0-9]{2}(?: |\Z)")
"""How an SMTP reply begins; other texts are ours."""

FAILURE: Final = "failed"
DELAY: Final = "delayed"
SUCCESS: Final = "delivered"
RELAYED: Final = "relayed"

_SUBJECTS: Final = {
    FAILURE: "Undelivered mail: it could not be delivered",
    DELAY: "Delayed mail: it could not be delivered yet",
    SUCCESS: "Delivered mail",
    RELAYED: "Relayed mail",
}

_TEXTS: Final = {
    FAILURE: "Your message could not be delivered to the following recipients. It is not tried again.",
    DELAY: "Your message could not be delivered yet to the following recipients. It is tried again until {until}; "
    "you need not send it again.",
    SUCCESS: "Your message was delivered to the following recipients.",
    RELAYED: "Your message was handed to the next server for the following recipients. That server does not send "
    "notices of delivery.",
}


def wanted(recipient: Recipient, action: str) -> bool:
    """Whether the sender wants to hear that. RFC 3461 §4.1: without NOTIFY of failures and delays."""
    word = {FAILURE: "FAILURE", DELAY: "DELAY", SUCCESS: "SUCCESS", RELAYED: "SUCCESS"}[action]
    return word in recipient.notify if recipient.notify else word != "SUCCESS"


def due(envelope: Envelope) -> dict[str, list[Recipient]]:
    """Recipients whose final state the sender is still to be told, by action."""
    found: dict[str, list[Recipient]] = {}
    if not envelope.sender:
        return found
    for each in envelope.recipients:
        if each.reported or each.state == WAITING:
            continue
        action = FAILURE if each.state == FAILED else RELAYED if each.relayed else SUCCESS
        if wanted(each, action):
            found.setdefault(action, []).append(each)
    return found


def report(
    envelope: Envelope,
    action: str,
    recipients: Sequence[Recipient],
    original: bytes,
    *,
    hostname: str,
    now: float,
    message_id: str,
    until: float = 0.0,
) -> bytes:
    """The whole report, CRLF line ends. original: the message, or its beginning.  until: for delays."""
    full = envelope.ret == "FULL" and action == FAILURE and len(original) == envelope.size <= MAX_FULL
    part, kind = (original, "message/rfc822") if full else (_header(original), "text/rfc822-headers")
    international = envelope.utf8 and not all(
        each.isascii() for each in (envelope.sender, *(recipient.address for recipient in recipients))
    )
    if kind == "message/rfc822" and envelope.utf8:
        kind = "message/global"  # RFC 6533 §5
    elif envelope.utf8:
        kind = "message/global-headers"
    boundary = f"=_{message_id}"
    text = _people(envelope, action, recipients, hostname, until)
    fields = _machines(envelope, action, recipients, hostname, until, international)
    seven_bit = part.isascii() and text.isascii() and fields.isascii() and envelope.sender.isascii()
    transfer = "7bit" if seven_bit and not envelope.utf8 else "8bit"
    status_type = "message/global-delivery-status" if international else "message/delivery-status"
    head = [
        f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>",
        f"To: <{envelope.sender}>",
        f"Subject: {_SUBJECTS[action]}",
        f"Date: {formatdate(now, localtime=True)}",
        f"Message-ID: <{message_id}@{hostname}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
        f"Content-Transfer-Encoding: {transfer}",
        "",
        "This is a report in MIME format (RFC 3464).",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Transfer-Encoding: {'7bit' if text.isascii() else '8bit'}",
        "",
        text,
        f"--{boundary}",
        f"Content-Type: {status_type}",
        f"Content-Transfer-Encoding: {'7bit' if fields.isascii() else '8bit'}",
        "",
        fields,
        f"--{boundary}",
        f"Content-Type: {kind}",
        f"Content-Transfer-Encoding: {'7bit' if part.isascii() else '8bit'}",
        "",
        "",
    ]
    return "\r\n".join(head).encode("utf-8") + part + f"\r\n--{boundary}--\r\n".encode("ascii")


def _header(original: bytes) -> bytes:
    """The original's header with the blank line; cut at a line's end where it is too long."""
    end = original.find(b"\r\n\r\n")
    header = original[: end + 2] if end >= 0 else original
    if original.startswith(b"\r\n"):
        header = b""
    if len(header) > MAX_HEADER:
        header = header[: header.rfind(b"\r\n", 0, MAX_HEADER) + 2]
    return header


def _people(
    envelope: Envelope, action: str, recipients: Sequence[Recipient], hostname: str, until: float
) -> str:
    lines = [f"This is the mail server {hostname}.", ""]
    lines += _wrapped(_TEXTS[action].format(until=formatdate(until, localtime=True)))
    lines.append("")
    for each in recipients:
        lines.append(f"<{each.address}>")
        if each.history:
            last = each.history[-1]
            said = f"{last.host} said: " if last.host else ""
            lines += [f"    {line}" for line in _wrapped(said + last.text)]
        lines.append("")
    return "\r\n".join(lines)


def _machines(
    envelope: Envelope,
    action: str,
    recipients: Sequence[Recipient],
    hostname: str,
    until: float,
    international: bool,
) -> str:
    """The per-message fields, then a group for each recipient. RFC 3464 §2.2, §2.3, RFC 3461 §6.3.

    international: as message/global-delivery-status, which may hold UTF-8 (RFC 6533 §4.1); else all is ASCII.
    """

    def add(name: str, value: str) -> None:
        lines.append(_field(name, value, international))

    lines: list[str] = []
    add("Reporting-MTA", f"{'dns' if '.' in hostname else 'x-local-hostname'}; {hostname}")
    if envelope.envid:
        add("Original-Envelope-Id", _xtext(envelope.envid))
    add("Arrival-Date", formatdate(envelope.created, localtime=True))
    for each in recipients:
        lines.append("")
        if each.orcpt:
            add("Original-Recipient", _original(each.orcpt, international))
        if each.address.isascii():
            add("Final-Recipient", f"rfc822; {each.address}")
        else:
            add("Final-Recipient", f"utf-8; {each.address if international else to_ascii(each.address)}")
        add("Action", action)
        add("Status", _status(each, action))
        if each.history:
            last = each.history[-1]
            if last.host:
                local = last.host.startswith("/")  # a UNIX socket's path
                add("Remote-MTA", f"{'x-local' if local else 'dns'}; {last.host.partition('[')[0]}")
            kind = "smtp" if last.host and _REPLY.match(last.text) else "X-mailaccess"
            add("Diagnostic-Code", f"{kind}; {last.text}")
            add("Last-Attempt-Date", formatdate(last.when, localtime=True))
        if action == DELAY:
            add("Will-Retry-Until", formatdate(until, localtime=True))
    return "\r\n".join(lines) + "\r\n"


def _field(name: str, value: str, international: bool) -> str:
    """One field, folded at blanks. RFC 3464 §2.1.1: as a header field of a message."""
    line = f"{name}: {_one_line(value)}"
    if not international:
        line = line.encode("ascii", "replace").decode("ascii")
    line = line.encode()[:MAX_VALUE].decode("utf-8", "ignore")
    if len(line) <= 78:
        return line
    folded = textwrap.wrap(line, 76, break_on_hyphens=False, break_long_words=False)
    return "\r\n ".join(folded)


def _original(orcpt: str, international: bool) -> str:
    """ORCPT's value as Original-Recipient has it. RFC 3461 §6.3 (d), RFC 6533 §3."""
    kind, _, value = orcpt.partition(";")
    if kind.lower() != "utf-8":
        return f"{kind}; {_xtext(value)}"
    return f"{kind}; {from_unitext(value) if international else to_ascii(value)}"


def _status(recipient: Recipient, action: str) -> str:
    """A code of the class that the action has, whatever the other server said."""
    wanted_class = {FAILURE: "5", DELAY: "4", SUCCESS: "2", RELAYED: "2"}[action]
    if recipient.status[:1] == wanted_class:
        return recipient.status
    same_kind = recipient.state != DELIVERED and recipient.status
    return wanted_class + (recipient.status[1:] if same_kind else ".0.0")


def _xtext(text: str) -> str:
    """Undo xtext: ``+3D`` is ``=``. RFC 3461 §4."""
    parts = text.split("+")
    found = parts[0]
    for part in parts[1:]:
        try:
            found += chr(int(part[:2], 16)) + part[2:]
        except ValueError:
            found += "+" + part
    return found


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(_one_line(text), 74, break_on_hyphens=False) or [""]
