"""rspamd's opinion over HTTP (its ``/checkv2``): accept, mark, rewrite the subject, greylist, defer, refuse.

An rspamd that does not answer, or answers what is no answer, says nothing: the message is taken, and the log says so.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from mailaccess.model.secret import Secret
from mailaccess.observe.events import EventLog, Level
from mailaccess.screening.api import PASS, Action, Arrived, Verdict
from mailaccess.screening.edit import with_subject, without

Post = Callable[[str, Sequence[tuple[str, str]], bytes, float], Awaitable[tuple[int, bytes]]]
"""url, headers, body, seconds: status and body of the answer. Raises OSError."""

MAX_RECIPIENTS: Final = 100
"""Recipients that rspamd is told of."""

MAX_FIELDS: Final = 50
"""Fields that rspamd may add or remove."""


class Rspamd:
    """A screen. url: of the worker, such as http://127.0.0.1:11333.  seconds: to wait.  post: the way there."""

    name = "rspamd"

    def __init__(
        self,
        post: Post,
        log: EventLog,
        *,
        url: str,
        password: Secret | None,
        seconds: float,
        largest: int,
        hostname: str,
    ) -> None:
        self._post = post
        self._log = log
        self._url = url.rstrip("/") + "/checkv2"
        self._password = password
        self._seconds = seconds
        self.largest = largest
        self._hostname = hostname

    async def look(self, message: Arrived) -> Verdict:
        """Asks; PASS where there is no answer."""
        octets = b"".join([message.header, *[piece async for piece in _rest(message)]])
        try:
            status, answer = await self._post(self._url, list(self._headers(message)), octets, self._seconds)
            if status != 200:
                raise OSError(f"rspamd answered {status}")
            told = json.loads(answer)
            if not isinstance(told, dict):
                raise ValueError("rspamd's answer is no object")
        except (OSError, ValueError) as error:
            self._log.log("rspamd-failed", Level.WARNING, message=message.id, error=str(error)[:200])
            return PASS
        self._log.log(
            "rspamd",
            message=message.id,
            action=str(told.get("action")),
            score=_number(told.get("score")),
            required=_number(told.get("required_score")),
        )
        return verdict(told, message.header)

    def _headers(self, message: Arrived) -> Iterator[tuple[str, str]]:
        """The envelope, as rspamd's protocol wants it."""
        yield "From", _clean(message.sender)
        for recipient in message.recipients[:MAX_RECIPIENTS]:
            yield "Rcpt", _clean(recipient)
        if message.address:
            yield "IP", message.address
        yield "Helo", _clean(message.helo)
        yield "Queue-Id", message.id
        yield "MTA-Name", self._hostname
        if message.user:
            yield "User", _clean(message.user)
        if self._password is not None:
            yield "Password", self._password.reveal().decode("utf-8", "replace")


async def _rest(message: Arrived) -> Any:
    yield b"\r\n"
    async for piece in message.body():
        yield piece


def verdict(told: dict[str, Any], header: bytes) -> Verdict:
    """What an answer of rspamd's means. told: its JSON object.  header: the message's."""
    action = told.get("action")
    messages = told.get("messages")
    text = str(messages.get("smtp_message", "")) if isinstance(messages, dict) else ""
    match action:
        case "reject":
            return Verdict(Action.REFUSE, text or "The message looks like spam", "5.7.1")
        case "soft reject" | "greylist":
            return Verdict(Action.DEFER, text or "Try again later", "4.7.1")
    milter = told.get("milter")
    asked: dict[str, Any] = milter if isinstance(milter, dict) else {}
    changed = without(header, dict(_removed(asked.get("remove_headers"))))
    add = list(_added(asked.get("add_headers")))
    mailbox = ""
    if action == "add header":
        mailbox = "\\Junk"
        if not any(name.lower().startswith("x-spam") for name, _ in add):
            add.append(("X-Spam", "Yes"))
    if action == "rewrite subject" and isinstance(told.get("subject"), str):
        changed = with_subject(changed, told["subject"])
    return Verdict(add=tuple(add), header=None if changed is header else changed, mailbox=mailbox)


def _added(told: Any) -> Iterator[tuple[str, str]]:
    """``{"X-Name": "text"}``, ``{"X-Name": {"value": "text", "order": 0}}`` or lists of these."""
    if not isinstance(told, dict):
        return
    for name, given in list(told.items())[:MAX_FIELDS]:
        for each in given[:MAX_FIELDS] if isinstance(given, list) else [given]:
            value = each.get("value") if isinstance(each, dict) else each
            if isinstance(value, str):
                yield str(name), value


def _removed(told: Any) -> Iterator[tuple[str, int]]:
    if not isinstance(told, dict):
        return
    for name, place in list(told.items())[:MAX_FIELDS]:
        if isinstance(place, int):
            yield str(name), place


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
