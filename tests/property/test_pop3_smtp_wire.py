"""What goes over the wire of POP3 and SMTP reads back, wherever it was cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailaccess.proto.pop3.grammar import Lines
from mailaccess.proto.pop3.stuffing import Stuffer, stuffed, top
from mailaccess.proto.smtp.address import Address, BadAddress, parse
from mailaccess.proto.smtp.commands import read
from mailaccess.proto.smtp.framing import Framer
from mailaccess.proto.smtp.replies import Refused

LINE = st.sampled_from([b"", b".", b"..", b".x", b"x.", b"x", b"\n.", b"\r", b"\n", b"\r.", b"a\nb", b"\0"])
MESSAGE = st.lists(LINE, max_size=12).map(lambda lines: b"".join(line + b"\r\n" for line in lines))
NOISE = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\r\n.\r"]), max_size=30).map(
    b"".join
)


def pieces(draw, octets: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    edges = [0, *cuts, len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


def unstuffed(wire: bytes) -> bytes:
    """As a POP3 client reads a multi-line reply. RFC 1939 §3."""
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    return b"".join((line[1:] if line.startswith(b".") else line) + b"\r\n" for line in lines[:-2])


@given(MESSAGE)
def test_a_pop3_client_reads_back_what_was_stuffed(message):
    assert unstuffed(stuffed(message)) == message


@given(NOISE, st.data())
def test_stuffing_does_not_depend_on_where_the_message_is_cut(message, data):
    stuffer = Stuffer()
    wire = b"".join([stuffer.piece(piece) for piece in pieces(data.draw, message)]) + stuffer.end()
    assert wire == stuffed(message)
    assert wire.find(b"\r\n.\r\n") in (-1, len(wire) - 5)


@given(MESSAGE, st.integers(0, 20))
def test_a_top_is_a_beginning(message, lines):
    upper, whole = top(message, lines)
    assert (message if whole else message + b"\r\n").startswith(upper)


def smtp_stuffed(message: bytes) -> bytes:
    wire = message.replace(b"\r\n.", b"\r\n..")
    return (b"." + wire if wire.startswith(b".") else wire) + b".\r\n"


@given(MESSAGE, MESSAGE, st.data())
def test_the_smtp_framer_reads_back_what_a_client_stuffed(first, second, data):
    """Two messages and the commands around them, cut anywhere."""
    wire = b"DATA\r\n" + smtp_stuffed(first) + b"DATA\r\n" + smtp_stuffed(second) + b"QUIT\r\n"
    framer = Framer()
    found: list[bytes] = []
    content: bytes | None = None
    for piece in pieces(data.draw, wire):
        framer.feed(piece)
        while True:
            if content is not None:
                got, ended = framer.data()
                content += got
                if not ended:
                    break
                found.append(content)
                content = None
            line = framer.line()
            if line is None:
                break
            if line == b"DATA":
                framer.begin_data()
                content = b""
            else:
                found.append(line)
    assert found == [first, second, b"QUIT"]


@given(NOISE, st.data())
def test_content_does_not_depend_on_where_it_is_cut(noise, data):
    def content(parts: list[bytes]) -> tuple[bytes, bool, bytes | None]:
        framer = Framer()
        framer.begin_data()
        found, ended = b"", False
        for part in parts:
            framer.feed(part)
            if not ended:
                got, ended = framer.data()
                found += got
        return found, ended, framer.chunk(1000) if ended else None

    assert content(pieces(data.draw, noise)) == content([noise])


@given(NOISE, st.data())
def test_pop3_lines_do_not_depend_on_where_they_are_cut(noise, data):
    lines = Lines()
    found = []
    for piece in pieces(data.draw, noise):
        lines.feed(piece)
        while (line := lines.line()) is not None:
            found.append(line)
    assert found == [line.removesuffix(b"\r") for line in noise.split(b"\n")[:-1]]


TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc"]), min_size=1
)
DOMAIN = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){1,3}", fullmatch=True)


@given(TEXT.filter(lambda text: len(text.encode()) < 300 and "\x7f" not in text), DOMAIN)
def test_an_address_reads_back(local, domain):
    address = Address(local, domain)
    assert parse(str(address)) == address


@given(st.text(max_size=60))
def test_no_text_breaks_the_address_grammar(text):
    try:
        address = parse(text)
    except BadAddress:
        return
    assert parse(str(address)) == address
    assert "\r" not in str(address) and "\n" not in str(address)


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda rest: b"MAIL FROM:<" + rest)))
def test_no_line_breaks_the_command_grammar(line):
    for lenient in (False, True):
        try:
            read(line, lenient=lenient, utf8=True)
        except Refused as refused:
            assert refused.reply.code in (500, 501, 553, 555)
