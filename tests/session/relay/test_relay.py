"""From the queue to another server: what is said, what becomes of it, who hears of it."""

import email
import errno
import time
from email import policy

import pytest
import pytest_twisted
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport

from mailaccess.model.errors import TemporaryFailure
from mailaccess.relay import runner
from mailaccess.relay.client import Connection
from mailaccess.spool import requests
from mailaccess.spool.envelope import Recipient
from tests.session.relay.peers import Road


async def settled(road):
    """Until nothing runs any more."""
    from twisted.internet import reactor

    end = reactor.seconds() + 60
    while road.relay._tasks or road.threads.pending:
        assert reactor.seconds() < end, "the relay does not come to rest"
        await deferLater(reactor, 0.01)


@pytest.fixture
def road(tmp_path):
    road = Road(tmp_path, connections_per_destination=1)
    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(road.start()))
    yield road
    pytest_twisted.blockon(pytest_twisted.defer.ensureDeferred(road.stop()))


def fields_of(report):
    message = email.message_from_string(report, policy=policy.default)
    assert message.get_content_type() == "multipart/report"
    text, status, original = message.iter_parts()
    assert status.get_content_type() == "message/delivery-status"
    whole, *recipients = status.get_payload()
    return message, text.get_content(), whole, recipients, original


@pytest_twisted.ensureDeferred
async def test_a_message_goes_where_dns_says(road):
    id = await road.put("lee@naver.com", octets=b"Subject: x\r\n\r\n.dot\r\n..\r\nhello\r\n")
    fields = await road.log.wait("relayed")
    assert fields["host"].startswith("mx.naver.com[127.0.0.1]:") and fields["reply"] == "250 2.0.0 fine"
    assert road.peer.messages == [b"Subject: x\r\n\r\n.dot\r\n..\r\nhello\r\n"]
    assert road.peer.lines[:3] == [
        b"EHLO mail.daum.net",
        b"MAIL FROM:<kim@daum.net> SIZE=31",
        b"RCPT TO:<lee@naver.com>",
    ]
    await settled(road)
    assert road.spool.queue.ids() == [] and road.relay.waiting == 0 and road.reports == []
    assert len(road.tries(id)) == 1


@pytest_twisted.ensureDeferred
async def test_a_large_message_arrives_as_it_was(road):
    road.peer.offers = [b"8BITMIME"]
    octets = b"Subject: x\r\n\r\n" + b"".join(b"." * (n % 70) + b"\r\n" for n in range(9000))
    await road.put("lee@naver.com", octets=octets)
    await road.log.wait("relayed")
    assert road.peer.messages == [octets]


@pytest_twisted.ensureDeferred
async def test_one_connection_serves_several_messages(road):
    for number in range(5):
        await road.put("lee@naver.com", octets=b"Subject: %d\r\n\r\n" % number)
    await road.log.wait("relayed", 5)
    assert len(road.peer.messages) == 5 and road.peer.connections < 5


@pytest_twisted.ensureDeferred
async def test_each_recipient_has_its_own_verdict(road):
    road.peer.answers = {
        b"RCPT TO:<no": b"550 5.1.1 no such user",
        b"RCPT TO:<later": b"451 4.7.1 greylisted",
    }
    id = await road.put("lee@naver.com", "nobody@naver.com", "later@naver.com")
    await road.log.wait("bounced")
    await settled(road)
    states = {each.address: each for each in (await road.spool.read(id)).recipients}
    assert [each.state for each in states.values()] == ["delivered", "failed", "waiting"]
    assert states["later@naver.com"].history[-1].text == "451 4.7.1 greylisted"
    ((sender, report),) = road.reports
    message, text, whole, (recipient,), original = fields_of(report)
    assert sender == "kim@daum.net" and message["From"].startswith("Mail Delivery System")
    assert message["Auto-Submitted"] == "auto-replied" and "nobody@naver.com" in text
    assert whole["Reporting-MTA"] == "dns; mail.daum.net"
    assert recipient["Final-Recipient"] == "rfc822; nobody@naver.com"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    assert original.get_content_type() == "text/rfc822-headers" and "Subject: x" in original.get_content()
    road.peer.answers = {}
    await road.later(60)
    await road.log.wait("relayed", 2)
    await settled(road)
    assert road.spool.queue.ids() == [] and len(road.reports) == 1


