"""What all IMAP connections of a process share: engines, settings, and the limits that follow from them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from mailaccess import __version__
from mailaccess.auth.api import Authenticator
from mailaccess.config.clients import ClientProfile
from mailaccess.config.sections import Imap, Sharing
from mailaccess.imap.announcing import Announcement, Board, News
from mailaccess.model.account import AccountLocation
from mailaccess.model.work import ThreadRunner
from mailaccess.net.served import is_local
from mailaccess.observe.events import EventLog
from mailaccess.proto.imap import framing
from mailaccess.store.api import Store

GREETING: Final = "mailaccess ready"
"""Not the beginning of any greeting by which MailKit and others tell servers apart."""


@dataclass(frozen=True, slots=True)
class House:
    """Handed to every connection.

    message_size: the largest message APPEND takes, octets.
    tls_required: passwords need TLS, except from addresses of which ``is_trusted`` says so.
    profiles: of mail programs, the first that fits counts.  server_id: what ID tells (RFC 2971 §3.2).
    sharing, public: other namespaces than the own, and where those of ``sharing.public`` lie.
    default_domain: the domain of user names without one.  clock: seconds since the epoch.
    board: who is told of changed annotations, keys and rights.
    """

    authenticator: Authenticator
    store: Store
    settings: Imap
    runner: ThreadRunner
    log: EventLog
    message_size: int = 100 * 2**20
    tls_required: bool = True
    is_trusted: Callable[[str], bool] = is_local
    profiles: tuple[ClientProfile, ...] = ()
    server_id: tuple[tuple[str, str | None], ...] = (("name", "mailaccess"), ("version", __version__))
    sharing: Sharing = field(default_factory=Sharing)
    public: Mapping[str, AccountLocation] = field(default_factory=dict)
    default_domain: str = ""
    clock: Callable[[], float] = time.time
    board: Board = field(default_factory=Board)

    def heard(self, announcement: Announcement) -> None:
        """Another process that serves the same accounts tells what happened there."""
        if announcement.news is News.RIGHTS:
            self.store.forget_rights(announcement.account)
        self.board.heard(announcement)

    def limits(self, *, logged_in: bool, literals: bool = True) -> framing.Limits:
        """What the framer takes in, before and after login. literals: whether unannounced ones may come at all."""
        if not logged_in:
            return (
                framing.BEFORE_LOGIN
                if literals
                else replace(framing.BEFORE_LOGIN, non_synchronising=framing.NONE)
            )
        return _after_login(self.settings.line_length, self.message_size, literals)


@lru_cache(maxsize=64)
def _after_login(line: int, message: int, literals: bool) -> framing.Limits:
    return replace(
        framing.AFTER_LOGIN,
        line=line,
        message=message,
        non_synchronising=framing.AFTER_LOGIN.non_synchronising if literals else framing.NONE,
        skip=max(framing.AFTER_LOGIN.skip, 2 * message),
    )
