"""Fixtures of the IMAP dialogues."""

import pytest

from tests.session.imap.house import InMemoryHouse


@pytest.fixture
def imap(tmp_path):
    return InMemoryHouse(tmp_path)


@pytest.fixture
def imap_with(tmp_path):
    return lambda **settings: InMemoryHouse(tmp_path, **settings)
