"""Port 25: what is taken, what is refused, and how it is stored."""

import pytest

MAIL = b"MAIL FROM:<hong@example.org>\r\n"


def test_a_message_arrives_with_its_trace(smtp):
    client = smtp.connect()
    client.talk("""
        C: MAIL FROM:<hong@example.org> SIZE=40 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<Lee@NAVER.com>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
    """)
    client.talk("""
        C: Subject: hi
        C:
        C: ..dot
        C: .
        S: 250 2.0.0 OK, stored as ...
        C: QUIT
        S: 221 2.0.0 Bye
    """)
    assert client.wire.closed
    (stored,) = smtp.inbox("lee@naver.com")
    front, _, rest = stored.partition(b"Subject:")
    assert rest == b" hi\r\n\r\n.dot\r\n"
    lines = front.decode().split("\r\n")
    assert lines[0] == "Return-Path: <hong@example.org>"
    assert lines[1] == "Delivered-To: Lee@NAVER.com"
    assert lines[2] == "Received: from client.example ([198.51.100.7])"
    assert lines[3] == "\tby mail.naver.com with ESMTP"
    assert lines[4].startswith("\tid ") and lines[4].endswith(" for <Lee@NAVER.com>;")


def test_everything_pipelined_in_one_write_is_answered_in_order(smtp):
    client = smtp.connect()
    said = client.codes(
        MAIL
        + b"RCPT TO:<nobody@naver.com>\r\nRCPT TO:<lee@naver.com>\r\nDATA\r\nSubject: x\r\n\r\nb\r\n.\r\n"
        + MAIL
        + b"RSET\r\nNOOP\r\nQUIT\r\n"
    )
    assert said == [
        "250 2.1.0",
        "550 5.1.1",
        "250 2.1.5",
        "354",
        "250 2.0.0",
        "250 2.1.0",
        "250 2.0.0",
        "250 2.0.0",
        "221 2.0.0",
    ]
    assert len(smtp.inbox("lee@naver.com")) == 1


def test_a_recipient_that_waits_holds_up_those_behind_it(smtp):
    """twisted.mail.smtp answers the second RCPT, and DATA, before the first."""
    from tests.session.smallhouse import Gate

    client = smtp.connect()
    smtp.auth.gate = gate = Gate()
    client.session.feed(MAIL + b"RCPT TO:<lee@naver.com>\r\nRCPT TO:<kim@elsewhere.example>\r\nDATA\r\n")
    client.go()
    assert client.wire.take() == b""
    gate.opened = True
    client.go()
    assert [line[:3] for line in client.wire.take().split(b"\r\n")] == [b"250", b"250", b"550", b"354", b""]


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("<someone@gmail.com>", "550 5.7.1"),
        ("<lee%gmail.com@naver.com>", "550 5.1.1"),
        ('<"lee@gmail.com"@naver.com>', "550 5.1.1"),
        ("<lee@[192.0.2.1]>", "550 5.1.2"),
        ("<@naver.com:someone@gmail.com>", "550 5.7.1"),
        ("<@gmail.com:lee@naver.com>", "250 2.1.5"),
        ("<lee>", "501 5.1.3"),
        ("<>", "501 5.1.3"),
        ("<lee@naver.com", "501 5.1.3"),
        (" <lee@naver.com>", "501 5.5.4"),
        ("lee@naver.com", "501 5.5.4"),
        ("<lee@naver.com> NOTIFY=NEVER", "555 5.5.4"),
        ('<"lee"@naver.com>', "250 2.1.5"),
        ("<lee+shop@naver.com>", "250 2.1.5"),
        ("<이@naver.com>", "553 5.6.7"),
    ],
)
def test_only_our_own_addresses_are_taken(smtp, recipient, code):
    client = smtp.connect()
    client.send(MAIL)
    assert client.codes(f"RCPT TO:{recipient}\r\n".encode()) == [code]


def test_postmaster_needs_no_domain(smtp):
    smtp.aliases.write_text("postmaster: lee\n")
    smtp.build()
    client = smtp.connect()
    client.send(MAIL)
    assert client.codes(b"RCPT TO:<Postmaster>\r\n") == ["250 2.1.5"]


