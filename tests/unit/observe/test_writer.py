"""What stands in the log: one line an event, nothing forged, and fail2ban reads it."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.observe.events import Level
from mailaccess.observe.writer import LONGEST, LogWriter

TIME = datetime(2026, 11, 24, 23, 50, 10, 123456, tzinfo=UTC)

# The second failregex of fail2ban 1.0.2's filter.d/dovecot.conf behind its prefregex, restated with
# <HOST> as an address and the optional prefix as it applies to a file's line after its date.
STOCK = re.compile(
    r"^\s*(?:\S+\s+)?(?:(?:pop3|imap|managesieve|submission)-login: )?(?:Info: )?"
    r"(?:Aborted login|Disconnected|Remote closed connection|Client has quit the connection)"
    r"(?:: (?:\w+\([^\):]*\) \w+|[^\(]+))*"
    r" \((?:auth failed, \d+ attempts(?: in \d+ secs)?|tried to use (?:disabled|disallowed) \S+ auth"
    r"|proxy dest auth failed)\):"
    r"(?: user=<(?P<user>[^>]*)>,)?(?: method=\S+,)? rip=(?P<host>[0-9a-f.:]+)"
    r"(?:[^>]*(?:, session=<\S+>)?)\s*$"
)


def lines(*, as_json=False, **options):
    written: list[str] = []
    return written, LogWriter(written.append, as_json=as_json, clock=lambda: TIME, **options)


def after_date(line: str) -> str:
    """The line as fail2ban matches it: its date is cut out first."""
    date, rest = line.split(" ", 1)
    assert datetime.fromisoformat(date).tzinfo is not None
    return " " + rest


def test_an_event_is_a_line_with_its_time():
    written, log = lines()
    log.log(
        "delivered", user="lee@naver.com", mailbox="Sent Items", size=1234, seconds=0.25, tls=True, error=None
    )
    (line,) = written
    assert line == (
        "2026-11-24T23:50:10.123+00:00 delivered: "
        'user=<lee@naver.com>, mailbox="Sent Items", size=1234, seconds=0.250, tls=yes\n'
    )


def test_trouble_is_marked():
    written, log = lines()
    log.log("tls-reload-failed", Level.ERROR, error="cert.pem: no such file")
    assert written[0].endswith('tls-reload-failed: error: error="cert.pem: no such file"\n')


@pytest.mark.parametrize("service", ["imap", "pop3", "submission", "smtp"])
def test_fail2ban_reads_a_failed_login(service):
    written, log = lines()
    log.log(
        "login-failed",
        service=service,
        user="lee@naver.com",
        method="PLAIN",
        rip="192.0.2.7",
        lip="127.0.0.1",
        session="a1b2",
        attempts=3,
        seconds=2.4,
        error="wrong password",
    )
    found = STOCK.match(after_date(written[0]))
    assert found and found["host"] == "192.0.2.7" and found["user"] == "lee@naver.com"
    assert "(auth failed, 3 attempts in 2 secs)" in written[0]


@given(
    st.text(max_size=80)
    | st.sampled_from(
        [
            "x>, rip=10.0.0.1",
            "x>, method=A, rip=10.0.0.1, session=<",
            "a\r\nimap-login: Disconnected",
            "\u2028",
            "",
        ]
    )
)
def test_no_name_forges_an_address(name):
    written, log = lines()
    log.log("login-failed", service="imap", user=name, method="PLAIN", rip="192.0.2.7", session="s")
    assert len(written) == 1 and len(written[0].splitlines()) == 1
    found = STOCK.match(after_date(written[0]))
    assert found and found["host"] == "192.0.2.7"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_other_event_looks_like_a_failed_login(first, second):
    written, log = lines()
    forged = "Disconnected (auth failed, 1 attempts in 2 secs): user=<x>, method=PLAIN, rip=10.0.0.1"
    log.log("smtp-rejected", error=first + forged, user=second)
    log.log("note", error=forged)
    for line in written:
        assert len(line.splitlines()) == 1
        assert STOCK.match(after_date(line)) is None


@given(st.text())
def test_json_holds_what_was_said(text):
    written, log = lines(as_json=True)
    log.log("delivered", Level.WARNING, error=text, event_id=7)
    record = json.loads(written[0])
    assert written[0].isascii() and written[0].count("\n") == 1
    assert record == {
        "time": "2026-11-24T23:50:10.123+00:00",
        "level": "warning",
        "event": "delivered",
        "error": text if len(text) <= LONGEST else text[:LONGEST] + "...",
        "event_id": 7,
    }


def test_long_values_are_cut():
    written, log = lines()
    log.log("x", error="y" * 100_000)
    assert len(written[0]) < LONGEST + 100


def test_less_than_the_least_level_is_counted_but_not_written():
    seen = []
    written, log = lines(seen=lambda event, level, fields: seen.append(event))
    log.log("detail", Level.DEBUG)
    assert written == [] and seen == ["detail"]


def test_a_full_disk_does_not_stop_the_service():
    def full(line):
        raise OSError(28, "No space left on device")

    log = LogWriter(full)
    log.log("delivered")
    assert log.lost == 1
