"""The authenticator: asks the sources in order, checks the password, applies the account's rules.

What a client can learn is the same for an unknown name and a wrong password, in words and in time: a name
that nobody has is checked against a made-up hash. The log tells them apart.
"""

import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from mailaccess.auth import schemes
from mailaccess.auth.accounts import Account, Source, SourceUnavailable
from mailaccess.auth.api import (
    Exchange,
    Identity,
    PasswordCredentials,
    Peer,
    ScramSecret,
    UnknownMechanism,
)
from mailaccess.auth.checking import Checker
from mailaccess.auth.exchange import MECHANISMS, SaslExchange
from mailaccess.auth.names import Naming
from mailaccess.auth.remembered import Remembered
from mailaccess.auth.throttle import Throttle, TooManyWaiting, Waited
from mailaccess.model.errors import (
    AccountDisabled,
    AuthenticationFailed,
    AuthenticationUnavailable,
    AuthorizationFailed,
)
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level

SCRAM_ITERATIONS: Final = 4096
"""Rounds told for names without a SCRAM secret, and used for cleartext passwords: Dovecot's number."""

MAX_LOGGED_NAME: Final = 255
"""Characters of a name that a client made up, in the log."""


def fresh_secret() -> bytes:
    """One that dies with the process."""
    return os.urandom(32)


