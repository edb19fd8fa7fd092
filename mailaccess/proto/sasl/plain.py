"""PLAIN: ``[authzid] NUL authcid NUL passwd`` in one message (RFC 4616 §2)."""

from mailaccess.model.secret import Secret
from mailaccess.proto.sasl.mechanism import MAX_RESPONSE, Malformed, Mechanism, Password, Step


class Plain(Mechanism):
    """PLAIN: over when the first response is read."""

    name = "PLAIN"

    def respond(self, response: bytes) -> Step:
        """Raises Malformed where there are not three parts, or no name."""
        if len(response) > MAX_RESPONSE:
            raise Malformed("The response is too long")
        parts = response.split(b"\0", 3)
        if len(parts) != 3:
            raise Malformed("That is not a PLAIN message")
        authzid, authcid, password = parts
        if not authcid:
            raise Malformed("The user name is empty")
        # The password is not decoded: one that was set in another charset must still compare equal.
        return Password(
            self.text(authcid, "user name"), Secret(password), self.text(authzid, "authorization identity")
        )
