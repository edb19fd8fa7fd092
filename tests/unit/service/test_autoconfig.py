"""What clients are told so that people need not type it."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from mailaccess.config.sections import Listen, Settings, Tls
from mailaccess.service.autoconfig import outlook, thunderbird

SETTINGS = Settings(
    hostname="mail.naver.com",
    domains=("naver.com", "다음.한국"),
    listen=Listen(
        imap=("[::]:143",),
        imaps=("0.0.0.0:993",),
        pop3s=("0.0.0.0:995",),
        submissions=("0.0.0.0:465",),
        submission=("0.0.0.0:587",),
        lmtp=("unix:lmtp.sock",),
    ),
    tls=Tls(certificate=Path("cert.pem"), key=Path("key.pem")),
)

REQUEST = b"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>lee@naver.com</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a
</AcceptableResponseSchema></Request></Autodiscover>"""


def servers(tree, kind):
    return [
        (each.get("type"), each.findtext("hostname"), each.findtext("port"), each.findtext("socketType"))
        for each in tree.iter(kind)
    ]


def test_thunderbird_is_offered_tls_from_the_first_octet_first():
    tree = ElementTree.fromstring(thunderbird(SETTINGS))
    assert servers(tree, "incomingServer") == [
        ("imap", "mail.naver.com", "993", "SSL"),
        ("imap", "mail.naver.com", "143", "STARTTLS"),
        ("pop3", "mail.naver.com", "995", "SSL"),
    ]
    assert servers(tree, "outgoingServer") == [
        ("smtp", "mail.naver.com", "465", "SSL"),
        ("smtp", "mail.naver.com", "587", "STARTTLS"),
    ]
    assert {each.text for each in tree.iter("username")} == {"%EMAILADDRESS%"}


def test_an_international_domain_is_told_as_an_a_label():
    tree = ElementTree.fromstring(thunderbird(SETTINGS))
    assert [each.text for each in tree.iter("domain")] == ["naver.com", "xn--2j1b000b.xn--3e0b707e"]


def test_without_a_certificate_nothing_promises_one():
    plain = Settings(hostname="mail", domains=("a.example",), listen=Listen(imap=("127.0.0.1:1143",)))
    tree = ElementTree.fromstring(thunderbird(plain))
    assert servers(tree, "incomingServer") == [("imap", "127.0.0.1", "1143", "plain")]


def test_outlook_gets_its_own_address_as_login():
    tree = ElementTree.fromstring(outlook(SETTINGS, REQUEST))
    names = [each.tag.rpartition("}")[2] for each in tree.iter()]
    assert names.count("Protocol") == 5
    assert {each.text for each in tree.iter() if each.tag.endswith("LoginName")} == {"lee@naver.com"}


@pytest.mark.parametrize("request_", [b"", b"<EMailAddress></EMailAddress>", b"\xff" * 100, b"<" * 100_000])
def test_what_is_no_request_gets_no_answer(request_):
    assert outlook(SETTINGS, request_) is None


def test_an_address_cannot_add_elements():
    answer = outlook(SETTINGS, b"<EMailAddress>a&b\"'@x</EMailAddress>")
    tree = ElementTree.fromstring(answer)
    assert {each.text for each in tree.iter() if each.tag.endswith("LoginName")} == {"a&b\"'@x"}
