"""Mailbox names as folders of a Maildir++."""

import pytest

from mailaccess.model import names
from mailaccess.model.errors import BadMailboxName
from mailaccess.store.maildir import folders


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("INBOX", b""),
        ("Sent", b".Sent"),
        ("a/b/c", b".a.b.c"),
        ("INBOX/below", b".INBOX.below"),
        ("Entwürfe", b".Entw&APw-rfe"),
        ("대만", b".&swC5zA-"),
        ("Q&A", b".Q&-A"),
        ("v1.2", b".v1\\2e2"),
        ("~root", b".\\7eroot"),
        ("a\\2eb", b".a\\5c2eb"),
        ("back\\slash", b".back\\slash"),
        ("a b*%\"'", b".a b*%\"'"),
        ("...x", b".\\2e\\2e\\2ex"),
    ],
)
def test_a_name_becomes_a_folder_and_back(name, folder):
    assert folders.folder(name) == folder
    assert folders.name(folder) == name


@pytest.mark.parametrize(
    "folder",
    [
        b".\xffraw",
        b".Entw\xc3\xbcrfe",
        b".a..b",
        b".&broken",
        b".&AGE-",  # a letter in base64: not the encoding that we would write
        b".INBOX",
        b".nl\nin",
        b".inbox",
    ],
)
def test_a_folder_of_another_form_has_a_possible_name_of_its_own(folder):
    name = folders.name(folder)
    assert names.problem(name) is None
    assert name != "INBOX"
    assert name == names.canonical(name)


def test_two_strange_folders_never_share_a_name():
    strange = [b".a\xff", b".a\\ff", b".a&AP8-", b".a..b", b".a.b", b".inbox", b".INBOX", b".a\\2e\\2eb"]
    assert len({folders.name(folder) for folder in strange}) == len(strange)


def test_a_name_too_long_for_the_file_system_is_refused():
    with pytest.raises(BadMailboxName):
        folders.folder("x" * 250)
    with pytest.raises(BadMailboxName):
        folders.folder("받" * 100)