def test_postmaster_of_every_domain_is_taken_though_nobody_has_the_name(smtp):
    """RFC 5321 §4.5.1: the mail waits where the account of that name would have it."""
    smtp.build()
    client = smtp.connect()
    rcpt = b"RCPT TO:<postmaster>\r\nRCPT TO:<PostMaster@daum.net>\r\n"
    assert client.codes(MAIL + rcpt + b"DATA\r\n\r\nx\r\n.\r\n")[1:] == [
        *("250 2.1.5", "250 2.1.5", "354", "250 2.0.0")
    ]
    assert len(smtp.inbox("postmaster@naver.com")) == len(smtp.inbox("postmaster@daum.net")) == 1


def test_the_null_sender_is_taken(smtp):
    client = smtp.connect()
    assert client.codes(b"MAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\nDATA\r\n\r\n.\r\n")[-1] == "250 2.0.0"
    assert smtp.inbox("lee@naver.com")[0].startswith(b"Return-Path: <>\r\n")


def test_commands_out_of_order_are_told_so(smtp):
    client = smtp.connect(hello=False)
    assert client.codes(MAIL) == ["503 5.5.1"]
    client.send(b"EHLO x\r\n")
    assert client.codes(b"RCPT TO:<lee@naver.com>\r\nDATA\r\n" + MAIL + MAIL + b"DATA\r\n") == [
        "503 5.5.1",
        "503 5.5.1",
        "250 2.1.0",
        "503 5.5.1",
        "503 5.5.1",
    ]


def test_who_has_mail_for_us_is_not_dropped_to_make_room(smtp):
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<nobody@naver.com>\r\n")
    assert not client.wire.vouched
    client.send(b"RCPT TO:<lee@naver.com>\r\n")
    assert client.wire.vouched


def test_small_commands(smtp):
    smtp.connect().talk("""
        C: VRFY
        S: 501 5.5.4 ...
        C: EXPN
        S: 501 5.5.4 ...
        C: VRFY lee
        S: 252 2.5.2 ...
        C: EXPN staff
        S: 502 5.5.1 ...
        C: HELP
        S: 214 2.0.0 RFC 5321
        C: NOOP some text
        S: 250 2.0.0 OK
        C: HELP VRFY
        S: 214 2.0.0 RFC 5321
        C: RSET now
        S: 501 5.5.4 ...
        C: QUIT now
        S: 501 5.5.4 ...
        C: DATA now
        S: 501 5.5.4 ...
        C: STARTTLS now
        S: 501 5.5.4 ...
        C: EHLO
        S: 501 5.5.4 ...
        C: HELO
        S: 501 5.5.4 ...
        C: MAIL
        S: 501 5.5.4 ...
        C: RCPT
        S: 501 5.5.4 ...
        C: BDAT
        S: 501 5.5.4 ...
        C: AUTH PLAIN
        S: 500 5.5.2 ...
        C: LHLO x
        S: 500 5.5.2 ...
        C: FOO
        S: 500 5.5.2 ...
    """)


def test_ehlo_tells_what_there_is(smtp):
    said = smtp.connect(hello=False).send(b"EHLO client.example\r\n").decode().splitlines()
    assert [line[4:] for line in said] == [
        "mail.naver.com",
        "PIPELINING",
        "SIZE 1048576",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
    ]


def test_too_many_errors_end_the_session(smtp):
    smtp.build(errors=3)
    client = smtp.connect()
    assert client.codes(b"A\r\nB\r\nC\r\nD\r\n") == ["500 5.5.2"] * 3 + ["421 4.7.0"]
    assert client.wire.closed


def test_a_line_without_end_costs_no_memory(smtp):
    client = smtp.connect()
    said = b"".join(client.send(b"A" * 8192) for _ in range(40))
    assert said == b"500 5.5.2 The line is too long\r\n"
    assert client.session.pending < 20000
    assert client.codes(b"\r\nNOOP\r\n") == ["250 2.0.0"]


