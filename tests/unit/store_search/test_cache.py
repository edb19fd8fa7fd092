"""What is kept of a content: computed once, answered from rows, made anew where one is missing or damaged."""

import sqlite3

import pytest

from mailaccess.message import structure
from mailaccess.store.api import Fact
from mailaccess.store.index import cache, fieldsets, fulltext, objectids
from tests.unit.store_search.memory import connect

WIRE = (
    b"From: Kim Minjun <kim@daum.net>\r\nTo: lee@naver.com\r\nSubject: =?utf-8?B?7ZqM7J2Y?=\r\n"
    b"Date: Mon, 4 Mar 2019 10:00:00 +0900\r\nX-Long: a\r\n b\r\n\r\nThe body.\r\n"
)
ALL_FACTS = tuple(fact for fact in Fact if fact not in objectids.KINDS and fact is not Fact.SAVE_DATE)


class Files:
    def __init__(self, *wires: bytes) -> None:
        self.wires = dict(enumerate(wires, 1))
        self.reads = 0

    def read(self, content: int) -> bytes | None:
        self.reads += 1
        return self.wires.get(content)


@pytest.fixture
def connection() -> sqlite3.Connection:
    return connect()


def test_facts_stored_at_delivery_are_answered_without_reading_the_file(
    connection: sqlite3.Connection,
) -> None:
    files = Files()
    cache.store(connection, [(1, cache.compute(WIRE))])
    (row,) = cache.facts(connection, [1], ALL_FACTS, files.read)
    assert row is not None
    envelope, bodystructure, body, dumped, header, preview = row
    assert envelope.startswith(
        b'("Mon, 4 Mar 2019 10:00:00 +0900" "=?utf-8?B?7ZqM7J2Y?=" (("Kim Minjun" NIL "kim"'
    )
    assert bodystructure.startswith(b'("text" "plain"') and body.startswith(b'("text" "plain"')
    assert structure.load(dumped) == structure.parse(WIRE)
    assert header == WIRE[: -len(b"The body.\r\n")]
    assert preview == b"The body."
    assert files.reads == 0


def test_an_adopted_file_is_computed_on_first_demand_and_kept(connection: sqlite3.Connection) -> None:
    files = Files(WIRE, WIRE)
    first = cache.facts(connection, [2, 1], (Fact.HEADER, Fact.PREVIEW), files.read)
    assert files.reads == 2
    assert cache.facts(connection, [2, 1], (Fact.HEADER, Fact.PREVIEW), files.read) == first
    assert cache.facts(connection, [1], (Fact.ENVELOPE,), files.read)[0] is not None
    assert files.reads == 2
    assert not connection.in_transaction


def test_a_file_that_is_gone_is_none_among_others(connection: sqlite3.Connection) -> None:
    files = Files(WIRE)
    rows = cache.facts(connection, [1, 7, 1], (Fact.PREVIEW,), files.read)
    assert rows == [(b"The body.",), None, (b"The body.",)]


def test_rows_of_another_version_are_computed_anew(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "VERSION", cache.VERSION - 1)
    cache.store(connection, [(1, cache.compute(b"Subject: old\r\n\r\n"))])
    monkeypatch.undo()
    (row,) = cache.facts(connection, [1], (Fact.ENVELOPE, Fact.HEADER), Files(WIRE).read)
    assert row is not None and b"7ZqM7J2Y" in row[0] and row[1].startswith(b"From: Kim")


def test_a_value_too_large_to_keep_is_answered_every_time(connection: sqlite3.Connection) -> None:
    wire = b"X-Huge: " + b"x" * (cache.MAX_KEPT_HEADER + 10) + b"\r\n\r\nbody"
    files = Files(wire)
    for _ in range(2):
        (row,) = cache.facts(connection, [1], (Fact.HEADER, Fact.PREVIEW), files.read)
        assert row == (wire[:-4], b"body")
    assert files.reads == 2
    files.wires.clear()
    assert cache.facts(connection, [1], (Fact.HEADER,), files.read) == [None]


