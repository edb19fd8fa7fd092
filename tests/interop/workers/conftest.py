"""A server with two workers for each file; the tests leave the accounts empty for each other."""

import imaplib
from collections.abc import Iterator

import pytest

from tests.interop.running import PASSWORD, PATIENCE, Server
from tests.interop.workers.company import MORE, OTHER, USER


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """None of its processes is left behind."""
    server = Server(tmp_path_factory.mktemp("pair"), more=MORE)
    server.add_user(USER)
    server.add_user(OTHER)
    server.start()
    yield server
    if server.process is not None:
        server.stop()


@pytest.fixture
def pair(started: Server) -> Iterator[Server]:
    yield started
    if started.process is not None:
        with imaplib.IMAP4("127.0.0.1", started.ports["imap"], timeout=PATIENCE) as client:
            client.login(USER, PASSWORD)
            client.select("INBOX")
            client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()
