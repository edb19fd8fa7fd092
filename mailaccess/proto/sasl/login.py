"""LOGIN, which never became an RFC (draft-murchison-sasl-login): name and password asked for one by one.

Outlook and old phones know nothing else. Outlook goes by the prompts, so they read exactly
``Username:`` and ``Password:``. An initial response is the user name.
"""

from typing import Final

from mailaccess.model.secret import Secret
from mailaccess.proto.sasl.mechanism import MAX_RESPONSE, Challenge, Malformed, Mechanism, Password, Step

USERNAME: Final = b"Username:"
PASSWORD: Final = b"Password:"


class Login(Mechanism):
    """LOGIN: two prompts, or one where the name came with the command."""

    name = "LOGIN"

    def __init__(self) -> None:
        self._user: str | None = None

    def start(self, initial_response: bytes | None) -> Step:
        if not initial_response:  # an empty initial response cannot be a name: ask for one
            return Challenge(USERNAME)
        return self.respond(initial_response)

    def respond(self, response: bytes) -> Step:
        if len(response) > MAX_RESPONSE:
            raise Malformed("The response is too long")
        if self._user is None:
            # quirk: some clients end the name with a NUL, as C strings end
            self._user = self.text(response.removesuffix(b"\0"), "user name")
            if not self._user:
                raise Malformed("The user name is empty")
            return Challenge(PASSWORD)
        return Password(self._user, Secret(response))
