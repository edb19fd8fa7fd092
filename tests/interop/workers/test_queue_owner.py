"""The queue of outgoing mail has one owner among the workers, whoever dies."""

import json
import os
import signal
import smtplib
import socket
import threading
from pathlib import Path

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server, eventually
from tests.interop.workers.company import MORE, USER, only, worker_pids


def test_the_queue_has_an_owner_whoever_dies(tmp_path: Path) -> None:
    """A message is submitted where the queue is not; then its owner dies, and another submitted to the other."""
    arrived: list[bytes] = []
    sink = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=receive, args=(sink, arrived), daemon=True).start()
    relay = f'\n[relay]\nsmarthost = "127.0.0.1:{sink.getsockname()[1]}"\n'
    server = Server(tmp_path, more=MORE + relay)
    server.add_user(USER)
    server.start()
    try:
        submit(server, 2, 1)
        eventually(lambda: len(arrived) == 1, "the owner sends it")
        start = len(server.log)
        os.kill(worker_pids(server)[1], signal.SIGKILL)
        server.await_log("queue-owned", start)
        server.await_log("worker-started", start)
        for number in (1, 2):
            submit(server, number, number + 1)
        eventually(lambda: len(arrived) == 3, "the new owner sends them")
        assert json.loads(server.mailadm("--json", "queue", "list").stdout) in ([], {"messages": []})
    finally:
        server.stop()
        sink.close()


def submit(server: Server, worker: int, number: int) -> None:
    with only(server, worker):
        client = smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=PATIENCE)
        client.login(USER, PASSWORD)
    client.sendmail(USER, ["someone@hanmail.net"], messages.numbered(number))
    client.quit()


def receive(sink: socket.socket, arrived: list[bytes]) -> None:
    """A server that takes every message."""
    while True:
        try:
            connection = sink.accept()[0]
        except OSError:
            return
        with connection, connection.makefile("rwb") as file:
            file.write(b"220 sink\r\n")
            file.flush()
            while line := file.readline():
                if line.upper().startswith(b"DATA"):
                    file.write(b"354 go on\r\n")
                    file.flush()
                    lines = iter(file.readline, b".\r\n")
                    arrived.append(b"".join(lines))
                file.write(b"250 ok\r\n")
                file.flush()
