"""Base64 lines, ``=`` and ``*`` as IMAP, POP3 and SMTP carry them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.proto.sasl.mechanism import Cancelled, Malformed
from mailaccess.proto.sasl.wire import MAX_LINE, decode_initial, decode_response, encode_challenge


@given(st.binary(max_size=300))
def test_what_is_encoded_reads_back(data):
    assert decode_response(encode_challenge(data)) == data


def test_an_equals_sign_is_an_empty_initial_response():
    assert decode_initial(b"=") == b""


def test_an_empty_line_answers_a_challenge_with_nothing():
    assert decode_response(b"") == b""


def test_a_star_gives_up():
    with pytest.raises(Cancelled):
        decode_response(b"*")


@pytest.mark.parametrize(
    "line", [b"=", b"AGE", b"AG E=", b"A===", b"\xff", b"AAAA=", b"AGEA\r", b"A" * (MAX_LINE + 4)]
)
def test_what_is_not_base64_is_refused(line):
    with pytest.raises(Malformed):
        decode_response(line)
