"""DKIM signatures: what we sign, dkimpy verifies, and so do we; what is changed on the way fails."""

import base64
import hashlib
import tracemalloc

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.model.work import InlineRunner
from mailaccess.net.lookups import LookupFailed
from mailaccess.screening import dkim as verification
from mailaccess.screening import keys
from mailaccess.screening.canonical import BodyHash, relaxed_field
from mailaccess.screening.signing import Signer
from tests.session.smallhouse import run

HEADER = (
    b"From: Lee <lee@naver.com>\r\nTo: kim@daum.net,\r\n\tpark@daum.net\r\nSubject: =?utf-8?q?a?=  b \r\n"
    b"Date: Wed, 25 Nov 2026 12:00:00 +0900\r\nReceived: one\r\nMessage-ID: <1@naver.com>\r\n"
)
BODY = b"hello  there \t\r\n\r\n.dot\r\n\r\n\r\n"
PROTECT = ("From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To")


class Zone:
    """TXT records by name; what is None does not answer."""

    def __init__(self, records):
        self.records = records
        self.asked = []

    async def look_up(self, name, kind):
        self.asked.append((name, kind))
        found = self.records.get((name, kind), ())
        if found is None:
            raise LookupFailed("no answer")
        return found


def pieces(octets, size=7):
    async def body():
        for start in range(0, len(octets), size):
            yield octets[start : start + size]

    return body


def signed(tmp_path, kind, header=HEADER, body=BODY, sender="lee@naver.com"):
    key = keys.create(tmp_path, "naver.com", "s1", kind)
    signer = Signer({"naver.com": [key]}, PROTECT, InlineRunner(), lambda: 1764028800.0)
    return key, run(signer.sign(header, pieces(body), sender))


def verify(key, header, body):
    zone = Zone({(key.name, "TXT"): (key.record.encode(),)})
    return run(verification.check(zone, InlineRunner(), header, pieces(body)))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_dkimpy_believes_our_signature(tmp_path, kind):
    key, field = signed(tmp_path, kind)
    message = field + HEADER + b"\r\n" + BODY
    assert dkim.verify(message, dnsfunc=lambda *_, **__: key.record.encode())
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))
    assert not dkim.verify(message.replace(b"hello", b"hallo"), dnsfunc=lambda *_, **__: key.record.encode())
    added = b"Subject: another\r\n" + message
    assert not dkim.verify(added, dnsfunc=lambda *_, **__: key.record.encode())


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_we_believe_our_signature_and_nothing_that_was_changed(tmp_path, kind):
    key, field = signed(tmp_path, kind)
    header = b"Received: later\r\n" + field + HEADER
    (found,) = verify(key, header, BODY)
    assert (found.result, found.domain, found.selector) == ("pass", "naver.com", "s1")
    assert found.algorithm == f"{kind}-sha256" and field.replace(b"\r\n\t ", b"").count(found.start.encode())
    assert verify(key, header, BODY + b"more\r\n")[0].reason == "the body was changed"
    assert verify(key, header.replace(b"park", b"hong"), BODY)[0].reason == "the header was changed"
    assert verify(key, header.replace(b"  b \r\n", b"  b   \r\n"), BODY)[0].result == "pass"
    assert verify(key, b"From: x@evil.example\r\n" + header, BODY)[0].result == "fail"


@pytest.mark.parametrize(
    "canonical", [b"simple/simple", b"relaxed/simple", b"simple/relaxed", b"relaxed/relaxed"]
)
def test_we_believe_what_dkimpy_signs(tmp_path, canonical):
    from cryptography.hazmat.primitives import serialization as s

    key = keys.create(tmp_path, "naver.com", "s1", "rsa")
    private = key.private.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption())
    for body in (BODY, b"", b"\r\n\r\n", b"no end"):
        message = HEADER + b"\r\n" + body
        field = dkim.sign(message, b"s1", b"naver.com", private, canonicalize=tuple(canonical.split(b"/")))
        assert [each.result for each in verify(key, field + HEADER, body)] == ["pass"]
        limited = dkim.sign(
            message, b"s1", b"naver.com", private, canonicalize=tuple(canonical.split(b"/")), length=True
        )
        assert [each.result for each in verify(key, limited + HEADER, body)] == ["pass"]


@given(
    st.binary(max_size=60) | st.text("a \t\r\n", max_size=60).map(str.encode),
    st.integers(1, 9),
    st.booleans(),
)
def test_the_body_hashes_the_same_however_it_is_cut(body, size, relaxed):
    from dkim.canonicalization import CanonicalizationPolicy

    from mailaccess.screening.canonical import BARE

    hashed = BodyHash(relaxed=relaxed)
    for start in range(0, len(body), size):
        hashed.update(body[start : start + size])
    whole = BARE.sub(b"\r\n", body)
    if whole and not whole.endswith(b"\r\n"):
        whole += b"\r\n"
    policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed" if relaxed else b"simple/simple")
    assert hashed.digest() == hashlib.sha256(policy.canonicalize_body(whole)).digest()


def test_a_line_without_end_takes_no_memory_and_no_time():
    hashed = BodyHash(relaxed=True)
    for _ in range(30):
        hashed.update(b"x" * 50_000 + b" \t" * 20_000)
        assert len(hashed._kept) < 2**16
    hashed.digest()


