import pytest

from mailaccess.proto.smtp.address import Address, BadAddress, parse


@pytest.mark.parametrize(
    ("text", "local", "domain", "written"),
    [
        ("lee@naver.com", "lee", "naver.com", "lee@naver.com"),
        ("Lee.S+shop@Naver.COM.", "Lee.S+shop", "Naver.COM", "Lee.S+shop@Naver.COM"),
        ('"lee"@naver.com', "lee", "naver.com", "lee@naver.com"),
        ('"a b"@x.y', "a b", "x.y", '"a b"@x.y'),
        (r'"a\"\\b\c"@x.y', r'a"\bc', "x.y", r'"a\"\\bc"@x.y'),
        ('"a@b"@x.y', "a@b", "x.y", '"a@b"@x.y'),
        ("a..b.@docomo.ne.jp", "a..b.", "docomo.ne.jp", '"a..b."@docomo.ne.jp'),
        ("lee@[192.0.2.1]", "lee", "[192.0.2.1]", "lee@[192.0.2.1]"),
        ("lee@[IPv6:2001:db8::1]", "lee", "[IPv6:2001:db8::1]", "lee@[IPv6:2001:db8::1]"),
        ("이@한국.kr", "이", "한국.kr", "이@한국.kr"),
        ("a_b@under_score.example", "a_b", "under_score.example", "a_b@under_score.example"),
        ("postmaster", "postmaster", "", "postmaster"),
    ],
)
def test_an_address_is_read_and_written_back(text, local, domain, written):
    address = parse(text)
    assert (address.local, address.domain, str(address)) == (local, domain, written)
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@x.y",
        "a@",
        "a b@x.y",
        'a"b"@x.y',
        '""@x.y',
        '"a@x.y',
        "a@x..y",
        "a@-x.y",
        "a@x-.y",
        "a@x y",
        "a@[",
        "a@[]",
        "a@b@c",
        "a\r\n@x.y",
        '"a\r\nb"@x.y',
        '"\x00"@x.y',
        "a@x.y\n",
        "<a@x.y>",
        "a" * 600 + "@x.y",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadAddress):
        parse(text)


def test_domains_compare_in_lower_case_and_as_a_labels():
    assert Address("x", "NAVER.com").host == "naver.com"
    assert Address("x", "한국.KR").host == Address("x", "xn--3e0b707e.kr").host


def test_a_long_hostile_address_takes_no_time():
    for text in ("a." * 50_000, "a@" + "a-" * 50_000, '"' + "\\a" * 50_000, "a@" + "a." * 50_000):
        with pytest.raises(BadAddress):
            parse(text)
