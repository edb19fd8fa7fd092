"""The language of Dovecot's auth sockets: lines, escapes, requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.proto.dovecot import replies
from mailaccess.proto.dovecot.lines import (
    MAX_FIELDS,
    MAX_LINE,
    BadLine,
    Lines,
    escape,
    render,
    split,
    unescape,
)
from mailaccess.proto.dovecot.requests import About, Auth, Cancel, Continue, Refused, User, Version, parse


@given(st.text())
def test_what_is_escaped_reads_back(text):
    assert unescape(escape(text)) == text
    assert not set(escape(text)) & set("\0\t\r\n")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_a_line_reads_back(fields):
    (line,) = Lines().feed(render("NAME", *fields))
    assert split(line) == ["NAME", *fields]


@given(st.binary(max_size=200), st.integers(1, 20))
def test_lines_are_the_same_however_they_arrive(octets, step):
    lines, found = Lines(), []
    for start in range(0, len(octets), step):
        found += lines.feed(octets[start : start + step])
    assert found == octets.split(b"\n")[:-1]


def test_a_line_without_end_is_not_collected_for_ever():
    lines = Lines()
    lines.feed(b"x" * MAX_LINE)
    with pytest.raises(BadLine):
        lines.feed(b"x")


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"VERSION\t1\t2", Version(1, 2)),
        (
            b"AUTH\t7\tplain\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.2\tsecured\tresp=AGE=",
            Auth(7, "PLAIN", About("smtp", "192.0.2.2", "192.0.2.1", True), "AGE="),
        ),
        (b"AUTH\t7\tLOGIN\tservice=smtp\tsecured=tls", Auth(7, "LOGIN", About("smtp", secured=True))),
        (b"AUTH\t7\tPLAIN\tservice=sm\x01ttp\tresp=", Auth(7, "PLAIN", About("auth"), "")),
        (b"AUTH\t7\tPLAIN\tresp=AA\tsecured", Auth(7, "PLAIN", About("auth"), "AA\tsecured")),
        (b"CONT\t7\tAGE=", Continue(7, "AGE=")),
        (b"CANCEL\t4294967295", Cancel(4294967295)),
        (b"USER\t2\tl\x01tee\tservice=lmtp", User(2, "l\tee", About("lmtp"))),
        (b"PASS\t2\tlee", Refused(2, "PASS")),
        (b"NEWS\t1", None),
    ],
)
def test_requests(line, request_):
    assert parse(line) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"VERSION",
        b"VERSION\t1",
        b"AUTH\tx\tPLAIN",
        b"AUTH\t4294967296\tPLAIN",
        b"AUTH\t1",
        b"CONT\t1",
        b"USER\t1",
        b"AUTH\t1\tPLAIN\t\xff",
        b"\t" * (MAX_FIELDS + 1),
    ],
)
def test_what_is_no_request(line):
    with pytest.raises(BadLine):
        parse(line)


def test_codes_are_told_in_the_words_of_old_clients_too():
    assert replies.fail(3, code=replies.TEMP_FAIL) == b"FAIL\t3\tcode=temp_fail\ttemp\n"
    assert replies.fail(3, code=replies.AUTHZ_FAIL) == b"FAIL\t3\tcode=authz_fail\tauthz\n"
    assert replies.fail(3, reason="one\ttwo") == b"FAIL\t3\treason=one\x01ttwo\n"
