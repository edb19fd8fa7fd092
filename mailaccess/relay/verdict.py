"""What became of a recipient in one try, and that no host could be reached."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a recipient. state: delivered, waiting (deferred) or failed.  status: RFC 3463.

    host: who said so, "" if nobody did.  dsn: the host will send delivery notices itself.
    """

    state: str
    status: str
    text: str
    host: str = ""
    dsn: bool = False


class Unreachable(Exception):
    """No host took up a conversation; ``verdict`` holds for every recipient. Failed: there is no way at all."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict
