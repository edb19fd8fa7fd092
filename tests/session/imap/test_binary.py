"""BINARY (RFC 3516) and PREVIEW (RFC 8970)."""

import base64

import pytest

from tests.session.imap.house import MaildirHouse
from tests.session.imap.test_fetch import fetched, literal

PART = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n"
ZEROS = b"a\0b" * 100


def message(*parts):
    body = b"".join(b"--b\r\n" + PART % part for part in parts)
    return b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + body + b"--b--\r\n"


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


@pytest.fixture
def one(imap):
    encoded = base64.encodebytes(ZEROS).replace(b"\n", b"\r\n")
    text = message(
        (b"text/plain", b"quoted-printable", b"caf=C3=A9 =\r\nau lait"),
        (b"application/octet-stream", b"base64", encoded),
        (b"text/plain", b"x-unknown", b"??"),
    )
    imap.given("INBOX", [text, b"Subject: plain\r\n\r\nJust text.\r\n"])
    return imap.session("INBOX")


def test_parts_come_decoded(one):
    text = "café au lait".encode()
    assert fetched(one, "BINARY.PEEK[1]") == b"BINARY[1] " + literal(text)
    assert fetched(one, "BINARY.PEEK[1]<3.4>") == b"BINARY[1]<3> " + literal(text[3:7])
    assert fetched(one, "BINARY.SIZE[1]") == b"BINARY.SIZE[1] 13"
    assert fetched(one, "BINARY.PEEK[2]") == b"BINARY[2] ~{300}\r\n" + ZEROS
    assert fetched(one, "(BINARY.SIZE[2] BODY.PEEK[2]<0.4>)").startswith(
        b"BINARY.SIZE[2] 300 BODY[2]<0> {4}\r\n"
    )


def test_reading_one_sets_seen(one):
    assert fetched(one, "BINARY.SIZE[1]") == b"BINARY.SIZE[1] 13"
    assert fetched(one, "BINARY[1]").startswith(b"FLAGS (\\Seen) BINARY[1] {13}")


def test_an_unknown_encoding_is_refused_for_its_message_only(one):
    answer = one.ask("FETCH 1:2 (BINARY.PEEK[3])")
    assert answer.status.startswith("NO [UNKNOWN-CTE]") and answer.numbers("FETCH") == [2]
    assert one.ask("FETCH 1 (BINARY.SIZE[3])").status.startswith("NO [UNKNOWN-CTE]")


@pytest.mark.parametrize(
    ("written", "octets"),
    [(b"base64;", b"BINARY[1] {3}\r\nabc"), (b" BASE64 ; ", b"BINARY[1] {3}\r\nabc"), (b"7bit;", None)],
)
def test_a_semicolon_behind_the_encoding_is_passed_over(imap, written, octets):
    imap.given("INBOX", [message((b"text/plain", written, b"YWJj"))])
    expected = octets or b"BINARY[1] {4}\r\nYWJj"
    assert fetched(imap.session("INBOX"), "BINARY.PEEK[1]") == expected


@pytest.mark.parametrize("written", [b"", b'"base64"', b"7bit base64"])
def test_an_encoding_that_is_no_token_is_unknown(imap, written):
    """RFC 2045 §6.1, §6.4; BODYSTRUCTURE says 7BIT, since it has to say something."""
    imap.given(
        "INBOX", [message((b"text/plain", written, b"YWJj"), (b"text/plain", b"7bit", b"x" * 2_000_000))]
    )
    one = imap.session("INBOX")
    assert one.ask("FETCH 1 (BINARY.PEEK[1])").status.startswith("NO [UNKNOWN-CTE]")
    assert one.ask("FETCH 1 (BINARY.SIZE[1])").status.startswith("NO [UNKNOWN-CTE]")
    assert fetched(one, "BINARY.SIZE[2]") == b"BINARY.SIZE[2] 2000000"


def test_a_part_that_is_not_there_is_nil_and_has_no_size(one):
    assert fetched(one, "BINARY.PEEK[7]") == b"BINARY[7] NIL"
    assert fetched(one, "BINARY.SIZE[7]") == b"BINARY.SIZE[7] 0"


