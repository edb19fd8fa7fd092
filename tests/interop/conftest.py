"""One server for all tests of this room; each test brings accounts of its own."""

import itertools
from collections.abc import Iterator

import pytest

from tests.interop.running import Server, running

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), "lee@naver.com", "kim@daum.net") as started:
        yield started


@pytest.fixture
def user(server: Server) -> str:
    """A new, empty account."""
    name = f"user{next(_numbers)}@naver.com"
    server.add_user(name)
    return name