def test_too_big_is_told_at_mail_and_while_it_comes(smtp):
    smtp.build(message_size=1000)
    client = smtp.connect()
    assert client.codes(b"MAIL FROM:<a@b.example> SIZE=1001\r\n") == ["552 5.3.4"]
    client.codes(MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n")
    assert client.send((b"x" * 98 + b"\r\n") * 11) == b""
    assert client.codes(b".\r\nNOOP\r\n") == ["552 5.3.4", "250 2.0.0"]
    assert smtp.inbox("lee@naver.com") == []
    assert all(upload.discarded for upload in smtp.store.account("lee@naver.com").uploads)


def test_a_loop_is_seen(smtp):
    smtp.build(hops=5)
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n")
    assert client.codes(b"Received: from a\r\n by b\r\n" * 6 + b"\r\nx\r\n.\r\n") == ["554 5.4.6"]
    assert smtp.inbox("lee@naver.com") == []


def test_a_full_mailbox_is_told_at_rcpt_and_at_the_end(smtp):
    client = smtp.connect()
    account = smtp.store.account("lee@naver.com")
    account.full = True
    assert client.codes(MAIL + b"RCPT TO:<lee@naver.com>\r\n")[-1] == "452 4.2.2"
    account.full = False
    client.send(b"RCPT TO:<lee@naver.com>\r\nDATA\r\n")
    account.full = True
    assert client.codes(b"\r\nx\r\n.\r\n") == ["452 4.2.2"]


def test_a_failing_disk_is_no_loss(smtp):
    from mailaccess.model.errors import TemporaryFailure

    smtp.store.account("lee@naver.com").append_fails = TemporaryFailure(detail="No space left on device")
    client = smtp.connect()
    said = client.send(MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n")
    assert said.endswith(b"451 4.3.0 Temporary failure, please try again later\r\n")
    assert ("delivery-failed", "No space left on device") in [
        (event, fields.get("error")) for event, _, fields in smtp.log.events
    ]


def test_a_full_disk_is_told_as_such(smtp):
    """RFC 3463 §3.4, X.3.1: not the mailbox, the system."""
    from mailaccess.model.errors import disk_failure

    full = disk_failure(OSError(28, "No space left on device"))
    smtp.store.account("lee@naver.com").append_fails = full
    rcpt = MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n"
    assert smtp.connect().codes(rcpt)[-1] == "452 4.3.1"
    assert smtp.connect("lmtp").codes(rcpt)[-1] == "452 4.3.1"


@pytest.mark.parametrize("command", [b"EHLO [192.0.2.1]", b"HELO [192.0.2.1]", b"EHLO [IPv6:2001:db8::1]"])
def test_a_client_may_name_itself_by_its_address(smtp, command):
    assert smtp.connect(hello=False).send(command + b"\r\n").startswith(b"250")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (b"SIZE=10 SIZE=10", "501 5.5.4"),
        (b"BODY=7BIT body=8bitmime", "501 5.5.4"),
        (b"BODY=BINARYMIME", "501 5.5.4"),
        (b"BODY", "501 5.5.4"),
        (b"SIZE", "501 5.5.4"),
        (b"SIZE=-1", "501 5.5.4"),
        (b"SIZE=99999999999999999999", "552 5.3.4"),
        (b"SMTPUTF8=yes", "501 5.5.4"),
        (b"AUTH", "501 5.5.4"),
        (b"MT-PRIORITY=3", "555 5.5.4"),
        (b"RET=HDRS", "555 5.5.4"),
        (b"SIZE=10 BODY=8BITMIME SMTPUTF8", "250 2.1.0"),
    ],
)
def test_parameters_of_mail(smtp, parameters, code):
    assert smtp.connect().codes(b"MAIL FROM:<a@b.example> " + parameters + b"\r\n") == [code]


def test_one_of_two_recipients_fails_and_the_retry_makes_no_duplicate(smtp):
    from mailaccess.model.errors import TemporaryFailure

    kim = smtp.store.account("kim@naver.com")
    kim.append_fails = TemporaryFailure()
    dialogue = MAIL + b"RCPT TO:<lee@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n"
    assert smtp.connect().codes(dialogue)[-1] == "451 4.3.0"
    assert (len(smtp.inbox("lee@naver.com")), len(smtp.inbox("kim@naver.com"))) == (1, 0)
    kim.append_fails = None
    assert smtp.connect().codes(dialogue)[-1] == "250 2.0.0"
    assert (len(smtp.inbox("lee@naver.com")), len(smtp.inbox("kim@naver.com"))) == (1, 1)
    assert smtp.connect().codes(dialogue)[-1] == "250 2.0.0"  # sent a third time on purpose
    assert (len(smtp.inbox("lee@naver.com")), len(smtp.inbox("kim@naver.com"))) == (2, 2)


