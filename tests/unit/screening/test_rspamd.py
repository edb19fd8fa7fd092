"""rspamd: what it is asked, and what each of its answers means."""

import json

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from mailaccess.model.secret import Secret
from mailaccess.net.http import Http
from mailaccess.observe.events import Recorder
from mailaccess.screening.api import Action, Arrived
from mailaccess.screening.rspamd import Rspamd, verdict
from tests.unit.screening.test_signing import pieces

HEADER = b"From: x@y.example\r\nSubject: hi\r\nX-Spam: no\r\nX-Spam: still no\r\n"


@pytest.mark.parametrize(
    ("told", "action", "text"),
    [
        ({"action": "reject"}, Action.REFUSE, "The message looks like spam"),
        ({"action": "reject", "messages": {"smtp_message": "Gtube"}}, Action.REFUSE, "Gtube"),
        ({"action": "soft reject"}, Action.DEFER, "Try again later"),
        ({"action": "greylist"}, Action.DEFER, "Try again later"),
        ({"action": "no action"}, Action.ACCEPT, ""),
        ({"action": "something new"}, Action.ACCEPT, ""),
        ({}, Action.ACCEPT, ""),
    ],
)
def test_an_action_is_a_verdict(told, action, text):
    found = verdict(told, HEADER)
    assert (found.action, found.text, found.header) == (action, text, None)


def test_fields_are_added_and_removed_as_it_says():
    found = verdict(
        {
            "action": "no action",
            "milter": {
                "add_headers": {
                    "X-Score": "1.5",
                    "X-Rule": {"value": "A", "order": 0},
                    "X-Many": [{"value": "1"}, "2"],
                    "X-Bad": 7,
                },
                "remove_headers": {"X-Spam": 2, "Subject": "x"},
            },
        },
        HEADER,
    )
    assert found.add == (("X-Score", "1.5"), ("X-Rule", "A"), ("X-Many", "1"), ("X-Many", "2"))
    assert found.header == HEADER.replace(b"X-Spam: still no\r\n", b"")
    assert (
        verdict({"milter": {"remove_headers": {"x-spam": 0}}}, HEADER).header
        == HEADER.partition(b"X-Spam")[0]
    )
    assert verdict({"milter": {"remove_headers": {"x-spam": 9}}}, HEADER).header is None


def test_what_is_probably_spam_goes_into_junk_and_is_marked():
    found = verdict({"action": "add header"}, HEADER)
    assert (found.mailbox, found.add) == ("\\Junk", (("X-Spam", "Yes"),))


def test_the_subject_is_rewritten():
    found = verdict({"action": "rewrite subject", "subject": "[SPAM] 안녕"}, HEADER)
    assert b"\r\nSubject: =?utf-8?" in found.header and b"Subject: hi" not in found.header


@pytest.mark.parametrize(
    "milter", [[], {"add_headers": []}, {"remove_headers": 3}, {"add_headers": {"x": None}}]
)
def test_nonsense_is_passed_over(milter):
    assert verdict({"action": [], "milter": milter, "messages": 1}, HEADER).action is Action.ACCEPT


class Worker(Resource):
    """What rspamd's worker does: keeps what it was asked."""

    isLeaf = True

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.asked = []

    def render_POST(self, request):
        self.asked.append((request.uri, request.requestHeaders, request.content.read()))
        if self.answer is None:
            return NOT_DONE_YET
        return self.answer


class Running:
    def __init__(self, answer):
        self.worker = Worker(answer)
        self.log = Recorder()
        self.http = Http(reactor)
        self.port = reactor.listenTCP(0, Site(self.worker), interface="127.0.0.1")
        self.screen = Rspamd(
            self.http.post,
            self.log,
            url=f"http://127.0.0.1:{self.port.getHost().port}/",
            password=Secret(b"pass"),
            seconds=0.3 if answer is None else 60.0,
            largest=2**20,
            hostname="mail.naver.com",
        )

    async def ask(self):
        message = Arrived(
            HEADER, pieces(b"hello\r\n"), 99, "hong@example.org", ("lee@naver.com", "김@naver.com"), "192.0.2.1",
            "client.example", "kim@naver.com", "smtp", "id1",
        )  # fmt: skip
        found = await self.screen.look(message)
        await self.http.close()
        await self.port.stopListening()
        return found


@pytest_twisted.ensureDeferred
async def test_rspamd_is_asked_with_the_envelope_and_its_answer_counts():
    running = Running(json.dumps({"action": "reject", "score": 20.5}).encode())
    found = await running.ask()
    assert found.action is Action.REFUSE
    uri, headers, body = running.worker.asked[0]
    assert (uri, body) == (b"/checkv2", HEADER + b"\r\nhello\r\n")
    assert headers.getRawHeaders("rcpt") == ["lee@naver.com", "김@naver.com"]
    told = {
        name: headers.getRawHeaders(name)[0]
        for name in ("from", "ip", "helo", "user", "queue-id", "password")
    }
    assert told == {
        "from": "hong@example.org",
        "ip": "192.0.2.1",
        "helo": "client.example",
        "user": "kim@naver.com",
        "queue-id": "id1",
        "password": "pass",
    }
    assert [event for event, _, _ in running.log.events] == ["rspamd"]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("answer", [b"no json", b"[]", None, b"x" * (2**20 + 1)])
async def test_an_rspamd_that_fails_lets_mail_pass_and_is_logged(answer):
    running = Running(answer)
    found = await running.ask()
    assert (found.action, found.add) == (Action.ACCEPT, ())
    assert [event for event, _, _ in running.log.events] == ["rspamd-failed"]


@pytest_twisted.ensureDeferred
async def test_an_rspamd_that_is_not_there_lets_mail_pass():
    running = Running(b"{}")
    await running.port.stopListening()
    running.port = reactor.listenTCP(0, Site(running.worker), interface="127.0.0.1")
    assert (await running.ask()).action is Action.ACCEPT
    assert [event for event, _, _ in running.log.events] == ["rspamd-failed"]
