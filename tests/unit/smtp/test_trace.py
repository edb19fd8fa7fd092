import pytest

from mailaccess.proto.smtp.address import Address
from mailaccess.smtp.trace import Arrival, received


@pytest.mark.parametrize(
    ("greeting", "tls", "authenticated", "smtputf8", "protocol"),
    [
        ("HELO", "", False, False, "SMTP"),
        ("EHLO", "", False, False, "ESMTP"),
        ("EHLO", "x", False, False, "ESMTPS"),
        ("EHLO", "x", True, False, "ESMTPSA"),
        ("EHLO", "", True, True, "UTF8SMTPA"),
        ("LHLO", "", False, False, "LMTP"),
        ("LHLO", "x", False, True, "UTF8LMTPS"),
    ],
)
def test_protocol_names(greeting, tls, authenticated, smtputf8, protocol):
    """RFC 3848, RFC 6531 section 4.3."""
    arrival = Arrival(greeting, "h", "", "me", "id", 0.0, tls, authenticated, smtputf8)
    assert arrival.protocol == protocol


def test_nothing_a_client_says_breaks_out_of_the_field():
    arrival = Arrival("EHLO", "a)(b;c\x0b<d>", "2001:db8::1", "mail.naver.com", "id", 0.0)
    field = received(arrival, Address("lee", "naver.com")).decode().split("\r\n")
    assert field[0] == "Received: from a??b?c??d? ([IPv6:2001:db8::1])"
    assert field[2] == "\tid id for <lee@naver.com>;"
    assert len(field) == 5
