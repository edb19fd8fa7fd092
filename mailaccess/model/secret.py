"""Passwords and tokens that do not print."""

import hmac


class Secret:
    """Octets or text that must not reach a log, a traceback or ``repr``."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value

    def reveal(self) -> bytes:
        """The octets. Only code that checks or stores the secret calls this."""
        return self._value

    def equals(self, other: "Secret") -> bool:
        """Comparison in constant time."""
        return hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
