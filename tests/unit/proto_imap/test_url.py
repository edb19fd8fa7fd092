"""URLs of messages (RFC 5092 §11; RFC 4467 for those with URLAUTH)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.proto.imap.fetch import Section, SectionText
from mailaccess.proto.imap.url import Access, Authority, BadUrl, MessageUrl, parse

TOKEN = "91354a473744909de610943775f92038"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/Drafts;UIDVALIDITY=385759045/;UID=20", MessageUrl(None, "Drafts", 20, 385759045)),
        ("/Drafts/;uid=20", MessageUrl(None, "Drafts", 20)),
        (
            "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
            MessageUrl(None, "Drafts", 20, 385759045, Section((), SectionText.HEADER)),
        ),
        (
            "/INBOX/;UID=20/;SECTION=1.2/;PARTIAL=0.1024",
            MessageUrl(None, "INBOX", 20, None, Section((1, 2)), (0, 1024)),
        ),
        ("/inbox/;UID=20/;PARTIAL=7", MessageUrl(None, "INBOX", 20, None, Section(), (7, None))),
        (
            "/a/b%2Fc;UIDVALIDITY=1/;UID=2/;SECTION=1.HEADER.FIELDS%20(%22DATE%22%20FROM)",
            MessageUrl(None, "a/b/c", 2, 1, Section((1,), SectionText.HEADER_FIELDS, (b"DATE", b"FROM"))),
        ),
        ("/%EB%B3%B4%EB%82%B8%ED%8E%B8%EC%A7%80%ED%95%A8/;UID=3", MessageUrl(None, "보낸편지함", 3)),
        (";UID=20/;SECTION=TEXT", MessageUrl(None, None, 20, None, Section((), SectionText.TEXT))),
        ("/;UID=20", MessageUrl(None, None, 20)),
        (
            "imap://lee;AUTH=*@Mail.Naver.com:1143/INBOX/;UID=1",
            MessageUrl(Authority("mail.naver.com", "lee", 1143), "INBOX", 1),
        ),
        ("imap://[::1]/INBOX/;UID=1", MessageUrl(Authority("[::1]"), "INBOX", 1)),
    ],
)
def test_a_message_or_a_part_is_named(text, url):
    assert parse(text) == url


def test_an_authorized_url_says_who_may_use_it_and_until_when():
    """The example of RFC 4467 §7, with an end."""
    rump = (
        "imap://joe@example.com/INBOX/;uid=20/;section=1.2"
        ";expire=2026-11-25T10:00:00+09:00;urlauth=submit+fred%40example.com"
    )
    found = parse(f"{rump}:internal:{TOKEN}").authorization
    assert found is not None and found.rump == rump
    assert found.access == Access("submit+", "fred@example.com")
    assert found.expire == datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert (found.mechanism, found.token) == ("INTERNAL", TOKEN.encode())
    bare = parse(rump).authorization
    assert bare is not None and bare.token is None and bare.rump == rump
    anybody = parse("imap://joe@example.com/INBOX/;uid=20;urlauth=anonymous").authorization
    assert anybody is not None and anybody.access == Access("anonymous")


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "/INBOX", "/INBOX;UIDVALIDITY=1", "INBOX/;UID=1", "//server/INBOX/;UID=1", "/INBOX;UID=1",
        "/INBOX/;UID=0", "/INBOX/;UID=4294967296", "/INBOX/;UID=x", "/INBOX/;UID=1;SECTION=1", "/INBOX/;UID=1/",
        "/INBOX/;UID=1/;SECTION=", "/INBOX/;UID=1/;SECTION=MIME", "/INBOX/;UID=1/;SECTION=1]x",
        "/INBOX/;UID=1/;PARTIAL=1/;SECTION=1", "/INBOX/;UID=1/;UID=2", "/INBOX/;UID=1/;PARTIAL=0.0",
        "/IN BOX/;UID=1", "/%FF/;UID=1", "/%00/;UID=1", "/%2/;UID=1", "/a//b/;UID=1", "/INBOX?FROM%20x",
        "http://x/INBOX/;UID=1", "imap:///INBOX/;UID=1", "/INBOX/;UID=1;EXPIRE=2026-11-25T10:00:00Z",
        "/INBOX/;UID=1;URLAUTH=", "/INBOX/;UID=1;URLAUTH=user+", "/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL",
        "/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:12", "/INBOX/;UID=1;EXPIRE=2026-13-25T10:00:00Z;URLAUTH=anonymous",
        "/INBOX/;UID=1;NEW=1",
    ],
)  # fmt: skip
def test_what_names_no_message_is_refused(text):
    with pytest.raises(BadUrl):
        parse(text)


@given(st.text(alphabet="/;UID=1SECTIONPARL.%2:imap@x+", max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse("/INBOX/;UID=1" + text)
    except BadUrl:
        pass
