"""The table of RFCs can't lie: what is cited is listed, what is listed is cited, what is offered is built."""

import re

import pytest

from mailaccess.imap import dispatch
from mailaccess.proto.imap.capabilities import TABLE
from mailaccess.proto.imap.commands import RULES
from tests.house.citations import (
    ROOT,
    STATUSES,
    TEXTS,
    cited,
    files_of_tests,
    headings,
    offered,
    sections,
    sources,
    support,
)
from tests.house.rfc_support import PAGE, page, shown_by


def rooms(number: int) -> set[str]:
    parts = [name.split("/")[1:] for name in cited("package").get(number, ())]
    return {"/".join(each[:2]) if each[0] == "proto" else each[0].removesuffix(".py") for each in parts}


def test_every_rfc_cited_stands_in_the_support_table():
    missing = {number: files[0] for number, files in cited("package").items() if number not in support()}
    assert missing == {}


def test_the_support_table_is_whole():
    assert {entry.status for entry in support().values()} == set(STATUSES)
    assert list(support()) == sorted(support())


@pytest.mark.parametrize("number", support())
def test_what_the_support_table_lists_is_cited_in_the_rooms_it_names(number):
    assert set(support()[number].where) <= rooms(number)


def test_every_capability_stands_in_the_support_table_as_more_than_a_reference():
    wrong = {
        name: rfc
        for name, rfc in offered().items()
        if rfc not in support() or support()[rfc].status == "reference"
    }
    assert wrong == {}


def test_what_is_served_in_part_says_what_is_missing():
    silent = [entry.number for entry in support().values() if entry.status == "part" and not entry.deviations]
    assert silent == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_capability_is_built_and_shown(row):
    import mailaccess.imap.connection  # noqa: F401  # fills the table of commands

    for command in row.commands:
        assert command.encode() in RULES, "no rule reads it"
        assert command in dispatch.TABLE, "no handler carries it out"
    assert rooms(row.rfc) & {"imap", "proto/imap", "store"}, "no code cites the RFC"
    dialogues = [name for name in shown_by(row.rfc) if name.startswith("tests/session/imap/")]
    assert dialogues, "no dialogue cites the RFC or uses its commands"


def test_no_command_belongs_to_nothing():
    """What is read is carried out, and the other way round."""
    import mailaccess.imap.connection  # noqa: F401

    assert {name.decode() for name in RULES} == set(dispatch.TABLE)


@pytest.mark.skipif(not TEXTS.is_dir(), reason=f"the texts of the RFCs are not at hand, no {TEXTS}")
def test_every_section_cited_exists():
    wrong = {
        (path.relative_to(ROOT).as_posix(), f"RFC {number} §{section}")
        for path in [*sources(), *files_of_tests()]
        for number, section in sections(path)
        if headings(number) and section not in headings(number)
    }
    assert wrong == set()


def test_the_page_names_every_rfc_once():
    assert re.findall(r"^## RFC (\d+)$", page(), re.MULTILINE) == [
        str(entry.number) for entry in support().values() if entry.status != "reference"
    ]


def test_the_page_is_fresh():
    assert PAGE.read_text("utf-8") == page(), "run ./scripts/rfc-support and commit docs/rfc-support.md"