def test_a_damaged_index_is_not_hidden_from_who_repairs_it(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE cache_header")
    with pytest.raises(sqlite3.DatabaseError):
        cache.facts(connection, [1], (Fact.PREVIEW,), Files(WIRE).read)
    assert not connection.in_transaction


def test_forgetting_leaves_nothing_of_a_content_and_everything_of_others(
    connection: sqlite3.Connection,
) -> None:
    files = Files(*[WIRE] * 40)
    everyone = list(files.wires)
    fulltext.enqueue(connection, everyone)
    fieldsets.header_fields(connection, everyone, [b"SUBJECT"], False, files.read)
    while fulltext.index_pending(connection, files.read):
        pass
    fulltext.enqueue(connection, everyone)
    connection.execute("BEGIN IMMEDIATE")
    cache.forget(connection, [3, 4, 9])
    connection.execute("COMMIT")
    for table in ("cache", "cache_header", "search_keys", "fulltext", "fulltext_pending", "field_octets"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (37,), table


def test_header_fields_come_in_the_order_of_the_message(connection: sqlite3.Connection) -> None:
    files = Files(WIRE, b"\r\nno header")
    chosen = fieldsets.header_fields(connection, [1, 2, 9], [b"X-LONG", b"FROM", b"NONE"], False, files.read)
    assert chosen == [b"From: Kim Minjun <kim@daum.net>\r\nX-Long: a\r\n b\r\n\r\n", b"\r\n", None]
    without = fieldsets.header_fields(
        connection, [1], [b"TO", b"DATE", b"X-LONG", b"SUBJECT"], True, files.read
    )
    assert without == [b"From: Kim Minjun <kim@daum.net>\r\n\r\n"]


def test_a_set_asked_for_in_bulk_is_answered_from_rendered_octets(connection: sqlite3.Connection) -> None:
    files = Files(*[WIRE] * 30)
    everyone = list(files.wires)
    first = fieldsets.header_fields(connection, everyone, [b"TO", b"FROM"], False, files.read)
    # What is kept is told apart from what is computed by changing it behind the cache's back.
    connection.execute("UPDATE field_octets SET octets = CAST('kept' AS BLOB)")
    assert (
        fieldsets.header_fields(connection, [5, 2], [b"FROM", b"TO", b"TO"], False, files.read)
        == [b"kept"] * 2
    )
    assert fieldsets.header_fields(connection, [5], [b"FROM", b"TO"], True, files.read) != [b"kept"]
    assert fieldsets.header_fields(connection, [5], [b"FROM TO"], False, files.read) == [b"\r\n"]
    assert first == [b"From: Kim Minjun <kim@daum.net>\r\nTo: lee@naver.com\r\n\r\n"] * 30


def test_a_set_asked_for_one_message_is_not_kept(connection: sqlite3.Connection) -> None:
    fieldsets.header_fields(connection, [1], [b"TO"], False, Files(WIRE).read)
    assert connection.execute("SELECT count(*) FROM field_sets").fetchone() == (0,)


def test_the_least_lately_used_set_makes_room(connection: sqlite3.Connection) -> None:
    files = Files(*[WIRE] * fieldsets.BULK)
    everyone = list(files.wires)
    names = [b"X-%d" % number for number in range(fieldsets.MAX_SETS + 1)]
    for name in [*names[:-1], names[0], names[-1]]:
        fieldsets.header_fields(connection, everyone, [name], False, files.read)
    labels = b" ".join(row[0] for row in connection.execute("SELECT names FROM field_sets"))
    assert names[0] in labels and names[-1] in labels and names[1] not in labels
    (octets,) = connection.execute("SELECT count(*) FROM field_octets").fetchone()
    assert octets == fieldsets.MAX_SETS * fieldsets.BULK


def test_a_list_of_thousands_of_names_is_answered_and_not_kept(connection: sqlite3.Connection) -> None:
    files = Files(*[WIRE] * fieldsets.BULK)
    names = [b"X-%d" % number for number in range(3000)] + [b"TO"]
    chosen = fieldsets.header_fields(connection, list(files.wires), names, False, files.read)
    assert chosen == [b"To: lee@naver.com\r\n\r\n"] * fieldsets.BULK
    assert connection.execute("SELECT count(*) FROM field_sets").fetchone() == (0,)


def test_what_cannot_be_kept_is_still_answered(tmp_path) -> None:
    path = tmp_path / "index"
    connect(path).close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    files = Files(*[WIRE] * 20)
    rows = cache.facts(connection, [1, 2], (Fact.PREVIEW,), files.read)
    assert rows == [(b"The body.",)] * 2
    chosen = fieldsets.header_fields(connection, list(files.wires), [b"TO"], False, files.read)
    assert chosen == [b"To: lee@naver.com\r\n\r\n"] * 20


def test_a_search_by_header_keeps_headers_alone_and_facts_come_with_them_later(
    connection: sqlite3.Connection,
) -> None:
    files = Files(WIRE, b"no blank line", b"\r\nbody", WIRE.replace(b"\r\n", b"\n"))
    read = list(cache.heads_missing(connection, [1, 2, 3, 4, 9], files.read))
    assert [(content, header) for content, header, _ in read] == [
        (content, cache.compute(wire).header) for content, wire in files.wires.items()
    ]
    assert [of.keys for _, _, of in read] == [cache.compute(wire).keys for wire in files.wires.values()]
    files.reads = 0
    assert cache.facts(connection, [1], (Fact.HEADER,), files.read) == [(read[0][1],)]
    assert files.reads == 0
    assert cache.facts(connection, [1], (Fact.PREVIEW, Fact.HEADER), files.read) == [
        (b"The body.", read[0][1])
    ]
    assert files.reads == 1
