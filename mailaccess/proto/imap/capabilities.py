"""The table of IMAP extensions: name, RFC, and when each is offered (RFC 9051 §6.1.1).

An extension that is not built has no row. What is offered depends on a small value, not on a session.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Offer:
    """What decides the list for one connection at one moment.

    tls: the connection is private (TLS, or a local one that counts as such).
    tls_available: STARTTLS can be offered now (configured, and not on TLS yet).
    plaintext_allowed: LOGIN and plaintext mechanisms are allowed now.
    mechanisms: SASL mechanisms on offer now, in capitals, e.g. ("PLAIN", "SCRAM-SHA-256").
    append_limit: octets, None is no limit told.  masked: names withheld from this account (in capitals).
    message_limit, save_limit: messages that one command may work on, or only save (RFC 9738); 0 is no limit.
    granted: opt-in names that the configuration offers (in capitals).
    """

    authenticated: bool = False
    tls: bool = False
    tls_available: bool = False
    plaintext_allowed: bool = True
    mechanisms: tuple[str, ...] = ()
    append_limit: int | None = None
    message_limit: int = 0
    save_limit: int = 0
    masked: frozenset[str] = field(default_factory=frozenset)
    granted: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Extension:
    """One row. ``needs``: whether it is offered; ``name`` is written as it stands.

    opt_in: offered only where the configuration grants it.
    commands: names that exist only while this, or another row that names them, is offered.
    requires: names that it builds upon; it goes with any of them.
    """

    name: str
    rfc: int
    before_login: bool
    after_login: bool
    needs: Callable[[Offer], bool] | None = None
    opt_in: bool = False
    commands: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


TABLE: Final[tuple[Extension, ...]] = (
    Extension("IMAP4rev1", 3501, True, True),
    Extension("IMAP4rev2", 9051, True, True),
    Extension("LITERAL-", 7888, True, False),
    Extension("LITERAL+", 7888, False, True),
    Extension("SASL-IR", 4959, True, False),
    Extension("ID", 2971, True, True, commands=("ID",)),
    Extension("ENABLE", 5161, True, True, commands=("ENABLE",)),
    Extension("IDLE", 2177, True, True, commands=("IDLE",)),
    Extension("LANGUAGE", 5255, True, True, commands=("LANGUAGE",)),
    Extension("STARTTLS", 3501, True, False, lambda offer: offer.tls_available),
    Extension("LOGINDISABLED", 3501, True, False, lambda offer: not offer.plaintext_allowed),
    Extension("NAMESPACE", 2342, False, True, commands=("NAMESPACE",)),
    Extension("CHILDREN", 3348, False, True),
    Extension("UIDPLUS", 4315, False, True, commands=("UID EXPUNGE",)),
    Extension("UNSELECT", 3691, False, True, commands=("UNSELECT",)),
    Extension("MOVE", 6851, False, True, commands=("MOVE", "UID MOVE")),
    Extension("MULTIAPPEND", 3502, False, True),
    Extension("CATENATE", 4469, False, True),
    Extension("URL-PARTIAL", 5550, False, True),
    Extension("URLAUTH", 4467, False, True, opt_in=True, commands=("GENURLAUTH", "URLFETCH", "RESETKEY")),
    Extension("SPECIAL-USE", 6154, False, True),
    Extension("CREATE-SPECIAL-USE", 6154, False, True),
    Extension("LIST-EXTENDED", 5258, False, True),
    Extension("LIST-STATUS", 5819, False, True, requires=("LIST-EXTENDED",)),
    Extension("STATUS=SIZE", 8438, False, True),
    Extension("CONDSTORE", 7162, False, True),
    Extension("QRESYNC", 7162, False, True, requires=("CONDSTORE",)),
    Extension("ESEARCH", 4731, False, True),
    Extension("SEARCHRES", 5182, False, True, requires=("ESEARCH",)),
    Extension("MULTISEARCH", 7377, False, True, commands=("ESEARCH",)),
    Extension("FILTERS", 5466, False, True),
    Extension("WITHIN", 5032, False, True),
    Extension("SEARCH=FUZZY", 6203, False, True),
    Extension("BINARY", 3516, False, True),
    Extension("UTF8=ACCEPT", 6855, False, True),
    Extension("NOTIFY", 5465, False, True, commands=("NOTIFY",)),
    Extension("QUOTA", 9208, False, True, commands=("GETQUOTA", "GETQUOTAROOT", "SETQUOTA")),
    Extension("QUOTA=RES-STORAGE", 9208, False, True, requires=("QUOTA",)),
    Extension("QUOTA=RES-MESSAGE", 9208, False, True, requires=("QUOTA",)),
    Extension("QUOTA=RES-MAILBOX", 9208, False, True, requires=("QUOTA",)),
    Extension(
        "ACL",
        4314,
        False,
        True,
        commands=("GETACL", "SETACL", "DELETEACL", "LISTRIGHTS", "MYRIGHTS"),
    ),
    Extension("RIGHTS=texk", 4314, False, True, requires=("ACL",)),
    Extension("LIST-MYRIGHTS", 8440, False, True, requires=("ACL", "LIST-EXTENDED")),
    Extension("PREVIEW", 8970, False, True),
    Extension("OBJECTID", 8474, False, True),
    Extension("SAVEDATE", 8514, False, True),
    Extension("METADATA", 5464, False, True, commands=("GETMETADATA", "SETMETADATA")),
    Extension("LIST-METADATA", 9590, False, True, requires=("METADATA", "LIST-EXTENDED")),
    Extension("REPLACE", 8508, False, True, commands=("REPLACE", "UID REPLACE")),
    Extension("INPROGRESS", 9585, False, True),
    Extension("PARTIAL", 9394, False, True, requires=("ESEARCH",)),
    Extension("UIDBATCHES", 10022, False, True, commands=("UIDBATCHES",)),
    Extension("UIDONLY", 9586, False, True, opt_in=True),
    Extension("I18NLEVEL=2", 5255, False, True, commands=("COMPARATOR",)),
    Extension("SORT", 5256, False, True, commands=("SORT", "UID SORT")),
    Extension("SORT=DISPLAY", 5957, False, True, requires=("SORT",)),
    Extension("ESORT", 5267, False, True, requires=("SORT",)),
    Extension("CONTEXT=SEARCH", 5267, False, True, commands=("CANCELUPDATE",), requires=("ESEARCH",)),
    Extension(
        "CONTEXT=SORT", 5267, False, True, commands=("CANCELUPDATE",), requires=("SORT", "ESORT", "ESEARCH")
    ),
    Extension("THREAD=ORDEREDSUBJECT", 5256, False, True, commands=("THREAD", "UID THREAD")),
    Extension("THREAD=REFERENCES", 5256, False, True, commands=("THREAD", "UID THREAD")),
    Extension("THREAD=REFS", 5256, False, True, commands=("THREAD", "UID THREAD")),
    Extension("COMPRESS=DEFLATE", 4978, False, True, commands=("COMPRESS",)),
    Extension("UNAUTHENTICATE", 8437, False, True, commands=("UNAUTHENTICATE",)),
)


@lru_cache(maxsize=256)
def capabilities(offer: Offer) -> tuple[str, ...]:
    """The names for a CAPABILITY response or code, in the order of the table, SASL mechanisms last."""
    names = [
        row.name
        for row in TABLE
        if (row.after_login if offer.authenticated else row.before_login)
        and (row.needs is None or row.needs(offer))
        and row.name.upper() not in offer.masked
        and (not row.opt_in or row.name.upper() in offer.granted)
    ]
    if offer.authenticated:
        if offer.append_limit is not None and "APPENDLIMIT" not in offer.masked:
            names.append(f"APPENDLIMIT={offer.append_limit}")
        if offer.message_limit:
            names.append(f"MESSAGELIMIT={offer.message_limit}")
        elif offer.save_limit:
            names.append(f"SAVELIMIT={offer.save_limit}")
    else:
        names.extend(f"AUTH={mechanism}" for mechanism in offer.mechanisms)
    return tuple(names)


ENABLEABLE: Final = {
    name.upper(): name for name in ("CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4rev2", "UIDONLY", "METADATA")
}
"""What ENABLE may turn on (RFC 5161 §3.1): in capitals, and as ENABLED writes it."""
