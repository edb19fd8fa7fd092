"""Password hashes: those that Dovecot 2.3.19 made (``doveadm pw -p geheim€``), and our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.auth import libcrypt, schemes
from mailaccess.auth.schemes import CHEAP, BadHash, PasswordRefused, make, verify
from mailaccess.config.sections import SCHEMES as CONFIGURABLE

PASSWORD = "geheim€".encode()

FROM_DOVECOT = [
    "{PLAIN}geheim€",
    "{CLEARTEXT}geheim€",
    "{SHA1}rTv+xKcM4MeYMeeZ0bEBOREoTuU=",
    "{SHA}rTv+xKcM4MeYMeeZ0bEBOREoTuU=",
    "{SHA256}GQSck75kbyuwVI+esZgRi6bUUMkeKi9+nCBvMW58YhI=",
    "{SHA512}fIihojS778YsKfWSc5Z2sjwBws59UMN72WYwkFXCY6TbDMGj7zJiOYegz5UClVVas+dSCZlOe0wU8ynDTtV+ng==",
    "{SSHA}5ObSDsn2Yd/HOZv7qGk+y7zTSXSTBrxB",
    "{SSHA256}zU6dlSL+c4jGd7GyfUhpCndHsRPqnsp0I1ID9Se6nAFIyfjj",
    "{SSHA512}C/0PwWLhpdqgSadBULIljgCQWbWHWS5X+hrdkj+ldl1PfLSyCobiknNoCVIxPin7c473ZHncC9LHPrO4wj0UAnRMFQE=",
    "{SMD5}KKdeqpu3VS5wbx52yCSlQOK6iu0=",
    "{LDAP-MD5}FLIb9tZbXoj2Ay9FLgk7TA==",
    "{PLAIN-MD5}14b21bf6d65b5e88f6032f452e093b4c",
    "{MD5-CRYPT}$1$XQxFtzKX$YcJVOne2Hx84ViZswQnU8/",
    "{MD5}$1$bhLu91Pi$wueqKOctUUNaFMq/S7DoL/",
    (
        "{SHA512-CRYPT}$6$QQ4aO/IvzJwOyX1e$1nb/l8XOT7Q0oS9.IySggkX.uB7Z49fmn3NXtTnJAZsvcLJA5yaKCsTFX45o7oKLw/0w"
        "JE4KQ11oXPYdBx8Vd/"
    ),
    "{SHA256-CRYPT}$5$EOi0EmVaHnSnuNil$2wEX6sRKHdbh7CEwnlNSiUp2mwFcOC5JVgY49.U8s45",
    "{BLF-CRYPT}$2y$05$x7rRXeb62tm9AHE.xA6cXunqoIFZD5yFAHB5TE.v7rTJUdjNfPU9C",
    "{CRYPT}$2y$05$nXiWLNyxiea30.d8uGr3LuXErc.bBYzKGSgHc.pVYF/W21Cuygk06",
    "{PBKDF2}$1$W0O0wpg21jGcPUUu$5000$2abaa1955fa4659aa9e4c0e10247866b15aea66a",
    "{SCRAM-SHA-1}4096,02Kgb5AQ6JZLxBhEAvX00A==,Xm3MhBhm3YiNZ7ag+ai2TlvQRuY=,AdQjw003O8cp6Z3toVhcivftZeM=",
    (
        "{SCRAM-SHA-256}4096,IMXtAALqRotXOy8PPm1pqA==,nxM4FktOGpTI1AE2/W885XD2VqBVJ+indAmlfqCagWU=,"
        "sT3pArmenKRV3HulL6ycZL3BEv4RfIb4uqab2DctYM8="
    ),
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$fGEDh9vH6zzaxSKmo7rhxQ$HiAZagKr2pjHNsjIyUGyVcSu8ehU7I3r14KpXTPMvbk",
    (
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$riQGTXFKN4joSJmTV/tXww"
        "$GKe/QF6FGeu8q6NP25CUqu8Dv0gDeTS97fcjVgMLuB0"
    ),
]


@pytest.mark.parametrize("stored", FROM_DOVECOT, ids=lambda stored: stored.partition("}")[0][1:])
def test_a_hash_made_by_dovecot_is_understood(stored):
    assert verify(stored, PASSWORD)
    assert not verify(stored, PASSWORD[:-1])


@pytest.mark.parametrize("scheme", schemes.SCHEMES)
def test_a_hash_of_ours_reads_back(scheme):
    stored = make(scheme, PASSWORD, CHEAP)
    assert stored.startswith("{" + scheme + "}")
    assert verify(stored, PASSWORD)
    assert not verify(stored, b"other")
    assert not verify(stored, b"")


def test_the_configuration_offers_exactly_the_schemes_there_are():
    assert sorted(CONFIGURABLE) == sorted(schemes.SCHEMES)


@pytest.mark.parametrize(
    "stored",
    [
        "{SSHA256.HEX}3af66effc8b4e05bb83b70c26b861d5034a87389a3b772b0d7563102756dc37eec69cca0",
        "{ssha256.hex}3af66effc8b4e05bb83b70c26b861d5034a87389a3b772b0d7563102756dc37eec69cca0",
        "{PLAIN.b64}eA==",
        "{PLAIN.HEX}78",
        "{SHA}11f6ad8ec52a2984abaafd7c3b516503785c2072",  # hex, told by its length as Dovecot does
        "{MD5-CRYPT.b64}JDEkYWJjJE9HeWw2ZER2WkNEaUdtSVZiZXVDcS8=",
    ],
)
def test_encodings_by_suffix_in_any_case(stored):
    assert verify(stored, b"x")
    assert not verify(stored, b"y")


@pytest.mark.parametrize("scheme", ["SSHA256.HEX", "sha512.b64", "PLAIN.hex", "BLF-CRYPT.B64"])
def test_encodings_can_be_asked_for(scheme):
    stored = make(scheme, PASSWORD, CHEAP)
    assert "." in stored.partition("}")[0]
    assert verify(stored, PASSWORD)


def test_a_hash_without_a_label_is_told_by_its_prefix_or_the_default():
    argon = make("ARGON2ID", PASSWORD, CHEAP).removeprefix("{ARGON2ID}")
    assert verify(argon, PASSWORD, default_scheme="PLAIN")
    assert verify("$1$XQxFtzKX$YcJVOne2Hx84ViZswQnU8/", PASSWORD, default_scheme="ARGON2ID")
    assert verify("plain", b"plain", default_scheme="PLAIN")
    with pytest.raises(BadHash):
        verify("plain", b"plain", default_scheme="ARGON2ID")


def test_yescrypt_and_whatever_else_the_system_knows():
    stored = libcrypt.crypt(PASSWORD, "$y$j9T$salt$")
    if stored is None:
        pytest.skip("this system's libcrypt has no yescrypt")
    assert verify("{CRYPT}" + stored, PASSWORD)
    assert not verify(stored, b"other")


@pytest.mark.parametrize("scheme", ["SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "DES-CRYPT"])
def test_without_libcrypt_libpass_computes_the_same(scheme, monkeypatch):
    stored = make(scheme, b"geheim", CHEAP)
    monkeypatch.setattr(libcrypt, "_crypt_r", None)
    assert verify(stored, b"geheim")
    assert not verify(stored, b"geheime"[1:])
    again = make(scheme, b"geheim", CHEAP)
    monkeypatch.undo()
    assert verify(again, b"geheim")


def test_bcrypt_refuses_what_it_would_cut():
    for scheme in ("BLF-CRYPT", "CRYPT"):
        with pytest.raises(PasswordRefused, match="72 octets"):
            make(scheme, b"x" * 73, CHEAP)
        stored = make(scheme, b"x" * 72, CHEAP)
        assert verify(stored, b"x" * 72)
        with pytest.raises(PasswordRefused):
            verify(stored, b"x" * 73)


@pytest.mark.parametrize(
    "stored",
    [
        "{NOSUCH}x",
        "{SSHA}!!!",
        "{SSHA}AAAA",
        "{SHA256}AAAA",
        "{PLAIN-MD5}14b21b",
        "{ARGON2ID}",
        "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$xx",
        "{ARGON2ID}$argon2i$v=19$m=8,t=1,p=1$Vzlu4wRV/w/nBCeq$bqXk",
        "{BLF-CRYPT}$2y$05$short",
        "{BLF-CRYPT}$6$salt$hash",
        "{SHA512-CRYPT}plain",
        "{CRYPT}$nosuch$x$y",
        "{CRYPT}",
        "{PBKDF2}$1$salt$0$00",
        "{PBKDF2}$2$salt$5000$2abaa1955fa4659aa9e4c0e10247866b15aea66a",
        "{SCRAM-SHA-256}4096,AAAA,AAAA,AAAA",
        "{SCRAM-SHA-256}x",
        "{SCRAM-SHA-256}4096,!,!,!",
        "{PLAIN.hex}xyz",
        "{SSHA512.b64}=",
        "x" * 3000,
        "",
    ],
)
def test_a_broken_hash_is_the_operators_problem(stored):
    with pytest.raises(BadHash):
        verify(stored, b"x", default_scheme="SSHA")


@given(st.text(max_size=60), st.sampled_from(sorted(schemes.SCHEMES)), st.sampled_from(["", ".b64", ".hex"]))
def test_any_text_as_a_hash_is_refused_or_wrong_but_never_an_accident(data, scheme, suffix):
    try:
        verify("{" + scheme + suffix + "}" + data, b"the password")
    except (BadHash, PasswordRefused):
        pass


@given(
    st.binary(min_size=1, max_size=100), st.sampled_from(["PLAIN", "SSHA512", "SHA256.hex", "SMD5", "PBKDF2"])
)
def test_any_octets_can_be_a_password_and_fit_a_line(password, scheme):
    stored = make(scheme, password, CHEAP)
    assert verify(stored, password)
    assert not any(ord(char) <= 0x20 or char == ":" for char in stored)


def test_a_nul_is_never_cut_off():
    stored = make("SHA512-CRYPT", b"secret", CHEAP)
    assert not verify(stored, b"secret\0more")
    with pytest.raises(PasswordRefused):
        make("SHA512-CRYPT", b"sec\0ret", CHEAP)


def test_empty_and_endless_passwords_are_not_set():
    for password in (b"", b"x" * 5000):
        with pytest.raises(PasswordRefused):
            make("SSHA512", password)


def test_scram_secrets_come_out_of_their_scheme_only():
    keys = schemes.scram_keys(FROM_DOVECOT[-3])
    assert keys is not None and keys.iterations == 4096 and len(keys.stored_key) == 32
    assert schemes.scram_keys("{PLAIN}x") is None
    assert schemes.cleartext("{PLAIN.b64}eA==") == b"x"
    assert schemes.cleartext("{SHA}rTv+xKcM4MeYMeeZ0bEBOREoTuU=") is None
