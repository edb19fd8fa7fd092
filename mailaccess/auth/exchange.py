"""Drives a SASL mechanism against the authenticator: the small loop between octets and accounts."""

from typing import Final, Protocol

from mailaccess.auth.api import Challenge, Identity, Malformed, PasswordCredentials, Peer, ScramSecret
from mailaccess.auth.throttle import Waited
from mailaccess.proto.sasl.login import Login
from mailaccess.proto.sasl.mechanism import Mechanism, Password, ScramLookup, ScramOutcome, Step
from mailaccess.proto.sasl.plain import Plain
from mailaccess.proto.sasl.scram import ScramSha256
from mailaccess.proto.sasl.scram import Secret as ScramKeys

MECHANISMS: Final[dict[str, type[Mechanism]]] = {
    mechanism.name: mechanism for mechanism in (Plain, Login, ScramSha256)
}
"""Every mechanism by its name."""

MAX_STEPS: Final = 8
"""Responses in one exchange: SCRAM needs three."""


class Verifier(Protocol):
    """The part of the authenticator that an exchange needs."""

    async def verify(self, credentials: PasswordCredentials) -> Identity: ...

    async def scram_secret(self, name: str, mechanism: str) -> ScramSecret: ...

    async def admit(self, peer: Peer, name: str, mechanism: str) -> Waited: ...

    async def scram_finish(
        self, admitted: Waited, name: str, authorize_as: str, peer: Peer, mechanism: str, *, success: bool
    ) -> Identity: ...


class SaslExchange:
    """``auth.api.Exchange``: one exchange by ``mechanism`` for ``peer``."""

    def __init__(self, mechanism: Mechanism, verifier: Verifier, peer: Peer) -> None:
        self._mechanism = mechanism
        self._verifier = verifier
        self._peer = peer
        self._steps = 0
        self._over = False
        self._known = True
        self._admitted: Waited | None = None

    async def step(self, response: bytes | None) -> Challenge | Identity:
        """See ``auth.api.Exchange.step``."""
        if self._over or self._steps >= MAX_STEPS:
            raise Malformed("The exchange is over")
        started, self._over = self._steps > 0, True  # over, unless it goes on with a challenge
        self._steps += 1
        step = self._mechanism.respond(response or b"") if started else self._mechanism.start(response)
        answer = await self._answer(step)
        self._over = not isinstance(answer, Challenge)
        return answer

    async def _answer(self, step: Step) -> Challenge | Identity:
        match step:
            case Challenge():
                return step
            case Password(name, password, authorize_as):
                return await self._verifier.verify(
                    PasswordCredentials(name, password, self._peer, authorize_as, self._mechanism.name)
                )
            case ScramLookup(name):
                return await self._scram_challenge(name)
            case ScramOutcome(name, success, authorize_as):
                assert self._admitted is not None, "a SCRAM exchange begins with a lookup"
                return await self._verifier.scram_finish(
                    self._admitted,
                    name,
                    authorize_as,
                    self._peer,
                    self._mechanism.name,
                    success=success and self._known,
                )

    async def _scram_challenge(self, name: str) -> Challenge:
        assert isinstance(self._mechanism, ScramSha256)
        self._admitted = await self._verifier.admit(self._peer, name, self._mechanism.name)
        secret = await self._verifier.scram_secret(name, self._mechanism.name)
        self._known = secret.known
        keys = ScramKeys(secret.salt, secret.iterations, secret.stored_key, secret.server_key)
        return self._mechanism.secret(keys)
