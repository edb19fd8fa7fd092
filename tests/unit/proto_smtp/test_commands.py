import pytest

from mailaccess.proto.smtp.address import Address
from mailaccess.proto.smtp.commands import (
    Auth,
    Bdat,
    Data,
    Hello,
    Mail,
    MailParameters,
    Rcpt,
    Simple,
    read,
)
from mailaccess.proto.smtp.replies import Refused

A = Address("a", "b.example")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO client.example", Hello("EHLO", "client.example")),
        (b"helo  [192.0.2.1] ", Hello("HELO", "[192.0.2.1]")),
        (b"LHLO x", Hello("LHLO", "x")),
        (b"MAIL FROM:<a@b.example>", Mail(A, MailParameters())),
        (b"mail from:<> size=12 body=8bitmime", Mail(None, MailParameters(12, "8BITMIME"))),
        (b"MAIL FROM:<a@b.example> AUTH=<> SMTPUTF8", Mail(A, MailParameters(smtputf8=True))),
        (b"MAIL FROM:<@c.example,@d.example:a@b.example>", Mail(A, MailParameters())),
        (b"RCPT TO:<a@b.example>", Rcpt(A)),
        (b"RCPT  TO:<postmaster>", Rcpt(Address("postmaster", ""))),
        (b"DATA", Data()),
        (b"DATA ", Data()),
        (b"BDAT 10", Bdat(10, False)),
        (b"bdat 0 last", Bdat(0, True)),
        (b"AUTH plain", Auth("PLAIN", None)),
        (b"AUTH SCRAM-SHA-256 =", Auth("SCRAM-SHA-256", b"=")),
        (b"RSET", Simple("RSET")),
        (b"quit", Simple("QUIT")),
        (b"NOOP x y", Simple("NOOP")),
        (b"VRFY lee", Simple("VRFY")),
        (b"STARTTLS", Simple("STARTTLS")),
    ],
)
def test_a_command_is_read(line, command):
    assert read(line) == command


@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        (b"", 500, "5.5.2"),
        (b"\xff\xfe", 500, "5.5.2"),
        (b"GET / HTTP/1.1", 500, "5.5.2"),
        (b"EHLO", 501, "5.5.4"),
        (b"EHLO a b", 501, "5.5.4"),
        (b"EHLO \x01", 501, "5.5.4"),
        (b"MAIL", 501, "5.5.4"),
        (b"MAIL FROM", 501, "5.5.4"),
        (b"MAIL TO:<a@b.example>", 501, "5.5.4"),
        (b"MAIL FROM: <a@b.example>", 501, "5.5.4"),
        (b"MAIL FROM:a@b.example", 501, "5.5.4"),
        (b"MAIL FROM:<a>", 501, "5.1.7"),
        (b"MAIL FROM:<a@b.example", 501, "5.1.3"),
        (b"MAIL FROM:<a@b.example>SIZE=1", 501, "5.5.4"),
        (b"MAIL FROM:<a@b.example> SIZE=x", 501, "5.5.4"),
        (b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2", 501, "5.5.4"),
        (b"MAIL FROM:<a@b.example> BODY=BINARYMIME", 501, "5.5.4"),
        (b"MAIL FROM:<a@b.example> RET=FULL", 555, "5.5.4"),
        (b"MAIL FROM:<a@b.example> =", 501, "5.5.4"),
        (b"MAIL FROM:<a@b.example>" + b" A=1" * 30, 501, "5.5.4"),
        (b"MAIL FROM:<\xff@b.example>", 501, "5.5.2"),
        (b"RCPT TO:<>", 501, "5.1.3"),
        (b"RCPT TO:<a@b.example> ORCPT=rfc822;a@b.example", 555, "5.5.4"),
        (b"BDAT", 501, "5.5.4"),
        (b"BDAT -1", 501, "5.5.4"),
        (b"BDAT 1 LAS", 501, "5.5.4"),
        (b"AUTH", 501, "5.5.4"),
        (b"DATA now", 501, "5.5.4"),
    ],
)
def test_what_is_wrong_is_told(line, code, enhanced):
    with pytest.raises(Refused) as refused:
        read(line)
    assert (refused.value.reply.code, refused.value.reply.enhanced) == (code, enhanced)


def test_clients_mistakes_in_paths_are_read_where_that_is_allowed():
    for line in (b"MAIL FROM: <a@b.example>", b"MAIL FROM:a@b.example", b"mail from : a@b.example"):
        assert read(line, lenient=True) == Mail(A, MailParameters())


def test_utf8_needs_smtputf8():
    with pytest.raises(Refused) as refused:
        read("RCPT TO:<이@b.example>".encode())
    assert refused.value.reply.enhanced == "5.6.7"
    assert read("RCPT TO:<이@b.example>".encode(), utf8=True) == Rcpt(Address("이", "b.example"))
