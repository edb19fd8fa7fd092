"""What is read of a header in one go is what each rule reads of it by itself, whatever the header says."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailaccess.message import address, dates, fields, searchkeys
from mailaccess.message.envelope import envelope
from mailaccess.message.headers import Header, find_end
from mailaccess.message.lexical import MORE, Lexer
from mailaccess.message.subject import base_subject
from mailaccess.message.text import fold
from mailaccess.proto.imap import structure_render
from mailaccess.store.index import heads, keys
from mailaccess.store.sort import collation
from mailaccess.store.wireform import to_wire

NAMES = [name.decode() for name in fields.NAMES] + ["Received", "X-From", "Fro", "Datee"]
PIECES = [
    "a", "Lee", "=?utf-8?B?7J207ISc7Jew?=", "=?utf-8?Q?=20M=C3=BCller?=", "=?iso-2022-kr?B?Gy==?=", '"Garcia, M"',
    "<kim@naver.com>", "<x@y>", "kim@naver.com", "(Kim)", ",", ";", ":", "@", ".", " ", "\t", "\r\n ", "\n\t", "\r",
    "\\", '"', "[fwd: ", "Re: ", "(fwd)", "<a@b> <c@d>", '<"q"@h>', "undisclosed-recipients:;", "é", "이", "ﬁ", "\0",
    "Mon, 14 Sep 2020 09:12:01 +0000", "1 Jan 70 1:2 KST", "31 Feb 2021 10:00:00 -0930", "\x7f", "x" * 300,
]  # fmt: skip

values = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
header_fields = st.tuples(st.sampled_from(NAMES), st.sampled_from(["", " ", "\t"]), values, st.booleans())


def block_of(of: list[tuple[str, str, str, bool]], blank: str) -> bytes:
    lines = [f"{name.upper() if up else name}{space}:{value}\r\n" for name, space, value, up in of]
    block = ("".join(lines) + blank).encode("utf-8", "surrogateescape")
    end = find_end(block, 0, len(block))
    return block[:end] if end >= 0 else block


def by_the_rules(block: bytes) -> heads.Head:
    header = Header(block)
    of = envelope(header)
    when = searchkeys.sent(header)
    base = base_subject(searchkeys.subject(header))

    def comparable(text: str) -> bytes:
        return collation(text[:1_000]).encode("utf-8", "replace")[:1_000]

    order = (
        None if when is None else int(when.timestamp()),
        comparable(searchkeys.first_mailbox(header, b"from")),
        comparable(searchkeys.first_mailbox(header, b"to")),
        comparable(searchkeys.first_mailbox(header, b"cc")),
        comparable(fold(base.text)),
        base.is_reply,
        comparable(searchkeys.display_name(header, b"from")),
        comparable(searchkeys.display_name(header, b"to")),
        searchkeys.message_id(header),
        b" ".join(searchkeys.references(header)),
    )
    return heads.Head(structure_render.envelope(of), keys.compute(header, of), order)


@settings(max_examples=400, deadline=None)
@given(st.lists(header_fields, max_size=6), st.sampled_from(["", "\r\n", "\n"]))
def test_one_pass_over_a_header_tells_what_all_rules_tell(
    of: list[tuple[str, str, str, bool]], blank: str
) -> None:
    block = block_of(of, blank)
    assert heads.compute(block) == by_the_rules(block)


LISTED = [name.decode() for name in fields.LISTED] + ["Received", "X-From", "Fro", "Datee", ""]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(LISTED), st.sampled_from(["", " ", "\t"]), values, st.booleans()),
        max_size=6,
    ),
    st.sampled_from(["", "\r\n", "\n", "\r\r\n"]),
    st.lists(st.sampled_from([name.encode() for name in LISTED] + [b"x y", b"a:b"]), max_size=5),
    st.integers(0, 3),
)
def test_fields_picked_for_lists_tell_what_the_whole_header_tells(
    of: list[tuple[str, str, str, bool]], blank: str, names: list[bytes], cut: int
) -> None:
    block = to_wire(block_of(of, blank))
    block = block[: len(block) - cut]  # as of a message that ends within its header
    listed = fields.listed(block)
    assert fields.usual(listed) == fields.usual(block)
    assert fields.select(block, names) == Header(block).select(names)
    wanted = [name for name in names if name in fields.LISTED]
    assert fields.select(listed, wanted) == Header(block).select(wanted)


@settings(max_examples=300, deadline=None)
@given(values)
def test_a_list_of_common_addresses_reads_as_the_grammar_reads_it(value: str) -> None:
    octets = value.encode()
    found: list[address.Address] = []
    lexer = Lexer(octets)
    state = lexer.skip()
    if state == MORE:
        address._Reader(lexer, found).address_list()
    quick = address.parse(octets)
    if address._COMMON.match(octets):
        assert quick[: len(found)] == tuple(found)[: len(quick)]


def test_a_header_of_many_fields_is_looked_at_as_far_as_any_other() -> None:
    lines = [b"X-%d: y\r\n" % number for number in range(12_000)]
    block = b"Subject: first\r\n" + b"".join(lines) + b"From: late@example.net\r\n\r\n"
    assert fields.usual(block) == {b"subject": [b" first\r"]}


@pytest.mark.parametrize("seed", range(4))
def test_dates_read_in_one_go_are_those_read_by_the_rules(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(500):
        text = (
            f" {chance.choice(['Mon, ', '', 'xx, '])}{chance.randint(0, 32)}"
            f" {chance.choice(['Jan', 'feb', 'DEC', 'xyz'])}"
            f" {chance.choice([0, 1, 70, 1969, 2020, 9999, 99999]):04d} {chance.randint(0, 25):02d}:"
            f"{chance.randint(0, 61):02d}:{chance.randint(0, 61):02d} {chance.choice('+-')}"
            f"{chance.choice([0, 900, 1400, 2359, 2460, 9999]):04d}{chance.choice(['', ' (KST)', ' (a (b))', chr(13)])}"
        )
        if chance.random() < 0.3:
            text = re.sub(r"[0-9:+ ]", lambda of: of[0] if chance.random() < 0.9 else "x", text)
        when = dates.parse(text.encode())
        expected = None if when is None else (when.date().toordinal(), int(when.timestamp()))
        assert dates.stamp(text.encode()) == expected, text
