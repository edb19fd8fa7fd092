"""Sessions of an account meet in one worker, wherever they came in; what cannot move, or nobody takes, is served."""

import imaplib
import os
import poplib
import re
import signal
import socket
import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.workers.company import only, worker_pids

USERS = [f"user{number}@naver.com" for number in range(6)]
MORE = """
[limits]
connections_per_user = 4

[process]
workers = 2
handover = true
threads = 2
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("handover"), more=MORE)
    (server.folder / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in USERS))
    server.start()
    yield server
    server.stop()


def greeted(server: Server, number: int, service: str = "imap") -> socket.socket:
    """A connection that worker ``number`` has accepted; all workers serve again."""
    with only(server, number):
        client = socket.create_connection(("127.0.0.1", server.ports[service]), PATIENCE)
        assert client.recv(1000)
    return client


def until(client: socket.socket, text: bytes) -> bytes:
    """What comes, up to and with ``text``."""
    told = b""
    while text not in told:
        piece = client.recv(65536)
        assert piece, told
        told += piece
    return told


def log_in(server: Server, number: int, user: str) -> tuple[socket.socket, int]:
    """A connection that worker ``number`` accepted, and the worker that serves it after its login."""
    client = greeted(server, number)
    start = len(server.log)
    client.sendall(f'a LOGIN {user} "{PASSWORD}"\r\n'.encode())
    assert b"a OK [CAPABILITY " in until(client, b"\r\n")
    return client, worker_of(server.await_log("imap-login: ", start))


def worker_of(line: str) -> int:
    found = re.search(r"worker=(\d+)", line)
    assert found is not None, line
    return int(found[1])


def home(server: Server, user: str) -> int:
    client, worker = log_in(server, 1, user)
    client.close()
    return worker


def metric(server: Server, name: str) -> float:
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.ports['http']}/metrics").read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_all_sessions_of_an_account_are_served_by_the_same_worker(pair: Server) -> None:
    homes = set()
    for user in USERS:
        clients, workers = zip(*(log_in(pair, number, user) for number in (1, 2)), strict=True)
        assert workers[0] == workers[1]
        homes.add(workers[0])
        one, two = clients
        one.sendall(b"b SELECT INBOX\r\nc IDLE\r\n")
        until(one, b"+ ")
        two.sendall(b"b APPEND INBOX {%d+}\r\n%s\r\n" % (len(messages.PLAIN), messages.PLAIN))
        until(two, b"b OK")
        until(one, b"1 EXISTS")
        for client in clients:
            client.close()
    assert homes == {1, 2}


def test_what_was_sent_with_the_login_is_answered_in_order_and_once(pair: Server) -> None:
    user = USERS[0]
    other = 3 - home(pair, user)
    client = greeted(pair, other)
    client.sendall(
        b'a ID ("name" "test")\r\nb LANGUAGE ko\r\n'
        + f'c LOGIN {user} "{PASSWORD}"\r\nd SELECT INBOX\r\ne FETCH 1:* (UID FLAGS)\r\nf NO'.encode()
    )
    told = until(client, b"e OK")
    client.sendall(b"OP\r\ng LOGOUT\r\n")
    told += until(client, b"g OK")
    assert re.findall(rb"^([a-g]) OK", told, re.MULTILINE) == [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    assert "로그인" in told.decode()
    assert client.recv(1000) == b""


def test_a_challenge_and_a_literal_are_no_hindrance(pair: Server) -> None:
    user = USERS[1]
    other = 3 - home(pair, user)
    with only(pair, other):
        client = imaplib.IMAP4("127.0.0.1", pair.ports["imap"], timeout=PATIENCE)
    start = len(pair.log)
    client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
    assert worker_of(pair.await_log("imap-login: ", start)) == 3 - other
    assert client.append("INBOX", "", "", messages.MIXED)[0] == "OK"
    client.logout()


def test_pop3_goes_along_and_its_session_keeps_its_name(pair: Server) -> None:
    user = USERS[2]
    other = 3 - home(pair, user)
    client = greeted(pair, other, "pop3")
    start = len(pair.log)
    client.sendall(f"LANG ko\r\nUSER {user}\r\nPASS {PASSWORD}\r\nSTAT\r\nNOOP\r\n".encode())
    told = b"".join(line for _, line in zip(range(5), client.makefile("rb"), strict=False))
    assert told.count(b"+OK") == 5, told
    assert worker_of(pair.await_log("pop3-login: ", start)) == 3 - other
    client.sendall(b"QUIT\r\n")
    assert until(client, b"\r\n").startswith(b"+OK") and client.recv(10) == b""
    with only(pair, other):
        second = poplib.POP3("127.0.0.1", pair.ports["pop3"], timeout=PATIENCE)
    second.user(user)
    second.pass_(PASSWORD)
    second.quit()


def test_limits_and_figures_are_those_of_one_connection(pair: Server) -> None:
    user = USERS[3]
    accepted = metric(pair, 'mailaccess_connections_total{service="imap"}')
    open_before = metric(pair, 'mailaccess_connections_open{service="imap"}')
    present = [log_in(pair, number, user)[0] for number in (1, 2, 1, 2)]

    def counted() -> bool:
        return (
            metric(pair, 'mailaccess_connections_open{service="imap"}') == open_before + 4
            and metric(pair, "mailaccess_connections_unauthenticated") == 0
        )

    eventually(counted, "four connections are open")
    assert metric(pair, 'mailaccess_connections_total{service="imap"}') == accepted + 4
    for number in (1, 2):
        client = greeted(pair, number)
        client.sendall(f'a LOGIN {user} "{PASSWORD}"\r\nb LOGOUT\r\n'.encode())
        assert b"a NO [LIMIT]" in until(client, b"b OK")
        client.close()
    for client in present:
        client.close()
    eventually(
        lambda: metric(pair, 'mailaccess_connections_open{service="imap"}') == open_before, "all have gone"
    )


def test_over_tls_a_session_stays_where_it_came(pair: Server) -> None:
    user = USERS[4]
    for number in (1, 2):
        with only(pair, number):
            client = imaplib.IMAP4("127.0.0.1", pair.ports["imap"], timeout=PATIENCE)
            context = ssl.create_default_context(cafile=str(pair.certificate))
            context.check_hostname = False
            client.starttls(context)
        start = len(pair.log)
        client.login(user, PASSWORD)
        assert worker_of(pair.await_log("imap-login: ", start)) == number
        client.select("INBOX")
        client.logout()


def test_a_home_that_does_not_answer_is_done_without(pair: Server) -> None:
    user = USERS[5]
    worker = home(pair, user)
    with only(pair, 3 - worker):
        client, served = log_in_here(pair, user)
        assert served == 3 - worker
        client.sendall(b"b SELECT INBOX\r\n")
        until(client, b"b OK")
        again, served = log_in_here(pair, user)
        assert served == 3 - worker
        again.close()
    # Awake, it finds the offer, and that it is not meant any more: the connection has one server.
    client.sendall(b"c NOOP\r\n")
    assert until(client, b"c OK") == b"c OK NOOP completed\r\n"
    client.close()
    eventually(lambda: log_in_and_close(pair, 3 - worker, user) == worker, "it is trusted again")


def log_in_here(server: Server, user: str) -> tuple[socket.socket, int]:
    client = socket.create_connection(("127.0.0.1", server.ports["imap"]), PATIENCE)
    assert client.recv(1000)
    start = len(server.log)
    client.sendall(f'a LOGIN {user} "{PASSWORD}"\r\n'.encode())
    assert b"a OK" in until(client, b"\r\n")
    return client, worker_of(server.await_log("imap-login: ", start))


def log_in_and_close(server: Server, number: int, user: str) -> int:
    client, worker = log_in(server, number, user)
    client.close()
    return worker


def test_the_home_takes_its_sessions_with_it_and_others_are_served_meanwhile(pair: Server) -> None:
    user = USERS[0]
    worker = home(pair, user)
    moved, _ = log_in(pair, 3 - worker, user)
    own, _ = log_in(pair, worker, user)
    start = len(pair.log)
    os.kill(worker_pids(pair)[worker], signal.SIGKILL)
    for client in (moved, own):
        assert client.recv(1000) == b""
    pair.await_log("worker-ended", start)
    client, _ = log_in_here(pair, user)
    client.close()
    pair.await_log("worker-started", start)
    eventually(lambda: log_in_and_close(pair, 3 - worker, user) == worker, "the new one is its home again")


def test_no_descriptors_are_left_behind(pair: Server) -> None:
    def descriptors() -> list[int]:
        return [len(os.listdir(f"/proc/{worker_pids(pair)[number]}/fd")) for number in (1, 2)]

    for user in USERS:  # the accounts' indexes are open now
        log_in_and_close(pair, 1, user)
        log_in_and_close(pair, 2, user)
    before = descriptors()
    for user in USERS * 3:
        log_in_and_close(pair, 1, user)
        log_in_and_close(pair, 2, user)
    eventually(lambda: all(now <= was for now, was in zip(descriptors(), before, strict=True)), "as before")
