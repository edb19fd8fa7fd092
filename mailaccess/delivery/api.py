"""What delivery speaks of: where a message is to go, and what became of it.

An address is ``resolve``d to Targets; a Drop is one copy for one Target with the trace fields it gets; a
Delivery takes the message's octets once and puts a copy into each. Nothing is acknowledged before it is
on disk (RFC 5321 §6.1).
"""

from dataclasses import dataclass

from mailaccess.auth.api import Identity
from mailaccess.model.errors import MailError
from mailaccess.proto.smtp.address import Address


class UnknownRecipient(MailError):
    """No account, alias or catch-all has this address: 550 5.1.1."""

    default = "There is no such user here"


class ForeignRecipient(MailError):
    """The address, or what an alias makes of it, is not in a local domain: 550 5.7.1."""

    default = "That address is not in a domain of this server"


class AliasProblem(MailError):
    """The aliases file leads nowhere: a loop, too deep, too many, or a target that cannot be delivered to.

    An operator can mend it, so the sender should try again: 451 4.3.5.
    """

    default = "The address cannot be resolved at the moment"


@dataclass(frozen=True, slots=True)
class Target:
    """An account that is to get a copy.  detail: what stood behind the delimiter of the address, or ""."""

    identity: Identity
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Onward:
    """An address of another domain: its copy goes into the queue of outgoing mail."""

    address: Address


Destination = Target | Onward


@dataclass(frozen=True, slots=True)
class Drop:
    """One copy to deliver.

    recipient: the address as the sender gave it, for Delivered-To.  trace: fields to put before the
    message, each ended by CRLF (Received).  notify, orcpt: what the sender wants to hear (RFC 3461 §4.1, §4.2).
    mailbox: where it goes if the account has it, a name or a special use (``\\Junk``); "": as the address says.
    """

    target: Destination
    recipient: str = ""
    trace: bytes = b""
    notify: tuple[str, ...] = ()
    orcpt: str = ""
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What holds for all copies.

    return_path: the reverse-path without brackets, "" for the null one, None to add no Return-Path.
    service, session: for the log.  rip: the peer's address, for the log.
    owner: the account whose mail it is, "" for a stranger's.  smtputf8: RFC 6531 §3.4.
    ret, envid: RFC 3461 §4.3, §4.4.
    """

    return_path: str | None = None
    service: str = "local"
    session: str = ""
    rip: str = ""
    owner: str = ""
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a copy lies now.  uid: 0 where an earlier attempt had delivered it already, or it is queued.

    queued: the queue's id, for a copy that goes to another domain; user and mailbox are "" then.
    """

    user: str
    mailbox: str
    uid: int
    size: int  # octets, trace fields included
    queued: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one Drop: exactly one of the two is set."""

    drop: Drop
    delivered: Delivered | None = None
    error: MailError | None = None
