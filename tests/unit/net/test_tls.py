"""Certificates: made, checked, replaced while connections go on."""

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from OpenSSL import SSL
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailaccess.net.tls import ServerTls, TlsError, write_self_signed

NAMES = ["mail.naver.com", "localhost", "127.0.0.1"]


@pytest.fixture
def pair(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_self_signed(certificate, key, NAMES)
    return certificate, key


def handshake(tls: ServerTls, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """A handshake in memory against what a connection of the server would use."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = client.wrap_bio(incoming, outgoing, server_hostname=name)
    server = tls.serverConnectionForTLS(None)
    server.set_accept_state()
    for _ in range(10):
        try:
            peer.do_handshake()
        except ssl.SSLWantReadError:
            pass
        if outgoing.pending:
            server.bio_write(outgoing.read())
        try:
            server.do_handshake()
        except SSL.WantReadError:
            pass
        try:
            incoming.write(server.bio_read(65536))
        except SSL.WantReadError:
            pass
        if peer.version() and not outgoing.pending:
            return peer
    raise AssertionError("no handshake")


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_certificate_connects_by_each_name(pair, name):
    client = ssl.create_default_context(cafile=str(pair[0]))
    assert handshake(ServerTls(*pair), client, name).version() == "TLSv1.3"


def test_tls_below_the_minimum_is_refused(pair):
    client = ssl.create_default_context(cafile=str(pair[0]))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(ServerTls(*pair), client, "localhost").version() == "TLSv1.2"
    with pytest.raises((ssl.SSLError, SSL.Error, AssertionError)):
        handshake(ServerTls(*pair, minimum="1.3"), client, "localhost")


def test_the_key_is_its_owners_alone(pair):
    assert stat.S_IMODE(pair[1].stat().st_mode) == 0o600


def test_the_certificate_is_a_year_or_two_valid(pair):
    left = ServerTls(*pair).not_after - datetime.now(UTC)
    assert timedelta(days=400) < left < timedelta(days=826)


def test_a_replaced_certificate_counts_from_the_next_connection(pair):
    tls = ServerTls(*pair)
    assert tls.reload() is False
    write_self_signed(*pair, ["new.naver.com"])
    assert tls.reload() is True
    client = ssl.create_default_context(cafile=str(pair[0]))
    assert handshake(tls, client, "new.naver.com")


def test_while_only_one_of_the_two_is_replaced_the_old_ones_stay(pair, tmp_path):
    tls = ServerTls(*pair)
    old = x509.load_pem_x509_certificate(pair[0].read_bytes())
    (tmp_path / "old.pem").write_bytes(pair[0].read_bytes())
    write_self_signed(tmp_path / "c", tmp_path / "k", NAMES)
    os.replace(tmp_path / "c", pair[0])
    with pytest.raises(TlsError, match="not the private key"):
        tls.reload()
    client = ssl.create_default_context(cafile=str(tmp_path / "old.pem"))
    seen = handshake(tls, client, "localhost").getpeercert(binary_form=True)
    assert x509.load_der_x509_certificate(seen) == old
    os.replace(tmp_path / "k", pair[1])
    assert tls.reload() is True


@pytest.mark.parametrize("broken", [0, 1])
def test_an_error_names_the_file(pair, broken):
    pair[broken].write_text("nothing of the kind")
    with pytest.raises(TlsError, match=str(pair[broken])):
        ServerTls(*pair)
    pair[broken].unlink()
    with pytest.raises(TlsError, match=f"{pair[broken]}: No such file"):
        ServerTls(*pair)


def test_twisted_takes_it_as_a_connection_creator(pair):
    TLSMemoryBIOFactory(ServerTls(*pair), False, None)
