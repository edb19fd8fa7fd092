"""Whatever the octets: the grammar answers, reads back what it writes, and does not care how they are cut."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailaccess.model import names
from mailaccess.model.sequence import Range, SequenceSet, UidSet
from mailaccess.proto.imap import render_fetch, tokens
from mailaccess.proto.imap.commands import RULES
from mailaccess.proto.imap.fetch import BodySection, Section, SectionText
from mailaccess.proto.imap.framing import Event, Frame, Framer, Limits, StreamChunk, StreamStart
from mailaccess.proto.imap.mutf7 import decode_mutf7, encode_mutf7
from mailaccess.proto.imap.parse import ParseError, parse, parse_following
from mailaccess.proto.imap.render import (
    astring,
    literal,
    mailbox,
    nstring,
    ordered_set,
    render,
    string,
    uid_set,
)
from mailaccess.proto.imap.tokens import ImapCursor

WORDS = st.sampled_from(
    [
        *sorted(RULES),
        *(
            b"(",
            b")",
            b"[",
            b"]",
            b"<0.5>",
            b"{3}\r\nabc",
            b"{3+}\r\n{1}",
            b"~{1}\r\n\0",
            b'"',
            b'"a b"',
            b"\\Seen",
            b"*",
        ),
        *(
            b"1:*",
            b"1,2",
            b"$",
            b"0",
            b"4294967296",
            b"NIL",
            b"INBOX",
            b"&AOQ-",
            b"&",
            b"BODY.PEEK[",
            b"HEADER.FIELDS",
        ),
        *(
            b"RETURN",
            b"CHARSET",
            b"UTF-8",
            b"OR",
            b"NOT",
            b"UID",
            b"FROM",
            b"BEFORE",
            b"1-Jan-2020",
            b"MODSEQ",
            b"USE",
        ),
        *(
            b"CHANGEDSINCE",
            b"UNCHANGEDSINCE",
            b"QRESYNC",
            b"STATUS",
            b"MESSAGES",
            b"+FLAGS",
            b"FLAGS",
            b" ",
            b"\xff",
            b"\r",
        ),
    ]
)
COMMANDS = st.one_of(
    st.binary(max_size=60), st.lists(WORDS, max_size=12).map(lambda words: b"a " + b" ".join(words))
)


@given(COMMANDS, st.booleans())
def test_any_octets_are_a_command_or_an_error_that_can_be_answered(octets: bytes, utf8: bool) -> None:
    try:
        request = parse(Frame(octets), utf8=utf8)
    except ParseError as error:
        answer = render(error.response)
        assert answer.endswith(b"\r\n") and answer.count(b"\n") == 1
    else:
        assert octets.startswith(request.tag + b" ")


def run(pieces: list[bytes], decisions: list[bool]) -> list[Event]:
    """The events of a stream; successive chunks of a message are joined."""
    framer = Framer(Limits(line=120, message=50, skip=300, non_synchronising=60))
    choose = iter(decisions * 100)
    found: list[Event] = []
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            if isinstance(event, StreamStart):
                framer.accept() if next(choose) else framer.refuse()
                if event.number:
                    try:
                        parse_following(event, catenating=bool(event.number % 2))
                    except ParseError:
                        pass
            if isinstance(event, StreamChunk) and found and isinstance(found[-1], StreamChunk):
                event = StreamChunk(found.pop().octets + event.octets)  # type: ignore[attr-defined]
            found.append(event)
    return found


LINES = st.sampled_from(
    [
        *(
            b"a NOOP",
            b"b APPEND x {5}",
            b"c APPEND x {6+}",
            b"d LOGIN {3+}",
            b"e {51+}",
            b"f APPEND y {51+}",
            b"abcde",
        ),
        *(
            b"xy {2+}",
            b"g X {61+}",
            b"",
            b"{7}",
            b"z" * 70,
            b"z" * 130,
            b"h APPEND {1+}",
            b"i {400+}",
            b"j APPEND x {0+}",
        ),
    ]
)
STREAMS = st.lists(st.one_of(LINES, st.binary(max_size=10)), max_size=12).map(b"\r\n".join)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=20), st.lists(st.booleans(), min_size=1, max_size=5))
def test_framing_does_not_care_how_the_stream_is_cut(
    stream: bytes, cuts: list[int], decisions: list[bool]
) -> None:
    whole = run([stream], decisions)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[first:last] for first, last in pairwise(places)]
    if any(getattr(event, "fatal", False) for event in whole):
        return  # the connection ends there; how many refusals follow does not matter
    assert run(pieces, decisions) == whole
    assert run([bytes([octet]) for octet in stream], decisions) == whole


def read(rule: Any, octets: bytes, **options: Any) -> Any:
    cur = ImapCursor(octets, **options)
    value = rule(cur)
    assert cur.at_end()
    return value


@given(st.binary(max_size=80).filter(lambda octets: b"\0" not in octets), st.booleans())
def test_strings_read_back(octets: bytes, utf8: bool) -> None:
    assert read(tokens.string, string(octets, utf8=utf8)) == octets
    assert read(tokens.astring, astring(octets, utf8=utf8)) == octets
    assert read(tokens.nstring, nstring(octets)) == octets
    assert read(tokens.literal, literal(octets)) == octets


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(NAMES, st.booleans())
def test_mailbox_names_read_back(name: str, utf8: bool) -> None:
    name = names.canonical(name)
    if "\0" not in name or not utf8:
        assert read(tokens.mailbox, mailbox(name, utf8=utf8), utf8=utf8) == name
    assert decode_mutf7(encode_mutf7(name), strict=True) == name


@given(st.binary(max_size=30))
def test_any_octets_are_modified_utf7_or_an_error(octets: bytes) -> None:
    try:
        text = decode_mutf7(octets)
    except ValueError:
        return
    assert decode_mutf7(encode_mutf7(text)) == text


NUMBERS = st.integers(1, 2**32 - 1)


@given(st.lists(st.one_of(NUMBERS, st.integers(1, 20)), min_size=1, max_size=30))
def test_sets_read_back(numbers: list[int]) -> None:
    uids = UidSet.of(set(numbers))
    found = read(tokens.sequence_set, uid_set(uids))
    assert found.resolve(1) == uids
    ordered = read(tokens.sequence_set, ordered_set(numbers))
    assert [n for item in ordered.ranges for n in range(item.first, item.last + 1)] == numbers


ENDS = st.one_of(st.none(), NUMBERS)


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1, max_size=10))
def test_sequence_sets_read_as_written(pairs: list[tuple[int | None, int | None]]) -> None:
    text = ",".join(":".join("*" if end is None else str(end) for end in pair) for pair in pairs)
    assert read(tokens.sequence_set, text.encode()) == SequenceSet(tuple(Range(*pair) for pair in pairs))


ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439))


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=ZONES))
def test_dates_read_back(when: datetime) -> None:
    offset = when.utcoffset()
    when = when.replace(microsecond=0)
    found = read(tokens.date_time, f'"{render_fetch.date_text(when)}"'.encode())
    assert (found, found.utcoffset()) == (when, offset)


FIELDS = st.lists(
    st.binary(min_size=1, max_size=12).filter(lambda f: b"\0" not in f), min_size=1, max_size=4
).map(tuple)
SECTIONS = st.one_of(
    st.builds(Section, st.lists(NUMBERS, max_size=4).map(tuple)),
    st.builds(
        Section,
        st.lists(NUMBERS, max_size=3).map(tuple),
        st.sampled_from([SectionText.HEADER, SectionText.TEXT]),
    ),
    st.builds(Section, st.lists(NUMBERS, min_size=1, max_size=3).map(tuple), st.just(SectionText.MIME)),
    st.builds(
        Section,
        st.lists(NUMBERS, max_size=3).map(tuple),
        st.sampled_from([SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT]),
        FIELDS,
    ),
)


@given(SECTIONS)
def test_the_name_of_a_section_asks_for_it(section: Section) -> None:
    label = render_fetch.section_label(BodySection(section))
    command = parse(Frame(b"a FETCH 1 " + label)).command
    assert command.items == (BodySection(section),)  # type: ignore[attr-defined]
