"""The states of a session (RFC 9051 §3), a class each: what a state lacks, a handler cannot touch.

A connection has one state object at a time. Login makes an ``Authenticated``, SELECT a ``Selected`` out of
it, CLOSE and UNSELECT an ``Authenticated`` again. What lasts from login to logout is in ``Features``.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailaccess.auth.api import Identity, Peer
from mailaccess.imap.answers import bad
from mailaccess.imap.contexts import Context
from mailaccess.imap.house import House
from mailaccess.imap.namespaces import Namespaces, Place
from mailaccess.imap.updates import Updates
from mailaccess.imap.view import Span, View
from mailaccess.model import names
from mailaccess.model.collation import Collation
from mailaccess.model.sequence import EMPTY, SequenceSet, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.capabilities import Offer
from mailaccess.store.api import Account, Change, Mailbox

if TYPE_CHECKING:
    from mailaccess.imap.connection import Connection


class State:
    """What every state has: the connection, and through it the house."""

    __slots__ = ("connection",)

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection

    @property
    def house(self) -> House:
        return self.connection.house

    @property
    def peer(self) -> Peer:
        """Who is asking, for authentication and the log."""
        wire = self.connection.wire
        secure = wire.encrypted or self.house.is_trusted(wire.address)
        return Peer("imap", wire.address, wire.local_address, secure)

    def capabilities(self) -> tuple[str, ...]:
        """What CAPABILITY tells in this state. RFC 9051 §6.1.1."""
        return self.connection.mask.offer(self.offer())

    def offer(self) -> Offer:
        """What decides that; a state adds what it knows."""
        return Offer(tls=self.connection.wire.encrypted)

    async def leave(self) -> None:
        """Let go of what the state holds open."""


class NotAuthenticated(State):
    """Before login."""

    __slots__ = ()

    @property
    def plaintext_allowed(self) -> bool:
        """Whether a password may cross this connection. RFC 9051 §6.2.3 (LOGINDISABLED)."""
        return not self.house.tls_required or self.peer.secure

    def mechanisms(self) -> tuple[str, ...]:
        return self.house.authenticator.mechanisms(plaintext=self.plaintext_allowed)

    def offer(self) -> Offer:
        """Before login: how to log in, and what may be said before."""
        return replace(
            super().offer(),
            tls_available=self.connection.wire.tls_available,
            plaintext_allowed=self.plaintext_allowed,
            mechanisms=self.mechanisms(),
        )


NOTHING: Final[frozenset[str]] = frozenset()
"""One for all who have enabled nothing: each would take 216 octets."""


class Features:
    """What a client has switched on or left behind in this login.

    enabled: names of ENABLE, and CONDSTORE however it came about (RFC 7162 §3.1).
    collation: the active comparator (RFC 5255 §4.2).  namespaces: made when first needed.
    """

    __slots__ = ("collation", "enabled", "namespaces")

    def __init__(self) -> None:
        self.namespaces: Namespaces | None = None
        self.enabled: frozenset[str] = NOTHING
        self.collation = Collation.UNICODE_CASEMAP


class Authenticated(State):
    """After login: an account, no mailbox."""

    __slots__ = ("account", "features", "identity")

    def __init__(
        self, connection: "Connection", identity: Identity, account: Account, features: Features | None = None
    ) -> None:
        super().__init__(connection)
        self.identity = identity
        self.account = account
        self.features = features or Features()

    def offer(self) -> Offer:
        """After login."""
        return replace(
            super().offer(),
            authenticated=True,
            append_limit=self.house.message_size,
            message_limit=self.house.settings.message_limit,
            save_limit=self.house.settings.save_limit,
        )

    @property
    def namespaces(self) -> Namespaces:
        """What mailbox names mean to this client."""
        known = self.features.namespaces
        if known is None:
            known = self.features.namespaces = Namespaces(self.house, self.identity, self.account)
        return known

    @property
    def condstore(self) -> bool:
        """Whether FETCH answers owe mod-sequences. RFC 7162 §3.1."""
        return "CONDSTORE" in self.features.enabled

    @property
    def qresync(self) -> bool:
        """Whether VANISHED takes the place of EXPUNGE. RFC 7162 §3.2.3."""
        return "QRESYNC" in self.features.enabled

    @property
    def rev2(self) -> bool:
        """Whether the client speaks IMAP4rev2. RFC 9051 §6.3.1."""
        return "IMAP4REV2" in self.features.enabled

    @property
    def uid_only(self) -> bool:
        """Whether messages have no numbers any more. RFC 9586."""
        return "UIDONLY" in self.features.enabled

    def names_uid(self, uid: bool) -> bool:
        """Whether FETCH answers carry UID that ought to: a UIDFETCH begins with it."""
        return uid and not self.uid_only

    def require_uid(self, uid: bool) -> None:
        """Raises Refusal where a command goes by message number and there are only UIDs. RFC 9586."""
        if not uid and self.uid_only:
            raise bad("After ENABLE UIDONLY messages have no numbers", r.UIDREQUIRED)

    def enable_condstore(self) -> bool:
        """Note a CONDSTORE enabling command; says whether it was the first."""
        if self.condstore:
            return False
        self.features.enabled |= {"CONDSTORE"}
        return True


class Ear:
    """The mailbox's listener until there is somebody to listen: SELECT needs one before it has a view."""

    __slots__ = ("updates",)

    def __init__(self) -> None:
        self.updates: Updates | None = None

    def __call__(self, change: Change) -> None:
        if self.updates is not None:
            self.updates.heard(change)


class Selected(Authenticated):
    """A mailbox is selected, read-only after EXAMINE.

    place: what it is to this client, with the rights it had at the last look (``imap.rights``).
    view: the client's message numbers.  updates: what it has yet to be told.  saved: ``$`` (RFC 5182 §2.1).
    contexts: searches that the client is told of (RFC 5267 §4.3).
    """

    __slots__ = ("contexts", "mailbox", "place", "saved", "updates", "view", "writable")

    def __init__(
        self,
        before: Authenticated,
        place: Place,
        mailbox: Mailbox,
        view: View,
        updates: Updates,
        *,
        writable: bool,
    ) -> None:
        super().__init__(before.connection, before.identity, before.account, before.features)
        self.place = place
        self.mailbox = mailbox
        self.view = view
        self.updates = updates
        self.writable = writable
        self.saved: UidSet = EMPTY
        self.contexts: list[Context] = []

    @property
    def shown(self) -> str:
        """What this client calls the mailbox; follows a RENAME."""
        name = self.mailbox.name
        return name if self.place.owned else self.place.root + names.SEPARATOR + name

    def spans(self, numbers: SequenceSet, *, uid: bool) -> list[Span]:
        """The places a command's set stands for. Raises BadNumber, Refusal."""
        self.require_uid(uid)
        return self.view.spans(numbers, uid=uid, saved=self.saved)

    def uids(self, spans: Iterable[Span]) -> UidSet:
        return self.view.uid_set(spans)

    def unselected(self) -> Authenticated:
        """The state after CLOSE or UNSELECT."""
        return Authenticated(self.connection, self.identity, self.account, self.features)

    async def leave(self) -> None:
        """Close the mailbox."""
        await self.mailbox.close()
