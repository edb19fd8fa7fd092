"""SCRAM-SHA-256: the exchange of RFC 7677 §3, and what must not pass."""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.proto.sasl.mechanism import Challenge, Malformed, ScramLookup, ScramOutcome
from mailaccess.proto.sasl.saslprep import saslprep
from mailaccess.proto.sasl.scram import MAX_NONCE, ScramSha256, derive

CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
NONCE = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
CLIENT_FINAL = b"c=biws,r=" + NONCE + b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="


def begun(first=CLIENT_FIRST, password=b"pencil"):
    mechanism = ScramSha256(lambda: b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    step = mechanism.start(first)
    assert isinstance(step, ScramLookup)
    return mechanism, mechanism.secret(derive(password, SALT, 4096))


def test_the_exchange_of_rfc_7677():
    mechanism, challenge = begun()
    assert challenge.data == b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    step = mechanism.respond(CLIENT_FINAL)
    assert step == Challenge(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert mechanism.respond(b"") == ScramOutcome("user", True)


def test_a_wrong_password_fails_without_a_signature():
    mechanism, _ = begun(password=b"pencils")
    assert mechanism.respond(CLIENT_FINAL) == ScramOutcome("user", False)


def test_without_an_initial_response_the_client_is_asked_for_its_first_message():
    mechanism = ScramSha256()
    assert mechanism.start(None) == Challenge(b"")
    assert mechanism.respond(CLIENT_FIRST) == ScramLookup("user")


def test_a_client_that_could_bind_but_sees_that_we_do_not_is_welcome():
    """RFC 5802 §6: ``y`` is an attack only where the server offers -PLUS."""
    mechanism, challenge = begun(b"y,,n=user,r=abc")
    nonce = challenge.data[2:].partition(b",")[0]
    final = proof(b"y,,", b"n=user,r=abc", challenge.data, nonce, b"pencil")
    assert isinstance(mechanism.respond(final), Challenge)


def proof(gs2, bare, server_first, nonce, password):
    """What a client computes. RFC 5802 §3."""
    without = b"c=" + b64encode(gs2) + b",r=" + nonce
    salted = hashlib.pbkdf2_hmac("sha256", password, SALT, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    message = b",".join((bare, server_first, without))
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    return without + b",p=" + b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True)))


def test_names_are_decoded_and_the_authorization_identity_told():
    step = ScramSha256().start(b"n,a=boss=2Cbig,n=a=3Db=2Cc,r=abc")
    assert step == ScramLookup("a=b,c")
    mechanism, challenge = begun(b"n,a=boss=2Cbig,n=a=3Db=2Cc,r=abc")
    nonce = challenge.data[2:].partition(b",")[0]
    gs2, bare = b"n,a=boss=2Cbig,", b"n=a=3Db=2Cc,r=abc"
    mechanism.respond(proof(gs2, bare, challenge.data, nonce, b"pencil"))
    assert mechanism.respond(b"") == ScramOutcome("a=b,c", True, "boss,big")


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"x,,n=user,r=abc",
        b"p=tls-exporter,,n=user,r=abc",
        b"n,,n=a=b,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n=\xd7\x90a,r=abc",
        b"n,,m=ext,n=user,r=abc",
        b"n,,n=user,r=a\tb",
        b"n,,n=user,r=" + b"a" * (MAX_NONCE + 1),
        b"n,,n=user,r=" + b"a" * 9000,
    ],
)
def test_a_broken_first_message_is_refused(first):
    with pytest.raises(Malformed):
        ScramSha256().start(first)


@pytest.mark.parametrize(
    "final",
    [
        b"",
        CLIENT_FINAL.replace(b"biws", b"eSws"),  # y,, instead of n,,
        CLIENT_FINAL.replace(b"r=rOpr", b"r=xOpr"),
        CLIENT_FINAL.replace(b",p=dHzb", b",p=!Hzb"),
        CLIENT_FINAL.replace(b"c=biws", b"c=b"),
    ],
)
def test_a_broken_final_message_is_refused(final):
    mechanism, _ = begun()
    with pytest.raises(Malformed):
        mechanism.respond(final)


def test_a_proof_of_another_length_is_wrong():
    mechanism, _ = begun()
    step = mechanism.respond(CLIENT_FINAL[: CLIENT_FINAL.index(b"p=")] + b"p=AAAA")
    assert step == ScramOutcome("user", False)


def test_nothing_may_follow_the_end():
    mechanism, _ = begun()
    mechanism.respond(CLIENT_FINAL)
    with pytest.raises(Malformed):
        mechanism.respond(b"more")
    mechanism.respond(b"")
    with pytest.raises(Malformed):
        mechanism.respond(b"")


@given(st.binary(max_size=120))
def test_octets_of_any_kind_are_read_or_refused(data):
    for prefix in (b"", b"n,,n=user,r=", b"n,a="):
        try:
            ScramSha256().start(prefix + data)
        except Malformed:
            pass
    mechanism, _ = begun()
    try:
        assert not isinstance(mechanism.respond(b"c=biws,r=" + NONCE + b",p=" + data), Challenge)
    except Malformed:
        pass


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\xadX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\xaa", "a"),
        ("\u2168", "IX"),
        ("a\xa0b", "a b"),
    ],
)
def test_the_examples_of_rfc_4013(text, prepared):
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\x07", "\u0627\x31", "\u0627a\u0627", "\ue000", "\u200e", "\u0221"])
def test_saslprep_forbids(text):
    with pytest.raises(ValueError):
        saslprep(text)


def test_a_password_that_saslprep_forbids_is_taken_as_it_is():
    assert derive(b"\x07bell", b"salt", 2) == derive(b"\x07bell", b"salt", 2)
    assert binascii.hexlify(derive(b"\xff", b"salt", 1).stored_key)