@pytest_twisted.ensureDeferred
async def test_the_whole_envelope_is_one_write_and_a_server_that_wants_nothing_gets_nothing(road):
    """RFC 2920 §3.1: DATA may go with MAIL and RCPT; where all are refused and DATA is not, a lone dot follows."""
    road.peer.eager = True
    road.peer.answers = {b"RCPT TO:<nobody": b"550 5.1.1 no such user"}
    await road.put("nobody@naver.com")
    await road.log.wait("bounced")
    await road.put("lee@naver.com")
    await road.log.wait("relayed")
    assert road.peer.messages[0] == b"" and road.peer.messages[-1].endswith(b"hello\r\n")
    assert len(road.reports) == 1


@pytest_twisted.ensureDeferred
async def test_a_bounce_is_never_bounced(road):
    road.peer.answers = {b"RCPT": b"550 5.1.1 no"}
    await road.put("lee@naver.com", sender="")
    await road.log.wait("relay-failed")
    await settled(road)
    assert road.reports == [] and road.spool.queue.ids() == []


@pytest_twisted.ensureDeferred
async def test_notify_never_is_heard(road):
    road.peer.answers = {b"RCPT": b"550 5.1.1 no"}
    await road.put(Recipient("lee@naver.com", notify=("NEVER",)))
    await road.log.wait("relay-failed")
    await settled(road)
    assert road.reports == [] and road.spool.queue.ids() == []


@pytest_twisted.ensureDeferred
async def test_success_is_told_where_it_was_asked_for(road):
    await road.put(
        Recipient("lee@naver.com", notify=("SUCCESS",), orcpt="rfc822;lee+2Bx@naver.com"), envid="QQ3+3D"
    )
    await road.log.wait("delivery-told")
    _, _, whole, (recipient,), _ = fields_of(road.reports[0][1])
    assert recipient["Action"] == "relayed" and recipient["Original-Recipient"] == "rfc822; lee+x@naver.com"
    assert whole["Original-Envelope-Id"] == "QQ3="


@pytest_twisted.ensureDeferred
async def test_dsn_wishes_are_passed_on_where_the_server_knows_them(road):
    road.peer.offers.append(b"DSN")
    to = Recipient("lee@naver.com", notify=("SUCCESS", "FAILURE"), orcpt="rfc822;lee@naver.com")
    await road.put(to, envid="QQ1", ret="HDRS")
    await road.log.wait("relayed")
    await settled(road)
    assert road.peer.lines[1:3] == [
        b"MAIL FROM:<kim@daum.net> SIZE=21 RET=HDRS ENVID=QQ1",
        b"RCPT TO:<lee@naver.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;lee@naver.com",
    ]
    assert road.reports == [] and road.spool.queue.ids() == []


