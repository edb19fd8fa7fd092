"""What is told of usual messages in few steps is what is told of any message."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailaccess.message import lineends, quickly, structure

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus"

HEADERS = (
    b"Content-Type: text/plain; charset=utf-8",
    b'Content-Type: text/html;\n charset="utf-8"\nContent-Transfer-Encoding: quoted-printable',
    b'Content-Type: application/pdf; name="a b.pdf"\nContent-Disposition: attachment; filename="a b.pdf"',
    b"Content-Type: image/png\nContent-ID: <a@b>\nContent-Description: a\n b",
    b"Subject: no type",
    b"X-A: b\nContent-Type: message/global",
)
ODD_HEADERS = (
    b"Content-Type: multipart/mixed",
    b'Content-Type: multipart/mixed; boundary=""',
    b'Content-Type: multipart/mixed; boundary="a"; boundary="c"',
    b"Content-Type: multipart/mixed; boundary*=us-ascii''a",
    b"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b",
    b"CONTENT-TYPE : multipart/alternative;\n\tBOUNDARY=ab (x)",
    b'Content-Type: multipart/mixed; boundary="a "',
    b'Content-Type: multipart/mixed; boundary="a\\"b"',
    b"Content-Type: multipart/digest; boundary=c",
    b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
    b"Content-Type: message/delivery-status",
    b"Content-Type: ;;",
    b"Content-Type: /plain",
    b"Content-Type: text/html\nContent-Type: multipart/mixed; boundary=a",
    b'Content-Type: text/plain; name="a\nb"',
    b"Content-Disposition: attachment; filename*=utf-8''%E2%82%AC",
    b"Content-Language: a, b , c\nContent-Language:",
    b"Content-MD5: abc\nContent-Location: http://x/\n y",
    b"Content-Transfer-Encoding: 8bit (c)",
    b"Content-Description: " + b"x" * 300,
    b"mime-version : 1.0",
    b"X: \0\xff\x80",
    b" folded first",
    b"no colon here",
    b":empty",
    b"--a",
)
BODIES = (b"", b"\n", b"a", b"a\n", b"a\n\nb\n", b"--\n", b"--a", b"--ab--\n", b" \n", b"YWJj\n" * 40)
BOUNDARIES = (b"a", b"ab", b"c", b"d.e", b"x" * 69)


def entity(chance: random.Random, depth: int, *, mime: bool) -> bytes:
    """A message or part with LF line ends."""
    kind = chance.random()
    version = b"" if mime else b"MIME-Version: 1.0\n"
    if depth and kind < 0.5:
        boundary = chance.choice(BOUNDARIES)
        subtype = chance.choice((b"mixed", b"alternative", b"related", b"digest"))
        parts = [entity(chance, depth - 1, mime=True) for _ in range(chance.randint(1, 3))]
        return (
            version + b'Content-Type: multipart/%b; boundary="%b"\n\n' % (subtype, boundary)
            + chance.choice((b"", b"This is MIME.\n", b"\n"))
            + b"".join([b"--%b\n%b\n" % (boundary, part) for part in parts])
            + b"--%b--%b" % (boundary, chance.choice((b"", b"\n", b"\nepilogue\n")))
        )  # fmt: skip
    if depth and kind < 0.65:
        return b"Content-Type: message/rfc822\n\nFrom: a@b\nSubject: in\n side\n" + entity(
            chance, depth - 1, mime=False
        )
    return version + chance.choice(HEADERS) + b"\n\n" + chance.choice(BODIES)


def assert_the_same(octets: bytes) -> None:
    found = quickly.parse(octets)
    assert found is None or found == structure.whatever(octets)
    assert structure.parse(octets) == structure.whatever(octets)
    if b"\r" not in octets:
        wire = octets.replace(b"\n", b"\r\n")
        assert lineends.parse(octets, len(wire)) == structure.whatever(wire)


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_structure_is_the_same_however_the_message_is_made(chance: random.Random) -> None:
    octets = entity(chance, 4, mime=False)
    assert_the_same(octets)
    assert_the_same(octets.replace(b"\n", b"\r\n"))
    lines = octets.split(b"\n")
    for _ in range(4):  # and where something is missing, or stands twice, or ends otherwise
        broken = list(lines)
        at = chance.randrange(len(broken))
        broken[at : at + 1] = chance.choice(
            ([], [broken[at]] * 2, [broken[at] + b" "], [broken[at] + b"\r"], [b""])
        )
        assert_the_same(b"\n".join(broken))
        assert_the_same(b"\r\n".join(broken))
        assert_the_same(octets[: chance.randrange(len(octets) + 1)])


def heap(chance: random.Random, depth: int) -> bytes:
    """Header fields and boundary lines that belong together by chance at most."""
    made = b"\n".join([chance.choice(ODD_HEADERS + HEADERS) for _ in range(chance.randint(1, 4))])
    made += chance.choice((b"\n\n", b"\n\n", b"\n", b"\n\n\n", b""))
    for _ in range(chance.randint(0, 5)):
        match chance.randrange(4):
            case 0 | 1:
                ends = chance.choice((b"", b"", b"--", b"--", b" ", b"x", b"-", b"xy"))
                made += b"--" + chance.choice((b"a", b"ab", b"c", b"a b", b"abc")) + ends + b"\n"
            case 2 if depth:
                made += heap(chance, depth - 1)
            case _:
                made += chance.choice((b"hello\n", b"\n", b"x", b"--\n"))
    return made


PIECES = (
    b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"-", b"--", b"\0", b" ", b"\t", b'"', b";", b"\x0b", b"\x85",
    b"\n--a\n", b"\n--a--\n", b"\n--ab\n", b"\n--c--",
)  # fmt: skip


def changed(chance: random.Random, octets: bytes) -> bytes:
    """Some octets changed, put in, taken out or said twice."""
    made = bytearray(octets)
    for _ in range(chance.randint(1, 5)):
        at, place = chance.randrange(len(made) + 1), chance.randrange(len(made) + 1)
        match chance.randrange(4):
            case 0:
                made[at : at + 1] = chance.choice(PIECES)
            case 1:
                made[at:at] = chance.choice(PIECES)
            case 2:
                del made[at : at + chance.choice((1, 1, 1, 2, 5, 20))]
            case _:
                made[at:at] = made[place : place + chance.choice((3, 10, 40))]
    return bytes(made)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_structure_is_the_same_of_what_is_hardly_a_message(chance: random.Random) -> None:
    octets = heap(chance, 4) if chance.random() < 0.5 else entity(chance, 4, mime=False)
    if chance.random() < 0.3:
        octets = octets.replace(b"\n", b"\r\n")
    assert_the_same(octets)
    for _ in range(6):
        assert_the_same(changed(chance, octets))


@pytest.mark.parametrize("end", [b"b\n", b"xy", b"-\n", b"- ", b"--", b"--\n", b"-", b"", b"\n", b"\r\n"])
def test_what_ends_a_message_behind_a_boundary_closes_it_only_if_it_is_two_hyphens(end: bytes) -> None:
    """Any two octets at the end of the message were taken for them."""
    for line_end in (b"\n", b"\r\n"):
        octets = line_end.join(
            (b"Content-Type: multipart/mixed; boundary=a", b"", b"--a", b"A: b", b"", b"c", b"--a")
        )
        assert_the_same(octets + end)
    assert_the_same(b"Content-Type: multipart/mixed; boundary=a\n\n--a" + end)


@pytest.mark.parametrize(
    "value", [b" .", b" a.", b' "a', b" (a", b" a@", b" a@[1\n 2]", b' "a\n b" <c@d>', b" a\n @b"]
)
def test_addresses_inside_are_the_same_whatever_the_line_ends(value: bytes) -> None:
    """A dot before the line end was the end of an address only where no CR came between."""
    inside = b"From:%b\nX-A: b\n\nc\n" % value
    assert_the_same(b"Content-Type: message/rfc822\n\n" + inside)
    assert_the_same(b"Content-Type: message/rfc822\n\nTo: d@e\n" + inside)


def test_most_of_them_are_usual() -> None:
    made = [entity(random.Random(seed), 3, mime=False) for seed in range(300)]
    assert sum(quickly.parse(octets) is not None for octets in made) > 150


def test_real_messages_have_the_same_structure() -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus is not here")
    for path in sorted(CORPUS.rglob("*.eml")):
        octets = path.read_bytes()
        assert_the_same(octets)
        assert_the_same(octets.replace(b"\r", b""))


def test_a_boundary_line_right_after_the_inner_multipart_is_closed_ends_it_there() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n"
        b"--i\nA: b\n\nc\n--i--\n--o--\n"
    )
    found = quickly.parse(octets)
    assert found is not None and found == structure.whatever(octets)
    assert octets[found.parts[0].body : found.parts[0].end] == b"--i\nA: b\n\nc\n--i--\n"


def test_a_size_that_cannot_be_true_is_not_believed() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: a/b\n\nc\nd\n\n--o--\n"
    expected = structure.whatever(octets.replace(b"\n", b"\r\n"))
    for size in (1, len(octets), 3 * len(octets)):
        assert lineends.parse(octets, size) == expected