class Chain:
    """``auth.api.Authenticator`` over sources.

    mechanisms: as configured, in order of preference.
    secret: what made-up SCRAM salts are derived from, asked for on the thread pool when it is first needed;
    where it changes with a restart, they can be told from real ones.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        naming: Naming,
        throttle: Throttle,
        runner: ThreadRunner,
        log: EventLog,
        *,
        clock: Callable[[], float],
        mechanisms: Sequence[str] = ("PLAIN", "LOGIN"),
        default_scheme: str = "ARGON2ID",
        cache_ttl: float = 300,
        secret: Callable[[], bytes] = fresh_secret,
        cost: schemes.Cost = schemes.DEFAULT,
    ) -> None:
        self._sources = tuple(sources)
        self._naming = naming
        self._throttle = self.throttle = throttle
        self._log = log
        self._checker = Checker(runner, default_scheme, cost)
        self._remembered = Remembered(cache_ttl, clock)
        self._mechanisms = tuple(mechanisms)
        self._default_scheme = default_scheme
        self._runner = runner
        self._make_secret = secret
        self._secret = b""

    # -- what the floors above ask ------------------------------------------------------------------

    async def verify(self, credentials: PasswordCredentials) -> Identity:
        """See ``auth.api.Authenticator.verify``."""
        peer = credentials.peer
        password = credentials.password.reveal()
        admitted = await self._admit(peer, credentials.name, credentials.mechanism)
        name = self._naming.canonical(credentials.name)
        account = await self._find(name) if name is not None else None
        reason = await self._refusal(account, password)
        if account is None or reason is not None:
            self._tell_failure(credentials.name, peer, credentials.mechanism, reason or "unknown user")
            await self._throttle.failed(admitted, name or credentials.name, password)
            raise AuthenticationFailed(
                detail=reason or "unknown user", user=name or credentials.name[:MAX_LOGGED_NAME]
            )
        self._throttle.succeeded(admitted, account.identity.name)
        return self._allowed(account, credentials.authorize_as, peer, credentials.mechanism)

    async def lookup(self, name: str) -> Identity | None:
        """See ``auth.api.Authenticator.lookup``."""
        canonical = self._naming.canonical(name)
        account = await self._find(canonical) if canonical is not None else None
        return account.identity if account is not None else None

    async def scram_secret(self, name: str, mechanism: str) -> ScramSecret:
        """See ``auth.api.Authenticator.scram_secret``."""
        canonical = self._naming.canonical(name)
        account = await self._find(canonical) if canonical is not None else None
        if not self._secret:
            made = await self._runner.run(self._make_secret)
            self._secret = self._secret or made  # two exchanges may have asked
        salt = hmac.digest(self._secret, (canonical or name).encode("utf-8", "replace"), "sha256")[:16]
        try:
            if account is not None and not account.denied:
                keys = schemes.scram_keys(account.password, default_scheme=self._default_scheme)
                password = schemes.cleartext(account.password, default_scheme=self._default_scheme)
                if keys is None and password:
                    keys = await self._checker.derive(password, salt, SCRAM_ITERATIONS)
                if keys is not None:
                    return ScramSecret(keys.salt, keys.iterations, keys.stored_key, keys.server_key)
        except schemes.BadHash as error:
            self._tell_bad_hash(account, error)
        return ScramSecret(salt, SCRAM_ITERATIONS, os.urandom(32), os.urandom(32), known=False)

    async def scram_done(
        self, name: str, authorize_as: str, peer: Peer, mechanism: str, *, success: bool
    ) -> Identity:
        """See ``auth.api.Authenticator.scram_done``. Waits out the throttle on failure."""
        admitted = await self._admit(peer, name, mechanism)
        return await self.scram_finish(admitted, name, authorize_as, peer, mechanism, success=success)

    def begin(self, mechanism: str, peer: Peer) -> Exchange:
        """See ``auth.api.Authenticator.begin``."""
        wanted = mechanism.upper()
        if wanted not in self._mechanisms or wanted not in MECHANISMS:
            raise UnknownMechanism()
        return SaslExchange(MECHANISMS[wanted](), self, peer)

    def mechanisms(self, *, plaintext: bool = True) -> tuple[str, ...]:
        """See ``auth.api.Authenticator.mechanisms``."""
        known = (name for name in self._mechanisms if name in MECHANISMS)
        return tuple(name for name in known if plaintext or not MECHANISMS[name].plaintext)

    # -- what an exchange asks ----------------------------------------------------------------------

    async def admit(self, peer: Peer, name: str, mechanism: str) -> Waited:
        """Wait for what earlier failures of the peer have earned. Raises AuthenticationUnavailable."""
        return await self._admit(peer, name, mechanism)

    async def scram_finish(
        self, admitted: Waited, name: str, authorize_as: str, peer: Peer, mechanism: str, *, success: bool
    ) -> Identity:
        """As ``scram_done``, for a peer that was admitted already."""
        canonical = self._naming.canonical(name)
        account = await self._find(canonical) if canonical is not None else None
        if account is None or account.denied or not success:
            self._tell_failure(name, peer, mechanism, self._scram_reason(account))
            await self._throttle.failed(admitted, canonical or name, os.urandom(8))
            raise AuthenticationFailed(user=canonical or name[:MAX_LOGGED_NAME])
        self._throttle.succeeded(admitted, account.identity.name)
        return self._allowed(account, authorize_as, peer, mechanism)

    def _scram_reason(self, account: Account | None) -> str:
        """Why a SCRAM exchange failed, for the log."""
        if account is None:
            return "unknown user"
        if account.denied:
            return "account without login"
        try:
            scheme = schemes.split(account.password, self._default_scheme)[0]
        except schemes.BadHash as error:
            return str(error)
        fit = scheme == "SCRAM-SHA-256" or scheme in schemes.CLEARTEXT
        return "wrong password" if fit else "the password's scheme does not allow SCRAM"

    # -- the decisions ------------------------------------------------------------------------------

    async def _admit(self, peer: Peer, name: str, mechanism: str) -> Waited:
        try:
            return await self._throttle.admit(peer.address)
        except TooManyWaiting:
            reason = "too many logins from a network that failed before"
            self._tell_failure(name, peer, mechanism, reason)
            raise AuthenticationUnavailable(
                "Too many failed logins, please try again later", detail=reason
            ) from None

    async def _find(self, name: str) -> Account | None:
        for source in self._sources:
            try:
                account = await source.find(name)
            except SourceUnavailable as error:
                self._log.log("auth-unavailable", Level.ERROR, user=name, error=str(error))
                raise AuthenticationUnavailable(detail=str(error)) from None
            if account is not None:
                return account
        return None

    async def _refusal(self, account: Account | None, password: bytes) -> str | None:
        """Why the password does not open the account, for the log; None if it does."""
        if account is None or account.denied or not (account.password or account.open):
            await self._checker.pretend(password)
            return "unknown user" if account is None else "account without login"
        if account.open:
            return None
        name = account.identity.name
        if self._remembered.knows(name, account.password, password):
            return None
        try:
            right = await self._checker.check(account.password, password)
        except schemes.PasswordRefused as error:
            return str(error)
        except schemes.BadHash as error:
            self._tell_bad_hash(account, error)
            raise AuthenticationUnavailable(detail=f"{name}: {error}") from None
        if right:
            self._remembered.keep(name, account.password, password)
        return None if right else "wrong password"

    def _allowed(self, account: Account, authorize_as: str, peer: Peer, mechanism: str) -> Identity:
        """The identity, unless the account's rules forbid this login though the password is right."""
        name = account.identity.name
        if account.disabled:
            self._tell_failure(name, peer, mechanism, "nologin")
            raise AccountDisabled(account.reason, detail=f"{name}: nologin")
        if not account.allows(peer.address):
            self._refuse(account, peer, mechanism, "not from this network (allow_nets)")
        if authorize_as and self._naming.canonical(authorize_as) != name:
            self._refuse(account, peer, mechanism, "asked to act as another user")
        return account.identity

    def _refuse(self, account: Account, peer: Peer, mechanism: str, reason: str) -> NoReturn:
        self._tell_failure(account.identity.name, peer, mechanism, reason)
        raise AuthorizationFailed(detail=f"{account.identity.name}: {reason}")

    def _tell_failure(self, name: str, peer: Peer, mechanism: str, reason: str) -> None:
        # The line that fail2ban reads (observe.writer): here, because only here the name is known whatever
        # the mechanism, and so that no conversation can forget it. One line is one failure.
        self._log.log(
            "login-failed",
            Level.INFO,
            user=name[:MAX_LOGGED_NAME],
            service=peer.service,
            method=mechanism,
            rip=peer.address,
            lip=peer.local_address or None,
            error=reason,
        )

    def _tell_bad_hash(self, account: Account | None, error: Exception) -> None:
        name = account.identity.name if account is not None else ""
        self._log.log("auth-bad-hash", Level.ERROR, user=name, error=str(error))
