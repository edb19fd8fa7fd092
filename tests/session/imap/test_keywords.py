"""Keywords, as many as a mailbox wants (RFC 9051 §2.3.2; RFC 5788; RFC 8457), through the wire and back."""

import pytest

from tests.session.imap.house import MaildirHouse

KNOWN = (
    "$Forwarded",
    "$MDNSent",
    "$Junk",
    "$NotJunk",
    "$Phishing",
    "$Important",
    "$SubmitPending",
    "$Submitted",
)
MANY = [f"label{number:02d}" for number in range(60)]


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", messages=3)
    return house


def flags_of(client, command="FETCH 1:*"):
    """The flags of each message, \\Recent left out, as FETCH tells them."""
    lines = client.ask(f"{command} FLAGS").of("FETCH")
    inner = [line[line.index("FLAGS (") + 7 :].split(")")[0].split() for line in lines]
    return [set(flags) - {"\\Recent"} for flags in inner]


def told_flags(house, name="INBOX"):
    """FLAGS and PERMANENTFLAGS of a SELECT."""
    untagged = house.session().ask(f"SELECT {name}").untagged
    flags = next(line for line in untagged if line.startswith("FLAGS ("))
    permanent = next(line for line in untagged if "PERMANENTFLAGS (" in line)
    return set(flags[7:-1].split()), set(permanent.split("(", 1)[1].split(")")[0].split())


def test_registered_keywords_are_kept(house):
    one, other = house.session("INBOX"), house.session("INBOX")
    for keyword in KNOWN:
        assert one.ask(f"STORE 1 +FLAGS ({keyword})").status.startswith("OK")
    assert flags_of(one)[0] == set(KNOWN) == flags_of(other)[0]
    flags, permanent = told_flags(house)
    assert flags >= set(KNOWN) and permanent >= {*KNOWN, "\\*"}
    assert one.ask("SEARCH KEYWORD $forwarded").untagged == ["SEARCH 1"]  # in any case
    assert one.ask("SEARCH UNKEYWORD $Junk").untagged == ["SEARCH 2 3"]
    house.lose_index()
    assert flags_of(house.session("INBOX"))[0] == set(KNOWN)


def test_there_is_no_end_at_twenty_six(house):
    """As many letters as file names have; the others stand in a list beside them."""
    one = house.session("INBOX")
    for start in range(0, len(MANY), 7):
        assert one.ask(f"STORE 1 +FLAGS.SILENT ({' '.join(MANY[start : start + 7])})").status.startswith("OK")
    one.ask("STORE 2 FLAGS (label00 label30 label59 \\Seen)")
    one.ask("STORE 1 -FLAGS (label00 label59)")
    expected = [set(MANY) - {"label00", "label59"}, {"label00", "label30", "label59", "\\Seen"}, set()]
    assert flags_of(one) == expected
    said = one.send(b"a APPEND INBOX (label58 fresh) {3+}\r\nabc\r\n")
    assert b"a OK [APPENDUID" in said
    one.ask("COPY 1:2 Sent")
    expected.append({"label58", "fresh"})
    for _ in range(2):
        one = house.session("INBOX")
        assert flags_of(one) == expected
        assert flags_of(house.session("Sent")) == expected[:2]
        flags, permanent = told_flags(house)
        assert {*MANY, "fresh"} <= flags and {*MANY, "fresh", "\\*"} <= permanent
        assert one.ask("SEARCH KEYWORD label59").untagged == ["SEARCH 2"]
        assert one.ask("SEARCH KEYWORD label58").untagged == ["SEARCH 1 4"]
        house.lose_index()


def test_bounds_are_told_as_limits(house):
    one = house.session("INBOX")
    assert one.ask(f"STORE 1 +FLAGS ({'k' * 250})").status.startswith("OK")
    assert one.ask(f"STORE 1 +FLAGS ({'k' * 251})").status.startswith("NO [LIMIT]")
    said = one.send(b"a APPEND INBOX (" + b"k" * 251 + b") {3}\r\n")
    assert said.startswith(b"a NO [LIMIT]")
    assert one.ask("STORE 1 +FLAGS (\\Unknown)").status.startswith("BAD")
    for start in range(0, 490, 98):
        keywords = " ".join(f"k{number}" for number in range(start, start + 98))
        assert one.ask(f"STORE 3 FLAGS.SILENT ({keywords})").status.startswith("OK")
    answer = one.ask("STORE 2 +FLAGS (" + " ".join(f"more{number}" for number in range(20)) + ")")
    assert answer.status.startswith("NO [LIMIT]") and flags_of(one)[1] == set()
    assert one.ask("STORE 2 +FLAGS (k7)").status.startswith("OK")  # a known one goes on