def test_a_large_part_is_decoded_while_it_is_written(imap):
    content = bytes(range(256)) * 8000
    text = message((b"application/zip", b"base64", base64.encodebytes(content).replace(b"\n", b"\r\n")))
    imap.given("INBOX", [text])
    one = imap.session("INBOX")
    assert fetched(one, "BINARY.PEEK[1]") == b"BINARY[1] ~{%d}\r\n%b" % (len(content), content)
    part = content[1_000_000:1_200_000]
    assert fetched(one, "BINARY.PEEK[1]<1000000.200000>") == b"BINARY[1]<1000000> ~{200000}\r\n" + part
    assert fetched(one, "BINARY.SIZE[1]") == b"BINARY.SIZE[1] %d" % len(content)


def test_preview(imap):
    imap.given("INBOX", [b"Subject: a\r\n\r\nhello", "Subject: b\r\n\r\n안녕".encode()])
    one = imap.session("INBOX")
    assert fetched(one, "PREVIEW") == b'PREVIEW "hello"'
    assert fetched(one, "(UID PREVIEW (LAZY))", 2) == b"UID 2 PREVIEW {6}\r\n" + "안녕".encode()


# --- APPEND of binary content, RFC 3516 §4.4 ----------------------------------------------------------------


def append(client, octets, *, before=b"", behind=b""):
    said = client.send(b"a APPEND INBOX %b~{%d+}\r\n%b%b\r\n" % (before, len(octets), octets, behind))
    return said.splitlines()[-1]


def test_binary_content_comes_back_as_it_went(house):
    content = b"\x00\xff\nline\r\n\x00" * 50
    mail = message((b"text/plain", b"7bit", b"plain"), (b"application/zip", b"BINARY", content))
    one = house.session("INBOX")
    assert append(one, mail).startswith(b"a OK [APPENDUID ")
    assert fetched(one, "BINARY.PEEK[2]") == b"BINARY[2] ~{%d}\r\n%b" % (len(content), content)
    assert fetched(one, "BINARY.SIZE[2]") == b"BINARY.SIZE[2] %d" % len(content)
    assert fetched(one, "BODY.PEEK[1]") == b"BODY[1] " + literal(b"plain")
    assert b'"base64"' in fetched(one, "BODYSTRUCTURE").lower()
    whole = fetched(one, "BODY.PEEK[]")
    assert b"\0" not in whole and whole.count(b"Content-Transfer-Encoding") == 2


def test_a_message_of_one_part_and_one_inside_another_are_encoded_too(house):
    one = house.session("INBOX")
    mail = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: binary\r\nSubject: x\r\n\r\nG\0F"
    assert append(one, mail).startswith(b"a OK ")
    assert fetched(one, "BINARY.PEEK[1]") == b"BINARY[1] ~{3}\r\nG\0F"
    inside = (
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n%b\r\n"
        b"--o--\r\n"
    )
    assert append(one, inside % mail).startswith(b"a OK ")
    assert fetched(one, "BINARY.PEEK[1.1]", 2) == b"BINARY[1.1] ~{3}\r\nG\0F"


def test_line_ends_of_binary_content_are_none(house):
    one = house.session("INBOX")
    mail = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\rc\r\n"
    assert append(one, mail).startswith(b"a OK ")
    assert fetched(one, "BINARY.PEEK[1]") == b"BINARY[1] " + literal(b"a\nb\rc\r\n")


def test_what_needs_no_change_stays_octet_for_octet(house):
    mail = message((b"text/plain", b"8bit", "안녕".encode()), (b"text/plain", b"binary", b"x\r\ny"))
    one = house.session("INBOX")
    assert append(one, mail).startswith(b"a OK ")
    assert fetched(one, "BODY.PEEK[]") == b"BODY[] " + literal(mail)


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: \0\r\n\r\nx",
        message((b"text/plain", b"quoted-printable", b"a\0")),
        b"\0",
    ],
)
def test_nul_where_no_encoding_reaches_it_is_refused(house, mail):
    one = house.session("INBOX")
    assert append(one, mail).startswith(b"a NO [UNKNOWN-CTE] ")
    assert append(one, b"a\0b", before=b"CATENATE (TEXT ", behind=b")").startswith(b"a NO [UNKNOWN-CTE] ")
    assert one.ask("NOOP").status.startswith("OK") and house.truth("INBOX") == []
