"""The whole road with Python's own clients: in by SMTP and LMTP, out by IMAP and POP3."""

import imaplib
import poplib
import re
import smtplib
import socket
import ssl
import time

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually


def imap(server: Server, user: str, mailbox: str | None = "INBOX") -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    client.login(user, PASSWORD)
    if mailbox is not None:
        status, _ = client.select(mailbox)
        assert status == "OK"
    return client


def fetched(client: imaplib.IMAP4, number: int = 1, item: str = "BODY.PEEK[]") -> bytes:
    status, data = client.fetch(str(number), f"({item})")
    assert status == "OK"
    first = data[0]
    assert isinstance(first, tuple)
    return bytes(first[1])


def popped(server: Server, user: str) -> list[bytes]:
    """All messages by POP3 over TLS, as octets with CRLF."""
    client = poplib.POP3_SSL("127.0.0.1", server.ports["pop3s"], timeout=PATIENCE, context=loose())
    client.user(user)
    client.pass_(PASSWORD)
    count, _ = client.stat()
    found = [b"".join(line + b"\r\n" for line in client.retr(number + 1)[1]) for number in range(count)]
    client.quit()
    return found


def loose() -> ssl.SSLContext:
    """For clients that compare the address, not the name, with the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def picture(client: imaplib.IMAP4) -> list[bytes]:
    """Every message's numbers, size and flags, without \\Recent, which belongs to a session."""
    _, data = client.fetch("1:*", "(UID FLAGS RFC822.SIZE)")
    return [re.sub(rb" ?\\Recent", b"", line) for line in data if isinstance(line, bytes)]


@pytest.mark.parametrize("message", messages.ALL, ids=["plain", "mixed", "empty", "long"])
def test_an_appended_message_comes_back_octet_for_octet(server: Server, user: str, message: bytes) -> None:
    client = imap(server, user)
    assert client.append("INBOX", r"(\Flagged)", imaplib.Time2Internaldate(1700000000), message)[0] == "OK"
    client.noop()
    assert fetched(client) == message
    assert fetched(client, item="BODY.PEEK[HEADER]") + fetched(client, item="BODY.PEEK[TEXT]") == message
    status, data = client.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE)")
    assert status == "OK"
    line = bytes(data[0])  # type: ignore[arg-type]
    assert rb"\Flagged" in line and b"RFC822.SIZE %d" % len(message) in line
    moment = imaplib.Internaldate2tuple(line)
    assert moment is not None and time.mktime(moment) == 1700000000
    client.logout()
    assert popped(server, user) == [message]


def test_mail_submitted_by_kim_is_read_by_lee(server: Server) -> None:
    context = server.tls_context()
    client = smtplib.SMTP("localhost", server.ports["submission"], timeout=PATIENCE)
    client.starttls(context=context)
    client.login("kim@daum.net", PASSWORD)
    refused = client.sendmail("kim@daum.net", ["lee@naver.com"], messages.PLAIN)
    client.quit()
    assert refused == {}
    reader = imap(server, "lee@naver.com")
    stored = fetched(reader)
    reader.logout()
    assert stored.endswith(messages.PLAIN)
    added = stored[: -len(messages.PLAIN)]
    assert b"Return-Path: <kim@daum.net>" in added and b"Received: from " in added
    assert popped(server, "lee@naver.com") == [stored]


def test_another_server_may_not_relay_through_us(server: Server) -> None:
    client = smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE)
    client.ehlo("mx.example.org")
    assert client.mail("<someone@example.org>")[0] == 250
    code, text = client.rcpt("<victim@example.com>")
    assert code == 550 and b"5.7.1" in text
    code, text = client.rcpt("<nobody-here@naver.com>")
    assert code == 550 and b"5.1.1" in text
    client.quit()


def test_submission_wants_a_login_and_the_account_s_own_address(server: Server, user: str) -> None:
    client = smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=PATIENCE, context=loose())
    client.ehlo("laptop")
    assert client.mail(f"<{user}>")[0] == 530
    client.login(user, PASSWORD)
    code, text = client.mail("<lee@naver.com>")
    assert code in (550, 553) and b"5.7.1" in text
    client.quit()


def test_lmtp_answers_for_each_recipient(server: Server, user: str) -> None:
    client = smtplib.LMTP("127.0.0.1", server.ports["lmtp"], timeout=PATIENCE)
    refused = client.sendmail("kim@daum.net", [user, "nobody-here@naver.com"], messages.MIXED)
    client.quit()
    assert list(refused) == ["nobody-here@naver.com"]
    assert popped(server, user)[0].endswith(messages.MIXED)


def test_a_delivery_is_told_to_an_idle_session_at_once(server: Server, user: str) -> None:
    with socket.create_connection(("127.0.0.1", server.ports["imap"]), timeout=PATIENCE) as sock:
        lines = sock.makefile("rb")
        lines.readline()
        sock.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb SELECT INBOX\r\nc IDLE\r\n'.encode())
        while not lines.readline().startswith(b"+"):
            pass
        client = smtplib.LMTP("127.0.0.1", server.ports["lmtp"], timeout=PATIENCE)
        client.sendmail("kim@daum.net", [user], messages.PLAIN)
        assert lines.readline() == b"* 1 EXISTS\r\n"
        sock.sendall(b"DONE\r\n")
        while not (line := lines.readline()).startswith(b"c "):
            pass
        assert line.startswith(b"c OK")