@pytest.mark.parametrize(
    ("octets", "offers", "status"),
    [
        ("Subject: x\r\n\r\n안녕\r\n".encode(), [], "5.6.3"),
        ("Subject: 안녕\r\n\r\nx\r\n".encode(), [b"8BITMIME"], "5.6.7"),
        (b"Subject: x\r\n\r\n" + b"x" * 2000, [b"SIZE 1000"], "5.3.4"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_the_other_side_lacks_is_told_clearly(road, octets, offers, status):
    road.peer.offers = offers
    await road.put("lee@naver.com", octets=octets)
    await road.log.wait("bounced")
    assert f"Status: {status}" in road.reports[0][1] and road.peer.messages == []


@pytest.mark.parametrize(("recipient", "status"), [("a@null.kr", "5.1.10"), ("a@nowhere.naver.com", "5.1.2")])
@pytest_twisted.ensureDeferred
async def test_what_dns_denies_comes_back_at_once(road, recipient, status):
    await road.put(recipient)
    await road.log.wait("bounced")
    assert f"Status: {status}" in road.reports[0][1]


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_down_is_tried_again_then_told_then_given_up(road):
    port = road.peer.listening.getHost().port
    await road.peer.listening.stopListening()
    id = await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    await road.later(4 * 3600)
    await road.log.wait("delay-told")
    _, _, _, (recipient,), _ = fields_of(road.reports[0][1])
    assert recipient["Action"] == "delayed" and recipient["Status"].startswith("4.")
    await settled(road)
    await road.later(5 * 86400)
    await road.log.wait("bounced")
    await settled(road)
    assert [report[0] for report in road.reports] == ["kim@daum.net"] * 2
    assert "Status: 5.4.7" in road.reports[1][1]
    assert road.spool.queue.ids() == []
    assert {fields["recipient"] for fields in road.tries(id) if "recipient" in fields} == {"lee@naver.com"}
    road.peer.start(port)


@pytest_twisted.ensureDeferred
async def test_mail_that_waited_goes_out_when_the_server_is_back(road):
    road.peer.greeting = b"421 4.3.2 come back later"
    await road.put("lee@naver.com")
    assert "come back later" in (await road.log.wait("deferred"))["reply"]
    await settled(road)
    road.peer.greeting = b"220 peer"
    await road.later(61)
    await road.log.wait("relayed")
    assert len(road.peer.messages) == 1


class RoadInTime(Road):
    """With the clock of the world: nobody moves it, nobody wakes the relay."""

    now = property(lambda road: time.time(), lambda road, given: None)


@pytest_twisted.ensureDeferred
async def test_the_relay_wakes_by_itself_to_try_again(tmp_path):
    """It slept until the next mail, or the delay notice, when what was to come next was still being written down."""
    road = RoadInTime(tmp_path, retry_first=1, retry_longest=1)
    await road.start()
    road.peer.greeting = b"421 4.3.2 come back later"
    await road.put("lee@naver.com")
    await road.log.wait("deferred", 3)
    road.peer.greeting = b"220 peer"
    await road.log.wait("relayed")
    assert len(road.peer.messages) == 1
    await road.stop()


@pytest_twisted.ensureDeferred
async def test_a_report_that_cannot_be_delivered_keeps_the_message(road):
    road.report_fails = TemporaryFailure()
    id = await road.put("a@null.kr")
    await road.log.wait("bounced")
    await settled(road)
    assert road.spool.queue.ids() == [id]
    road.report_fails = None
    await road.relay._review(id)
    assert len(road.reports) == 1 and road.spool.queue.ids() == []


@pytest_twisted.ensureDeferred
async def test_what_waits_is_taken_up_after_a_restart(road):
    road.peer.greeting = b"421 no"
    await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    await road.relay.stop()
    road.relay.own()
    road.peer.greeting = b"220 peer"
    road.now += 60
    await road.relay.start()
    await road.log.wait("relayed")
    assert len(road.peer.messages) == 1


@pytest_twisted.ensureDeferred
async def test_an_operator_holds_releases_and_deletes(road):
    road.peer.greeting = b"421 no"
    id = await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    assert await road.relay.operator.carry_out(requests.Request("hold", (id, "nosuch"))) == [id]
    road.peer.greeting = b"220 peer"
    await road.later(86400)
    await settled(road)
    assert road.relay.waiting == 0 and road.peer.messages == []
    await road.relay.operator.carry_out(requests.Request("release", ()))
    await road.log.wait("relayed")
    await settled(road)
    road.peer.answers = {b"MAIL": b"451 4.3.0 later"}
    id = await road.put("lee@naver.com")
    await road.log.wait("deferred", 2)
    await settled(road)
    assert await road.relay.operator.carry_out(requests.Request("delete", ())) == [id]
    assert road.spool.queue.ids() == [] and road.relay.waiting == 0


@pytest_twisted.ensureDeferred
async def test_flush_does_not_wait_for_the_time(road):
    road.peer.answers = {b"MAIL": b"451 4.3.0 later"}
    await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    road.peer.answers = {}
    await road.relay.operator.carry_out(requests.Request("flush", ()))
    await road.log.wait("relayed")
    assert len(road.peer.messages) == 1


@pytest_twisted.ensureDeferred
async def test_where_tls_is_required_nothing_goes_in_the_clear(tmp_path):
    road = Road(tmp_path, tls_domains={"naver.com": "required"})
    await road.start()
    await road.put("lee@naver.com")
    assert "TLS is required" in (await road.log.wait("deferred"))["reply"]
    await settled(road)
    assert road.peer.messages == [] and road.peer.lines[0].startswith(b"EHLO")
    await road.stop()


@pytest_twisted.ensureDeferred
async def test_a_transport_needs_no_dns_and_a_server_that_breaks_off_is_tried_again(tmp_path):
    road = Road(tmp_path)
    port = road.peer.start()
    await road.peer.listening.stopListening()
    road.settings = {"transports": {".example": f"127.0.0.1:{port}"}}
    await road.start()
    await road.peer.listening.stopListening()
    road.peer.start(port)
    road.peer.answers = {b".": b"421 4.3.2 broken off"}
    await road.put("lee@mail.example")
    await road.log.wait("deferred")
    await settled(road)
    road.peer.answers = {}
    await road.later(60)
    assert (await road.log.wait("relayed"))["host"] == f"127.0.0.1[127.0.0.1]:{port}"
    await settled(road)
    await road.stop()


@pytest.mark.parametrize(
    "answers",
    [
        {b"DATA": b"250 taken already"},
        {b"RCPT": b"354 go on"},
        {b".": b"354 more"},
        {b"MAIL": b"199 what"},
        {b"RCPT": b"no number"},
        {b"MAIL": b"no number\r\n550 5.1.1 no"},
        {b".": b"421 "},
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_nonsensical_answer_is_never_taken_for_delivery(road, answers):
    road.peer.answers = answers
    id = await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    assert road.spool.queue.read(id).waiting and road.reports == []


@pytest_twisted.ensureDeferred
async def test_a_message_deleted_while_it_waits_in_line_is_not_sent(road):
    road.peer.greeting = b"421 no"
    await road.put("lee@naver.com")
    await road.log.wait("deferred")
    await settled(road)
    id = await road.put("lee@naver.com")  # stands behind the destination's back-off
    await settled(road)
    await road.relay.operator.carry_out(requests.Request("delete", (id,)))
    road.peer.greeting = b"220 peer"
    await road.later(61)
    await road.log.wait("relayed")
    assert len(road.peer.messages) == 1
    await settled(road)
    assert len(road.peer.messages) == 1 and road.spool.queue.ids() == []


@pytest.mark.parametrize("answer", [b"250 2.0.0 mine now", b"450 4.2.0 later"])
@pytest_twisted.ensureDeferred
async def test_while_the_disk_is_full_nobody_gets_a_message_twice_and_nothing_is_forgotten(
    road, monkeypatch, answer
):
    """The fate of what was sent could not be written down: it lay there until a restart, and was sent again."""
    monkeypatch.setattr(runner, "WRITE_AGAIN", 0.01)
    first = await road.put("lee@naver.com", octets=b"Subject: 1\r\n\r\nhello\r\n")

    def full(step):
        if step in ("write envelope", "unlink envelope"):
            raise OSError(errno.ENOSPC, "No space left on device")

    road.peer.answers = {b".": answer}
    road.spool.queue._step = full
    await road.log.wait("queue-problem", 3)
    assert len(road.peer.messages) == 1 and road.spool.queue.ids() == [first]
    road.spool.queue._step = lambda step: None
    await road.log.wait("relayed" if answer.startswith(b"2") else "deferred")
    await road.put("lee@naver.com", octets=b"Subject: 2\r\n\r\nhello\r\n")
    road.peer.answers = {}
    await settled(road)
    await road.later(61)
    await road.log.wait("relayed", 2)
    await settled(road)
    assert road.spool.queue.ids() == []
    assert sorted(set(road.peer.messages)) == [
        b"Subject: 1\r\n\r\nhello\r\n",
        b"Subject: 2\r\n\r\nhello\r\n",
    ]


@pytest_twisted.ensureDeferred
async def test_a_relay_that_stops_does_not_wait_for_room_on_the_disk(tmp_path):
    road = Road(tmp_path)
    await road.start()

    def full(step):
        if step in ("write envelope", "unlink envelope"):
            raise OSError(errno.ENOSPC, "No space left on device")

    await road.put("lee@naver.com")
    road.spool.queue._step = full
    await road.log.wait("queue-problem")
    await road.stop()
    assert len(road.peer.messages) == 1


def test_a_reply_in_drops_has_no_more_time_than_one_at_once():
    """Each of its lines began the five minutes anew: a hundred of them held a connection for eight hours."""
    clock, transport = Clock(), StringTransport()
    connection = Connection("mail.daum.net", clock, tls="off", context=None)
    connection.callLater = clock.callLater
    connection.makeConnection(transport)
    for _ in range(4):
        clock.advance(70)
        connection.dataReceived(b"220-wait\r\n000 a line that means nothing\r\n")
    assert not transport.disconnecting and not transport.disconnected
    clock.advance(21)
    assert transport.disconnected