def test_a_client_that_went_before_the_reply_makes_no_duplicate_either(smtp):
    from tests.session.smallhouse import Gate

    dialogue = MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n"
    account = smtp.store.account("lee@naver.com")
    account.gate = Gate()
    client = smtp.connect()
    client.send(dialogue)
    client.session.gone = True  # the connection is lost while the message is being stored
    account.gate.opened = True
    client.go()
    assert len(smtp.inbox("lee@naver.com")) == 1
    assert smtp.connect().codes(dialogue)[-1] == "250 2.0.0"
    assert len(smtp.inbox("lee@naver.com")) == 1


def test_a_connection_lost_in_the_middle_of_data_leaves_nothing(smtp):
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\nSubject: half\r\n\r\nof a mess")
    client.lose()
    (upload,) = smtp.store.account("lee@naver.com").uploads
    assert upload.discarded
    assert smtp.inbox("lee@naver.com") == []


def test_recipients_are_limited(smtp):
    smtp.build(recipients=2)
    client = smtp.connect()
    assert client.codes(MAIL + b"RCPT TO:<lee@naver.com>\r\n" * 3)[1:] == ["250 2.1.5"] * 2 + ["452 4.5.3"]


def test_two_addresses_of_one_account_make_one_copy(smtp):
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<lee@naver.com>\r\nRCPT TO:<LEE@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n")
    assert len(smtp.inbox("lee@naver.com")) == 1


def test_utf8_addresses_with_smtputf8(smtp):
    smtp.auth.passwords["이@naver.com"] = b"x"
    client = smtp.connect()
    assert client.codes("MAIL FROM:<홍@예.example>\r\n".encode()) == ["553 5.6.7"]
    said = client.codes(
        "MAIL FROM:<홍@예.example> SMTPUTF8\r\nRCPT TO:<이@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n".encode()
    )
    assert said == ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0"]
    stored = smtp.inbox("이@naver.com")[0].decode()
    assert stored.startswith("Return-Path: <홍@예.example>\r\n") and "with UTF8SMTP\r\n" in stored


def test_bdat(smtp):
    client = smtp.connect()
    first, second = b"Subject: chunks\r\n\r\n.\r\n", b"..x\r\n.\r\n"
    said = client.codes(
        MAIL
        + b"RCPT TO:<lee@naver.com>\r\nBDAT %d\r\n%bBDAT %d LAST\r\n%bNOOP\r\n"
        % (len(first), first, len(second), second)
    )
    assert said == ["250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.0.0"]
    assert smtp.inbox("lee@naver.com")[0].endswith(first + second)


def test_bdat_without_recipients_is_read_past(smtp):
    client = smtp.connect()
    assert client.codes(b"BDAT 7 LAST\r\nQUIT\r\n\nNOOP\r\n") == ["503 5.5.1", "250 2.0.0"]
    assert client.codes(MAIL + b"BDAT 0 LAST\r\n") == ["250 2.1.0", "503 5.5.1"]


def test_bdat_and_data_do_not_mix(smtp):
    client = smtp.connect()
    said = client.codes(
        MAIL + b"RCPT TO:<lee@naver.com>\r\nBDAT 3\r\na\r\nDATA\r\nRCPT TO:<kim@naver.com>\r\n"
    )
    assert said[2:] == ["250 2.0.0", "503 5.5.1", "503 5.5.1"]
    assert client.codes(b"BDAT 0 LAST\r\n") == ["250 2.0.0"]
    assert smtp.inbox("lee@naver.com")[0].endswith(b"a\r\n")


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\n.\r\r\n"])
def test_nothing_but_crlf_dot_crlf_ends_a_message(smtp, end):
    """SMTP smuggling: the second message must stay inside the first."""
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<lee@naver.com>\r\nDATA\r\n")
    smuggled = (
        b"Subject: a\r\n\r\nx" + end + b"MAIL FROM:<admin@naver.com>\r\nRCPT TO:<kim@naver.com>\r\nDATA\r\n"
    )
    assert client.send(smuggled) == b""
    assert client.codes(b"Subject: b\r\n\r\ny\r\n.\r\n") == ["250 2.0.0"]
    assert len(smtp.inbox("lee@naver.com")) == 1
    assert smtp.inbox("kim@naver.com") == []


def test_refusals_are_logged(smtp):
    client = smtp.connect()
    client.send(MAIL + b"RCPT TO:<x@gmail.com>\r\n")
    event, _, fields = smtp.log.events[-1]
    assert event == "refused"
    assert (fields["sender"], fields["recipient"], fields["rip"], fields["code"]) == (
        "hong@example.org",
        "x@gmail.com",
        "198.51.100.7",
        550,
    )