def test_a_delivery_by_mailadm_in_another_process_is_told_to_an_idle_session(
    server: Server, user: str
) -> None:
    with socket.create_connection(("127.0.0.1", server.ports["imap"]), timeout=PATIENCE) as sock:
        lines = sock.makefile("rb")
        lines.readline()
        sock.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb SELECT INBOX\r\nc IDLE\r\n'.encode())
        while not lines.readline().startswith(b"+"):
            pass
        server.mailadm("deliver", user, given=messages.MIXED)
        assert lines.readline() == b"* 1 EXISTS\r\n"
    assert popped(server, user)[0].endswith(messages.MIXED)


def test_a_file_dropped_into_new_by_another_program_is_told_to_an_idle_session(
    server: Server, user: str
) -> None:
    with socket.create_connection(("127.0.0.1", server.ports["imap"]), timeout=PATIENCE) as sock:
        lines = sock.makefile("rb")
        lines.readline()
        sock.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb SELECT INBOX\r\nc IDLE\r\n'.encode())
        while not lines.readline().startswith(b"+"):
            pass
        maildir = server.maildir(user)
        (maildir / "tmp" / "1700000000.1.other").write_bytes(messages.PLAIN.replace(b"\r\n", b"\n"))
        (maildir / "tmp" / "1700000000.1.other").rename(maildir / "new" / "1700000000.1.other")
        assert lines.readline() == b"* 1 EXISTS\r\n"
    assert popped(server, user) == [messages.PLAIN]


def test_two_sessions_see_each_other(server: Server, user: str) -> None:
    one, other = imap(server, user), imap(server, user)
    for message in messages.ALL:
        one.append("INBOX", "", "", message)
    assert other.noop()[0] == "OK"
    assert other.untagged_responses["EXISTS"][-1] == b"4"
    one.store("1,3", "+FLAGS", r"(\Deleted)")
    one.expunge()
    other.untagged_responses.clear()
    other.noop()
    assert other.untagged_responses["EXPUNGE"] == [b"1", b"2"]
    one.logout()
    other.logout()


def test_the_index_may_be_deleted_while_the_server_runs(server: Server, user: str) -> None:
    client = imap(server, user)
    for number in range(5):
        client.append("INBOX", r"(\Seen work)" if number % 2 else "", "", messages.numbered(number))
    client.noop()
    before = picture(client)
    validity = client.response("UIDVALIDITY")
    client.logout()
    for name in server.index(user).iterdir():
        if name.is_file():
            name.unlink()

    client = imap(server, user)
    assert picture(client) == before
    assert client.response("UIDVALIDITY") == validity
    client.logout()


def test_pop3_refuses_a_second_session_and_deletes_at_quit_only(server: Server, user: str) -> None:
    client = imap(server, user)
    for number in range(3):
        client.append("INBOX", "", "", messages.numbered(number))
    first = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
    first.user(user)
    first.pass_(PASSWORD)
    second = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
    second.user(user)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        second.pass_(PASSWORD)
    second.close()
    listed = first.uidl()[1]
    first.dele(2)
    assert client.select("INBOX")[1] == [b"3"]
    first.quit()
    assert client.select("INBOX")[1] == [b"2"]
    third = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
    third.user(user)
    third.pass_(PASSWORD)
    assert [line.split()[1] for line in third.uidl()[1]] == [listed[0].split()[1], listed[2].split()[1]]
    third.dele(1)
    third.close()  # without QUIT nothing is deleted
    eventually(lambda: _can_log_in(server, user), "the lock is released when the connection drops")
    assert client.select("INBOX")[1] == [b"2"]
    client.logout()


def _can_log_in(server: Server, user: str) -> bool:
    client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
    client.user(user)
    try:
        client.pass_(PASSWORD)
    except poplib.error_proto:
        return False
    finally:
        client.close()
    return True


def test_a_wrong_password_is_refused_and_logged_for_fail2ban(server: Server, user: str) -> None:
    client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
    start, attempt = len(server.log), "tip of the iceberg"
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(user, attempt)
    client.logout()
    line = server.await_log("auth failed", start)
    assert f"user=<{user}>" in line and "rip=127.0.0.1" in line and attempt not in line


def test_the_loop_stays_free_while_a_large_message_goes_in_and_out(server: Server, user: str) -> None:
    large = messages.numbered(1, size=30 * 2**20)
    client = imap(server, user)
    client.append("INBOX", "", "", large)
    client.noop()
    slow = socket.create_connection(("127.0.0.1", server.ports["imap"]), timeout=PATIENCE)
    slow.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n'.encode())
    # The slow reader reads nothing; everybody else is served all the same.
    assert client.noop()[0] == "OK"
    assert fetched(client) == large
    slow.close()
    client.logout()