@pytest.mark.parametrize("relaxed", [True, False])
def test_nothing_but_empty_lines_and_a_word_at_the_end_takes_no_memory(relaxed):
    """All of the empty lines were made anew at once, in memory: twice the message's size for each signature."""
    hashed, piece = BodyHash(relaxed=relaxed), b"\r\n" * 2**15
    tracemalloc.start()
    for _ in range(100):
        hashed.update(piece)
    hashed.update(b"x\r\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
    assert hashed.digest() == hashlib.sha256(piece * 100 + b"x\r\n").digest()


def test_a_field_is_relaxed_as_the_rfc_shows():
    """RFC 6376 §3.4.5."""
    assert relaxed_field(b"A: X\r\n") == b"a:X\r\n"
    assert relaxed_field(b"B : Y\t\r\n\tZ  \r\n") == b"b:Y Z\r\n"


def test_who_has_no_key_is_not_signed(tmp_path):
    assert signed(tmp_path, "rsa", HEADER.replace(b"naver", b"daum"), sender="kim@daum.net")[1] == b""


def test_the_envelope_sender_signs_where_the_author_is_a_stranger(tmp_path):
    assert b"d=naver.com" in signed(tmp_path, "rsa", b"From: x@gmail.com\r\n")[1]


RSA_TAGS = b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.example; s=s; h=from; bh=AAAA; b=AAAA"


def number(length, octet=0xFF):
    return bytes((2, 0x83)) + length.to_bytes(3, "big") + bytes((octet,)) * length


@pytest.mark.parametrize(
    ("tags", "record", "result", "reason"),
    [
        (b"nonsense", b"", "permerror", "the signature is not well-formed"),
        (RSA_TAGS.replace(b"; s=s", b""), b"", "permerror", "the signature is not well-formed"),
        (RSA_TAGS.replace(b"s=s", b"s=../x"), b"", "permerror", "the signature is not well-formed"),
        (RSA_TAGS.replace(b"v=1", b"x" * 9000), b"", "permerror", "the signature is not well-formed"),
        (RSA_TAGS, b"", "permerror", "there is no such key"),
        (RSA_TAGS, None, "temperror", "the key could not be asked for"),
        (RSA_TAGS, b"v=DKIM1; p=", "permerror", "the key is revoked"),
        (RSA_TAGS, b"v=DKIM1; k=ed25519; p=AAAA", "permerror", "the key is of another kind"),
        (RSA_TAGS, b"v=DKIM1; p=" + b"A" * 3000, "permerror", "the key is too large"),
        (RSA_TAGS, b"v=DKIM1; p=AAAA", "permerror", "the key cannot be read (KeyFormatError)"),
        (RSA_TAGS.replace(b"sha256", b"sha1"), b"p=AAAA", "permerror", "rsa-sha1 counts no more"),
    ],
)
def test_what_is_wrong_is_told(tags, record, result, reason):
    zone = Zone(
        {("s._domainkey.x.example", "TXT"): record if record is None else (record,) if record else ()}
    )
    header = b"DKIM-Signature: " + tags + b"\r\n" + HEADER
    (found,) = run(verification.check(zone, InlineRunner(), header, pieces(BODY)))
    assert (found.result, found.reason) == (result, reason)


def test_a_key_that_would_cost_minutes_is_not_used():
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    modulus = (1 << 4095) | 12345
    octets = RSAPublicNumbers((1 << 2047) | 1, modulus)
    try:
        der = octets.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError:  # cryptography makes no such key; by hand: SEQUENCE { INTEGER, INTEGER }

        def integer(value):
            body = value.to_bytes(value.bit_length() // 8 + 1, "big")
            return b"\x02\x82" + len(body).to_bytes(2, "big") + body

        inner = integer(modulus) + integer((1 << 2047) | 1)
        der = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    zone = Zone({("s._domainkey.x.example", "TXT"): (b"p=" + base64.b64encode(der),)})
    header = b"DKIM-Signature: " + RSA_TAGS + b"\r\n" + HEADER
    (found,) = run(verification.check(zone, InlineRunner(), header, pieces(BODY)))
    assert found.reason == "the key's exponent is too large"


def test_no_more_signatures_are_looked_at_than_the_bound_and_no_larger_header():
    zone = Zone({})
    field = b"DKIM-Signature: " + RSA_TAGS + b"\r\n"
    assert len(run(verification.check(zone, InlineRunner(), field * 50 + HEADER, pieces(BODY)))) == 5
    folded = field + b"To: x\r\n" + b" y\r\n" * 40_000
    (found,) = run(verification.check(zone, InlineRunner(), folded, pieces(BODY)))
    assert found.result == "neutral"


def test_the_record_fits_into_a_zone(tmp_path):
    key = keys.create(tmp_path, "naver.com", "s1", "rsa")
    line = keys.zone_line(key)
    assert line.startswith('s1._domainkey.naver.com. IN TXT ( "v=DKIM1; k=rsa; p=')
    strings = line.split('"')[1::2]
    assert "".join(strings) == key.record and max(map(len, strings)) <= 255
    assert (tmp_path / "naver.com" / "s1.pem").stat().st_mode & 0o777 == 0o600
    assert keys.load(tmp_path, "naver.com", "s1").record == key.record
    with pytest.raises(FileExistsError):
        keys.create(tmp_path, "naver.com", "s1", "rsa")
    (tmp_path / "naver.com" / "bad.pem").write_text("x")
    with pytest.raises(keys.BadKey):
        keys.load(tmp_path, "naver.com", "bad")
