"""Full text: what is indexed, how it is filled, and that a job stays bounded."""

import sqlite3

import pytest

from mailaccess.message import structure
from mailaccess.message.text import fold, search_text
from mailaccess.store.index import cache, fulltext
from tests.unit.store_search.memory import connect


@pytest.fixture
def connection() -> sqlite3.Connection:
    return connect()


def wire(body: str, subject: str = "s") -> bytes:
    return (f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n").encode()


MULTIPART = (
    b"Subject: =?utf-8?Q?caf=C3=A9?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n"
    b"Content-Type: text/plain; charset=euc-kr\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nyLjAxw==\r\n--b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: INNER\r\n\r\nforwarded\r\n--b\r\n"
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\nepilogue\r\n"
)


def test_the_kept_texts_are_the_folded_texts_of_the_message() -> None:
    header, body = fulltext.extract(MULTIPART)
    whole = search_text(MULTIPART, structure.parse(MULTIPART))
    assert header.decode() == fold(whole.headers)
    assert body.decode() == fold(whole.body)
    assert "café" in header.decode() and "subject: inner" in header.decode()
    assert "회의" in body.decode() and "forwarded" in body.decode()


def test_a_long_text_folds_as_a_whole() -> None:
    text = ("Straße Ёлка 회의 é\r\n" * 9000) + "Ende"
    assert fulltext.extract(wire(text))[1].decode() == fold(text + "\r\n")


def test_a_text_past_the_bound_is_searched_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulltext, "MAX_OCTETS", 100)
    body = fulltext.extract(wire("needle" + "x" * 200 + "lost"))[1]
    assert len(body) == 100 and body.startswith(b"needle")
    monkeypatch.setattr(fulltext, "MAX_TEXT", 50)
    assert len(fulltext.extract(wire("\ufdfa" * 20))[1]) == 50


def pending(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM fulltext_pending").fetchone()[0])


def test_pending_contents_are_indexed_oldest_first_and_their_facts_with_them(
    connection: sqlite3.Connection,
) -> None:
    wires = {number: wire(f"text {number}") for number in range(1, 6)}
    fulltext.enqueue(connection, [3, 1, 2, 5, 4])
    fulltext.index_pending(connection, wires.get, 2, 60)
    assert pending(connection) == 3
    assert {row[0] for row in connection.execute("SELECT content FROM fulltext")} == {1, 2}
    del wires[4]
    while fulltext.index_pending(connection, wires.get, 2):
        pass
    assert {row[0] for row in connection.execute("SELECT content FROM fulltext")} == {1, 2, 3, 5}
    assert cache.kept(connection, [1, 2, 3, 4, 5]) == {1, 2, 3, 5}
    assert fulltext.index_pending(connection, wires.get, seconds=60) == 0


def test_indexing_stops_after_so_many_octets(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext, "READ_OCTETS", 150)
    wires = {number: wire("x" * 50) for number in range(1, 6)}
    fulltext.enqueue(connection, list(wires))
    fulltext.index_pending(connection, wires.get, seconds=60)
    assert pending(connection) == 3


def test_a_search_indexes_what_is_not_indexed_yet_a_bounded_number_at_a_time(
    connection: sqlite3.Connection,
) -> None:
    wires = {number: wire(f"needle {number}") for number in range(1, 101)}
    job = fulltext.matcher("NEEDLE 9", whole=False)
    left, found, jobs = list(wires), set[int](), 0
    while left:
        answer = job(connection, left, wires.get)
        assert len(answer.left) < len(left) and not answer.contents & set(answer.left)
        found |= answer.contents
        left, jobs = sorted(answer.left), jobs + 1
    assert found == {9, *range(90, 100)} and jobs == -(-100 // fulltext.READ_AT_ONCE)
    wires.clear()  # from here on only what is kept can answer
    assert set(job(connection, list(range(1, 101)), wires.get).contents) == found


def test_a_job_over_large_texts_leaves_the_rest_to_the_next(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext, "SCANNED_AT_ONCE", 10)
    wires = {number: wire("needle") for number in range(1, 4)}
    fulltext.enqueue(connection, list(wires))
    fulltext.index_pending(connection, wires.get)
    answer = fulltext.matcher("needle", whole=True)(connection, [1, 2, 3], wires.get)
    assert (set(answer.contents), list(answer.left)) == ({1}, [2, 3])


def test_a_damaged_row_is_read_again(connection: sqlite3.Connection) -> None:
    wires = {number: wire("needle") for number in range(1, 4)}
    fulltext.enqueue(connection, list(wires))
    fulltext.index_pending(connection, wires.get)
    connection.execute("UPDATE fulltext SET body = CAST('damaged' AS BLOB) WHERE content = 2")
    answer = fulltext.matcher("needle", whole=False)(connection, [1, 2, 3], wires.get)
    assert (set(answer.contents), list(answer.left)) == ({1, 2, 3}, [])


def test_the_index_is_smaller_than_half_of_ordinary_text(connection: sqlite3.Connection) -> None:
    body = "".join(
        f"Line {n}: the quick brown fox, jumps over {n * 7919 % 1000} lazy dogs.\r\n" for n in range(100)
    )
    wires = {number: wire(body) for number in range(1, 51)}
    fulltext.enqueue(connection, list(wires))
    while fulltext.index_pending(connection, wires.get):
        pass
    (kept,) = connection.execute("SELECT sum(length(header) + length(body)) FROM fulltext").fetchone()
    assert kept * 2 < sum(map(len, wires.values()))


def test_a_file_that_may_not_be_read_is_passed_over(connection: sqlite3.Connection) -> None:
    def read(content: int) -> bytes | None:
        if content == 2:
            raise PermissionError
        return wire("needle")

    fulltext.enqueue(connection, [1, 2, 3])
    answer = fulltext.matcher("needle", whole=False)(connection, [1, 2, 3], read)
    assert (set(answer.contents), list(answer.left)) == ({1, 3}, [])
    fulltext.index_pending(connection, read, seconds=60)
    assert pending(connection) == 0


def test_indexing_that_the_disk_refuses_is_told_and_tried_again(connection: sqlite3.Connection) -> None:
    fulltext.enqueue(connection, [1])
    connection.execute("PRAGMA query_only = on")
    with pytest.raises(sqlite3.OperationalError):
        fulltext.index_pending(connection, {1: wire("needle")}.get)
    connection.execute("PRAGMA query_only = off")
    fulltext.index_pending(connection, {1: wire("needle")}.get)
    assert pending(connection) == 0
    assert connection.execute("SELECT count(*) FROM fulltext").fetchone() == (1,)
