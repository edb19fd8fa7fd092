"""Address lists: what ENVELOPE tells of them (RFC 9051 §7.5.2)."""

import pytest

from mailaccess.message.address import MAX_ADDRESSES, Address, parse, parse_all

END = (None, None, None, None)
MISSING = (None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 5322 appendix A
        (b"John Doe <jdoe@machine.example>", [(b"John Doe", None, b"jdoe", b"machine.example")]),
        (
            b'"Joe Q. Public" <john.q.public@example.com>',
            [(b"Joe Q. Public", None, b"john.q.public", b"example.com")],
        ),
        (
            b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            [
                (b"Mary Smith", None, b"mary", b"x.test"),
                (None, None, b"jdoe", b"example.org"),
                (b"Who?", None, b"one", b"y.test"),
            ],
        ),
        (
            b'"Giant; \\"Big\\" Box" <sysservices@example.net>',
            [(b'Giant; "Big" Box', None, b"sysservices", b"example.net")],
        ),
        (
            b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                (None, None, b"A Group", None),
                (b"Ed Jones", None, b"c", b"a.test"),
                (None, None, b"joe", b"where.test"),
                (b"John", None, b"jdoe", b"one.test"),
                END,
            ],
        ),
        (b"Undisclosed recipients:;", [(None, None, b"Undisclosed recipients", None), END]),
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [(b"Pete", None, b"pete", b"silly.test")],
        ),
        (
            b"Mary Smith <@node.test:mary@example.net>",
            [(b"Mary Smith", b"@node.test", b"mary", b"example.net")],
        ),
        (b"jdoe@test   . example", [(None, None, b"jdoe", b"test.example")]),
        # the wild
        (b"kim@daum.net (Kim Minjun)", [(b"Kim Minjun", None, b"kim", b"daum.net")]),
        (b"kim@[192.0.2.1]", [(None, None, b"kim", b"[192.0.2.1]")]),
        (b'"kim lee"@daum.net', [(None, None, b"kim lee", b"daum.net")]),
        (b"a..b.@daum.net", [(None, None, b"a..b.", b"daum.net")]),
        (b"<kim@daum.net>", [(None, None, b"kim", b"daum.net")]),
        (b'"" <kim@daum.net>', [(None, None, b"kim", b"daum.net")]),
        (b"Kim M. Jun. <kim@daum.net>", [(b"Kim M. Jun.", None, b"kim", b"daum.net")]),
        (b"=?utf-8?B?6rmA?= <kim@daum.net>", [(b"=?utf-8?B?6rmA?=", None, b"kim", b"daum.net")]),
        ("김 <kim@daum.net>".encode(), [("김".encode(), None, b"kim", b"daum.net")]),
        (
            b"kim@daum.net,\r\n\tlee@naver.com\r",
            [(None, None, b"kim", b"daum.net"), (None, None, b"lee", b"naver.com")],
        ),
        # what is missing is named, since NIL would announce a group
        (b"Mary Smith", [(b"Mary Smith", None, b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
        (b"root", [(None, None, b"root", b"MISSING_DOMAIN")]),
        (b"Kim <root>", [(b"Kim", None, b"root", b"MISSING_DOMAIN")]),
        (b"Kim <>", [(b"Kim", None, b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
        (b"Kim <kim@daum.net", [(b"Kim", None, b"kim", b"SYNTAX_ERROR")]),
        (b"Kim <@relay kim@daum.net>", [(b"Kim", b"INVALID_ROUTE", b"kim", b"daum.net")]),
        (b", kim@daum.net", [MISSING, (None, None, b"kim", b"daum.net")]),
        (b'"never closed <kim@daum.net>', [MISSING]),
        (b"(never closed", []),
        (b"kim@daum.net,", [(None, None, b"kim", b"daum.net")]),
        (b"", []),
        (b" \r\n ", []),
    ],
)
def test_a_list_reads_as(value: bytes, expected: list[tuple[bytes | None, ...]]) -> None:
    assert [tuple(address) for address in parse(value)] == expected


def test_group_marks_tell_themselves() -> None:
    begin, member, end = parse(b"Friends: kim@daum.net;")
    assert begin.begins_group and not begin.ends_group
    assert end.ends_group and not end.begins_group
    assert not member.begins_group and not member.ends_group


def test_fields_of_one_name_are_joined() -> None:
    assert parse_all([b"a@x.example", b"b@y.example"]) == (
        Address(None, None, b"a", b"x.example"),
        Address(None, None, b"b", b"y.example"),
    )


@pytest.mark.parametrize("one", [b"a@b.c, ", b"a . b @ c . d, ", b"g: a@b.c; , ", b", ", b"x <y, "])
def test_a_list_without_end_is_cut_at_the_bound(one: bytes) -> None:
    assert len(parse(one * (MAX_ADDRESSES * 2))) <= MAX_ADDRESSES + 2
