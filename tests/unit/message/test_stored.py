"""Structures kept in the store's cache."""

import pytest

from mailaccess.message import stored, structure
from mailaccess.message.envelope import envelope
from mailaccess.message.headers import Header

WIRE = (
    b"From: Kim <kim@daum.net>\r\nTo: Friends: a@b.c;\r\nSubject: x\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\nContent-Language: ko, en\r\n\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: lee@naver.com\r\n\r\nhi\r\n"
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename=a\r\n"
    b"\r\n\r\n--x--\r\n"
)


def test_what_is_dumped_loads_equal() -> None:
    root = structure.parse(WIRE)
    assert structure.load(structure.dump(root)) == root
    value = envelope(Header(WIRE[root.start : root.body]))
    assert stored.load_envelope(stored.dump_envelope(value)) == value


def test_the_dump_is_compact() -> None:
    assert len(structure.dump(structure.parse(b"From: a\r\n\r\nhello"))) < 64


def test_offsets_of_any_size_fit() -> None:
    root = structure.parse(WIRE)._replace(end=2**40)
    assert structure.load(structure.dump(root)) == root


def test_every_damage_is_noticed() -> None:
    octets = structure.dump(structure.parse(WIRE))
    for at in range(len(octets)):
        for flip in (1, 0x80):
            damaged = octets[:at] + bytes((octets[at] ^ flip,)) + octets[at + 1 :]
            with pytest.raises(ValueError):
                structure.load(damaged)
    for length in range(len(octets)):
        with pytest.raises(ValueError):
            structure.load(octets[:length])
    with pytest.raises(ValueError):
        structure.load(octets + b"\0")


def test_a_tree_that_no_message_has_is_refused_though_its_checksum_is_right() -> None:
    root = structure.parse(WIRE)
    inner = root.parts[0]
    for wrong in (
        root._replace(kind=9),
        root._replace(kind=structure.MESSAGE),
        root._replace(parts=(inner._replace(end=root.end + 1),)),
        root._replace(parts=(inner._replace(start=0, body=0),)),
        root._replace(parts=(inner._replace(parts=()),)),
    ):
        with pytest.raises(ValueError):
            structure.load(structure.dump(wrong))
    deep = root.parts[1]
    for _ in range(structure.MAX_DEPTH + 5):
        deep = root._replace(parts=(deep,))
    with pytest.raises(ValueError):
        structure.load(structure.dump(deep))
