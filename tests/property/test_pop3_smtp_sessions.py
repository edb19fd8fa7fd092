"""Whatever a client sends, and however it is cut: a session answers the same, in order, and never fails."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailaccess.config.sections import Pop3, Smtp
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.model.work import InlineRunner
from mailaccess.net.served import Client
from mailaccess.observe.events import Silent
from mailaccess.pop3 import house as pop3_house
from mailaccess.pop3 import session as pop3_session
from mailaccess.smtp import house as smtp_house
from mailaccess.smtp import session as smtp_session
from mailaccess.smtp.inbound import Inbound
from mailaccess.smtp.lmtp import Lmtp
from mailaccess.smtp.submission import Submission
from tests.session.smallhouse import FakeAuthenticator, FakeStore, FakeWire, run

LOGIN = b"AUTH PLAIN AGxlZQBvbmU=\r\n"

NOISE = (b"\r\n", b"\n", b"\r", b"\0", b"XYZ \xff\r\n", b"A" * 3000)


def inputs(commands: str, *fragments: bytes) -> st.SearchStrategy[bytes]:
    """Commands (one to a line), fragments and noise in any order."""
    lines = [line.strip().encode() + b"\r\n" for line in commands.strip().splitlines()]
    return st.lists(st.sampled_from((*lines, *fragments, *NOISE)), max_size=30).map(b"".join)


POP3_INPUT = inputs(
    """
    USER lee
    PASS one
    AUTH PLAIN AGxlZQBvbmU=
    AUTH PLAIN
    AGxlZQBvbmU=
    *
    CAPA
    STLS
    UTF8
    LANG ko
    STAT
    LIST
    LIST 2
    UIDL
    RETR 1
    RETR 2
    RETR 9
    TOP 1 0
    TOP 2 1
    DELE 1
    RSET
    NOOP
    QUIT
    """
)

SMTP_INPUT = inputs(
    """
    EHLO x
    LHLO x
    HELO x
    AUTH PLAIN AGxlZQBvbmU=
    AUTH LOGIN
    bGVl
    b25l
    *
    MAIL FROM:<lee@naver.com>
    MAIL FROM:<> SIZE=5
    RCPT TO:<lee@naver.com>
    RCPT TO:<kim@naver.com>
    RCPT TO:<x@y.example>
    RCPT TO:<>
    DATA
    a: b
    .
    ..x
    BDAT 6
    BDAT 3 LAST
    RSET
    NOOP
    VRFY
    QUIT
    """,
    b"abc",
    b"\n.\n",
)


def cuts(draw, octets: bytes) -> list[bytes]:
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(octets)), max_size=6))), len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


def authenticator() -> FakeAuthenticator:
    made = FakeAuthenticator()
    made.passwords.update({"lee@naver.com": b"one", "kim@naver.com": b"two"})
    return made


def talk(session, wire: FakeWire, parts: list[bytes]) -> bytes:
    session.greet()
    for part in parts:
        if session.closed:
            break
        session.feed(part)
        run(session.work())
    session.gone = True
    run(session.work())
    return wire.take()


def pop3(parts: list[bytes]) -> tuple[bytes, list[bytes], set[int]]:
    store = FakeStore()
    account = store.account("lee@naver.com")
    account.put(b"A: b\r\n\r\n.x\r\n")
    account.put(b"C: d\r\n\r\n1\r\n2\r\n")
    wire = FakeWire()
    house = pop3_house.House(authenticator(), store, Pop3(), InlineRunner(), Silent(), make_id=lambda: "id")
    session = pop3_session.Session(house, wire, Client("127.0.0.1"))
    said = talk(session, wire, parts)
    assert not account.locked
    return said, account.messages(), account.seen


def smtp(policy, parts: list[bytes]) -> tuple[bytes, list[bytes], list[bytes]]:
    store, runner, section, log = FakeStore(), InlineRunner(), Smtp(), Silent()
    auth = authenticator()
    house = smtp_house.House(
        auth,
        Recipients(auth, section, ("naver.com",), runner, log),
        LocalDelivery(store, runner, log, limit=10_000, spool=Path("/nonexistent")),
        section,
        log,
        message_size=10_000,
        make_id=lambda: "id",
        now=lambda: 0.0,
    )
    wire = FakeWire()
    session = smtp_session.Session(house, policy(house), wire, Client("127.0.0.1"))
    said = talk(session, wire, parts)
    return said, store.account("lee@naver.com").messages(), store.account("kim@naver.com").messages()


@given(POP3_INPUT, st.data())
def test_pop3_does_not_depend_on_where_its_input_is_cut(octets, data):
    assert pop3(cuts(data.draw, octets)) == pop3([octets])


@given(POP3_INPUT)
def test_every_pop3_answer_is_one(octets):
    said, _, _ = pop3([b"USER lee\r\nPASS one\r\n" + octets])
    assert said.startswith(b"+OK ") and said.endswith(b"\r\n")


@given(SMTP_INPUT, st.sampled_from([Inbound, Submission, Lmtp]), st.data())
def test_smtp_does_not_depend_on_where_its_input_is_cut(octets, policy, data):
    assert smtp(policy, cuts(data.draw, octets)) == smtp(policy, [octets])


@given(SMTP_INPUT, st.sampled_from([Inbound, Submission, Lmtp]))
def test_every_smtp_answer_is_one_and_what_was_acknowledged_is_there(octets, policy):
    greeting = b"LHLO x\r\n" if policy is Lmtp else b"EHLO x\r\n"
    start = greeting + (LOGIN if policy is Submission else b"")
    said, lee, kim = smtp(policy, [start + b"MAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\n" + octets])
    for line in said.removesuffix(b"\r\n").split(b"\r\n"):
        assert line[:3].isdigit() and line[3:4] in (b" ", b"-")
    stored = said.count(b"OK, stored as")
    copies = len(lee) + len(kim)
    # LMTP tells each RCPT; the same account named twice has one copy.
    assert copies >= (min(stored, 1) if policy is Lmtp else stored)
