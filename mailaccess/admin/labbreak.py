"""``mailadm lab --break``: a part of the way fails, and what becomes of the mail.

Each function breaks something, lets Kim send, shows what the servers do, mends it where it can be mended, and returns
what was shown in a sentence. Each raises RuntimeError where the servers did not do what they should.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailaccess.admin.lab import Lab

NOBODY: Final = "nobody@naver.com"


async def name_server(lab: "Lab") -> str:
    """DNS fails for a while: the mail waits, Kim hears of the delay, then it arrives."""
    assert lab.names is not None
    lab.stage.title("BROKEN: the name server fails; it answers every question with SERVFAIL")
    lab.names.broken = True
    since = await lab.send(lab.naver.account)
    await _waits(lab, since)
    lab.stage.title("MENDED: the name server answers again")
    lab.names.broken = False
    await lab.arrives(since)
    return "DNS failed: the mail waited in the queue, Kim was told of the delay, and it arrived after DNS was back."


async def server(lab: "Lab") -> str:
    """The receiving server is down for a while: as with the name server."""
    lab.stage.title("BROKEN: mail.naver.com is down")
    await lab.close(lab.naver)
    since = await lab.send(lab.naver.account)
    await _waits(lab, since)
    lab.stage.title("MENDED: mail.naver.com is up again")
    await lab.open(lab.naver)
    await lab.arrives(since)
    return "naver.com was down: the mail waited, Kim was told of the delay, and it arrived after naver.com was back."


async def mailbox(lab: "Lab") -> str:
    """The recipient does not exist: naver.com refuses, daum.net sends Kim a bounce."""
    lab.stage.title(f"BROKEN: there is no mailbox {NOBODY}")
    since = await lab.send(NOBODY)
    refused = await lab.stage.event("daum.net", "relay-failed", since)
    lab.stage.title(f"SMTP: {refused['host']} refused it for good: {refused['reply']}")
    await lab.stage.event("daum.net", "bounced", since)
    _holds(
        await lab.kim_reads(),
        "Content-Type: multipart/report; report-type=delivery-status",
        f"Final-Recipient: rfc822; {NOBODY}",
        "Action: failed",
        "Status: 5.1.1",
    )
    return "There was no such mailbox: naver.com said 550 5.1.1, and Kim got a bounce that tells her."


async def disk(lab: "Lab") -> str:
    """The receiving server cannot write: it says 4xx, daum.net tries again, nothing is lost."""
    lab.stage.title(
        "BROKEN: the disk of mail.naver.com is full (the lab forbids its process to write: RLIMIT_FSIZE)"
    )
    lab.naver.fill_disk()
    since = await lab.send(lab.naver.account)
    deferred = await lab.stage.event("daum.net", "deferred", since)
    if not str(deferred["status"]).startswith("4."):
        raise RuntimeError(f"naver.com refused for good: {deferred['reply']}")
    await _waits(lab, since)
    lab.stage.title("MENDED: there is room on the disk of mail.naver.com")
    lab.naver.clear_disk()
    await lab.arrives(since)
    return "naver.com's disk was full: it said 4xx, the mail waited at daum.net, and it arrived when there was room."


BREAKS: Final[dict[str, Callable[["Lab"], Awaitable[str]]]] = {
    "dns": name_server,
    "server": server,
    "mailbox": mailbox,
    "disk": disk,
}


async def _waits(lab: "Lab", since: int) -> None:
    """The mail is tried more than once, and Kim hears that it is late."""
    await lab.stage.event("daum.net", "deferred", since)
    again = lab.stage.now
    await lab.stage.event("daum.net", "deferred", again)
    await lab.stage.event("daum.net", "delay-told", since)
    lab.stage.title("Delay: daum.net told Kim that the mail is late, and goes on trying")
    _holds(await lab.kim_reads(), "Content-Type: multipart/report", "Action: delayed", "Status: 4.")


def _holds(text: str, *wanted: str) -> None:
    flat = " ".join(text.split())
    for each in wanted:
        if each not in flat:
            raise RuntimeError(f"Kim's mail lacks {each!r}")
